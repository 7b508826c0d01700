"""Read the ``ai_chat`` stream of ``/api/agent/ask_proxy`` (frames as observed 2026-03 … 2026-09).

Feed network reads, get chat events. Deltas are passed on at once; a full-field frame repeats what
was streamed, so only a missing tail is added; the first of several end marks ends the answer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from proxy.core.events import (
    ChatEvent,
    Failed,
    Finished,
    Limited,
    Noted,
    Opened,
    Served,
    TextDelta,
)
from proxy.core.failures import Failure, Kind
from proxy.core.products import Product
from proxy.wire import canned
from proxy.wire.genspark_cookie_sources import Sources, names_sources
from proxy.wire.genspark_cookie_text import AnswerText
from proxy.wire.genspark_failures import Reply, classify, limit_from_message
from proxy.wire.json_values import child, content_text, object_at, text_at
from proxy.wire.sse import Frames


class _Delta(msgspec.Struct):
    """The only frame that comes hundreds of times; decoded with the fields it needs."""

    type: str = ""
    message_id: str = ""
    field_name: str = ""
    delta: str = ""


_DELTA: Final = msgspec.json.Decoder(_Delta)
_ACTIONS: Final = {
    "ACTION_QUOTA_EXCEEDED": Kind.DAILY_QUOTA,
    "ACTION_CREDIT_EXHAUSTED": Kind.FUNDS,
}
_ENDS: Final = frozenset({"message_end", "message_complete", "project_complete"})
_SILENT: Final = frozenset({"agent_notification", "heartbeat", "ping"})


@dataclass(frozen=True, slots=True)
class Dialect:
    """Which fields carry what; ``ai_chat`` and the legacy copilot differ in nothing else."""

    is_text: Callable[[str], bool]
    is_reasoning: Callable[[str], bool]
    result_text: Callable[[Any], str]


def _is_thought(name: str) -> bool:
    return "answerthink" in name and not name.endswith(("_is_started", "_is_finished"))


AI_CHAT: Final = Dialect(lambda name: name == "content", _is_thought, content_text)


class CookieChatReader:
    """One answer's state machine. ``feed`` and ``close`` return events; ``done`` ends it."""

    def __init__(self, now: Callable[[], float], dialect: Dialect = AI_CHAT) -> None:
        self._now = now
        self._dialect = dialect
        self._frames = Frames()
        self._text = AnswerText()
        self._sources = Sources()
        self._shown = False
        self._limit: Failure | None = None
        self.done = False

    def feed(self, data: bytes) -> list[ChatEvent]:
        """The events of one network read."""
        events: list[ChatEvent] = []
        for payload in self._frames.feed(data):
            if self.done:
                break
            self._read(payload, events)
        return self._left(events)

    def close(self, *, clean: bool) -> list[ChatEvent]:
        """The end of the transfer: a clean one ends an answer that has text (no mark needed)."""
        if self.done:
            return []
        events: list[ChatEvent] = []
        payloads, cut = self._frames.close()
        for payload in payloads:
            self._read(payload, events)
        if not self.done:
            self._end_of_transfer(events, whole=clean and not cut)
        return self._left(events)

    def _left(self, events: list[ChatEvent]) -> list[ChatEvent]:
        self._shown = self._shown or any(isinstance(event, TextDelta) for event in events)
        return events

    def _end_of_transfer(self, events: list[ChatEvent], *, whole: bool) -> None:
        answer = self._text.said()
        # An error text has no blank line at its end: it says more than that it was cut.
        told = None if answer else self._limit or self._stray()
        if told is not None:
            self._fail(events, told)
        elif not whole:
            self._fail(events, Failure(Kind.BROKEN_STREAM, "the transfer broke off"))
        elif answer:
            events.append(Noted("end_without_mark"))
            self._end_mark(events)
        else:
            self._fail(events, Failure(Kind.EMPTY, "empty stream"))

    def _stray(self) -> Failure | None:
        """An error text that came under the content type of an event stream."""
        if not self._frames.stray:
            return None
        return classify(Reply(200, {}, self._frames.stray, self._now()))

    def _read(self, payload: bytes, events: list[ChatEvent]) -> None:
        try:
            frame = _DELTA.decode(payload)
        except (msgspec.DecodeError, RecursionError):
            self._read_loose(payload, events)
            return
        if frame.type == "message_field_delta" and frame.field_name == "content":
            self._text.append(frame.message_id, frame.delta, events)
        else:
            self._read_loose(payload, events)

    def _read_loose(self, payload: bytes, events: list[ChatEvent]) -> None:
        if payload.strip() == b"[DONE]":
            return
        try:
            frame = msgspec.json.decode(payload)
        except (msgspec.DecodeError, RecursionError):
            events.append(Noted("malformed_frame"))
            return
        handler = _HANDLERS.get(text_at(frame, "type"))
        if handler is None:
            events.append(Noted("unknown_frame"))
            return
        handler(self, frame, events)

    # One method per frame type, in the order of a normal turn.

    def _project_start(self, frame: dict[str, Any], events: list[ChatEvent]) -> None:
        if project := text_at(frame, "id"):
            events.append(Opened(project))

    def _message_start(self, frame: dict[str, Any], events: list[ChatEvent]) -> None:
        message = object_at(frame, "message")
        name = text_at(frame, "message_id") or text_at(message, "id") or text_at(frame, "id")
        role = text_at(frame, "role") or text_at(message, "role")
        self._text.message(name).role = role or "assistant"
        if role in ("", "assistant"):
            self._text.current = name

    def _project_field(self, frame: dict[str, Any], events: list[ChatEvent]) -> None:
        name, value = text_at(frame, "field_name"), frame.get("field_value")
        if name.endswith("session_limit_message"):
            self._limited(limit_from_message(value), events)
        elif name.endswith("consume_usage_quota_exceeded") and value is True:
            self._fail(events, Failure(Kind.DAILY_QUOTA, "daily usage quota exceeded"))
        elif name == "status" and str(value).upper() == "FINISHED":
            self._end_mark(events)
        elif names_sources(name):
            events.extend(self._sources.fresh(value))

    def _message_field(self, frame: dict[str, Any], events: list[ChatEvent]) -> None:
        name, value = text_at(frame, "field_name"), frame.get("field_value")
        message = text_at(frame, "message_id")
        role = self._text.role_of(message)
        if self._dialect.is_text(name):
            self._text.whole(message, content_text(value), events)
            if role == "tool":
                events.extend(self._sources.fresh(value))
        elif self._dialect.is_reasoning(name):
            self._text.think(content_text(value), events, whole=True)
        elif name.endswith("session_limit_message"):
            self._limited(limit_from_message(value), events)
        elif names_sources(name) and role != "user":
            events.extend(self._sources.fresh(value))

    def _message_field_delta(self, frame: dict[str, Any], events: list[ChatEvent]) -> None:
        name, delta = text_at(frame, "field_name"), text_at(frame, "delta")
        if self._dialect.is_text(name):
            self._text.append(text_at(frame, "message_id"), delta, events)
        elif self._dialect.is_reasoning(name):
            self._text.think(delta, events, whole=False)

    def _message_result(self, frame: dict[str, Any], events: list[ChatEvent]) -> None:
        message = object_at(frame, "message") or frame
        name = text_at(frame, "message_id") or text_at(message, "id")
        known = self._text.role_of(name)
        role = text_at(message, "role") or known or "assistant"
        if role == "tool":
            events.extend(self._sources.fresh(message.get("content")))
        if role != "assistant":
            return
        self._served(message, events)
        text = self._dialect.result_text(message.get("content"))
        name = name if known else self._text.current
        failure = refusal_in(message) or self._stopped(name, text)
        if failure is not None:
            self._fail(events, failure)
            return
        self._text.whole(name, text, events)
        self._end_mark(events, told_whole=bool(text))

    def _stopped(self, name: str, text: str) -> Failure | None:
        """A canned final text in place of what was streamed: the run was stopped half way."""
        streamed = self._text.message(name).text
        goes_on = text.startswith(streamed) if streamed else not self._text.said()
        return None if goes_on else canned.recognise(text, canned.CHAT)

    def _error(self, frame: dict[str, Any], events: list[ChatEvent]) -> None:
        said = next((t for k in ("message", "error", "content") if (t := text_at(frame, k))), "")
        said = said or text_at(frame, "error", "message")
        told = Failure(Kind.ERROR_FRAME, "the upstream sent an error frame")
        self._fail(events, canned.recognise(said, canned.CHAT) or told)

    def _ended(self, frame: dict[str, Any], events: list[ChatEvent]) -> None:
        if self._text.said():
            self._end_mark(events)

    def _ignore(self, frame: dict[str, Any], events: list[ChatEvent]) -> None:
        """Keep-alives and progress are not part of the answer."""

    # Endings.

    def _served(self, message: dict[str, Any], events: list[ChatEvent]) -> None:
        state = object_at(message, "session_state")
        if model := text_at(state, "_llm_model"):
            events.append(Served(model))
        for name in filter(names_sources, state):
            events.extend(self._sources.fresh(state[name]))

    def _limited(self, failure: Failure | None, events: list[ChatEvent]) -> None:
        """A limit for chat ends an answer that is not whole; any other is only announced."""
        if failure is None:
            return
        self._limit = failure
        if failure.product not in (None, Product.CHAT):
            events.append(Limited(failure))

    def _end_mark(self, events: list[ChatEvent], *, told_whole: bool = False) -> None:
        answer = self._text.said()
        refused = None if self._shown else canned.recognise(answer, canned.CHAT)
        limited = self._limit is not None and self._limit.product in (None, Product.CHAT)
        if refused is not None:
            _drop_text(events)
            self._fail(events, refused)
        elif not answer or (limited and not told_whole):
            # Without a final message that repeats the text, a limit has cut it short.
            self._fail(events, self._limit or Failure(Kind.EMPTY, "an answer without text"))
        else:
            if self._limit is not None and limited:
                events.append(Limited(self._limit))
            self._finish(events)

    def _finish(self, events: list[ChatEvent]) -> None:
        self._text.release(events)
        for aside in self._text.texts("tool"):
            events.extend(self._sources.fresh(aside))
        self.done = True
        events.append(Finished("stop"))

    def _fail(self, events: list[ChatEvent], failure: Failure) -> None:
        self.done = True
        events.append(Failed(failure))


