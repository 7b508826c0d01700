"""Read an OpenAI chat request: bytes in, a validated ``ChatAsk`` out, or ``InvalidRequest``.

Order of the checks: JSON, ``messages``, ``model``, roles, parts, numbers. Unknown fields are
ignored (clients send many vendor extras); ``null`` in an optional field means absent.
"""

import base64
import binascii
import re
from typing import Any, Final

import msgspec

from proxy.core.ask import Attachment, ChatAsk, InvalidRequest, Kept, Need, Role, ToolCall, Turn
from proxy.wire.json_values import child, object_at, text_at
from proxy.wire.openai_parameters import TOOL_FIELDS, check_parameters, needs_of_parameters
from proxy.wire.openai_wishes import read_wishes

MAX_MODEL_NAME: Final = 200

_ROLES: Final = {
    "system": Role.SYSTEM,
    "developer": Role.SYSTEM,
    "user": Role.USER,
    "assistant": Role.ASSISTANT,
    "tool": Role.TOOL,
    "function": Role.TOOL,
}
_DATA_URL: Final = re.compile(r"data:(?P<mime>[\w.+-]+/[\w.+-]+)(?:;[\w=.+-]+)*;base64,", re.ASCII)


def read_chat(
    body: bytes, before: tuple[dict[str, Any], ...] = (), *, tools: bool = True
) -> ChatAsk:
    """Parse and validate a body; see ``chat_from``."""
    return chat_from(read_object(body), before, tools=tools)


def chat_from(
    request: dict[str, Any], before: tuple[dict[str, Any], ...] = (), *, tools: bool = True
) -> ChatAsk:
    """Validate a decoded request; ``before`` are the operator's own messages, put in front.

    Without ``tools`` (``TOOL_CALLING_ENABLED=0``) tool definitions are as if they were not there.
    """
    if not tools:
        request = {k: v for k, v in request.items() if k not in TOOL_FIELDS}
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        raise InvalidRequest(
            "'messages' must be a non-empty list.", param="messages", code=_missing(messages)
        )
    model = read_model(request)
    turns = tuple(_turn(message, f"messages.{n}") for n, message in enumerate(messages))
    check_parameters(request)
    if before:
        opening = tuple(_turn(message, "PRE_MESSAGES_JSON") for message in before)
        turns = opening + turns
        request["messages"] = [*before, *messages]
    return ChatAsk(
        model=model,
        turns=turns,
        stream=request.get("stream") is True,
        include_usage=child(request, "stream_options", "include_usage") is True,
        needs=needs_of_parameters(request) | _needs_of_turns(turns),
        native=request,
        wishes=read_wishes(request),
    )


def read_object(body: bytes) -> dict[str, Any]:
    """The request's JSON object."""
    try:
        request = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        what = "The request body is empty." if not body.strip() else "The body is not valid JSON."
        raise InvalidRequest(what, code="invalid_json") from error
    if not isinstance(request, dict):
        raise InvalidRequest("The request body must be a JSON object.", code="invalid_json")
    return request


def read_model(request: dict[str, Any]) -> str:
    """The model's name, as the caller spelled it."""
    model = request.get("model")
    if not isinstance(model, str) or not model.strip():
        raise InvalidRequest("'model' must be a string.", param="model", code=_missing(model))
    if len(model) > MAX_MODEL_NAME:
        raise InvalidRequest(f"'model' is longer than {MAX_MODEL_NAME} characters.", param="model")
    return model


def _missing(value: Any) -> str:
    return "missing_required_parameter" if value is None else "invalid_value"


def _turn(message: Any, where: str) -> Turn:
    if not isinstance(message, dict):
        raise InvalidRequest(f"'{where}' must be an object.", param=where)
    role = _ROLES.get(text_at(message, "role"))
    if role is None:
        raise InvalidRequest(
            f"'{where}.role' must be one of {', '.join(_ROLES)}.", param=f"{where}.role"
        )
    if role is Role.TOOL and message.get("role") == "tool" and not text_at(message, "tool_call_id"):
        raise InvalidRequest(
            f"'{where}.tool_call_id' is required for a tool message.",
            param=f"{where}.tool_call_id",
            code="missing_required_parameter",
        )
    text, attachments = _content(message.get("content"), where)
    name = text_at(message, "name")
    if role is not Role.TOOL:
        return Turn(role, text, attachments, _calls(message, where))
    return Turn(role, text, attachments, (), text_at(message, "tool_call_id") or name or None, name)


