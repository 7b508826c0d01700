"""Read an Anthropic Messages request: translated into an OpenAI chat request.

Shapes: ``anthropic.types.message_create_params``. What can be checked here is named in this
dialect (``messages.2.content.0.source``); the chat reader checks the rest. ``null`` means absent.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from proxy.core.ask import InvalidRequest
from proxy.wire.json_values import number_at, object_at, text_at
from proxy.wire.messages_blocks import Content, Part, read_content, texts_of
from proxy.wire.messages_errors import THREAD_UNSUPPORTED
from proxy.wire.messages_tools import chat_tools

# OpenAI takes no more; a longer ``user`` is refused, and Claude Code's is longer.
MOST_STOPS: Final = 4
LONGEST_USER: Final = 64

# A budget below these is that level of effort, else high. Anthropic's least budget is 1,024; Claude
# Code's words for more thinking stand for 4,000, 10,000 and 31,999 tokens.
LOW_BELOW: Final = 4_096
MEDIUM_BELOW: Final = 16_384

# Claude Code's first system block is no instruction but data for Anthropic's billing. It differs in
# every request, so with it no prompt cache would ever find the conversation again.
_BILLING: Final = "x-anthropic-billing-header:"

_PASSED_ON: Final = ("model", "stream", "temperature", "top_p")
_WITHOUT_EFFECT: Final = (
    "top_k", "container", "mcp_servers", "context_management", "service_tier", "speed",
    "inference_geo", "fallbacks", "diagnostics",
)  # fmt: skip
_THINKS: Final = ("enabled", "adaptive", "between_tools")

# A chat's message, with the number of a part in it: here they are counted otherwise.
_MESSAGE: Final = re.compile(r"messages\.(\d{1,9})(?!\d)((?:\.\w+)*)")
_NAMES: Final = {
    "max_completion_tokens": "max_tokens",
    "reasoning_effort": "output_config.effort",
    "response_format.json_schema": "output_config.format",
    "response_format": "output_config.format",
}


@dataclass(frozen=True, slots=True)
class Translated:
    """``chat`` is an OpenAI chat request, not yet validated as one.

    ``ignored`` names what the caller sent without effect, in this dialect's words.
    ``shows_thinking``: the caller asked for thinking blocks. Others take the first block for text.
    ``places`` names, for each message of the chat, where it came from.
    """

    chat: dict[str, Any] = field(repr=False)
    ignored: tuple[str, ...] = ()
    shows_thinking: bool = False
    places: tuple[str, ...] = ()

    def renamed(self, error: InvalidRequest) -> InvalidRequest:
        """A complaint about the chat request as one about the original."""
        param = None if error.param is None else self._told(error.param)
        return InvalidRequest(
            self._told(error.message), param=param, code=error.code, status=error.status
        )

    def _told(self, text: str) -> str:
        def place(match: re.Match[str]) -> str:
            number = int(match[1])
            found = self.places[number] if number < len(self.places) else "messages"
            return f"{found}.content" if match[2].startswith(".content") else found

        text = _MESSAGE.sub(place, text)
        for chats, ours in _NAMES.items():
            text = text.replace(chats, ours)
        return text


def chat_of(request: dict[str, Any]) -> Translated:
    """Translate a decoded request. Raises ``InvalidRequest``."""
    _refuse_state(request)
    turns = _turns(request)
    tools, ignored = chat_tools(request)
    stops = _stops(request)
    if len(stops) > MOST_STOPS:
        ignored.append(f"stop_sequences[{MOST_STOPS}:]")
    ignored += [name for name in _WITHOUT_EFFECT if request.get(name) is not None]
    chat = {
        **{name: request.get(name) for name in _PASSED_ON},
        "messages": turns.said,
        "max_completion_tokens": _limit(request),
        "stop": stops[:MOST_STOPS] or None,
        "reasoning_effort": _effort(request),
        "response_format": _response_format(request),
        "user": text_at(request, "metadata", "user_id")[:LONGEST_USER] or None,
        **tools,
    }
    present = {name: value for name, value in chat.items() if value is not None}
    shows_thinking = _shows_thinking(object_at(request, "thinking"))
    return Translated(present, tuple(ignored), shows_thinking, tuple(turns.places))


def _refuse_state(request: dict[str, Any]) -> None:
    """A thread's later turns come without the earlier ones, so its first one must not pass."""
    if request.get("thread") is not None:
        raise InvalidRequest(
            "'thread' is not supported: this server keeps no messages. Send all of them.",
            param="thread",
            code=THREAD_UNSUPPORTED,
        )
    if request.get("compaction") is not None:
        raise InvalidRequest(
            "'compaction' is not supported.", param="compaction", code="unsupported_value"
        )


