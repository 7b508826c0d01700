"""What media bytes are, whatever their sender says; and media that travels as text.

Senders label files at will (openai-node says ``application/octet-stream`` for everything), so the
type is read from the first bytes: the signatures of the WHATWG MIME Sniffing standard, ISO 14496-12
brands, the EBML DocType.
"""

import binascii
import re
from collections.abc import Callable
from typing import Final
from urllib.parse import unquote_to_bytes

# The longest look: an MP4 names its compatible brands early, a WebM its DocType earlier.
HEAD: Final = 128

_SIGNATURES: Final = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
)
_RIFF: Final = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
_BRANDS: Final = (
    (re.compile(rb"avif|avis"), "image/avif"),
    (re.compile(rb"hei[cxms]|hev[cx]|mif1|msf1"), "image/heic"),
    (re.compile(rb"qt  "), "video/quicktime"),
    # Sound alone; its list of compatible brands would make a video of it.
    (re.compile(rb"M4[ABP] |F4[AB] "), None),
    (re.compile(rb"iso[2-9a-c m]|mp4[0-9]|M4V.|avc1|dash|cmfc|MSNV|f4v |F4V "), "video/mp4"),
)
_WEBM: Final = re.compile(rb"\x42\x82[^w]{1,8}webm")

_EXTENSIONS: Final = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/webp": ".webp",
    "image/gif": ".gif",
    "image/avif": ".avif",
    "image/heic": ".heic",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
    "application/pdf": ".pdf",
}
_MIMES: Final = {extension: mime for mime, extension in _EXTENSIONS.items()}


def sniff(data: bytes) -> str | None:
    """The MIME type that the first ``HEAD`` bytes show, or None for anything not in the table."""
    for signature, mime in _SIGNATURES:
        if data.startswith(signature):
            return mime
    if data.startswith(b"RIFF"):
        return _RIFF.get(data[8:12])
    if data[4:8] == b"ftyp":
        return _brand_type(data[:HEAD])
    if data.startswith(b"\x1a\x45\xdf\xa3"):
        # Matroska in general begins like WebM, and browsers do not play it.
        return "video/webm" if _WEBM.search(data[:HEAD]) else None
    return "audio/mpeg" if _is_mpeg_frame(data) else None


def _brand_type(data: bytes) -> str | None:
    """The first known brand decides; ``mif1`` says only "an image", what kind comes later."""
    end = min(int.from_bytes(data[:4]), len(data))
    brands = [data[8:12], *(data[at : at + 4] for at in range(16, end - 3, 4))]
    if brands[0] in (b"mif1", b"msf1"):
        return "image/avif" if {b"avif", b"avis"} & set(brands) else "image/heic"
    for brand in brands:
        for pattern, mime in _BRANDS:
            if pattern.fullmatch(brand):
                return mime
    return None


def _is_mpeg_frame(data: bytes) -> bool:
    """A bare MP3: eleven set bits, layer III, and neither bit rate nor sample rate reserved."""
    if len(data) < 3 or data[0] != 0xFF or data[1] & 0xE6 != 0xE2:
        return False
    return data[1] & 0x18 != 0x08 and data[2] & 0xF0 != 0xF0 and data[2] & 0x0C != 0x0C


def extension(mime: str) -> str:
    """The extension that players and browsers expect, ``.bin`` for a type not in the table."""
    return _EXTENSIONS.get(mime, ".bin")


def mime_of(extension: str) -> str:
    """The MIME type of a file that was named with ``extension``."""
    return _MIMES.get(extension, "application/octet-stream")


# The longest header read, and the most %XX read: undoing them takes a microsecond each.
_HEADER: Final = 1000
MOST_ESCAPES: Final = 200_000
_MIME: Final = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")
_STANDARD: Final = bytes.maketrans(b"-_", b"+/")
_WHITE: Final = b" \t\r\n\f"
_ESCAPED: Final = tuple(
    (escape, plain)
    for plain in (b"+", b"/", b"=", b"\r", b"\n", b" ")
    for escape in {b"%%%02x" % plain[0], b"%%%02X" % plain[0]}
)


def data_url(mime: str, data: bytes) -> str:
    """The bytes as a base64 data URL."""
    return f"data:{mime};base64,{binascii.b2a_base64(data, newline=False).decode()}"


def read_data_url(text: str, limit: int) -> tuple[str, bytes]:
    """MIME type as declared (lower case, no parameters) and content of a data URL (RFC 2397).

    Raises ``ValueError`` with a sentence for the caller when it is no data URL, its content cannot
    be read or has more than ``limit`` bytes.
    """
    comma = text.find(",", 0, _HEADER)
    if comma < 0 or text[:5].lower() != "data:":
        raise ValueError("The data URL is not valid.")
    declared, *parameters = (part.strip().lower() for part in text[5:comma].split(";"))
    mime = declared or "text/plain"
    if not _MIME.fullmatch(mime):
        raise ValueError("The data URL does not name a valid MIME type.")
    if parameters[-1:] == ["base64"]:
        return mime, read_base64(text[comma + 1 :], limit)
    return mime, _unescape(text[comma + 1 :], limit)


