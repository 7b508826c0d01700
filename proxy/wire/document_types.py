"""What a file that a chat is about really is, by its bytes; and a safe name for it.

Names and declared types come from the caller, so they decide only where bytes cannot: between one
kind of text and another. Zip containers are told apart by their directory (APPNOTE 6.3.10, 4.3.12
and 4.3.16): OOXML by its folders, OpenDocument and EPUB by the entry ``mimetype``, which is first.
"""

import re
from pathlib import PurePosixPath
from typing import Final, NamedTuple

from proxy.wire.media_types import extension, sniff

LONGEST_NAME: Final = 120

# Enough of a file to tell text from anything compressed or compiled.
_LOOK: Final = 64 * 1024
# WHATWG MIME Sniffing, "binary data byte": escape (0x1B) is left to ISO-2022 texts.
_BINARY: Final = bytes({*range(0x09), 0x0B, *range(0x0E, 0x1B), *range(0x1C, 0x20)})
# Such a text is full of zeros, and honest about it.
_WIDE_MARKS: Final = (b"\xff\xfe", b"\xfe\xff")

_OOXML: Final = "application/vnd.openxmlformats-officedocument."
_OPEN: Final = "application/vnd.oasis.opendocument."
_FOLDERS: Final = {
    b"word": (f"{_OOXML}wordprocessingml.document", ".docx"),
    b"xl": (f"{_OOXML}spreadsheetml.sheet", ".xlsx"),
    b"ppt": (f"{_OOXML}presentationml.presentation", ".pptx"),
}
_NAMED: Final = {
    f"{_OPEN}text": ".odt",
    f"{_OPEN}spreadsheet": ".ods",
    f"{_OPEN}presentation": ".odp",
    "application/epub+zip": ".epub",
}
# OLE compound files do not say cheaply whose they are.
_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_OLE_TYPES: Final = {
    ".doc": "application/msword",
    ".xls": "application/vnd.ms-excel",
    ".ppt": "application/vnd.ms-powerpoint",
}
_PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif"})
_TEXTS: Final = {
    ".csv": "text/csv",
    ".css": "text/css",
    ".htm": "text/html",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".markdown": "text/markdown",
    ".md": "text/markdown",
    ".rtf": "application/rtf",
    ".svg": "image/svg+xml",
    ".tsv": "text/tab-separated-values",
    ".txt": "text/plain",
    ".xml": "application/xml",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}
# Text under one of these names would be taken for what it is not.
_NEVER_TEXT: Final = frozenset(
    [
        *(
            ".doc",
            ".docx",
            ".epub",
            ".odp",
            ".ods",
            ".odt",
            ".pdf",
            ".ppt",
            ".pptx",
            ".xls",
            ".xlsx",
        ),
        *(".avif", ".bmp", ".gif", ".heic", ".ico", ".jpeg", ".jpg", ".png", ".tiff", ".webp"),
        *(".aac", ".avi", ".flac", ".m4a", ".mkv", ".mov", ".mp3", ".mp4", ".ogg", ".wav", ".webm"),
        *(".exe", ".gz", ".rar", ".tar", ".zip"),
    ]
)
_SUFFIX: Final = re.compile(r"\.[a-z0-9_+-]{1,12}")


class Document(NamedTuple):
    """A file's true type, and the file name extension (with its dot) that goes with it."""

    mime: str
    extension: str


def document_type(data: bytes, name: str) -> Document | None:
    """What a chat's file is, or None for what no model reads: sound, video, archives, programs.

    ``name`` is the caller's.
    """
    suffix, mime = _suffix(name), sniff(data)
    if mime in _PICTURES or mime == "application/pdf":
        kept = mime == "image/jpeg" and suffix == ".jpeg"
        return Document(mime, suffix if kept else extension(mime))
    if data.startswith(b"PK\x03\x04"):
        return _container(data)
    if data.startswith(_OLE):
        return Document(_OLE_TYPES[suffix], suffix) if suffix in _OLE_TYPES else None
    # Sound and video have zeros; a text may begin with "ID3".
    return _text(suffix) if _is_text(data) else None


def _is_text(data: bytes) -> bool:
    """Whether it can be text of any encoding; nothing at all is none."""
    head = data[:_LOOK]
    if head.startswith(_WIDE_MARKS):
        return len(head) > 2
    return bool(head) and len(head.translate(None, _BINARY)) == len(head)


def _text(suffix: str) -> Document:
    """Source code of any language keeps its extension: that is how models know it."""
    if suffix in _TEXTS:
        return Document(_TEXTS[suffix], suffix)
    plain = not suffix or suffix in _NEVER_TEXT
    return Document("text/plain", ".txt" if plain else suffix)


# An end record with the longest comment; no office file has a directory beyond the other.
_LONGEST_END: Final = 22 + 0xFFFF
_LONGEST_DIRECTORY: Final = 1024 * 1024
# A directory entry's signature, 42 bytes of numbers, and the beginning of its name.
_FOLDER: Final = re.compile(rb"PK\x01\x02[\x00-\xff]{42}(word|xl|ppt)/")
_MIMETYPE: Final = re.compile(rb"[\x00-\xff]{30}mimetype([a-z0-9.+/-]{1,100})")


def _container(data: bytes) -> Document | None:
    if (stored := _MIMETYPE.match(data)) is not None:
        # Uncompressed, it ends where the next entry's "PK" begins.
        mime = stored[1].decode()
        return Document(mime, _NAMED[mime]) if mime in _NAMED else None
    directory = _directory(data)
    folder = _FOLDER.search(directory) if b"[Content_Types].xml" in directory else None
    return Document(*_FOLDERS[folder[1]]) if folder is not None else None


def _directory(data: bytes) -> bytes:
    """The central directory, cut to a size that is quickly searched; empty when there is none."""
    end = data.rfind(b"PK\x05\x06", -_LONGEST_END)
    if end < 0 or len(data) < end + 20:
        return b""
    size = int.from_bytes(data[end + 12 : end + 16], "little")
    start = int.from_bytes(data[end + 16 : end + 20], "little")
    return data[start : start + min(size, _LONGEST_DIRECTORY)]


def file_name(given: str, extension: str, otherwise: str) -> str:
    """A name without a path that ends as its type does.

    ``given`` is the caller's; ``otherwise`` is used, without extension, when nothing of it is left.
    """
    name = _base(given)
    stem = name[: -len(extension)] if name.lower().endswith(extension) else name
    kept = stem[: LONGEST_NAME - len(extension)].rstrip(" .")
    return (kept or otherwise) + extension


def _base(given: str) -> str:
    """The end of a path. Invisible characters go: some of them turn ``exe.fdp`` round."""
    last = re.split(r"[/\\]", given[-4 * LONGEST_NAME :])[-1]
    return "".join(letter for letter in last if letter.isprintable()).strip(" .")


def _suffix(name: str) -> str:
    """A name's extension in lower case with its dot, '' for none that could be one."""
    suffix = PurePosixPath(_base(name)).suffix.lower()
    return suffix if _SUFFIX.fullmatch(suffix) else ""
