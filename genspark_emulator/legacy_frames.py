"""Frames of ``POST /api/copilot/ask``, type ``COPILOT_MOA_CHAT`` (in use until 2026-04).

Unlike the newer route, fields carry no message id and the final message is never nested.
"""

from collections.abc import Iterator

from genspark_emulator.answer import DEFAULT_REASONING, words
from genspark_emulator.events import Frame, JsonObject, encode_json
from genspark_emulator.turn import MessageResult, Part, Turn


def _delta(name: str, text: str) -> JsonObject:
    return {"type": "message_field_delta", "field_name": f"session_state.{name}", "delta": text}


def _field(name: str, value: object) -> JsonObject:
    return {"type": "message_field", "field_name": f"session_state.{name}", "field_value": value}


def answer_deltas(turn: Turn) -> Iterator[Frame]:
    """The answer of most models."""
    return (_delta("answer", text) for text in turn.answer.deltas)


def first_answer_deltas(turn: Turn) -> Iterator[Frame]:
    """The first half of the answer, before something goes wrong."""
    half = (len(turn.answer.deltas) + 1) // 2
    return (_delta("answer", text) for text in turn.answer.deltas[:half])


def answer_field(turn: Turn) -> Iterator[Frame]:
    """The answer as one whole value (o1, o3-mini-high)."""
    yield _field("answer", turn.answer.text)


def detail_deltas(turn: Turn) -> Iterator[Frame]:
    """A search answer; the field name may carry an index."""
    return (_delta("streaming_detail_answer[0]", text) for text in turn.answer.deltas)


def markmap_deltas(turn: Turn) -> Iterator[Frame]:
    """An outline, shown as the answer."""
    return (_delta("streaming_markmap", text) for text in turn.answer.deltas)


def layer_deltas(_turn: Turn) -> Iterator[Frame]:
    """What single members of a mixture wrote before the joint answer."""
    for layer in (1, 2):
        yield _delta(f"layer_{layer}_answer", f"LAYER {layer} draft ")


def thinking(turn: Turn) -> Iterator[Frame]:
    """Reasoning, when the answer has any."""
    if turn.answer.reasoning:
        yield from always_thinking(turn)


def always_thinking(turn: Turn) -> Iterator[Frame]:
    """Start marker, deltas and end marker of the reasoning text."""
    yield _field("answerthink_is_started", True)
    for word in words(turn.answer.reasoning or DEFAULT_REASONING):
        yield _delta("answerthink", word)
    yield _field("answerthink_is_finished", True)


def _closing(turn: Turn, result: MessageResult) -> JsonObject:
    return {
        "type": "message_result",
        "id": turn.message_id,
        **result.keys(),
        "recommend_actions": [],
        "is_prompt": False,
        "render_template": None,
        "message_type": None,
    }


def result(turn: Turn) -> Iterator[Frame]:
    """The final message, keys at the top level."""
    yield _closing(turn, MessageResult(turn.answer.text))


def detail_result(turn: Turn) -> Iterator[Frame]:
    """The final message of o1 with search: the content is JSON text."""
    text = encode_json({"detailAnswer": turn.answer.text}, spaced=True)
    yield _closing(turn, MessageResult(text))


def generated(turn: Turn) -> Iterator[Frame]:
    """The final message of an image or video ask: its content is JSON text with task ids."""
    tasks = [{"task_id": result["task_id"]} for result in turn.results]
    text = encode_json({f"generated_{turn.kind}s": tasks}, spaced=True)
    yield _closing(turn, MessageResult(text))


def ended_by(failure: MessageResult) -> Part:
    """A part that ends the message with a result other than the answer."""
    return lambda turn: iter([_closing(turn, failure)])
