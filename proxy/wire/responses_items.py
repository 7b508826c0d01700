"""Input items of OpenAI's Responses API as the messages of a chat request.

An item is a message, a call or a call's result. A chat has calls inside the assistant's turn, and
results right behind it; pictures and files in results follow in a user turn, as a chat's tool
messages hold text alone. What the model thought, and what OpenAI's own tools did, has no place.
"""

from dataclasses import dataclass, field
from typing import Any, Final

from proxy.core.ask import InvalidRequest
from proxy.wire.json_values import text_at
from proxy.wire.responses_tools import chat_name, freeform_arguments, listed

MAX_PARTS: Final = 2_000
ADDITIONAL_TOOLS: Final = "additional_tools"

_ROLES: Final = ("user", "system", "developer", "assistant")
# Reasoning cannot be read here; tools are no part of what was said.
_ELSEWHERE: Final = ("reasoning", ADDITIONAL_TOOLS)
_DETAILS: Final = ("auto", "low", "high")
_SHOWN_BELOW: Final = "The result is attached to the next message."
_STATELESS: Final = "this server keeps no responses; send the whole conversation as 'input'."


@dataclass(slots=True)
class Transcript:
    """Messages under construction; ``places`` names, for each, the item that it came from.

    ``ignored`` are the kinds of items that were left out, without the model's own reasoning.
    """

    messages: list[dict[str, Any]] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    _shown: list[dict[str, Any]] = field(default_factory=list)
    _shown_by: str = ""

    def add(self, item: Any, where: str) -> None:
        """Enter one item, found at ``where`` in the request. Raises ``InvalidRequest``."""
        kind = _kind(item, where)
        if kind == "message":
            self._message(item, where)
        elif kind == "function_call":
            self._call(item, where, _required(item, "arguments", where, blank=True))
        elif kind == "custom_tool_call":
            text = _required(item, "input", where, blank=True)
            self._call(item, where, freeform_arguments(text))
        elif kind in ("function_call_output", "custom_tool_call_output"):
            self._result(item, where)
        elif kind == "item_reference":
            raise _unsupported(where, _STATELESS)
        elif kind == "compaction_trigger":
            raise _unsupported(where, "this server compacts no conversations.")
        elif kind not in _ELSEWHERE:
            self.ignored.append(listed("input", kind))

    def say(self, role: str, content: Any, where: str) -> None:
        """Append a message."""
        self._show()
        self._append({"role": role, "content": content}, where)

    def close(self) -> None:
        """The last item is in."""
        self._show()

    def _append(self, message: dict[str, Any], where: str) -> None:
        self.messages.append(message)
        self.places.append(where)

    def _message(self, item: dict[str, Any], where: str) -> None:
        role = text_at(item, "role")
        if role not in _ROLES:
            raise InvalidRequest(
                f"'{where}.role' must be one of {', '.join(_ROLES)}.", param=f"{where}.role"
            )
        content = _content(item.get("content"), f"{where}.content")
        if role != "assistant":
            self.say(role, _plainest(content), where)
        elif self._calling():
            # No message may come between a call and its result.
            turn = self.messages[-1]
            turn["content"] = (turn["content"] or "") + _text(content)
        else:
            self.say(role, _text(content), where)

    def _call(self, item: dict[str, Any], where: str, arguments: str) -> None:
        if not self.messages or self.messages[-1]["role"] != "assistant":
            self.say("assistant", None, where)
        name = chat_name(_required(item, "name", where), text_at(item, "namespace"))
        call = {
            "id": _required(item, "call_id", where),
            "type": "function",
            "function": {"name": name, "arguments": arguments},
        }
        self.messages[-1].setdefault("tool_calls", []).append(call)

    def _calling(self) -> bool:
        return bool(self.messages) and "tool_calls" in self.messages[-1]

    def _result(self, item: dict[str, Any], where: str) -> None:
        content = _content(item.get("output"), f"{where}.output")
        shown = [] if isinstance(content, str) else [p for p in content if p["type"] != "text"]
        text = _text(content) or (_SHOWN_BELOW if shown else "")
        call_id = _required(item, "call_id", where)
        self._append({"role": "tool", "tool_call_id": call_id, "content": text}, where)
        if not self._shown:
            self._shown_by = where
        self._shown += shown

    def _show(self) -> None:
        if self._shown:
            self._append({"role": "user", "content": self._shown}, self._shown_by)
            self._shown = []


