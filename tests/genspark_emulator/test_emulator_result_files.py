"""Result files: real ones, told apart by the task they belong to."""

import zlib

import pytest

from genspark_emulator.result_files import MIB, PARTS, file_id, result_file, task_id_of
from genspark_emulator.tasks import Fate, Kind, Order, Task, new_task_id

MODELS: list[tuple[Kind, str]] = [
    ("video", "kling/v3"),
    ("image", "gpt-image-2"),
    ("image", "nano-banana-pro"),
    ("image", "fal-ai/flux-2-pro"),
]
FILES = [(kind, model, part) for kind, model in MODELS for part in PARTS[kind]]


def task_of(kind: Kind, model: str, file_mb: int = 0) -> Task:
    order = Order(kind, model, "a cat")
    return Task(new_task_id(), order, "anna", kind, 0.0, 0.0, Fate(), file_mb=file_mb)


def content_of(task: Task, part: str) -> bytes:
    return b"".join(result_file(task, part).body.blocks())


def boxes(content: bytes) -> list[tuple[bytes, int]]:
    """The top-level boxes of an MP4."""
    found, position = [], 0
    while position < len(content):
        size = int.from_bytes(content[position : position + 4], "big")
        assert size >= 8
        found.append((content[position + 4 : position + 8], size))
        position += size
    assert position == len(content)
    return found


def png_chunks(content: bytes) -> list[bytes]:
    """The chunk names of a PNG, checksums verified."""
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    found, position = [], 8
    while position < len(content):
        size = int.from_bytes(content[position : position + 4], "big")
        chunk = content[position + 4 : position + 8 + size]
        checksum = content[position + 8 + size : position + 12 + size]
        assert int.from_bytes(checksum, "big") == zlib.crc32(chunk)
        found.append(chunk[:4])
        position += 12 + size
    return found


@pytest.mark.parametrize(("kind", "model", "part"), FILES)
def test_every_file_names_its_task(kind: Kind, model: str, part: str) -> None:
    one, other = task_of(kind, model), task_of(kind, model)
    assert f"genspark-emulator {one.id} {part}".encode() in content_of(one, part)
    assert content_of(one, part) != content_of(other, part)
    assert task_id_of(file_id(one, part)) == one.id
    assert len(content_of(one, part)) < 60_000


def test_a_video_can_be_played_before_it_is_whole() -> None:
    names = [name for name, _ in boxes(content_of(task_of("video", "kling/v3"), "v"))]
    assert names.index(b"moov") < names.index(b"mdat")
    assert names[0] == b"ftyp"
    assert names[-1] == b"free"
    assert b"avc1" in content_of(task_of("video", "kling/v3"), "v")


def test_a_large_video_is_still_one() -> None:
    task = task_of("video", "kling/v3", file_mb=3)
    content = content_of(task, "v")
    assert len(content) == 3 * MIB
    assert boxes(content)[-1][0] == b"free"
    assert len(content_of(task, "p")) < 60_000
    assert result_file(task, "v", file_mb=2).body.length == 2 * MIB


def test_a_huge_file_is_not_made_before_it_is_sent() -> None:
    body = result_file(task_of("video", "kling/v3", file_mb=4000), "v").body
    assert body.length == 4000 * MIB
    assert len(body.head) < 60_000


def test_images_have_the_format_of_their_model() -> None:
    png = content_of(task_of("image", "gpt-image-2"), "n")
    jpeg = content_of(task_of("image", "nano-banana-pro"), "n")
    webp = content_of(task_of("image", "fal-ai/flux-2-pro"), "n")
    assert png_chunks(png)[-2:] == [b"tEXt", b"IEND"]
    assert jpeg[:4] == b"\xff\xd8\xff\xe0"
    assert jpeg.endswith(b"\xff\xd9")
    assert (webp[:4], webp[8:12]) == (b"RIFF", b"WEBP")
    assert int.from_bytes(webp[4:8], "little") == len(webp) - 8


def test_the_comment_of_a_jpeg_follows_its_header() -> None:
    jpeg = content_of(task_of("image", "nano-banana-pro"), "n")
    behind = 4 + int.from_bytes(jpeg[4:6], "big")
    assert jpeg[behind : behind + 2] == b"\xff\xfe"
    size = int.from_bytes(jpeg[behind + 2 : behind + 4], "big")
    assert jpeg[behind + 4 : behind + 2 + size].startswith(b"genspark-emulator ")
    assert jpeg[behind + 2 + size] == 0xFF
