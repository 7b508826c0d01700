"""Careful looks into decoded JSON of unknown shape: a wrong type is the same as nothing there."""

import math
from typing import Any


def child(value: Any, *path: str) -> Any:
    """The value at a path of object keys, or None."""
    for key in path:
        if not isinstance(value, dict):
            return None
        value = value.get(key)
    return value


def text_at(value: Any, *path: str) -> str:
    """The string at a path, or ''."""
    found = child(value, *path)
    return found if isinstance(found, str) else ""


def object_at(value: Any, *path: str) -> dict[str, Any]:
    """The object at a path, or {}."""
    found = child(value, *path)
    return found if isinstance(found, dict) else {}


def list_at(value: Any, *path: str) -> list[Any]:
    """The list at a path, or []."""
    found = child(value, *path)
    return found if isinstance(found, list) else []


def number_at(value: Any, *path: str) -> float | None:
    """The finite number at a path (a numeric string counts), or None."""
    found = child(value, *path)
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    return finite(found)


def finite(value: float | str) -> float | None:
    """The value as a float that can be calculated with: no text, no infinity, not too large."""
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def content_text(content: Any) -> str:
    """The text of a message's content: a string, or a list of parts."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(text_at(part, "text") for part in content)
    return ""
