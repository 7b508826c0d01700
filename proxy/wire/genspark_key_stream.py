"""Read the official route's answers: the native chunk stream, and a complete completion body."""

from typing import Any, Final

import msgspec

from proxy.core.events import (
    ChatEvent,
    Counted,
    Failed,
    Finished,
    Noted,
    ReasoningDelta,
    RefusalDelta,
    Served,
    TextDelta,
    Verbatim,
)
from proxy.core.failures import Failure, Kind
from proxy.wire import canned
from proxy.wire.citations import citations_in
from proxy.wire.genspark_key_failures import from_error, wall
from proxy.wire.json_values import list_at, object_at, text_at
from proxy.wire.sse import Frames
from proxy.wire.tool_fragments import ToolFragments

# Handled by an event of their own, or second copies of what has one: providers repeat reasoning in
# fields of their own, which would get around the hide switch.
_KNOWN_DELTA: Final = frozenset(
    {
        "role", "content", "refusal", "reasoning_content", "reasoning", "tool_calls", "thinking",
        "thinking_blocks", "reasoning_details", "reasoning_signature", "provider_specific_fields",
    }
)  # fmt: skip
_KNOWN_BESIDE: Final = frozenset({"index", "delta", "message", "finish_reason"})

# Clients know five reasons; providers' own words for them leak through now and then.
_REASONS: Final = {
    "stop": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "function_call",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "refusal": "content_filter",
}


class _PlainDelta(msgspec.Struct, forbid_unknown_fields=True):
    content: str
    role: str | None = None


class _PlainChoice(msgspec.Struct, forbid_unknown_fields=True):
    delta: _PlainDelta
    index: int = 0
    finish_reason: None = None
    logprobs: None = None


class _PlainChunk(msgspec.Struct, forbid_unknown_fields=True):
    """The chunk that comes hundreds of times: one choice, some text, nothing else."""

    choices: tuple[_PlainChoice]
    model: str = ""
    id: str = ""
    object: str = ""
    created: int = 0
    system_fingerprint: str | None = None
    usage: None = None


_PLAIN: Final = msgspec.json.Decoder(_PlainChunk)
# A provider that decorates every chunk would pay for the failed short cut each time.
_MISSES: Final = 8


