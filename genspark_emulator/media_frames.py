"""Frames of the media agents on ``POST /api/agent/ask_proxy``: where task ids are found.

Images: seen between 2026-03 and 2026-10. Of videos no answer was ever published; theirs are made
by analogy.
"""

from collections.abc import Iterator

from genspark_emulator.cookie_frames import message_field, project_field
from genspark_emulator.events import Frame, JsonObject, encode_json
from genspark_emulator.turn import Turn


def _field_name(turn: Turn) -> str:
    return f"{turn.kind}_generation_agent.results"


def _ids(turn: Turn) -> list[JsonObject]:
    return [{"task_id": result["task_id"]} for result in turn.results]


def _ids_as_text(turn: Turn) -> str:
    return encode_json({f"generated_{turn.kind}s": _ids(turn)}, spaced=True)


def results(turn: Turn) -> Iterator[Frame]:
    """The usual place: a field of the project, with the tasks as they are now."""
    yield project_field(f"session_state.{_field_name(turn)}", list(turn.results))


def results_as_text(turn: Turn) -> Iterator[Frame]:
    """The same field with JSON text as its value."""
    text = encode_json(list(turn.results), spaced=True)
    yield project_field(f"session_state.{_field_name(turn)}", text)


def results_of_message(turn: Turn) -> Iterator[Frame]:
    """The same as a field of the message, with a shorter name."""
    yield from message_field(_field_name(turn), list(turn.results))(turn)


def _tool_message(turn: Turn, content: str) -> Iterator[Frame]:
    tool_id = f"tool-{turn.message_id}"
    yield {"type": "message_start", "message_id": tool_id, "role": "tool"}
    field = {"type": "message_field", "message_id": tool_id, "field_name": "content"}
    yield {**field, "field_value": content}
    yield {"type": "message_result", "message": {"role": "tool", "content": content}}


def ids_in_tool_message(turn: Turn) -> Iterator[Frame]:
    """A tool's message whose content is JSON text."""
    yield from _tool_message(turn, _ids_as_text(turn))


def ids_in_substring(turn: Turn) -> Iterator[Frame]:
    """A tool's message that is no JSON but contains some."""
    ids = ", ".join(f'"task_id":"{result["task_id"]}"' for result in turn.results)
    yield from _tool_message(turn, f"Task started -> {{{ids}, queue: 3}} (background)")


def ids_deep_inside(turn: Turn) -> Iterator[Frame]:
    """An unheard-of frame with JSON text inside JSON."""
    output = {"output": _ids_as_text(turn)}
    yield {"type": "agent_step", "payload": {"steps": [{"jobs": [output]}]}}


CARRIERS = frozenset(
    {
        results,
        results_as_text,
        results_of_message,
        ids_in_tool_message,
        ids_in_substring,
        ids_deep_inside,
    }
)
"""Parts that tell task ids; a stream without any of them belongs to an ask that bought nothing."""
