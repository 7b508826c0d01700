"""Media types by their bytes, sizes by their headers, and media as text.

The samples are beginnings of files that FFmpeg 5.1 wrote (30x20 pixels where they have a size); the
others are typed from the formats' specifications.
"""

import base64
import struct
from collections.abc import Callable
from urllib.parse import quote_from_bytes

import pytest
from fixtures.genspark.properties import QUICK
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.wire.media_types import (
    HEAD,
    MOST_ESCAPES,
    DataTooLarge,
    data_url,
    extension,
    image_size,
    megabytes,
    mime_of,
    read_base64,
    read_data_url,
    sniff,
)

LIMIT = 1000

# fmt: off
SAMPLES = {
    "png": (
        "iVBORw0KGgoAAAANSUhEUgAAAB4AAAAUCAIAAAAVyRqTAAAACXBIWXMAAAABAAAAAQBPJcTWAAAAIUlEQVR4nGP4"
        "y8BAI0Qrc0eNHjV61OhRo0eNHjWapkYDAKVGURcYpdkuAAAAAElFTkSuQmCC"
    ),
    "jpeg": (
        "/9j/4AAQSkZJRgABAgAAAQABAAD/2wBDAAgEBAQEBAUFBQUFBQYGBgYGBgYGBgYGBgYHBwcICAgHBwcGBgcHCAgI"
        "CAkJCQgICAgJCQoKCgwMCwsODg4RERT/xABNAAEBAAAAAAAAAAAAAAAAAAAABgEBAQEAAAAAAAAAAAAAAAAAAAYH"
        "EAEAAAAAAAAAAAAAAAAAAAAAEQEAAAAAAAAAAAAAAAAAAAAA/8AAEQgAFAAeAwEiAAIRAAMRAP/aAAwDAQACEQMR"
        "AD8AiwEo38AAAAAB/9k="
    ),
    "gif": "R0lGODlhHgAUAPcfMQAAACQAAEgAAGwAAJAAALQAANgAAPwAAAAkACQkAEgkAGwk",
    "webp lossy": (
        "UklGRkwAAABXRUJQVlA4IEAAAABQAwCdASoeABQAPpFCnEolo6KhqAgAsBIJZQDGqoAAQFEcAAD+7tPf/uOwN14t"
        "//ucD/ucD/ucD+NspCdnCgAA"
    ),
    "webp lossless": "UklGRhwAAABXRUJQVlA4TA8AAAAvHcAEAAcQ9Y/+ByKi/wEA",
    "webp moving": "UklGRioDAABXRUJQVlA4WAoAAAACAAAAHQAAEwAAQU5JTQYAAAD/////AQBBTk1G",
    "avif": "AAAAIGZ0eXBhdmlmAAAAAGF2aWZtaWYxbWlhZk1BMUIAAAD5bWV0YQAAAAAAAAAv",
    "mp4": "AAAAIGZ0eXBpc29tAAACAGlzb21pc28yYXZjMW1wNDEAAAAIZnJlZQAABPptZGF0",
    "mov": "AAAAFGZ0eXBxdCAgAAACAHF0ICAAAAAId2lkZQAABPptZGF0AAACrgYF//+q3EXp",
    "webm": "GkXfo59ChoEBQveBAULygQRC84EIQoKEd2VibUKHgQJChYECGFOAZwEAAAAAAAZV",
    "mp3 with tags": "SUQzBAAAAAAAI1RTU0UAAAAPAAADTGF2ZjU5LjI3LjEwMAAAAAAAAAAAAAAA//tA",
    "mp3 bare": "//tQxAAACixDLlWUgAGBFWYjOtAAB6rDjjOF02TxocEIHFgfXh8YHEYEHonlsy5a",
    "wav": "UklGRroiAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAATElTVBoAAABJTkZP",
    "matroska": "GkXfo6NChoEBQveBAULygQRC84EIQoKIbWF0cm9za2FCh4EEQoWBAhhTgGcBAAAA",
    "m4a": "AAAAHGZ0eXBNNEEgAAACAE00QSBpc29taXNvMgAAAAhmcmVlAAAEo21kYXTeAgBM",
    "aac": "//FQQCE//N4CAExhdmM1OS4zNy4xMDAAAmCsW6lQcialePXj9664ltVJapaVJMk7",
}
# fmt: on
FILES = {name: base64.b64decode(text) for name, text in SAMPLES.items()}


