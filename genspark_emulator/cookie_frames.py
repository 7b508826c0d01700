"""Frames of ``POST /api/agent/ask_proxy``, type ``ai_chat`` (observed 2026-03-27 to 2026-09-29)."""

from collections.abc import Iterator

from genspark_emulator.answer import DEFAULT_REASONING, count_tokens, words
from genspark_emulator.catalogue import COOKIE_FALLBACK
from genspark_emulator.events import Frame, JsonObject, Line, encode_json
from genspark_emulator.turn import MessageResult, Part, Turn

HUGE_STATE_BYTES = 2 * 1024 * 1024
TOOL_TEXT = '{"organic_results": [{"title": "Emulated hit", "link": "https://example.com/"}]}'
SOURCES = tuple(
    {
        "title": f"Emulated source {name}",
        "link": f"https://example.com/{name}",
        "snippet": f"What source {name} says.",
    }
    for name in ("one", "two", "three")
)
APOLOGY = "Sorry, I couldn't produce a response this turn."


def _delta(turn: Turn, name: str, text: str) -> JsonObject:
    return {
        "type": "message_field_delta",
        "message_id": turn.message_id,
        "field_name": name,
        "delta": text,
    }


def _field(turn: Turn, name: str, value: object) -> JsonObject:
    return {
        "type": "message_field",
        "message_id": turn.message_id,
        "field_name": name,
        "field_value": value,
    }


def project_field(name: str, value: object) -> JsonObject:
    """A field of the project itself, such as its title or status."""
    return {"type": "project_field", "field_name": name, "field_value": value}


def project_start(turn: Turn) -> Iterator[Frame]:
    """The id of the conversation."""
    yield {"type": "project_start", "id": turn.project_id}


def title(turn: Turn) -> Iterator[Frame]:
    """The title Genspark derives from the question."""
    yield project_field("title", turn.title)


def message_start(turn: Turn) -> Iterator[Frame]:
    """The assistant's new bubble."""
    yield {"type": "message_start", "message_id": turn.message_id, "role": "assistant"}


def search_result(turn: Turn) -> Iterator[Frame]:
    """With web search on, a tool message precedes the answer; it is not part of it."""
    if turn.search:
        yield from tool_message(turn)


def sources(turn: Turn) -> Iterator[Frame]:
    """With web search on, what was found: two hits in a tool message, all three in a field.

    Inferred: no source documents a frame that names sources. The keys of a hit are those of the
    key route's ``web_search`` (2026-09-22).
    """
    if turn.search:
        yield from _tool_message(turn, encode_json({"organic_results": SOURCES[:2]}, spaced=True))
        found = [{"title": source["title"], "url": source["link"]} for source in SOURCES]
        yield project_field("session_state.search_results", found)


def tool_message(turn: Turn) -> Iterator[Frame]:
    """A bubble of role ``tool`` whose content is JSON text."""
    yield from _tool_message(turn, TOOL_TEXT)


def _tool_message(turn: Turn, text: str) -> Iterator[Frame]:
    tool_id = f"tool-{turn.message_id}"
    yield {"type": "message_start", "message_id": tool_id, "role": "tool"}
    yield {
        "type": "message_field",
        "message_id": tool_id,
        "field_name": "content",
        "field_value": text,
    }
    yield {"type": "message_result", "message": {"role": "tool", "content": text}}


def tool_arguments(turn: Turn) -> Iterator[Frame]:
    """Fragments of the assistant's own tool call, as agent types stream them."""
    for fragment in ('{"query": ', '"emulated"}'):
        yield _delta(turn, "tool_calls[0].function.arguments", fragment)


def thinking(turn: Turn) -> Iterator[Frame]:
    """Plain-text reasoning in the older ``answerthink`` fields, when the answer has any."""
    if turn.answer.reasoning:
        yield from _thinking(turn, turn.answer.reasoning)


def always_thinking(turn: Turn) -> Iterator[Frame]:
    """The same, with a default reasoning text."""
    yield from _thinking(turn, turn.answer.reasoning or DEFAULT_REASONING)


def _thinking(turn: Turn, text: str) -> Iterator[Frame]:
    name = "session_state.answerthink"
    yield _field(turn, f"{name}_is_started", True)
    for word in words(text):
        yield _delta(turn, name, word)
    yield _field(turn, f"{name}_is_finished", True)


