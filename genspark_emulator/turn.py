"""One turn of a conversation on the cookie side, told as a sequence of frame parts.

A stream is a tuple of parts; each part turns the turn into frames. Scenarios are therefore
tables of parts, and a new one needs no branch in the code.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from genspark_emulator.answer import Answer
from genspark_emulator.events import Frame, JsonObject


@dataclass(frozen=True, slots=True)
class Turn:
    """Everything a part may need.

    ``epoch`` and ``product`` are the reset time and the product named by a rolling window
    limit. ``kind`` and ``results`` are set when media are asked for: image or video, and the
    tasks that were bought.
    """

    project_id: str
    message_id: str
    title: str
    answer: Answer
    served_model: str
    search: bool
    epoch: int
    product: str
    kind: str = ""
    results: tuple[JsonObject, ...] = ()


@dataclass(frozen=True, slots=True)
class MessageResult:
    """The keys of a final message: nested under ``message`` or at the top level.

    ``beside`` holds keys that some observed variants put next to ``action``.
    """

    content: Any = ""
    action: JsonObject | None = None
    session_state: JsonObject = field(default_factory=dict)
    beside: JsonObject = field(default_factory=dict)

    def keys(self) -> JsonObject:
        """The object as sent."""
        return {
            "role": "assistant",
            "content": self.content,
            "action": self.action,
            **self.beside,
            "session_state": self.session_state,
        }


Part = Callable[[Turn], Iterator[Frame]]
Stream = tuple[Part, ...]

INDEXED = frozenset({"project_start", "message_start", "message_result", "project_field"})
"""Frame types that carry ``_event_index``; the real service puts it on some frames only."""


def frames_of(stream: Stream, turn: Turn) -> tuple[Frame, ...]:
    """All frames of a stream, with the running event index on those types that carry it."""
    frames = [frame for part in stream for frame in part(turn)]
    return tuple(_indexed(frame, index) for index, frame in enumerate(frames))


def _indexed(frame: Frame, index: int) -> Frame:
    if isinstance(frame, dict) and frame.get("type") in INDEXED:
        return {**frame, "_event_index": index}
    return frame
