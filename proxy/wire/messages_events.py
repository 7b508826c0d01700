"""Write an answer as Anthropic's stream of named events.

Shapes: ``anthropic.types.raw_message_stream_event``. One content block is open at a time and their
indexes rise; no line is above 32 KiB. There is no ``[DONE]``: ``message_stop`` is the end.
"""

from collections.abc import Iterable
from typing import Any, Final, assert_never

import msgspec

from proxy.core.answer import Answer
from proxy.core.events import (
    ChatEvent,
    Cited,
    Counted,
    Failed,
    Finished,
    Limited,
    Noted,
    Opened,
    ReasoningDelta,
    RefusalDelta,
    Served,
    TextDelta,
    ToolCallDelta,
    Verbatim,
)
from proxy.wire.messages_errors import error_body
from proxy.wire.messages_object import ending, message_usage, tool_use_id, web_citations
from proxy.wire.openai_chunks import PIECE, comment, pieces
from proxy.wire.openai_errors import ErrorReply

_json: Final = msgspec.json.Encoder().encode

_TEXT: Final[dict[str, Any]] = {"type": "text", "text": ""}
_THINKING: Final[dict[str, Any]] = {"type": "thinking", "thinking": "", "signature": ""}
_DELTAS: Final = {
    "text": b'"text_delta","text":',
    "thinking": b'"thinking_delta","thinking":',
    "tool_use": b'"input_json_delta","partial_json":',
}
_AFTER: Final = b"}}\n\n"


class MessageWriter:
    """An ``AnswerWriter``. ``input_tokens`` is the estimate that the first event tells.

    A call's arguments go out as they come, so what is said before they are complete waits for the
    next call or the end. Only the first choice is written: this dialect has no ``n``.
    """

    def __init__(
        self, message_id: str, model: str, input_tokens: int, *, hide_reasoning: bool
    ) -> None:
        self._id = message_id
        self._model = model
        self._input_tokens = input_tokens
        self._hide_reasoning = hide_reasoning
        self._started = False
        self._index = -1
        self._open = ""
        self._before = b""
        self._calls: list[int] = []
        self._held: list[tuple[dict[str, Any], str]] = []
        self._cited: dict[str, Cited] = {}
        self._answered = False

    def write(self, events: Iterable[ChatEvent]) -> bytes:
        """The events of one network read; empty when nothing is to be seen."""
        out: list[bytes] = []
        for event in events:
            if type(event) is TextDelta and self._open == "text" and event.choice == 0:
                text = event.text
                if 0 < len(text) <= PIECE:
                    out.append(self._before + _json(text) + _AFTER)
                    continue
            if getattr(event, "choice", 0) == 0:
                self._event(event, out)
        return b"".join(out)

    def end(self, answer: Answer, usage: dict[str, Any], note: str) -> bytes:
        """What is still open, the reason of the end, the counts."""
        out: list[bytes] = []
        self._start(out)
        self._release(out)
        if not self._answered:
            # Most callers take the first block for the answer, so there is one.
            self._open_block(_TEXT, out)
        self._close_block(out)
        if note:
            out.append(comment(note))
        out.append(
            _event("message_delta", {"delta": ending(answer), "usage": message_usage(usage)})
        )
        out.append(_event("message_stop", {}))
        return b"".join(out)

    def failure(self, reply: ErrorReply) -> bytes:
        """Anthropic's error event, at which its SDKs raise."""
        return b"event: error\ndata: " + error_body(reply) + b"\n\n"

    def _event(self, event: ChatEvent, out: list[bytes]) -> None:
        match event:
            case TextDelta(text) | RefusalDelta(text):
                self._start(out)
                self._say(_TEXT, text, out)
            case ReasoningDelta(text):
                self._start(out)
                if not self._hide_reasoning:
                    self._say(_THINKING, text, out)
            case ToolCallDelta():
                self._start(out)
                self._tool_call(event, out)
            case Cited():
                self._cited[event.url] = event
            case Verbatim() | Finished():
                self._start(out)
            case Opened() | Served() | Counted() | Limited() | Noted() | Failed():
                pass
            case _:
                assert_never(event)

    def _start(self, out: list[bytes]) -> None:
        if self._started:
            return
        self._started = True
        usage = {"prompt_tokens": self._input_tokens, "completion_tokens": 0}
        message: dict[str, Any] = {
            "id": self._id,
            "type": "message",
            "role": "assistant",
            "model": self._model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": message_usage(usage),
        }
        out.append(_event("message_start", {"message": message}))

    def _say(self, block: dict[str, Any], text: str, out: list[bytes]) -> None:
        if self._open == "tool_use":
            self._held.append((block, text))
            return
        if text and self._open != block["type"]:
            self._open_block(block, out)
        self._deltas(text, out)

    def _tool_call(self, event: ToolCallDelta, out: list[bytes]) -> None:
        if event.index not in self._calls:
            self._release(out)
            self._calls.append(event.index)
            call_id = tool_use_id(event.id, self._id, event.index)
            block = {"type": "tool_use", "id": call_id, "name": event.name or "", "input": {}}
            self._open_block(block, out)
        if event.index == self._calls[-1]:
            # Readers deliver one call after the other; a closed block takes no more.
            self._deltas(event.arguments, out)

    def _release(self, out: list[bytes]) -> None:
        """The call before is complete: what was said meanwhile."""
        held, self._held = self._held, []
        if held:
            self._close_block(out)
        for block, text in held:
            self._say(block, text, out)

    def _open_block(self, block: dict[str, Any], out: list[bytes]) -> None:
        self._close_block(out)
        self._index += 1
        self._open = kind = block["type"]
        self._answered = self._answered or kind != "thinking"
        self._before = (
            b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,'
            b'"delta":{"type":%b' % (self._index, _DELTAS[kind])
        )
        out.append(_event("content_block_start", {"index": self._index, "content_block": block}))

    def _deltas(self, text: str, out: list[bytes]) -> None:
        out.extend(self._before + _json(piece) + _AFTER for piece in pieces(text))

    def _close_block(self, out: list[bytes]) -> None:
        if not self._open:
            return
        if self._open == "text":
            for citation in web_citations(self._cited.values()):
                self._delta({"type": "citations_delta", "citation": citation}, out)
            self._cited.clear()
        elif self._open == "thinking":
            # Some clients discard a thinking block that ends without its signature.
            self._delta({"type": "signature_delta", "signature": ""}, out)
        out.append(_event("content_block_stop", {"index": self._index}))
        self._open = ""

    def _delta(self, delta: dict[str, Any], out: list[bytes]) -> None:
        out.append(_event("content_block_delta", {"index": self._index, "delta": delta}))


def _event(name: str, fields: dict[str, Any]) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (name.encode(), _json({"type": name, **fields}))
