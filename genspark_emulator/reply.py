"""What the emulator answers, before it is put on the wire."""

from collections.abc import AsyncGenerator, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from genspark_emulator.byte_ranges import FileBody
from genspark_emulator.events import Frame, Framing, encode_frame, encode_json, to_bytes
from genspark_emulator.modifiers import Modifiers

EVENT_STREAM = "text/event-stream; charset=utf-8"
JSON_LINES = "application/x-ndjson"
JSON = "application/json"
HTML = "text/html; charset=utf-8"
PLAIN = "text/plain; charset=utf-8"

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Reply:
    """A document (``body``: JSON value, text, bytes or a file), or a stream.

    A stream is told at once (``frames``) or as time goes by (``told``). ``spaced`` is the JSON
    style: with a space after separators (cookie routes) or compact. A reply that does not end is
    followed by silence until the client leaves. ``project`` is the conversation that the call
    reached; only the journal tells it.
    """

    body: Any = ""
    frames: tuple[Frame, ...] | None = None
    told: AsyncGenerator[Frame, None] | None = None
    framing: Framing = "events"
    status: int = 200
    headers: Headers = ()
    content_type: str = ""
    spaced: bool = True
    ends: bool = True
    project: str | None = None

    @property
    def media_type(self) -> str:
        """The content type, derived from the kind of body unless it was given."""
        if self.content_type:
            return self.content_type
        if self.is_stream:
            return EVENT_STREAM if self.framing == "events" else JSON_LINES
        return PLAIN if isinstance(self.body, str) else JSON

    @property
    def is_stream(self) -> bool:
        """Whether the length is not announced."""
        return self.frames is not None or self.told is not None

    def with_headers(self, *headers: tuple[str, str]) -> "Reply":
        """The same reply with more headers."""
        return replace(self, headers=(*self.headers, *headers))

    def length(self, modifiers: Modifiers) -> int | None:
        """The size of a document in bytes; None for a stream."""
        if self.is_stream:
            return None
        if isinstance(self.body, FileBody):
            return self.body.length
        return len(_document(self.body, modifiers.pad_bytes, self._spaced(modifiers)))

    def writes(self, modifiers: Modifiers) -> Iterator[bytes]:
        """The body as the writes it is sent in: one per event, one or more for a document.

        Of a stream told over time nothing; see ``encoder``.
        """
        if isinstance(self.body, FileBody):
            return self.body.blocks()
        if self.frames is not None:
            return map(self.encoder(modifiers), self.frames)
        document = _document(self.body, modifiers.pad_bytes, self._spaced(modifiers))
        return iter([] if self.told else [document])

    def encoder(self, modifiers: Modifiers) -> Callable[[Frame], bytes]:
        """A function that encodes one frame after the other and pads the first JSON one."""
        spaced, left = self._spaced(modifiers), modifiers.pad_bytes

        def encode(frame: Frame) -> bytes:
            nonlocal left
            if left and isinstance(frame, dict):
                frame, left = _pad(frame, left), 0
            return encode_frame(
                frame,
                self.framing,
                spaced=spaced,
                line_end=modifiers.line_end,
                no_space=modifiers.no_space,
            )

        return encode

    def _spaced(self, modifiers: Modifiers) -> bool:
        return self.spaced and not modifiers.no_space


def _document(body: object, pad_bytes: int, spaced: bool) -> bytes:
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return to_bytes(body)
    padded = _pad(body, pad_bytes) if pad_bytes and isinstance(body, dict) else body
    return to_bytes(encode_json(padded, spaced=spaced))


def _pad(frame: dict[str, Any], pad_bytes: int) -> dict[str, Any]:
    return {**frame, "_padding": "x" * pad_bytes}
