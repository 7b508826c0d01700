"""Result files: real, small, and marked with the task they belong to.

The mark is put where every player and viewer skips it: a ``free`` box in an MP4, a ``tEXt`` chunk
in a PNG, a comment in a JPEG, an unknown chunk in a WebP.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from genspark_emulator.asset_files import asset
from genspark_emulator.byte_ranges import FileBody
from genspark_emulator.tasks import Task

WRAPPER = "/api/files/s/"
"""Where files are found by their id; such an address is called a wrapper (2026-09-22)."""

MIB = 1024 * 1024

VIDEO, POSTER, LAST_FRAME, MARKED, UNMARKED = "v", "p", "l", "i", "n"
"""Last letter of a file's id: which of a task's files it is. Images come with and without
watermark."""

PARTS = {"video": (VIDEO, POSTER, LAST_FRAME), "image": (MARKED, UNMARKED)}

SMALL_PARTS = frozenset({POSTER, LAST_FRAME})
"""Files that stay small when a result is made large."""

IMAGE_FORMATS = (("gpt-image", "png"), ("nano-banana", "jpg"))
"""Which models draw in which format is not documented; two families are set apart, and the
others draw WebP, so that all three occur."""

CONTENT_TYPES = {
    "mp4": "video/mp4",
    "png": "image/png",
    "jpg": "image/jpeg",
    "webp": "image/webp",
}


@dataclass(frozen=True, slots=True)
class ResultFile:
    """A file as it is served."""

    id: str
    name: str
    content_type: str
    body: FileBody


def file_id(task: Task, part: str) -> str:
    """The id under which a file of the task is served."""
    return task.id.replace("-", "") + part


def task_id_of(file: str) -> str:
    """The id of the task a file belongs to, if it is the id of a result file."""
    text = file[:-1]
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def result_file(task: Task, part: str, file_mb: int | None = None) -> ResultFile:
    """One of the task's files, made as large as the task or ``file_mb`` says."""
    name = _asset_name(task, part)
    extension = name.rpartition(".")[2]
    head = MARKERS[extension](_content(name), f"genspark-emulator {task.id} {part}".encode())
    size = MIB * (task.file_mb if file_mb is None else file_mb)
    if part in SMALL_PARTS or not size:
        size = len(head)
    elif extension == "mp4":
        head += _box_of_zeros(size - len(head))
    body = FileBody(head, 0, size)
    return ResultFile(file_id(task, part), name, CONTENT_TYPES[extension], body)


def _asset_name(task: Task, part: str) -> str:
    if task.order.kind == "video":
        return {VIDEO: "result.mp4", POSTER: "poster.jpg", LAST_FRAME: "last_frame.jpg"}[part]
    base = task.order.model.rpartition("/")[2]
    formats = (form for family, form in IMAGE_FORMATS if base.startswith(family))
    return f"result.{next(formats, 'webp')}"


@cache
def _content(name: str) -> bytes:
    return asset(name)


def _box_of_zeros(size: int) -> bytes:
    """The head of a box as long as the zeros behind it; viewers of images need no such thing."""
    return size.to_bytes(4, "big") + b"free"


def _mark_mp4(content: bytes, mark: bytes) -> bytes:
    return content + (8 + len(mark)).to_bytes(4, "big") + b"free" + mark


def _mark_png(content: bytes, mark: bytes) -> bytes:
    """Before the last chunk, which has no content and is twelve bytes long."""
    chunk = b"tEXt" + b"Comment\0" + mark
    length = (len(chunk) - 4).to_bytes(4, "big")
    checksum = zlib.crc32(chunk).to_bytes(4, "big")
    return content[:-12] + length + chunk + checksum + content[-12:]


def _mark_jpeg(content: bytes, mark: bytes) -> bytes:
    """Behind the first segment, which has to be the JFIF header."""
    behind = 4 + int.from_bytes(content[4:6], "big")
    comment = b"\xff\xfe" + (2 + len(mark)).to_bytes(2, "big") + mark
    return content[:behind] + comment + content[behind:]


def _mark_webp(content: bytes, mark: bytes) -> bytes:
    """At the end; chunks have an even length, and the container's size grows."""
    chunk = b"EMUL" + len(mark).to_bytes(4, "little") + mark + b"\0" * (len(mark) % 2)
    size = len(content) + len(chunk) - 8
    return content[:4] + size.to_bytes(4, "little") + content[8:] + chunk


MARKERS: dict[str, Callable[[bytes, bytes], bytes]] = {
    "mp4": _mark_mp4,
    "png": _mark_png,
    "jpg": _mark_jpeg,
    "webp": _mark_webp,
}