def _unescape(text: str, limit: int) -> bytes:
    if len(text) > 3 * limit:
        raise _too_large(limit)
    if text.count("%") > MOST_ESCAPES:
        raise ValueError("The data URL has too many percent signs; use base64.")
    try:
        data = unquote_to_bytes(text.encode())
    except UnicodeEncodeError:
        raise ValueError("The data URL is not valid.") from None
    if len(data) > limit:
        raise _too_large(limit)
    return data


def read_base64(text: str, limit: int) -> bytes:
    """The bytes of bare base64: standard or URL-safe, white space and missing padding allowed.

    Raises ``ValueError`` with a sentence for the caller when it is anything else or more than
    ``limit`` bytes.
    """
    try:
        data = text.encode("ascii")
    except UnicodeEncodeError:
        raise _not_base64() from None
    if b"%" in data:
        # Inside a data URL they may be escaped, as in any URL.
        for escape, plain in _ESCAPED:
            data = data.replace(escape, plain)
    padded = data.translate(_STANDARD, _WHITE)
    bare = padded.rstrip(b"=")
    if len(padded) - len(bare) > 2:
        raise _not_base64()
    if len(bare) * 3 // 4 > limit:
        raise _too_large(limit)
    try:
        return binascii.a2b_base64(bare + b"=" * (-len(bare) % 4), strict_mode=True)
    except binascii.Error:
        raise _not_base64() from None


def _not_base64() -> ValueError:
    return ValueError("The data is not valid base64.")


class DataTooLarge(ValueError):
    """More bytes than the reader may take."""


def _too_large(limit: int) -> DataTooLarge:
    return DataTooLarge(f"The data is larger than {megabytes(limit)}.")


def megabytes(size: int) -> str:
    """A limit as a caller reads it: ``20 MB``."""
    return f"{size / 1_000_000:.4g} MB"


# A camera's JPEG has some tens of segments before its frame header.
_MOST_SEGMENTS: Final = 500
# SOF0 to SOF15 without the tables DHT, JPG and DAC that share their numbers.
_FRAME_HEADERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_BARE_MARKERS: Final = frozenset({0x01, *range(0xD0, 0xD8)})
# End of image, start of scan: a frame header would have come before.
_TOO_LATE: Final = frozenset({0xD9, 0xDA})


def image_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels of a PNG, JPEG, GIF or WebP; None when they cannot be read."""
    reader = _SIZES.get(sniff(data) or "")
    size = reader(data) if reader is not None else None
    return size if size is not None and all(size) else None


def _png_size(data: bytes) -> tuple[int, int] | None:
    if data[12:16] != b"IHDR" or len(data) < 24:
        return None
    return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])


def _gif_size(data: bytes) -> tuple[int, int] | None:
    if len(data) < 10:
        return None
    return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")


def _webp_size(data: bytes) -> tuple[int, int] | None:
    """The three kinds of first chunk: lossy, lossless, extended (RFC 9649)."""
    if len(data) < 30 and not (data[12:16] == b"VP8L" and len(data) >= 25):
        return None
    match data[12:16]:
        case b"VP8 " if data[23:26] == b"\x9d\x01\x2a":
            sides = int.from_bytes(data[26:30], "little")
            return sides & 0x3FFF, sides >> 16 & 0x3FFF
        case b"VP8L" if data[20] == 0x2F:
            sides = int.from_bytes(data[21:25], "little")
            return (sides & 0x3FFF) + 1, (sides >> 14 & 0x3FFF) + 1
        case b"VP8X":
            width, height = data[24:27], data[27:30]
            return int.from_bytes(width, "little") + 1, int.from_bytes(height, "little") + 1
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """Walk from segment to segment to the frame header (ITU T.81, B.2)."""
    at = 2
    for _ in range(_MOST_SEGMENTS):
        if at + 9 > len(data) or data[at] != 0xFF or data[at + 1] in _TOO_LATE:
            return None
        marker = data[at + 1]
        if marker in _FRAME_HEADERS:
            return int.from_bytes(data[at + 7 : at + 9]), int.from_bytes(data[at + 5 : at + 7])
        if marker == 0xFF:
            at += 1
        elif marker in _BARE_MARKERS:
            at += 2
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return None


_SIZES: Final[dict[str, Callable[[bytes], tuple[int, int] | None]]] = {
    "image/png": _png_size,
    "image/gif": _gif_size,
    "image/webp": _webp_size,
    "image/jpeg": _jpeg_size,
}