_Handler = Callable[[CookieChatReader, dict[str, Any], list[ChatEvent]], None]
_HANDLERS: Final[dict[str, _Handler]] = {
    "project_start": CookieChatReader._project_start,
    "project_field": CookieChatReader._project_field,
    "message_start": CookieChatReader._message_start,
    "message_field": CookieChatReader._message_field,
    "message_field_delta": CookieChatReader._message_field_delta,
    "message_result": CookieChatReader._message_result,
    "error": CookieChatReader._error,
    **dict.fromkeys(_ENDS, CookieChatReader._ended),
    **dict.fromkeys(_SILENT, CookieChatReader._ignore),
}


def refusal_in(message: dict[str, Any]) -> Failure | None:
    """A refusal by structure: the action's type, the quota flag, or a drained account."""
    action = message.get("action")
    kind = _ACTIONS.get(text_at(action, "type"))
    params = object_at(action, "action_params") or object_at(message, "action_params")
    if kind is None and text_at(params, "block_reason") == "balance_drained":
        kind = Kind.FUNDS
    if child(message, "session_state", "consume_usage_quota_exceeded") is True:
        kind = Kind.DAILY_QUOTA
    return Failure(kind, text_at(action, "type")) if kind else None


def _drop_text(events: list[ChatEvent]) -> None:
    events[:] = [event for event in events if not isinstance(event, TextDelta)]