class KeyChatReader:
    """One native answer's state machine, streamed. ``done`` after ``[DONE]`` or a failure."""

    def __init__(self) -> None:
        self._frames = Frames()
        self._served = ""
        self._held: list[str] | None = []
        self._shown = False
        self._open: set[int] = set()
        self._finished: set[int] = set()
        self._calls: dict[int, ToolFragments] = {}
        self._told: set[int] = set()
        self._misses = 0
        self.done = False

    def feed(self, data: bytes) -> list[ChatEvent]:
        """The events of one network read."""
        events: list[ChatEvent] = []
        for payload in self._frames.feed(data):
            if self.done:
                break
            self._read(payload, events)
        if not self._shown:
            self._shown = any(isinstance(event, TextDelta) for event in events)
        return events

    def close(self, *, clean: bool) -> list[ChatEvent]:
        """The end of the transfer: on this route an end without a finish reason is a failure."""
        if self.done:
            return []
        events: list[ChatEvent] = []
        payloads, cut = self._frames.close()
        for payload in payloads:
            self._read(payload, events)
        if not self.done:
            self._end(events, whole=clean and not cut)
        return events

    def _read(self, payload: bytes, events: list[ChatEvent]) -> None:
        if self._misses < _MISSES:
            try:
                plain = _PLAIN.decode(payload)
            except (msgspec.DecodeError, RecursionError):
                self._misses += 1
            else:
                self._plain(plain, events)
                return
        if payload.strip() == b"[DONE]":
            self._end(events, whole=True)
            return
        self._read_any(payload, events)

    def _plain(self, chunk: _PlainChunk, events: list[ChatEvent]) -> None:
        self._misses = 0
        if chunk.model != self._served and chunk.model:
            self._served = chunk.model
            events.append(Served(chunk.model))
        choice = chunk.choices[0]
        if choice.index in self._finished:
            return
        self._open.add(choice.index)
        if choice.delta.content:
            self._say(choice.delta.content, choice.index, events)

    def _read_any(self, payload: bytes, events: list[ChatEvent]) -> None:
        try:
            chunk = msgspec.json.decode(payload)
        except (msgspec.DecodeError, RecursionError):
            events.append(Noted("malformed_frame"))
            return
        if not isinstance(chunk, dict):
            events.append(Noted("unknown_frame"))
        elif chunk.get("x_genspark") and (walled := wall({}, chunk)) is not None:
            self._fail(events, walled)
        elif error := chunk.get("error"):
            self._fail(events, from_error(error))
        else:
            self._chunk(chunk, events)

    def _chunk(self, chunk: dict[str, Any], events: list[ChatEvent]) -> None:
        model = chunk.get("model")
        if model and model != self._served and isinstance(model, str):
            self._served = model
            events.append(Served(model))
        for choice in list_at(chunk, "choices"):
            if isinstance(choice, dict) and not self.done:
                self._choice(choice, events)
        if isinstance(usage := chunk.get("usage"), dict) and not self.done:
            events.append(Counted(usage))

    def _choice(self, choice: dict[str, Any], events: list[ChatEvent]) -> None:
        index = choice.get("index")
        number = index if isinstance(index, int) else 0
        if number in self._finished:
            return
        delta = choice.get("delta")
        if isinstance(delta, dict):
            self._delta(delta, number, events)
        if choice.keys() - _KNOWN_BESIDE or (
            isinstance(delta, dict) and delta.keys() - _KNOWN_DELTA
        ):
            events.extend(_verbatim(choice, delta, number))
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and reason:
            self._finish(reason, number, events)

    def _delta(self, delta: dict[str, Any], number: int, events: list[ChatEvent]) -> None:
        self._open.add(number)
        thought = delta.get("reasoning_content") or delta.get("reasoning")
        # Clients show reasoning before the answer; what is thought later would mix with it.
        if thought and isinstance(thought, str) and number not in self._told:
            events.append(ReasoningDelta(thought, number))
        if (text := delta.get("content")) and isinstance(text, str):
            self._say(text, number, events)
        if (refusal := delta.get("refusal")) and isinstance(refusal, str):
            self._told.add(number)
            events.append(RefusalDelta(refusal, number))
        if calls := delta.get("tool_calls"):
            self._call_fragments(calls, number, events)

    def _say(self, text: str, number: int, events: list[ChatEvent]) -> None:
        self._told.add(number)
        if self._held is None:
            events.append(TextDelta(text, number))
            return
        if number:
            # A refusal is one message; an answer with several choices is none.
            self._release(events)
            events.append(TextDelta(text, number))
            return
        self._held.append(text)
        if not canned.may_become("".join(self._held), canned.KEY):
            self._release(events)

    def _release(self, events: list[ChatEvent]) -> None:
        events.extend(TextDelta(text) for text in self._held or ())
        self._held = None

    def _call_fragments(self, calls: Any, number: int, events: list[ChatEvent]) -> None:
        """Several fragments may share a chunk."""
        fragments = self._calls.setdefault(number, ToolFragments(number))
        for position, call in enumerate(calls if isinstance(calls, list) else []):
            if isinstance(call, dict):
                given = call.get("index")
                events += fragments.feed(
                    given if isinstance(given, int) else position,
                    text_at(call, "id"),
                    text_at(call, "function", "name"),
                    text_at(call, "function", "arguments"),
                )

    def _finish(self, reason: str, number: int, events: list[ChatEvent]) -> None:
        if refused := self._refusal(events):
            events[:] = [event for event in events if not isinstance(event, TextDelta)]
            self._fail(events, refused)
            return
        if self._held:
            self._release(events)
        if number in self._calls:
            events += self._calls[number].close()
        self._finished.add(number)
        events.append(Finished(_REASONS.get(reason.lower(), "stop"), number))

    def _refusal(self, events: list[ChatEvent]) -> Failure | None:
        """A canned text counts only while nothing of it has gone out in an earlier read."""
        if self._shown or self._calls:
            return None
        fresh = [event.text for event in events if isinstance(event, TextDelta)]
        return canned.recognise("".join(fresh + (self._held or [])), canned.KEY)

    def _end(self, events: list[ChatEvent], *, whole: bool) -> None:
        if self._complete():
            self.done = True
        elif whole and not self._open:
            self._fail(events, Failure(Kind.EMPTY, "an empty stream"))
        else:
            self._fail(events, Failure(Kind.BROKEN_STREAM, "the stream ended without its end mark"))

    def _complete(self) -> bool:
        """Whether every choice has its finish reason; usage and the end mark may still come."""
        return bool(self._finished) and self._finished >= self._open

    def _fail(self, events: list[ChatEvent], failure: Failure) -> None:
        self.done = True
        # What breaks behind a complete answer takes nothing from it.
        events.append(Noted("late_failure") if self._complete() else Failed(failure))


def _verbatim(choice: dict[str, Any], delta: Any, number: int) -> list[ChatEvent]:
    fields = _unknown(delta if isinstance(delta, dict) else {}, _KNOWN_DELTA)
    beside = _unknown(choice, _KNOWN_BESIDE)
    if not fields and not beside:
        return []
    # Annotations go on as they are; other dialects than OpenAI's chat know only of citations.
    return [Verbatim(fields, beside, number), *citations_in(fields.get("annotations"), number)]


def _unknown(fields: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    return {k: v for k, v in fields.items() if k not in known and v is not None}


def read_completion(body: Any) -> list[ChatEvent]:
    """The events of a complete ``chat.completion`` object (or of what came instead of one)."""
    if (walled := wall({}, body)) is not None:
        return [Failed(walled)]
    if error := object_at(body, "error") or text_at(body, "error"):
        return [Failed(from_error(error))]
    reader = KeyChatReader()
    events: list[ChatEvent] = []
    reader._chunk(_as_chunk(body), events)
    if not any(isinstance(event, Failed) for event in events):
        reader._end(events, whole=True)
    return events


def _as_chunk(body: Any) -> dict[str, Any]:
    """A complete body is one chunk whose delta is the message, with a finish reason for sure."""
    choices = [
        {
            **choice,
            "delta": object_at(choice, "message"),
            "finish_reason": text_at(choice, "finish_reason") or "stop",
        }
        for choice in list_at(body, "choices")
        if isinstance(choice, dict)
    ]
    return {**(body if isinstance(body, dict) else {}), "choices": choices}