def _ftyp(*brands: bytes) -> bytes:
    """The first box of an ISO file: major brand, version, compatible brands."""
    box = b"ftyp" + brands[0] + bytes(4) + b"".join(brands[1:])
    return struct.pack(">I", len(box) + 4) + box + b"\x00\x00\x00\x08free"


@pytest.mark.parametrize(
    ("name", "mime"),
    [
        ("png", "image/png"), ("jpeg", "image/jpeg"), ("gif", "image/gif"),
        ("webp lossy", "image/webp"), ("webp lossless", "image/webp"),
        ("webp moving", "image/webp"), ("avif", "image/avif"), ("mp4", "video/mp4"),
        ("mov", "video/quicktime"), ("webm", "video/webm"), ("mp3 with tags", "audio/mpeg"),
        ("mp3 bare", "audio/mpeg"), ("wav", "audio/wav"),
        # Real files that are none of what we carry.
        ("matroska", None), ("m4a", None), ("aac", None),
    ],
)  # fmt: skip
def test_files_of_an_encoder_are_known(name: str, mime: str | None) -> None:
    assert sniff(FILES[name]) == mime


@pytest.mark.parametrize(
    ("data", "mime"),
    [
        (_ftyp(b"heic", b"mif1", b"heic"), "image/heic"),
        (_ftyp(b"mif1", b"mif1", b"heic"), "image/heic"),
        (_ftyp(b"mif1", b"mif1", b"avif", b"miaf"), "image/avif"),
        (_ftyp(b"msf1", b"avis"), "image/avif"),
        (_ftyp(b"mp42", b"mp42", b"isom"), "video/mp4"),
        (_ftyp(b"M4V ", b"mp42"), "video/mp4"),
        (_ftyp(b"XAVC", b"XAVC", b"mp42"), "video/mp4"),
        (_ftyp(b"isom", b"avc1", b"heic"), "video/mp4"),
        (_ftyp(b"M4A ", b"isom"), None),
        (_ftyp(b"crx ", b"crx "), None),
        (_ftyp(b"xxxx", *[b"yyyy"] * 40, b"mp42"), None),
        (b"\x00\x00\x00\x08ftyp", None),
        (b"GIF87a", "image/gif"), (b"GIF88a", None), (b"%PDF-1.7\n", "application/pdf"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", None), (b"RIFF", None), (b"\xff\xd8", None),
        (b"\xff\xf3\x40", "audio/mpeg"), (b"\xff\xea\x40", None), (b"\xff\xfb\xf0", None),
        (b"\xff\xfb\x0c", None), (b"\xff\xfe<\x00", None), (b"\xff\xfb", None), (b"", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None), (b"<!doctype html>", None),
        (b"\x1a\x45\xdf\xa3", None), (b'{"error":1}', None), (b"\x89PNG\r\n\x1a", None),
    ],
)  # fmt: skip
def test_signatures(data: bytes, mime: str | None) -> None:
    assert sniff(data) == mime


@QUICK
@given(st.sampled_from(list(FILES.values())) | st.just(b""), st.binary(max_size=300))
def test_any_bytes_have_a_type_or_none_and_only_the_head_counts(head: bytes, rest: bytes) -> None:
    mime = sniff(head + rest)
    assert mime == sniff((head + rest)[:HEAD])
    assert mime is None or extension(mime) != ".bin"


def test_extensions() -> None:
    assert extension("video/mp4") == ".mp4"
    assert extension("video/quicktime") == ".mov"
    assert extension("image/jpeg") == ".jpg"
    assert extension("audio/mpeg") == ".mp3"
    assert extension("application/x-unknown") == ".bin"
    assert extension("") == ".bin"


def test_an_extension_of_ours_names_its_type() -> None:
    for data in FILES.values():
        if mime := sniff(data):
            assert mime_of(extension(mime)) == mime
    assert mime_of(".bin") == mime_of(".MP4") == mime_of("") == "application/octet-stream"


@pytest.mark.parametrize(
    "name", ["png", "jpeg", "gif", "webp lossy", "webp lossless", "webp moving"]
)
def test_the_size_of_an_encoders_image(name: str) -> None:
    assert image_size(FILES[name]) == (30, 20)


@pytest.mark.parametrize("name", ["avif", "mp4", "webm", "mp3 bare", "wav"])
def test_what_has_no_readable_size_has_none(name: str) -> None:
    assert image_size(FILES[name]) is None


def _jpeg(*segments: bytes) -> bytes:
    return b"\xff\xd8" + b"".join(segments)


def _segment(marker: int, content: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(content) + 2) + content


FRAME = struct.pack(">BHHB", 8, 1080, 1920, 3) + bytes(9)


@pytest.mark.parametrize(
    "data",
    [
        _jpeg(_segment(0xC2, FRAME)),
        _jpeg(_segment(0xE1, b"Exif" + bytes(60_000)), _segment(0xC0, FRAME)),
        _jpeg(_segment(0xC4, b"\xff\xc0" * 20), _segment(0xC1, FRAME)),
        _jpeg(b"\xff" * 7 + _segment(0xC0, FRAME)),
        _jpeg(b"\xff\x01", b"\xff\xd0", _segment(0xC0, FRAME)),
        _jpeg(*[_segment(0xE2, bytes(100))] * 300, _segment(0xC0, FRAME)),
    ],
)
def test_the_frame_header_of_a_jpeg_is_found(data: bytes) -> None:
    assert image_size(data) == (1920, 1080)


@pytest.mark.parametrize(
    "data",
    [
        _jpeg(_segment(0xDA, bytes(10)), _segment(0xC0, FRAME)),
        _jpeg(b"\xff\xd9", _segment(0xC0, FRAME)),
        _jpeg(b"no marker", _segment(0xC0, FRAME)),
        _jpeg(_segment(0xC0, struct.pack(">BHHB", 8, 0, 1920, 3) + bytes(9))),
        # A flood of empty segments is not walked to its end.
        _jpeg(*[_segment(0xE0, b"")] * 600, _segment(0xC0, FRAME)),
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIDAT" + bytes(30),
        b"GIF89a\x00\x00\x14\x00",
        b"RIFF\x00\x00\x00\x00WEBPVP8 \x00\x00\x00\x00\x00\x00\x00\x00\x00\x00" + b"\x01" * 20,
    ],
)
def test_a_broken_image_has_no_size(data: bytes) -> None:
    assert image_size(data) is None


@QUICK
@given(st.data())
def test_damage_changes_a_size_at_most(data: st.DataObject) -> None:
    image = bytearray(data.draw(st.sampled_from(list(FILES.values()))))
    for place in data.draw(st.lists(st.integers(0, len(image) - 1), max_size=4)):
        image[place] = data.draw(st.integers(0, 255))
    size = image_size(bytes(image[: data.draw(st.integers(0, len(image)))]))
    assert size is None or (size[0] > 0 < size[1])


def _urlsafe(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


def _wrapped(data: bytes) -> str:
    return base64.encodebytes(data).decode().replace("\n", "\r\n")


SPELLINGS: list[Callable[[bytes], str]] = [
    lambda data: base64.b64encode(data).decode(),
    _urlsafe,
    lambda data: _urlsafe(data).rstrip("="),
    _wrapped,
    lambda data: f"  {_urlsafe(data)}\n",
    lambda data: quote_from_bytes(base64.b64encode(data), safe=""),
    lambda data: quote_from_bytes(_wrapped(data).encode(), safe="+/="),
    lambda data: base64.b64encode(data).decode().replace("+", "%2b").replace("/", "%2f"),
]


@QUICK
@given(st.binary(max_size=200), st.sampled_from(SPELLINGS))
@example(b"\xfb\xff\xfe", SPELLINGS[5])
def test_every_spelling_of_base64_is_read(data: bytes, spell: Callable[[bytes], str]) -> None:
    assert read_base64(spell(data), LIMIT) == data
    url = f"data:image/png;base64,{spell(data)}"
    assert read_data_url(url, LIMIT) == ("image/png", data)


@QUICK
@given(st.binary(max_size=200), st.sampled_from(["image/png", "video/mp4", "image/svg+xml"]))
def test_a_data_url_of_ours_is_read_back(data: bytes, mime: str) -> None:
    url = data_url(mime, data)
    assert url == f"data:{mime};base64,{base64.b64encode(data).decode()}"
    assert read_data_url(url, LIMIT) == (mime, data)


@QUICK
@given(st.binary(max_size=200), st.sampled_from(["", "/,;:@&=+$"]))
def test_a_data_url_without_base64_is_percent_encoded(data: bytes, safe: str) -> None:
    url = f"data:text/plain;charset=utf-8,{quote_from_bytes(data, safe=safe)}"
    assert read_data_url(url, LIMIT) == ("text/plain", data)


@pytest.mark.parametrize(
    ("url", "mime", "data"),
    [
        ("data:,hi%20there", "text/plain", b"hi there"),
        ("data:;base64,aGk=", "text/plain", b"hi"),
        ("DATA:Image/PNG;BASE64,aGk", "image/png", b"hi"),
        ("data:image/svg+xml;charset=utf-8;base64,aGk", "image/svg+xml", b"hi"),
        ("data:image/jpeg; name=a.jpg; base64,aGk", "image/jpeg", b"hi"),
        ("data:text/plain;base64;charset=utf-8,aGk", "text/plain", b"aGk"),
        ("data:text/plain,é+%zz", "text/plain", "é+%zz".encode()),
        ("data:image/png;base64,", "image/png", b""),
    ],
)
def test_data_urls(url: str, mime: str, data: bytes) -> None:
    assert read_data_url(url, LIMIT) == (mime, data)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "The data URL is not valid."),
        ("data:", "The data URL is not valid."),
        ("data:image/png;base64", "The data URL is not valid."),
        ("https://example.org/a,b", "The data URL is not valid."),
        ("data:text/plain,\ud800", "The data URL is not valid."),
        ("data:" + ";" * 5000 + ",x", "The data URL is not valid."),
        ("data:image;base64,aGk=", "The data URL does not name a valid MIME type."),
        ("data:imäge/png;base64,aGk=", "The data URL does not name a valid MIME type."),
        ("data:image/png;base64,a", "The data is not valid base64."),
        ("data:image/png;base64,aGk=aGk=", "The data is not valid base64."),
        ("data:image/png;base64,aGk===", "The data is not valid base64."),
        ("data:image/png;base64,aG%k", "The data is not valid base64."),
        ("data:image/png;base64,ä", "The data is not valid base64."),
        ("data:image/png;base64,<svg/>", "The data is not valid base64."),
        ("data:image/png;base64," + "A" * 1336, "The data is larger than 0.001 MB."),
        ("data:text/plain," + "%41" * 1001, "The data is larger than 0.001 MB."),
        ("data:text/plain," + "A" * 1001, "The data is larger than 0.001 MB."),
    ],
)
def test_what_is_wrong_with_a_data_url_is_said(url: str, sentence: str) -> None:
    with pytest.raises(ValueError, match="The data") as caught:
        read_data_url(url, LIMIT)
    assert str(caught.value) == sentence


