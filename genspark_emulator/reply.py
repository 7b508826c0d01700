"""What the emulator answers, before it is put on the wire."""

from dataclasses import dataclass, replace
from typing import Any

from genspark_emulator.events import Frame, encode_frame, encode_json, to_bytes
from genspark_emulator.modifiers import Modifiers

EVENT_STREAM = "text/event-stream; charset=utf-8"
JSON = "application/json"
HTML = "text/html; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """A document (``body``: JSON value, text or bytes) or, with ``frames`` set, an event stream.

    ``spaced`` is the JSON style: with a space after separators (cookie routes) or compact. A
    reply that does not end is followed by silence until the client leaves.
    """

    body: Any = ""
    frames: tuple[Frame, ...] | None = None
    status: int = 200
    headers: Headers = ()
    content_type: str = ""
    spaced: bool = True
    ends: bool = True

    @property
    def media_type(self) -> str:
        """The content type, derived from the kind of body unless it was given."""
        if self.content_type:
            return self.content_type
        if self.frames is not None:
            return EVENT_STREAM
        return PLAIN if isinstance(self.body, str) else JSON

    def with_headers(self, *headers: tuple[str, str]) -> "Reply":
        """The same reply with more headers."""
        return replace(self, headers=(*self.headers, *headers))

    def writes(self, modifiers: Modifiers) -> list[bytes]:
        """The body as the writes it is sent in: one per event, or one for a document."""
        spaced = self.spaced and not modifiers.no_space
        if self.frames is None:
            return [_document(self.body, modifiers.pad_bytes, spaced)]
        return [
            encode_frame(
                frame, spaced=spaced, line_end=modifiers.line_end, no_space=modifiers.no_space
            )
            for frame in _padded(self.frames, modifiers.pad_bytes)
        ]


def _document(body: object, pad_bytes: int, spaced: bool) -> bytes:
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return to_bytes(body)
    padded = _pad(body, pad_bytes) if pad_bytes and isinstance(body, dict) else body
    return to_bytes(encode_json(padded, spaced=spaced))


def _pad(frame: dict[str, Any], pad_bytes: int) -> dict[str, Any]:
    return {**frame, "_padding": "x" * pad_bytes}


def _padded(frames: tuple[Frame, ...], pad_bytes: int) -> tuple[Frame, ...]:
    """Make the first JSON frame longer; which one does not matter to a line reader."""
    for index, frame in enumerate(frames):
        if pad_bytes and isinstance(frame, dict):
            return (*frames[:index], _pad(frame, pad_bytes), *frames[index + 1 :])
    return frames
