"""The optional parameters of a chat request: their ranges, and what they make necessary."""

from collections.abc import Callable
from typing import Any, Final

from proxy.core.ask import InvalidRequest, Need
from proxy.wire.json_values import child, list_at, text_at

MAX_CHOICES: Final = 4
MAX_STOPS: Final = 4
TOOL_FIELDS: Final = frozenset(
    {"tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"}
)


def _number(low: float, high: float) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        good = isinstance(value, int | float) and not isinstance(value, bool)
        return None if good and low <= value <= high else f"must be a number from {low} to {high}"

    return check


def _whole(low: int, high: int) -> Callable[[Any], str | None]:
    def check(value: Any) -> str | None:
        if type(value) is int and low <= value <= high:
            return None
        if high == _LARGE:
            return f"must be a whole number of at least {low}"
        return f"must be a whole number from {low} to {high}"

    return check


def _is_a(kind: type | tuple[type, ...], words: str) -> Callable[[Any], str | None]:
    return lambda value: None if isinstance(value, kind) else f"must be {words}"


def _stop(value: Any) -> str | None:
    stops = [value] if isinstance(value, str) else value
    good = isinstance(stops, list) and len(stops) <= MAX_STOPS
    if good and all(isinstance(stop, str) for stop in stops):
        return None
    return f"must be a string or a list of at most {MAX_STOPS} strings"


def _response_format(value: Any) -> str | None:
    kind = text_at(value, "type")
    if kind == "json_schema" and not isinstance(child(value, "json_schema", "schema"), dict):
        return "of type json_schema needs 'json_schema.schema'"
    known = kind in ("text", "json_object", "json_schema")
    return None if known else "must have type text, json_object or json_schema"


def _tools(value: Any) -> str | None:
    if not isinstance(value, list):
        return "must be a list"
    named = all(
        text_at(tool, "function", "name") for tool in value if text_at(tool, "type") == "function"
    )
    return None if named else "needs a function name in each function tool"


_LARGE: Final = 10**9
_CHECKS: Final[dict[str, Callable[[Any], str | None]]] = {
    "stream": _is_a(bool, "true or false"),
    "stream_options": _is_a(dict, "an object"),
    "temperature": _number(0, 2),
    "top_p": _number(0, 1),
    "presence_penalty": _number(-2, 2),
    "frequency_penalty": _number(-2, 2),
    "n": _whole(1, MAX_CHOICES),
    "max_tokens": _whole(1, _LARGE),
    "max_completion_tokens": _whole(1, _LARGE),
    "stop": _stop,
    "response_format": _response_format,
    "tools": _tools,
    "functions": _is_a(list, "a list"),
    "tool_choice": _is_a((str, dict), "a string or an object"),
    "modalities": _is_a(list, "a list"),
}


def check_parameters(request: dict[str, Any]) -> None:
    """Raise ``InvalidRequest`` for the first parameter out of range."""
    for name, check in _CHECKS.items():
        value = request.get(name)
        if value is not None and (wrong := check(value)) is not None:
            code = "unsupported_value" if name == "n" else "invalid_value"
            raise InvalidRequest(f"'{name}' {wrong}.", param=name, code=code)
    if "audio" in (request.get("modalities") or ()):
        raise InvalidRequest(
            "Audio output is not supported.", param="modalities", code="unsupported_value"
        )


def needs_of_parameters(request: dict[str, Any]) -> frozenset[Need]:
    """What a route must be able to do for these parameters."""
    found = set()
    offered = request.get("tools") or request.get("functions")
    refused = "none" in (request.get("tool_choice"), request.get("function_call"))
    if offered and not refused:
        found.add(Need.TOOLS)
    if text_at(request, "response_format", "type") not in ("", "text"):
        found.add(Need.STRUCTURE)
    if (request.get("n") or 1) > 1:
        found.add(Need.SEVERAL)
    return frozenset(found)


# Accepted everywhere and of no effect on a route that takes only text.
_SAMPLING: Final = (
    "temperature", "top_p", "presence_penalty", "frequency_penalty", "seed", "logit_bias",
    "logprobs", "top_logprobs", "prediction", "verbosity",
)  # fmt: skip


def unused_by_text_route(request: dict[str, Any]) -> list[str]:
    """Parameters the caller sent that a plain text route cannot honour, for a response header."""
    unused = [name for name in _SAMPLING if request.get(name) is not None]
    kinds = {text_at(tool, "type") for tool in list_at(request, "tools")} - {"function", ""}
    return unused + [f"tools.{kind[:40]}" for kind in sorted(kinds)]