def test_the_limit_is_exact() -> None:
    for size in (998, 999, 1000):
        data = bytes(size)
        assert read_base64(_urlsafe(data), LIMIT) == data
    for size in (1001, 1002, 1003):
        with pytest.raises(DataTooLarge, match="larger"):
            read_base64(_urlsafe(bytes(size)), LIMIT)
        with pytest.raises(DataTooLarge, match="larger"):
            read_data_url("data:," + "A" * size, LIMIT)


def test_a_flood_of_escapes_is_not_undone() -> None:
    with pytest.raises(ValueError, match="use base64"):
        read_data_url("data:text/plain," + "%41" * (MOST_ESCAPES + 1), 10**6)


def _length_or_complaint(read: Callable[[str, int], object], text: str, limit: int) -> int | str:
    try:
        found = read(text, limit)
    except ValueError as error:
        return f"{type(error).__name__}: {error}"
    data = found[1] if isinstance(found, tuple) else found
    assert isinstance(data, bytes)
    return len(data)


@QUICK
@given(
    st.sampled_from([read_base64, read_data_url]),
    st.sampled_from(["", "data:", "data:,", "data:image/png;base64,"]),
    st.text() | st.text("AZaz09+/-_= \n%;,"),
    st.integers(0, 100),
)
def test_nothing_but_a_sentence_is_ever_raised(
    read: Callable[[str, int], object], start: str, text: str, limit: int
) -> None:
    found = _length_or_complaint(read, start + text, limit)
    if isinstance(found, str):
        assert found.startswith(("ValueError: The data", "DataTooLarge: The data is larger than"))
    else:
        assert found <= limit


def test_limits_read_well() -> None:
    assert megabytes(20_000_000) == "20 MB"
    assert megabytes(500_000) == "0.5 MB"
