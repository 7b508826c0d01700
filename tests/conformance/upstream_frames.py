"""Hand-made frames of both upstream dialects, for streams that no emulator scenario tells."""

import json
from typing import Any

from conformance.sides import COOKIE

Frame = dict[str, Any] | str


def begun(side_name: str, deltas: list[str]) -> list[Frame]:
    """An answer that has only begun: its end is missing."""
    if side_name == COOKIE:
        return [
            {"type": "project_start", "id": "p1"},
            {"type": "message_start", "message_id": "m1", "role": "assistant"},
            *(cookie_delta(text) for text in deltas),
        ]
    return [key_chunk({"content": text}) for text in deltas]


def told(side_name: str, deltas: list[str]) -> list[Frame]:
    """A short, complete answer: as few frames as the dialect allows."""
    whole = [cookie_result("".join(deltas))]
    return begun(side_name, deltas) + (
        whole if side_name == COOKIE else [key_chunk({}, "stop"), "[DONE]"]
    )


def cookie_delta(text: str) -> Frame:
    """A piece of the answer on the cookie route."""
    fields = {"message_id": "m1", "field_name": "content", "delta": text}
    return {"type": "message_field_delta", **fields}


def cookie_result(text: str) -> Frame:
    """The final message on the cookie route."""
    return {"type": "message_result", "message": {"role": "assistant", "content": text}}


def key_chunk(delta: dict[str, Any], finish: str | None = None, choice: int = 0) -> Frame:
    """A chunk of the key route."""
    return {
        "id": "chatcmpl-upstream",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "gpt-5.4",
        "choices": [{"index": choice, "delta": delta, "finish_reason": finish}],
    }


def key_call(index: int, name: str = "", arguments: str = "", call_id: str = "") -> Frame:
    """A chunk of the key route with one tool-call fragment."""
    function = {"arguments": arguments} | ({"name": name} if name else {})
    fragment = {"index": index, "function": function}
    opening = {"id": call_id, "type": "function"} if call_id else {}
    return key_chunk({"tool_calls": [{**opening, **fragment}]})


def as_text(frames: list[Frame]) -> list[str]:
    """The frames as the emulator is to send them, letter by letter."""
    return [frame if isinstance(frame, str) else json.dumps(frame) for frame in frames]


def wire_size(frames: list[str]) -> int:
    """How many bytes a stream of such frames has."""
    return sum(len(f"data: {frame}\n\n".encode()) for frame in frames)