def _turns(request: dict[str, Any]) -> "_Turns":
    messages = request.get("messages")
    if not isinstance(messages, list) or not messages:
        code = "missing_required_parameter" if messages is None else "invalid_value"
        raise InvalidRequest("'messages' must be a non-empty list.", param="messages", code=code)
    turns = _Turns()
    if (system := request.get("system")) is not None:
        turns.add("system", _instructions(system), "system")
    for number, message in enumerate(messages):
        where, role = f"messages.{number}", text_at(message, "role")
        if role not in ("user", "assistant", "system"):
            raise InvalidRequest(
                f"'{where}.role' must be user, assistant or system.", param=f"{where}.role"
            )
        turns.add(role, read_content(message.get("content"), role, f"{where}.content"), where)
    if not turns.said:
        raise InvalidRequest("'messages' says nothing.", param="messages")
    return turns


def _instructions(system: Any) -> Content:
    parts = read_content(system, "system", "system").parts
    return Content([part for part in parts if not part["text"].startswith(_BILLING)])


@dataclass(slots=True)
class _Turns:
    """The chat's messages so far, and where each came from; the results of tools stand behind the
    turn that called them.
    """

    said: list[dict[str, Any]] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    _behind_calls: int = 0

    def add(self, role: str, content: Content, where: str) -> None:
        """Enter one message; one of which nothing is left is left out."""
        for result in content.results:
            self._enter(self._behind_calls, result, where)
            self._behind_calls += 1
        end = len(self.said)
        if role == "assistant" and (content.calls or content.parts):
            text = "".join(texts_of(content.parts)) or None
            calls = {"tool_calls": content.calls} if content.calls else {}
            self._enter(end, {"role": role, "content": text, **calls}, where)
            self._behind_calls = end + 1
        elif role == "system" and content.parts:
            # Results that nobody called for stand behind the opening instructions.
            opens = all(each["role"] == "system" for each in self.said)
            told = "\n\n".join(texts_of(content.parts))
            self._enter(end, {"role": role, "content": told}, where)
            self._behind_calls += opens
        elif role == "user" and (parts := [*content.attached, *content.parts]):
            self._enter(end, {"role": role, "content": _plain(parts)}, where)

    def _enter(self, index: int, message: dict[str, Any], where: str) -> None:
        self.said.insert(index, message)
        self.places.insert(index, where)


def _plain(parts: list[Part]) -> str | list[Part]:
    """One text goes as a string, which everybody takes."""
    alone = len(parts) == 1 and parts[0]["type"] == "text"
    return str(parts[0]["text"]) if alone else parts


def _limit(request: dict[str, Any]) -> int | None:
    """``max_tokens``: Anthropic requires it, a server in its place need not."""
    limit = request.get("max_tokens")
    if limit is None or (type(limit) is int and limit >= 1):
        return limit
    raise InvalidRequest("'max_tokens' must be a whole number of at least 1.", param="max_tokens")


def _stops(request: dict[str, Any]) -> list[str]:
    stops = request.get("stop_sequences")
    if stops is None:
        return []
    if not isinstance(stops, list) or not all(isinstance(stop, str) for stop in stops):
        raise InvalidRequest("'stop_sequences' must be a list of strings.", param="stop_sequences")
    return [stop for stop in stops if stop]


def _effort(request: dict[str, Any]) -> str | None:
    """OpenAI's level: what is said about effort comes before a budget of thinking."""
    thinking = object_at(request, "thinking")
    kind = text_at(thinking, "type")
    if kind == "disabled":
        return "none"
    if effort := text_at(request, "output_config", "effort"):
        return effort
    budget = number_at(thinking, "budget_tokens")
    if kind == "enabled" and budget is not None:
        return "low" if budget < LOW_BELOW else "medium" if budget < MEDIUM_BELOW else "high"
    # The model is to decide how much; the middle leaves it most room.
    return "medium" if kind in _THINKS else None


def _shows_thinking(thinking: dict[str, Any]) -> bool:
    return text_at(thinking, "type") in _THINKS and text_at(thinking, "display") != "omitted"


def _response_format(request: dict[str, Any]) -> dict[str, Any] | None:
    """``output_config.format``, or ``output_format`` as the beta had it."""
    where, wanted = "output_config.format", object_at(request, "output_config").get("format")
    if wanted is None:
        where, wanted = "output_format", request.get("output_format")
    if wanted is None:
        return None
    schema = wanted.get("schema") if isinstance(wanted, dict) else None
    if text_at(wanted, "type") != "json_schema" or not isinstance(schema, dict):
        raise InvalidRequest(f"'{where}' must have type json_schema and a 'schema'.", param=where)
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
