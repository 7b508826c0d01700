"""Write a chat answer as OpenAI chunks: events of one network read in, bytes for one write out.

Rules that strict clients need: ``data: `` with exactly one space, role once and first, one tool
call per chunk, reasoning and content never in one delta, no line above 32 KiB (one-api's scanner
gives up at 64 KiB), usage only when asked for.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
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
from proxy.core.reasoning import ReasoningStyle
from proxy.wire.citations import annotations
from proxy.wire.json_values import list_at
from proxy.wire.openai_errors import ErrorReply
from proxy.wire.think_tags import CLOSING, GAP, OPENING

DONE: Final = b"data: [DONE]\n\n"
PING: Final = b": ping\n\n"

# A character takes at most 12 bytes in JSON (a surrogate pair as two \\u escapes); our encoder
# leaves text as UTF-8, so 6 bytes (a control character) is the worst: 5,000 stay below 32 KiB.
PIECE: Final = 5_000

LINE: Final = 32 * 1024

_text: Final = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """How this caller wants to see things.

    ``legacy_calls``: the request spoke of ``functions``, so the first tool call comes as a
    ``function_call``, and there is no other.
    """

    reasoning: ReasoningStyle = ReasoningStyle.FIELD
    errors_as_content: bool = False
    include_usage: bool = False
    legacy_calls: bool = False


@dataclass(slots=True)
class _Choice:
    """What one choice has said so far.

    ``thinking``: a ``<think>`` is open; ``gap``: the blank line behind it is still to come.
    """

    index: int
    content: list[str] = field(default_factory=list)
    cited: list[Cited] = field(default_factory=list)
    annotated: list[Any] = field(default_factory=list)
    thinking: bool = False
    gap: bool = False
    legacy_call: int | None = None


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
        self._choices: dict[int, _Choice] = {}
        # Choices whose text can go out without a further look: what stands around it, and where
        # it is noted.
        self._ready: dict[int, tuple[bytes, bytes, Callable[[str], None]]] = {}

    def write(self, events: Iterable[ChatEvent]) -> bytes:
        """The chunks of these events, joined for one write; empty when nothing is to be seen."""
        out: list[bytes] = []
        for event in events:
            if type(event) is TextDelta and (ready := self._ready.get(event.choice)) is not None:
                text = event.text
                if len(text) <= PIECE:
                    before, after, note = ready
                    note(text)
                    out.append(before + _text(text) + after)
                    continue
            self._event(event, out)
        return b"".join(out)

    def end(self, answer: Answer, usage: dict[str, Any], note: str) -> bytes:
        """The usage, for callers who asked for it, and the end mark."""
        out = self._thoughts_ended()
        if note:
            out.append(comment(note))
        if self._options.include_usage:
            out.append(self._head + b',"choices":[],"usage":' + _text(usage) + b"}\n\n")
        return b"".join(out) + DONE

    def failure(self, reply: ErrorReply) -> bytes:
        """An honest end after text: an error event (and ``[DONE]``), then the caller closes."""
        out = self._thoughts_ended()
        if self._options.errors_as_content:
            self._say(f"\n\n[{reply.message}]", self._open(0, out), out)
            out.append(self._chunk({}, 0, finish="stop"))
        else:
            out.append(b"data: " + reply.encoded() + b"\n\n")
        return b"".join(out) + DONE

    def _event(self, event: ChatEvent, out: list[bytes]) -> None:
        match event:
            case TextDelta(text, choice):
                self._answer(text, self._speaking(choice, out), out)
            case ReasoningDelta(text, choice):
                self._reason(text, choice, out)
            case ToolCallDelta():
                self._tool_call(event, out)
            case RefusalDelta(text, choice):
                self._speaking(choice, out)
                out.extend(self._chunk({"refusal": piece}, choice) for piece in pieces(text))
            case Cited():
                self._open(event.choice, out).cited.append(event)
            case Verbatim():
                self._pass_on(event, out)
            case Finished(reason, choice):
                self._finish(reason, self._speaking(choice, out), out)
            case Opened() | Served() | Counted() | Limited() | Noted() | Failed():
                pass
            case _:
                assert_never(event)

    def _open(self, index: int, out: list[bytes]) -> _Choice:
        """The choice; its first chunk carries the role."""
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice(index)
            out.append(self._chunk({"role": "assistant", "content": ""}, index))
        return choice

    def _speaking(self, index: int, out: list[bytes]) -> _Choice:
        """The choice, which has ended its reasoning."""
        choice = self._open(index, out)
        if choice.thinking:
            choice.thinking, choice.gap = False, True
            self._say(CLOSING, choice, out)
        return choice

    def _thoughts_ended(self) -> list[bytes]:
        out: list[bytes] = []
        for index in self._choices:
            self._speaking(index, out)
        return out

    def _say(self, text: str, choice: _Choice, out: list[bytes]) -> None:
        for piece in pieces(text):
            choice.content.append(piece)
            out.append(self._chunk({"content": piece}, choice.index))

    def _answer(self, text: str, choice: _Choice, out: list[bytes]) -> None:
        if choice.gap and text:
            choice.gap = False
            self._say(GAP, choice, out)
        self._say(text, choice, out)
        if not choice.gap and choice.index not in self._ready:
            self._ready[choice.index] = (*self._envelope(choice.index), choice.content.append)

    def _reason(self, text: str, index: int, out: list[bytes]) -> None:
        style = self._options.reasoning
        if style is ReasoningStyle.HIDE:
            return
        choice = self._open(index, out)
        for piece in pieces(text):
            if style.in_field:
                out.append(self._chunk({"reasoning_content": piece}, index))
            if style.in_content:
                self._think(piece, choice, out)

    def _think(self, text: str, choice: _Choice, out: list[bytes]) -> None:
        if not choice.thinking:
            choice.thinking = True
            self._ready.pop(choice.index, None)
            self._say(OPENING, choice, out)
        self._say(text, choice, out)

    def _tool_call(self, event: ToolCallDelta, out: list[bytes]) -> None:
        choice = self._speaking(event.choice, out)
        fragments = self._legacy_call if self._options.legacy_calls else self._call
        out.extend(self._chunk(delta, choice.index) for delta in fragments(event, choice))

    def _call(self, event: ToolCallDelta, choice: _Choice) -> Iterable[dict[str, Any]]:
        """Opening fragment with id, type and name; arguments follow without them."""
        if event.name is not None:
            opening = {
                "index": event.index,
                "id": event.id or f"call_{self._id[9:]}_{event.index}",
                "type": "function",
                "function": {"name": event.name, "arguments": ""},
            }
            yield {"tool_calls": [opening]}
        for piece in pieces(event.arguments):
            yield {"tool_calls": [{"index": event.index, "function": {"arguments": piece}}]}

    def _legacy_call(self, event: ToolCallDelta, choice: _Choice) -> Iterable[dict[str, Any]]:
        if choice.legacy_call not in (None, event.index):
            return
        choice.legacy_call = event.index
        if event.name is not None:
            yield {"function_call": {"name": event.name, "arguments": ""}}
        for piece in pieces(event.arguments):
            yield {"function_call": {"arguments": piece}}

    def _pass_on(self, event: Verbatim, out: list[bytes]) -> None:
        """No way to split a field of unknown meaning; a longer line would end one-api's relay."""
        choice = self._open(event.choice, out)
        chunk = self._chunk(event.delta, event.choice, beside=event.beside)
        if len(chunk) <= LINE:
            out.append(chunk)
            choice.annotated += list_at(event.delta, "annotations")

    def _finish(self, reason: str, choice: _Choice, out: list[bytes]) -> None:
        if choice.cited:
            pages = annotations(choice.cited, "".join(choice.content), choice.annotated)
            out.extend(self._annotated(pages, choice.index))
        legacy = self._options.legacy_calls and reason == "tool_calls"
        out.append(self._chunk({}, choice.index, finish="function_call" if legacy else reason))

    def _annotated(self, pages: list[dict[str, Any]], index: int) -> list[bytes]:
        """One chunk, or as many as the length of a line makes necessary."""
        if not pages:
            return []
        chunk = self._chunk({"annotations": pages}, index)
        if len(chunk) <= LINE or len(pages) == 1:
            return [chunk] if len(chunk) <= LINE else []
        half = len(pages) // 2
        return self._annotated(pages[:half], index) + self._annotated(pages[half:], index)

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

    def _envelope(self, choice: int) -> tuple[bytes, bytes]:
        """Everything around the text of a content chunk, encoded once per choice."""
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