def _content(content: Any, where: str) -> tuple[str, tuple[Attachment, ...]]:
    if content is None:
        return "", ()
    if isinstance(content, str):
        return content, ()
    if not isinstance(content, list):
        raise InvalidRequest(
            f"'{where}.content' must be a string or a list of parts.", param=f"{where}.content"
        )
    read = [_part(part, f"{where}.content.{number}") for number, part in enumerate(content)]
    texts = [part for part in read if isinstance(part, str)]
    return "".join(texts), tuple(part for part in read if isinstance(part, Attachment))


def _part(part: Any, where: str) -> str | Attachment:
    kind = text_at(part, "type")
    if kind in ("text", "input_text", "output_text"):
        return text_at(part, "text")
    if kind == "refusal":
        return text_at(part, "refusal")
    if kind == "image_url":
        return Attachment(Kept.IMAGE, _image_url(part, where), param=where)
    if kind == "file":
        return _file(part, where)
    if kind == "input_audio":
        raise InvalidRequest(
            f"'{where}': audio input is not supported.", param=where, code="unsupported_value"
        )
    raise InvalidRequest(f"'{where}' has an unknown part type.", param=where)


def _file(part: dict[str, Any], where: str) -> Attachment:
    data = text_at(part, "file", "file_data")
    if text_at(part, "file", "file_id") and not data:
        raise InvalidRequest(
            f"'{where}.file.file_id': this server keeps no files; send 'file_data'.",
            param=f"{where}.file.file_id",
            code="unsupported_value",
        )
    if not data:
        raise InvalidRequest(
            f"'{where}.file.file_data' must be a data URL or base64.",
            param=f"{where}.file.file_data",
        )
    return Attachment(Kept.FILE, data, text_at(part, "file", "filename"), where)


def _image_url(part: dict[str, Any], where: str) -> str:
    if isinstance(bare := part.get("image_url"), str):
        # Some clients send the URL alone; a native route wants OpenAI's form.
        part["image_url"] = {"url": bare}
    url = text_at(part, "image_url", "url")
    if url.startswith(("https://", "http://")):
        return url
    if _is_data_image(url):
        return url
    raise InvalidRequest(
        f"'{where}.image_url' must be an https URL or a data URL with a base64 image.",
        param=f"{where}.image_url",
    )


def _is_data_image(url: str) -> bool:
    match = _DATA_URL.match(url)
    if match is None or not match["mime"].startswith("image/"):
        return False
    try:
        return len(base64.b64decode(url[match.end() :], validate=True)) > 0
    except (binascii.Error, ValueError):
        return False


def _calls(message: dict[str, Any], where: str) -> tuple[ToolCall, ...]:
    calls = message.get("tool_calls")
    if calls is None:
        return _legacy_call(message)
    if not isinstance(calls, list):
        raise InvalidRequest(f"'{where}.tool_calls' must be a list.", param=f"{where}.tool_calls")
    return tuple(
        ToolCall(
            text_at(call, "id"),
            text_at(call, "function", "name"),
            text_at(call, "function", "arguments"),
        )
        for call in calls
    )


def _legacy_call(message: dict[str, Any]) -> tuple[ToolCall, ...]:
    call = object_at(message, "function_call")
    if not call:
        return ()
    return (ToolCall("", text_at(call, "name"), text_at(call, "arguments")),)


def _needs_of_turns(turns: tuple[Turn, ...]) -> frozenset[Need]:
    kinds = {each.kind for turn in turns for each in turn.attachments}
    found = {Kept.IMAGE: Need.IMAGES, Kept.FILE: Need.FILES}
    return frozenset(found[kind] for kind in kinds)