def opaque_reasoning(turn: Turn) -> Iterator[Frame]:
    """Reasoning fields that only Genspark can read."""
    yield _field(turn, "reasoning_id", f"rs_{turn.message_id}")
    yield _field(turn, "reasoning_encrypted_content", "gAAAAABnZW5zcGFyayBlbXVsYXRvcg==")


def deltas(turn: Turn) -> Iterator[Frame]:
    """The answer, word by word."""
    return (_delta(turn, "content", text) for text in turn.answer.deltas)


def first_deltas(turn: Turn) -> Iterator[Frame]:
    """The first half of the answer, before something goes wrong."""
    half = (len(turn.answer.deltas) + 1) // 2
    return (_delta(turn, "content", text) for text in turn.answer.deltas[:half])


def deltas_with_notifications(turn: Turn) -> Iterator[Frame]:
    """Progress notes before every delta; they are not part of the answer."""
    for text in turn.answer.deltas:
        yield {"type": "agent_notification", "content": "NOTIFICATION still working"}
        yield _delta(turn, "content", text)
    yield {"type": "agent_notification"}


def deltas_among_unknown(turn: Turn) -> Iterator[Frame]:
    """Comments, broken lines, non-objects and unheard-of frame types around the answer."""
    yield from _NOISE
    for text in turn.answer.deltas:
        yield _delta(turn, "content", text)
        yield {"type": "message_vibe_delta", "message_id": turn.message_id, "delta": "UNKNOWN"}
    yield _delta(turn, "unheard_of_field", "UNKNOWN")


_NOISE: tuple[Frame, ...] = (
    Line(": keep-alive"),
    Line("event: ping"),
    Line("retry: 3000"),
    "",
    "null",
    "42",
    '["list"]',
    '{"type": "message_field_delta", "message_id": "m',
    {"no_type": True},
    {"type": 7},
)


def full_field(turn: Turn) -> Iterator[Frame]:
    """The whole content once more, as the service does after the deltas."""
    yield _field(turn, "content", turn.answer.text)


def _result(turn: Turn, served_model: str) -> JsonObject:
    usage = turn.answer.usage or {
        "input_tokens": count_tokens(turn.title),
        "output_tokens": count_tokens(turn.answer.text),
    }
    state = {"_llm_model": served_model, "_llm_usage": usage}
    return MessageResult(turn.answer.text, session_state=state).keys()


def nested_result(turn: Turn) -> Iterator[Frame]:
    """The final message under ``message``."""
    yield {"type": "message_result", "message": _result(turn, turn.served_model)}


def flat_result(turn: Turn) -> Iterator[Frame]:
    """The final message with its keys at the top level."""
    yield {"type": "message_result", **_result(turn, turn.served_model)}


def result_of_other_model(turn: Turn) -> Iterator[Frame]:
    """The final message of a model that was not asked for."""
    other = "gpt-5.4-nano" if turn.served_model == COOKIE_FALLBACK else COOKIE_FALLBACK
    yield {"type": "message_result", "message": _result(turn, other)}


def huge_result(turn: Turn) -> Iterator[Frame]:
    """A final message of more than 2 MiB: it repeats the whole state of the conversation."""
    message = _result(turn, turn.served_model)
    message["session_state"]["steps"] = [{"detail": "x" * HUGE_STATE_BYTES}]
    yield {"type": "message_result", "message": message}


def empty_result(turn: Turn) -> Iterator[Frame]:
    """A final message without content."""
    yield {"type": "message_result", "message": {**_result(turn, turn.served_model), "content": ""}}


def apology_delta(turn: Turn) -> Iterator[Frame]:
    """The canned apology streamed as if it were an answer."""
    yield _delta(turn, "content", APOLOGY)


def finished(_turn: Turn) -> Iterator[Frame]:
    """The end of the run."""
    yield project_field("status", "FINISHED")


def message_field(name: str, value: object) -> Part:
    """A part that sets one field of the assistant message."""
    return lambda turn: iter([_field(turn, name, value)])


def ended_by(result: MessageResult) -> Part:
    """A part that ends the message with a result other than the answer."""
    return lambda _turn: iter([{"type": "message_result", "message": result.keys()}])
