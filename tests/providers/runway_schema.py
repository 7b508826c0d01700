"""Is a body one that Runway takes? By the types of the vendor's own SDK, which has its schema.

The SDK itself sends any body; it is the server that refuses unknown keys and unknown words.
"""

import typing
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

import typing_extensions

ENDPOINTS = {
    "text_to_video": "TextToVideoCreateParams",
    "image_to_video": "ImageToVideoCreateParams",
    "video_to_video": "VideoToVideoCreateParams",
    "text_to_image": "TextToImageCreateParams",
}
"""Endpoints with the names of their types."""

# What is said in the types' texts alone.
SHORT_PROMPTS = {"gen4.5", "gen4_turbo", "veo3.1", "veo3.1_fast", "gen4_image", "gen4_image_turbo"}
SECONDS = {
    "gen4.5": (2, 10),
    "gen4_turbo": (2, 10),
    "gemini_omni_flash": (3, 10),
    "gemini_omni_flash_1.1": (3, 10),
}
LONGEST_DATA_URI = 5 * 1024 * 1024

Issue = dict[str, Any]


@cache
def models(endpoint: str) -> dict[str, Any]:
    """The type of each model's body."""
    module = import_module(f"runwayml.types.{endpoint}_create_params")
    variants = typing.get_args(getattr(module, ENDPOINTS[endpoint]))
    return {_only_word(_hints(variant)["model"]): variant for variant in variants}


def issues(endpoint: str, body: Any) -> list[Issue]:
    """What is wrong with a body; nothing for one that is taken."""
    if not isinstance(body, dict):
        return [_issue([], "Expected an object")]
    variant = models(endpoint).get(body.get("model"))
    if variant is None:
        return [_issue(["model"], "Invalid discriminator value")]
    found = [_issue(path, words) for path, words in _faults(variant, body, [])]
    return found or [_issue(path, words) for path, words in _limits(body)]


def fields(endpoint: str, model: str) -> dict[str, Any]:
    """A model's fields with their types, by the names that travel."""
    return {_sent_name(name, hint): hint for name, hint in _hints(models(endpoint)[model]).items()}


def words(hint: Any) -> set[Any]:
    """All literal words that a field's type has room for."""
    if typing.get_origin(hint) is typing.Literal:
        return set(typing.get_args(hint))
    return {word for part in typing.get_args(hint) if not _is_info(part) for word in words(part)}


def _issue(path: list[Any], words: str) -> Issue:
    return {"code": "invalid", "path": path, "message": words}


def _hints(variant: Any) -> dict[str, Any]:
    return typing_extensions.get_type_hints(variant, include_extras=True)


def _only_word(hint: Any) -> str:
    (word,) = words(hint)
    return str(word)


def _is_info(part: Any) -> bool:
    return hasattr(part, "alias")


def _sent_name(name: str, hint: Any) -> str:
    for part in typing.get_args(hint):
        if _is_info(part):
            return str(part.alias or name)
        if (alias := _sent_name(name, part)) != name:
            return alias
    return name


def _faults(hint: Any, value: Any, path: list[Any]) -> Iterator[tuple[list[Any], str]]:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if typing_extensions.is_typeddict(hint):
        yield from _object_faults(hint, value, path)
    elif origin is typing.Literal:
        if value not in parts or isinstance(value, bool) is not isinstance(parts[0], bool):
            yield path, "Invalid enum value"
    elif origin is typing.Union:
        if all(next(_faults(part, value, path), None) for part in parts):
            yield path, "Invalid input"
    elif origin in (typing.Annotated, typing_extensions.Required, typing.Required):
        yield from _faults(parts[0], value, path)
    elif origin is not None:
        yield from _list_faults(parts[0], value, path)
    elif not _is(value, hint):
        yield path, f"Expected {hint.__name__}"


def _is(value: Any, kind: type) -> bool:
    if kind is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, kind) and (kind in (bool, object) or not isinstance(value, bool))


def _list_faults(hint: Any, value: Any, path: list[Any]) -> Iterator[tuple[list[Any], str]]:
    if not isinstance(value, list):
        yield path, "Expected array"
        return
    for place, item in enumerate(value):
        yield from _faults(hint, item, [*path, place])


def _object_faults(hint: Any, value: Any, path: list[Any]) -> Iterator[tuple[list[Any], str]]:
    if not isinstance(value, dict):
        yield path, "Expected object"
        return
    known = {_sent_name(name, each): (name, each) for name, each in _hints(hint).items()}
    for name in value.keys() - known.keys():
        yield [*path, name], "Unrecognized key"
    for sent, (name, each) in known.items():
        if sent in value:
            yield from _faults(each, value[sent], [*path, sent])
        elif name in hint.__required_keys__:
            yield [*path, sent], "Required"


def _limits(body: dict[str, Any]) -> Iterator[tuple[list[Any], str]]:
    prompt, model = body.get("promptText"), body["model"]
    if prompt is not None and not prompt:
        yield ["promptText"], "String must contain at least 1 character(s)"
    if model in SHORT_PROMPTS and len((prompt or "").encode("utf-16-le")) > 2000:
        yield ["promptText"], "String must contain at most 1000 character(s)"
    low, high = SECONDS.get(model, (1, 60))
    if isinstance(body.get("duration"), int) and not low <= body["duration"] <= high:
        yield ["duration"], f"Number must be between {low} and {high}"
    for path, uri in _uris(body, []):
        if uri.startswith("data:") and len(uri) >= LONGEST_DATA_URI:
            yield path, "Data URI is too large"


def _uris(value: Any, path: list[Any]) -> Iterator[tuple[list[Any], str]]:
    """Every address in a body: of inputs, whatever their field is called."""
    if isinstance(value, str) and value.startswith(("data:", "https:", "http:", "runway:")):
        yield path, value
    entries = value.items() if isinstance(value, dict) else ()
    entries = enumerate(value) if isinstance(value, list) else entries
    for place, item in entries:
        yield from _uris(item, [*path, place])


def uris(body: Any) -> list[str]:
    """Every input's address."""
    return [uri for _, uri in _uris(body, [])]
