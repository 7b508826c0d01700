"""Write ``multipart/form-data`` (RFC 7578) as the official SDKs send it.

SDKs flatten what is nested: ``a[]`` for the items of a list, ``a[b]`` for those of an object
(openai-python 3.52, 2026-11).
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
from msgspec import Struct

from proxy.wire.media_types import extension

# What a browser does with characters that would end the quoted name (WHATWG, form submission).
_ESCAPES: Final = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class FilePart(Struct, frozen=True):
    """A file in the field ``name``; ``stem`` is its file name without the extension."""

    name: str
    stem: str
    mime: str
    data: bytes


def multipart(fields: Mapping[str, Any], files: Sequence[FilePart]) -> tuple[bytes, str]:
    """The body, and its Content-Type. Fields that are None are left out."""
    parts = [*_text_parts(fields), *map(_file_part, files)]
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    # Made from the content, so that no content can hold it.
    boundary = f"form-{digest.hexdigest()[:32]}"
    line = f"--{boundary}\r\n".encode()
    pieces = [piece for part in parts for piece in (line, part, b"\r\n")]
    body = b"".join([*pieces, f"--{boundary}--\r\n".encode()])
    return body, f"multipart/form-data; boundary={boundary}"


def _text_parts(fields: Mapping[str, Any]) -> Iterable[bytes]:
    for name, value in flat(fields):
        yield f"{_disposition(name)}\r\n\r\n{value}".encode()


def _file_part(file: FilePart) -> bytes:
    head = f'{_disposition(file.name)}; filename="{file.stem}{extension(file.mime)}"'
    return f"{head}\r\nContent-Type: {file.mime}\r\n\r\n".encode() + file.data


def _disposition(name: str) -> str:
    return f'Content-Disposition: form-data; name="{name.translate(_ESCAPES)}"'


def flat(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Names and texts: lists and objects by brackets, numbers and flags as in JSON."""
    for name, value in fields.items():
        yield from _flattened(name, value)


def _flattened(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for inner, item in value.items():
            yield from _flattened(f"{name}[{inner}]", item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _flattened(f"{name}[]", item)
    elif isinstance(value, str):
        yield name, value
    elif value is not None:
        yield name, msgspec.json.encode(value).decode()
