"""The types a field of a media request can have, and what its 400 says when it is of another.

Text forms of numbers, flags and lists count as much as the JSON ones: multipart has nothing else.
A caller's value is never quoted.
"""

import re
from typing import Any, Final

from proxy.core.ask import InvalidRequest
from proxy.wire.json_values import finite
from proxy.wire.media_form import Check, Part, from_json_text, is_empty

MAX_URL: Final = 8192
_FLAGS: Final = {
    "true": True, "1": True, "yes": True, "on": True,
    "false": False, "0": False, "no": False, "off": False,
}  # fmt: skip
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}", re.ASCII)
_URL: Final = re.compile(r"https?://[^\s\x00-\x20]+")


def wrong(where: str, allowed: str) -> InvalidRequest:
    """The 400 that names the field and what it may be."""
    return InvalidRequest(f"'{where}' must be {allowed}.", param=where)


def text(limit: int) -> Check[str]:
    """A text of at most ``limit`` characters."""

    def check(value: Any, where: str) -> str:
        if not isinstance(value, str) or len(value) > limit:
            raise wrong(where, f"a text of at most {limit} characters")
        return value

    return check


def number(low: float, high: float) -> Check[float]:
    """A finite number in a range."""

    def check(value: Any, where: str) -> float:
        found = _finite(value)
        if found is None or not low <= found <= high:
            raise wrong(where, f"a number from {low:g} to {high:g}")
        return found

    return check


def whole(low: int, high: int) -> Check[int]:
    """A whole number in a range."""

    def check(value: Any, where: str) -> int:
        found = _finite(value)
        if found is None or not found.is_integer() or not low <= found <= high:
            raise wrong(where, f"a whole number from {low} to {high}")
        return int(found)

    return check


def _finite(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    return finite(value)


def flag(value: Any, where: str) -> bool:
    """True or false."""
    if isinstance(value, bool):
        return value
    found = _FLAGS.get(value.strip().lower()) if isinstance(value, str) else None
    if found is None:
        raise wrong(where, "true or false")
    return found


def choice(*allowed: str) -> Check[str]:
    """One of a few words, in any case."""

    def check(value: Any, where: str) -> str:
        found = value.strip().lower() if isinstance(value, str) else ""
        if found not in allowed:
            raise wrong(where, allowed[0] if len(allowed) == 1 else f"one of {', '.join(allowed)}")
        return found

    return check


def word(value: Any, where: str) -> str:
    """A short name in lower case; which names there are is for the model to say."""
    found = value.strip().lower() if isinstance(value, str) else ""
    if not _WORD.fullmatch(found):
        raise wrong(where, "a short word")
    return found


def link(value: Any, where: str) -> str:
    """An http(s) URL."""
    if not isinstance(value, str) or len(value) > MAX_URL or not _URL.fullmatch(value):
        raise wrong(where, f"an http(s) URL of at most {MAX_URL} characters")
    return value


def several(value: Any, where: str) -> list[tuple[Any, str]]:
    """The items of a list or a single value, also from JSON text; each with its own name."""
    if isinstance(value, str) and value.lstrip().startswith(("[", "{")):
        value = from_json_text(value) or value
    if not isinstance(value, list):
        return [(value, where)]
    return [(item, f"{where}.{n}") for n, item in enumerate(value) if not is_empty(item)]


def links(limit: int) -> Check[list[str]]:
    """At most ``limit`` http(s) URLs, or a single one."""

    def check(value: Any, where: str) -> list[str]:
        items = several(value, where)
        if len(items) > limit:
            raise wrong(where, f"a list of at most {limit} URLs")
        return [link(item, name) for item, name in items]

    return check


def box(value: Any, where: str) -> list[int]:
    """Four whole numbers: the corners of an area in pixels."""
    items = several(value, where)
    if len(items) != 4:
        raise wrong(where, "a list of 4 whole numbers")
    in_picture = whole(0, 100_000)
    return [in_picture(item, name) for item, name in items]


def camera(value: Any, where: str) -> dict[str, float | bool]:
    """Genspark's ``camera_control``: an object of angles, a zoom and a lens switch."""
    given = from_json_text(value) if isinstance(value, str) else value
    if not isinstance(given, dict) or not given.keys() <= _CAMERA.keys():
        raise wrong(where, f"an object with {', '.join(_CAMERA)}")
    return {name: _CAMERA[name](item, f"{where}.{name}") for name, item in given.items()}


_ANGLE: Final = number(-360, 360)
_CAMERA: Final[dict[str, Check[float | bool]]] = {
    "yaw": _ANGLE,
    "tilt": _ANGLE,
    "zoom": _ANGLE,
    "wide_angle_lens": flag,
}


def clip(value: Any, where: str) -> str | bytes:
    """A source of a video; ``{"id"}``, OpenAI's way to name an earlier one, is that id."""
    if isinstance(value, dict) and not is_empty(value.get("id")):
        return source(value["id"], f"{where}.id")
    return source(value, where)


def source(value: Any, where: str) -> str | bytes:
    """What an input is read from: a file's bytes, an http(s) or data URL, or base64.

    Objects name it ``image_url`` or ``url``, as OpenAI's do.
    """
    if isinstance(value, Part):
        return value.data
    if isinstance(value, dict):
        return _named_source(value, where)
    if not isinstance(value, str) or not _is_source(value):
        raise wrong(where, "a file, an http(s) URL, a data URL or base64")
    return value


_BASE64_OPENING: Final = re.compile(r"[\w+/=\r\n-]{8,64}", re.ASCII)


def _is_source(value: str) -> bool:
    # All the rest of a data URL or base64 is read where its bytes are needed.
    if value.startswith("data:") or _BASE64_OPENING.fullmatch(value[:64]):
        return True
    return len(value) <= MAX_URL and _URL.fullmatch(value) is not None


def _named_source(value: dict[str, Any], where: str) -> str | bytes:
    if not is_empty(value.get("file_id")):
        raise InvalidRequest(
            f"'{where}.file_id' is not supported; send the file itself or its URL.",
            param=f"{where}.file_id",
            code="unsupported_value",
        )
    for name in ("image_url", "url"):
        inner = value.get(name)
        if isinstance(inner, dict):
            inner = inner.get("url")
        if not is_empty(inner) and not isinstance(inner, dict):
            return source(inner, f"{where}.{name}")
    raise wrong(where, "an object with 'image_url'")
