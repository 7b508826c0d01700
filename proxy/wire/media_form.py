"""The fields of a request for an image or a video, found by any of their names.

JSON and multipart come here in one form: ``Fields``. Multipart knows only text, files and repeated
names, and the official SDKs flatten what is nested: openai-python 3.52 sends ``image[]``,
``metadata[a][b]`` and ``true`` (observed 2026-11). Nobody behind this module sees the difference.
"""

import re
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from proxy.core.ask import InvalidRequest

Fields = dict[str, Any]
"""Values by field: decoded JSON, or multipart's texts and ``Part`` files, in lists if repeated."""

T = TypeVar("T")
Check = Callable[[Any, str], T]
"""Takes a value and the field it stood in; gives it in its type, or raises ``InvalidRequest``."""

MAX_METADATA_ENTRIES: Final = 64
MAX_METADATA_BYTES: Final = 16 * 1024
_METADATA: Final = "metadata"
_BRACKETS: Final = re.compile(r"([^\[\]]+)((?:\[[^\[\]]+\]){0,4})(\[\])?")


class Part(msgspec.Struct, frozen=True):
    """A file of a multipart form. ``mime`` is the caller's label, which is often wrong."""

    filename: str
    mime: str
    data: bytes


class Form:
    """Fields that are looked up by several names; an empty value is the same as none.

    ``nested`` are the names that count in the ``metadata`` object too, after all plain ones; the
    rest of ``metadata`` is the caller's own. Raises ``InvalidRequest`` for a broken ``metadata``.
    """

    def __init__(self, fields: Fields, nested: frozenset[str] = frozenset()) -> None:
        self._fields = unbracketed(fields)
        self._nested: Fields = {}
        inner = self.read(_object, _METADATA) or {}
        self._nested = {name: value for name, value in inner.items() if name in nested}
        self.metadata = _limited({k: v for k, v in inner.items() if k not in nested})

    def find(self, *names: str) -> tuple[str, Any] | None:
        """The first of these fields that has a value, and the name an error text calls it by."""
        for fields, prefix in ((self._fields, ""), (self._nested, f"{_METADATA}.")):
            for name in names:
                if not is_empty(value := fields.get(name)):
                    return prefix + name, value
        return None

    def read(self, check: Check[T], *names: str) -> T | None:
        """The checked value of the first of these fields that has one."""
        found = self.find(*names)
        return None if found is None else check(found[1], found[0])


def is_empty(value: Any) -> bool:
    """Whether a field holds nothing: null, a blank text, an empty file, or only such things."""
    if isinstance(value, list):
        return all(_nothing(item) for item in value)
    return _nothing(value)


def _nothing(value: Any) -> bool:
    if isinstance(value, str):
        return not value.strip()
    if isinstance(value, Part):
        return not value.data
    return value is None or value == {}


def unbracketed(fields: Fields) -> Fields:
    """Names such as ``a[b]`` and ``a[]`` as the objects and lists they stand for.

    A plain field of the same name that has a value wins.
    """
    plain: Fields = {}
    nested: Fields = {}
    for key, value in fields.items():
        match = _BRACKETS.fullmatch(key)
        if match is None or match.end(1) == len(key):
            plain[key] = value
            continue
        path = [match[1], *match[2][1:-1].split("][")] if match[2] else [match[1]]
        items = value if isinstance(value, list) else [value]
        if len(path) > 1 and any(isinstance(item, Part) for item in items):
            raise InvalidRequest(f"'{path[0]}' cannot hold files.", param=path[0])
        _place(nested, path, items if match[3] else value)
    return nested | {k: v for k, v in plain.items() if k not in nested or not is_empty(v)}


def _place(target: Fields, path: list[str], value: Any) -> None:
    for name in path[:-1]:
        inner = target.setdefault(name, {})
        if not isinstance(inner, dict):
            return
        target = inner
    target.setdefault(path[-1], value)


def from_json_text(text: str) -> Any:
    """What a text says as JSON; None when it is no JSON."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None


def _object(value: Any, where: str) -> dict[str, Any]:
    decoded = from_json_text(value) if isinstance(value, str) else value
    if not isinstance(decoded, dict):
        raise InvalidRequest(f"'{where}' must be an object or the JSON text of one.", param=where)
    return decoded


def _limited(metadata: dict[str, Any]) -> dict[str, Any]:
    if len(metadata) > MAX_METADATA_ENTRIES:
        raise InvalidRequest(
            f"'{_METADATA}' has more than {MAX_METADATA_ENTRIES} entries.", param=_METADATA
        )
    try:
        size = len(msgspec.json.encode(metadata))
    except (UnicodeEncodeError, RecursionError) as error:
        raise InvalidRequest(f"'{_METADATA}' cannot be kept as JSON.", param=_METADATA) from error
    if size > MAX_METADATA_BYTES:
        raise InvalidRequest(
            f"'{_METADATA}' is larger than {MAX_METADATA_BYTES} bytes as JSON.", param=_METADATA
        )
    return metadata
