"""Read a request of OpenAI's Responses API: the same request in the chat's dialect comes out.

Nothing is kept here between requests, so whatever refers to an earlier response is refused. Values
whose names are the same in a chat are left to the chat's own reader; ``Translated.renamed`` puts
its complaints into the words of this dialect.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from proxy.core.ask import InvalidRequest
from proxy.wire.json_values import object_at, text_at
from proxy.wire.responses_items import ADDITIONAL_TOOLS, Transcript
from proxy.wire.responses_tools import Offered, Toolbox

MAX_ITEMS: Final = 10_000
MAX_IGNORED: Final = 20

_AS_IN_A_CHAT: Final = (
    "model", "stream", "temperature", "top_p", "user", "metadata", "safety_identifier",
    "prompt_cache_key",
)  # fmt: skip
_UNHEEDED: Final = ("max_tool_calls", "top_logprobs", "context_management", "moderation")
_STATEFUL: Final = ("previous_response_id", "conversation", "prompt", "background")
_SUMMARIES: Final = ("auto", "concise", "detailed")
_VERBOSITIES: Final = ("low", "medium", "high")

_MESSAGE: Final = re.compile(r"messages\.(\d{1,9})(?!\d)")
_NAMES: Final = {
    "messages": "input",
    "max_completion_tokens": "max_output_tokens",
    "response_format.json_schema.schema": "text.format.schema",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
    "verbosity": "text.verbosity",
}


@dataclass(frozen=True, slots=True)
class Translated:
    """A request in the chat's dialect, and what its answer needs to know of the original.

    ``echo`` are the fields that a response object repeats, ``offered`` the tools by their names in
    the chat, ``ignored`` what was passed over (for a header), ``places`` the item of the request
    that each chat message came from.
    """

    chat: dict[str, Any] = field(repr=False)
    echo: dict[str, Any] = field(repr=False)
    offered: dict[str, Offered]
    ignored: tuple[str, ...]
    places: tuple[str, ...]

    def renamed(self, error: InvalidRequest) -> InvalidRequest:
        """A complaint about the chat request as one about the original."""
        param = error.param
        if param is not None:
            param = _NAMES.get(param) or self._place(param)
        message = self._place(error.message)
        for chats, ours in _NAMES.items():
            # Not every sentence has it in quotes; a name with an underscore is no other word.
            quote = "" if "_" in chats else "'"
            message = message.replace(f"{quote}{chats}{quote}", f"{quote}{ours}{quote}")
        return InvalidRequest(message, param=param, code=error.code, status=error.status)

    def _place(self, text: str) -> str:
        def item(match: re.Match[str]) -> str:
            number = int(match[1])
            return self.places[number] if number < len(self.places) else "input"

        return _MESSAGE.sub(item, text).replace(".file.file_", ".file_")


def chat_of(request: dict[str, Any]) -> Translated:
    """Translate a decoded request. Raises ``InvalidRequest`` with the names of this dialect."""
    _refuse_state(request)
    transcript = _transcript(request)
    tools = _tools(request)
    chat = {name: request[name] for name in _AS_IN_A_CHAT if request.get(name) is not None}
    chat["messages"] = transcript.messages
    chat |= tools.parameters(request) | _limits(request) | _text_options(request)
    unheeded = [name for name in _UNHEEDED if request.get(name) is not None]
    ignored = dict.fromkeys((*tools.ignored, *transcript.ignored, *unheeded))
    return Translated(
        chat,
        _echo(request),
        tools.offered,
        tuple(ignored)[:MAX_IGNORED],
        tuple(transcript.places),
    )


def _refuse_state(request: dict[str, Any]) -> None:
    for name in _STATEFUL:
        if request.get(name):
            raise InvalidRequest(
                f"'{name}' is not supported: this server keeps no responses. Send the whole"
                " conversation as 'input'.",
                param=name,
                code="unsupported_value",
            )


def _transcript(request: dict[str, Any]) -> Transcript:
    transcript = Transcript()
    instructions = request.get("instructions")
    if isinstance(instructions, str):
        # An empty text is what clients send when there is nothing to say.
        if instructions:
            transcript.say("system", instructions, "instructions")
    elif instructions is not None:
        raise InvalidRequest("'instructions' must be a string.", param="instructions")
    given = request.get("input")
    if isinstance(given, str):
        transcript.say("user", given, "input")
        return transcript
    for number, item in enumerate(_items(given)):
        transcript.add(item, f"input.{number}")
    transcript.close()
    if all(place == "instructions" for place in transcript.places):
        raise InvalidRequest("'input' holds nothing to answer.", param="input")
    return transcript


def _items(given: Any) -> list[Any]:
    if isinstance(given, list) and 0 < len(given) <= MAX_ITEMS:
        return given
    raise InvalidRequest(
        f"'input' must be a string or a non-empty list of at most {MAX_ITEMS} items.",
        param="input",
        code="missing_required_parameter" if given is None else "invalid_value",
    )


def _tools(request: dict[str, Any]) -> Toolbox:
    tools = Toolbox()
    if request.get("tools") is not None:
        tools.add(request["tools"], "tools")
    given = request["input"] if isinstance(request.get("input"), list) else ()
    for number, item in enumerate(given):
        # Codex offers all its tools in this way since 0.147.
        if text_at(item, "type") == ADDITIONAL_TOOLS:
            tools.add_later(item.get("tools"), f"input.{number}.tools")
    return tools


def _limits(request: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    limit = request.get("max_output_tokens")
    if limit is not None:
        found["max_completion_tokens"] = limit
    effort = _object(request, "reasoning").get("effort")
    if effort is not None:
        if not isinstance(effort, str):
            raise InvalidRequest("'reasoning.effort' must be a string.", param="reasoning.effort")
        found["reasoning_effort"] = effort
    return found


def _text_options(request: dict[str, Any]) -> dict[str, Any]:
    text = _object(request, "text")
    found: dict[str, Any] = {}
    if (verbosity := text.get("verbosity")) is not None:
        if verbosity not in _VERBOSITIES:
            words = ", ".join(_VERBOSITIES)
            raise InvalidRequest(
                f"'text.verbosity' must be one of {words}.", param="text.verbosity"
            )
        found["verbosity"] = verbosity
    if (wanted := text.get("format")) is not None:
        found |= _response_format(wanted)
    return found


def _response_format(wanted: Any) -> dict[str, Any]:
    kind = text_at(wanted, "type")
    if kind == "text":
        return {}
    if kind == "json_object":
        return {"response_format": {"type": kind}}
    if kind != "json_schema":
        raise InvalidRequest(
            "'text.format.type' must be text, json_object or json_schema.",
            param="text.format.type",
        )
    for name, needed in (("name", str), ("schema", dict)):
        if not isinstance(wanted.get(name), needed):
            what = "a string" if needed is str else "an object"
            raise InvalidRequest(
                f"'text.format.{name}' must be {what}.", param=f"text.format.{name}"
            )
    details = {name: wanted[name] for name in ("name", "schema")}
    for name, given in (("description", str), ("strict", bool)):
        if isinstance(wanted.get(name), given):
            details[name] = wanted[name]
    return {"response_format": {"type": kind, "json_schema": details}}


def _object(request: dict[str, Any], name: str) -> dict[str, Any]:
    value = request.get(name)
    if value is not None and not isinstance(value, dict):
        raise InvalidRequest(f"'{name}' must be an object.", param=name)
    return value or {}


def _echo(request: dict[str, Any]) -> dict[str, Any]:
    """The fields in which a response repeats its request, in types that strict clients take."""
    summary = text_at(request, "reasoning", "summary")
    text = object_at(request, "text")
    tools = request.get("tools")
    return {
        "background": False,
        "instructions": request.get("instructions"),
        "max_output_tokens": request.get("max_output_tokens"),
        "max_tool_calls": _whole(request.get("max_tool_calls")),
        "metadata": _labels(request.get("metadata")),
        "parallel_tool_calls": request.get("parallel_tool_calls") is not False,
        "previous_response_id": None,
        "prompt_cache_key": text_at(request, "prompt_cache_key") or None,
        "reasoning": {
            "effort": text_at(request, "reasoning", "effort") or None,
            "summary": summary if summary in _SUMMARIES else None,
        },
        "safety_identifier": text_at(request, "safety_identifier") or None,
        "store": False,
        "temperature": request.get("temperature"),
        "text": {
            "format": text.get("format") or {"type": "text"},
            **({"verbosity": text["verbosity"]} if text.get("verbosity") else {}),
        },
        "tool_choice": request.get("tool_choice") or "auto",
        "tools": tools or [],
        "top_logprobs": _whole(request.get("top_logprobs")),
        "top_p": request.get("top_p"),
        "truncation": "disabled",
        "user": text_at(request, "user") or None,
    }


def _whole(value: Any) -> int | None:
    return value if type(value) is int else None


def _labels(value: Any) -> dict[str, str]:
    pairs = value.items() if isinstance(value, dict) else ()
    return {name: text for name, text in pairs if isinstance(text, str)}
