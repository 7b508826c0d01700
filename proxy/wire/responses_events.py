"""Write an answer as the event stream of OpenAI's Responses API.

Each item is announced, said piece by piece, and said in full when it is done. Rules that clients
need: ``response.created`` first, numbers that rise by one, an item's id the same in all its events,
the same items in the last event (openai-python and openai-node compare), a failed response's open
item never said to be done (Codex runs a call as soon as it is).
"""

from collections.abc import Iterable
from typing import Any, assert_never

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
from proxy.wire.openai_chunks import comment
from proxy.wire.openai_errors import ErrorReply
from proxy.wire.responses_object import ResponseFrame, Status, native_citations, status_of
from proxy.wire.responses_output import EventLines, OpenCall, OpenMessage, OpenReasoning, Said
from proxy.wire.responses_request import Translated


class ResponseWriter:
    """An ``AnswerWriter``; there is one choice in this dialect, others are passed over.

    Calls come one after the other, as ``ToolFragments`` puts them: once the next has begun a call
    is done, and what still came for it would have no place. Text may come between fragments.
    """

    def __init__(
        self,
        response_id: str,
        created: int,
        model: str,
        translated: Translated,
        *,
        hide_reasoning: bool = False,
    ) -> None:
        self._frame = ResponseFrame(response_id, created, model, translated)
        self._hide_reasoning = hide_reasoning
        self._lines = EventLines()
        self._begun = False
        self._prose: OpenReasoning | OpenMessage | None = None
        self._calling: OpenCall | None = None
        self._places = 0
        self._done: dict[int, dict[str, Any]] = {}
        self._cited: list[Cited] = []
        self._called: set[int] = set()

    def write(self, events: Iterable[ChatEvent]) -> bytes:
        """The events of one network read; the response is announced with the first."""
        self._begin()
        for event in events:
            self._event(event)
        return self._lines.take()

    def end(self, answer: Answer, usage: dict[str, Any], note: str) -> bytes:
        """The open item's end and the whole response once more."""
        self._begin()
        finish = answer.choice(0).finish
        status = status_of(finish)
        self._close(status)
        if status == "completed" and all(
            item["type"] == "reasoning" for item in self._done.values()
        ):
            self._begin_message().begin("output_text")
            self._close(status)
        if note:
            self._lines.raw(comment(note))
        response = self._frame.ended(self._output(), finish, usage)
        self._lines.add(f"response.{status}", response=response)
        return self._lines.take()

    def failure(self, reply: ErrorReply) -> bytes:
        """Two events, as OpenAI itself sends them (recorded in October 2025).

        The SDKs raise at ``error`` for its nested object, while the documented form is flat; Codex
        looks at ``response.failed`` alone.
        """
        self._begin()
        told = reply.body()["error"]
        flat = {name: told[name] for name in ("code", "message", "param")}
        self._lines.add("error", **flat, error=told)
        self._lines.add("response.failed", response=self._frame.failed(self._output(), reply))
        return self._lines.take()

    def _begin(self) -> None:
        if not self._begun:
            self._begun = True
            begun = self._frame.begun()
            self._lines.add("response.created", response=begun)
            self._lines.add("response.in_progress", response=begun)

    def _event(self, event: ChatEvent) -> None:
        match event:
            case TextDelta(text, choice):
                if choice == 0:
                    self._say("output_text", text)
            case RefusalDelta(text, choice):
                if choice == 0:
                    self._say("refusal", text)
            case ReasoningDelta(text, choice):
                if choice == 0 and text and not self._hide_reasoning:
                    self._reason(text)
            case ToolCallDelta():
                if event.choice == 0:
                    self._call(event)
            case Cited():
                if event.choice == 0:
                    self._cited.append(event)
            case Verbatim(delta, _, choice):
                if choice == 0:
                    self._cited += native_citations(delta.get("annotations"))
            case Opened() | Served() | Finished() | Counted() | Limited() | Noted() | Failed():
                pass
            case _:
                assert_never(event)

    def _say(self, kind: Said, text: str) -> None:
        if text:
            item = self._prose
            (item if type(item) is OpenMessage else self._begin_message()).say(kind, text)

    def _begin_message(self) -> OpenMessage:
        self._close_prose("completed")
        message = self._prose = OpenMessage(self._frame, self._lines, self._place(), self._cited)
        return message

    def _reason(self, text: str) -> None:
        item = self._prose
        if type(item) is not OpenReasoning:
            self._close_prose("completed")
            item = self._prose = OpenReasoning(self._frame, self._lines, self._place())
        item.say(text)

    def _call(self, event: ToolCallDelta) -> None:
        call = self._calling
        if call is None or call.number != event.index:
            if event.index in self._called:
                return
            self._called.add(event.index)
            self._close("completed")
            call = self._calling = OpenCall(self._frame, self._lines, self._place(), event)
        call.say(event.arguments)

    def _place(self) -> int:
        """The next item's place in the output."""
        self._places += 1
        return self._places - 1

    def _close(self, status: Status) -> None:
        """End what is open; the message first, as Codex has one item in hand that is no call."""
        self._close_prose(status)
        if self._calling is not None:
            self._done[self._calling.index] = self._calling.close(status)
            self._calling = None

    def _close_prose(self, status: Status) -> None:
        if self._prose is not None:
            self._done[self._prose.index] = self._prose.close(status)
            self._prose = None

    def _output(self) -> list[dict[str, Any]]:
        return [item for _, item in sorted(self._done.items())]
