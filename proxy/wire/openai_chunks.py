"""Write a chat answer as OpenAI chunks: events of one network read in, bytes for one write out.

Rules that strict clients need: ``data: `` with exactly one space, role once and first, one tool
call per chunk, reasoning and content never in one delta, no line above 32 KiB (one-api's scanner
gives up at 64 KiB), usage only when asked for.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, assert_never

import msgspec

from proxy.core.events import (
    ChatEvent,
    Counted,
    Failed,
    Finished,
    Limited,
    Noted,
    Opened,
    ReasoningDelta,
    Served,
    TextDelta,
    ToolCallDelta,
    Verbatim,
)
from proxy.wire.openai_errors import ErrorReply

DONE: Final = b"data: [DONE]\n\n"
PING: Final = b": ping\n\n"

# A character takes at most 12 bytes in JSON (a surrogate pair as two \\u escapes); our encoder
# leaves text as UTF-8, so 6 bytes (a control character) is the worst: 5,000 stay below 32 KiB.
PIECE: Final = 5_000

LINE: Final = 32 * 1024

_text: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """How this caller wants to see things."""

    hide_reasoning: bool = False
    errors_as_content: bool = False


class ChunkWriter:
    """Chunks of one completion: same ``id``, ``created`` and ``model`` in all of them."""

    def __init__(
        self, completion_id: str, created: int, model: str, options: StreamOptions
    ) -> None:
        head = {
            "id": completion_id,
            "object": "chat.completion.chunk",
            "created": created,
            "model": model,
        }
        self._id = completion_id
        self._options = options
        self._head = b"data: " + _text(head)[:-1]
        self._content = [self._content_envelope(0)]
        self._opened: set[int] = set()

    def write(self, events: Iterable[ChatEvent]) -> bytes:
        """The chunks of these events, joined for one write; empty when nothing is to be seen."""
        out: list[bytes] = []
        for event in events:
            if type(event) is TextDelta and event.choice == 0 and 0 in self._opened:
                before, after = self._content[0]
                text = event.text
                if len(text) <= PIECE:
                    out.append(before + _text(text) + after)
                    continue
            self._event(event, out)
        return b"".join(out)

    def open(self, choice: int = 0) -> bytes:
        """The first chunk, which carries the role, if it has not gone out yet."""
        if choice in self._opened:
            return b""
        self._opened.add(choice)
        return self._chunk({"role": "assistant", "content": ""}, choice)

    def usage(self, usage: dict[str, Any]) -> bytes:
        """The usage chunk, last before ``[DONE]``, for callers who asked for it."""
        return self._head + b',"choices":[],"usage":' + _text(usage) + b"}\n\n"

    def failure(self, reply: ErrorReply) -> bytes:
        """An honest end after text: an error event (and ``[DONE]``), then the caller closes."""
        if not self._options.errors_as_content:
            return b"data: " + reply.encoded() + b"\n\n" + DONE
        said = self._chunk({"content": f"\n\n[{reply.message}]"}, 0)
        return self.open() + said + self._chunk({}, 0, finish="stop") + DONE

    def _event(self, event: ChatEvent, out: list[bytes]) -> None:
        match event:
            case TextDelta(text, choice):
                out.append(self.open(choice))
                out.extend(self._chunk({"content": piece}, choice) for piece in pieces(text))
            case ReasoningDelta(text, choice):
                if not self._options.hide_reasoning:
                    out.append(self.open(choice))
                    out.extend(
                        self._chunk({"reasoning_content": piece}, choice) for piece in pieces(text)
                    )
            case ToolCallDelta():
                self._tool_call(event, out)
            case Verbatim(delta, beside, choice):
                out.append(self.open(choice))
                chunk = self._chunk(delta, choice, beside=beside)
                # No way to split a field of unknown meaning; a longer line would end one-api's
                # relay of the whole answer.
                out.append(chunk if len(chunk) <= LINE else b"")
            case Finished(reason, choice):
                out.append(self.open(choice))
                out.append(self._chunk({}, choice, finish=reason))
            case Opened() | Served() | Counted() | Limited() | Noted() | Failed():
                pass
            case _:
                assert_never(event)

    def _tool_call(self, event: ToolCallDelta, out: list[bytes]) -> None:
        """Opening fragment with id, type and name; arguments follow without them."""
        out.append(self.open(event.choice))
        if event.name is not None:
            opening = {
                "index": event.index,
                "id": event.id or f"call_{self._id[9:]}_{event.index}",
                "type": "function",
                "function": {"name": event.name, "arguments": ""},
            }
            out.append(self._chunk({"tool_calls": [opening]}, event.choice))
        for piece in pieces(event.arguments):
            fragment = {"index": event.index, "function": {"arguments": piece}}
            out.append(self._chunk({"tool_calls": [fragment]}, event.choice))

    def _chunk(
        self,
        delta: dict[str, Any],
        choice: int,
        *,
        finish: str | None = None,
        beside: dict[str, Any] | None = None,
    ) -> bytes:
        body = {"index": choice, "delta": delta, **(beside or {}), "finish_reason": finish}
        return self._head + b',"choices":[' + _text(body) + b"]}\n\n"

    def _content_envelope(self, choice: int) -> tuple[bytes, bytes]:
        """Everything around the text of a content chunk, encoded once per answer."""
        whole = self._chunk({"content": "\x00"}, choice)
        before, after = whole.rsplit(_text("\x00"), 1)
        return before, after


def comment(text: str) -> bytes:
    """A line for people with curl; every client skips it."""
    return b": " + " ".join(text.split()).encode() + b"\n\n"


def pieces(text: str) -> Iterable[str]:
    """The text in pieces that fit a line."""
    if len(text) <= PIECE:
        return (text,) if text else ()
    return (text[start : start + PIECE] for start in range(0, len(text), PIECE))