def _kind(item: Any, where: str) -> str:
    if not isinstance(item, dict):
        raise InvalidRequest(f"'{where}' must be an object.", param=where)
    kind = item.get("type")
    if kind is None:
        return "item_reference" if "role" not in item and "id" in item else "message"
    if not isinstance(kind, str) or not kind:
        raise InvalidRequest(f"'{where}.type' must be a string.", param=f"{where}.type")
    return kind


def _required(item: dict[str, Any], name: str, where: str, *, blank: bool = False) -> str:
    value = item.get(name)
    if isinstance(value, str) and (value or blank):
        return value
    raise InvalidRequest(
        f"'{where}.{name}' must be a string.",
        param=f"{where}.{name}",
        code="missing_required_parameter" if value is None else "invalid_value",
    )


def _content(content: Any, where: str) -> str | list[dict[str, Any]]:
    if isinstance(content, str):
        return content
    if not isinstance(content, list) or len(content) > MAX_PARTS:
        raise InvalidRequest(
            f"'{where}' must be a string or a list of at most {MAX_PARTS} parts.",
            param=where,
            code="missing_required_parameter" if content is None else "invalid_value",
        )
    return [_part(part, f"{where}.{number}") for number, part in enumerate(content)]


def _plainest(content: str | list[dict[str, Any]]) -> str | list[dict[str, Any]]:
    """A single text without its list, which not every upstream takes from every role."""
    single = isinstance(content, list) and len(content) == 1 and content[0]["type"] == "text"
    return _text(content) if single else content


def _text(content: str | list[dict[str, Any]]) -> str:
    if isinstance(content, str):
        return content
    return "".join(part["text"] for part in content if part["type"] == "text")


def _part(part: Any, where: str) -> dict[str, Any]:
    kind = text_at(part, "type")
    if kind in ("input_text", "output_text", "text"):
        return {"type": "text", "text": text_at(part, "text")}
    if kind == "refusal":
        return {"type": "text", "text": text_at(part, "refusal")}
    if kind == "input_image":
        return _image(part, where)
    if kind == "input_file":
        return _file(part, where)
    if kind == "input_audio":
        raise _unsupported(where, "audio input is not supported.")
    raise InvalidRequest(f"'{where}' has an unknown part type.", param=where)


def _image(part: dict[str, Any], where: str) -> dict[str, Any]:
    _no_file_id(part, "image_url", where)
    image = {"url": _required(part, "image_url", where)}
    if (detail := text_at(part, "detail")) in _DETAILS:
        image["detail"] = detail
    return {"type": "image_url", "image_url": image}


def _file(part: dict[str, Any], where: str) -> dict[str, Any]:
    _no_file_id(part, "file_data", where)
    data = text_at(part, "file_data") or text_at(part, "file_url")
    file = {"file_data": data or _required(part, "file_data", where)}
    if name := text_at(part, "filename"):
        file["filename"] = name
    return {"type": "file", "file": file}


def _no_file_id(part: dict[str, Any], instead: str, where: str) -> None:
    if text_at(part, "file_id") and not text_at(part, instead):
        raise _unsupported(f"{where}.file_id", f"this server keeps no files; send '{instead}'.")


def _unsupported(where: str, reason: str) -> InvalidRequest:
    return InvalidRequest(f"'{where}': {reason}", param=where, code="unsupported_value")
