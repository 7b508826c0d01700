"""Several answers to one request (``n``), each from an ask of its own, told as they come."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import msgspec

from proxy.core.answer import Answer
from proxy.core.events import (
    ChatEvent,
    Cited,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    Verbatim,
)
from proxy.core.failures import Failure, Kind
from proxy.core.products import Route
from proxy.services.answering import Answering
from proxy.services.attempts import GaveUp
from proxy.wire.openai_completion import usage_of

_OF_A_CHOICE = (
    TextDelta, ReasoningDelta, ToolCallDelta, RefusalDelta, Cited, Verbatim, Finished,
)  # fmt: skip
Outcome = list[ChatEvent] | Exception
# Raises ``GaveUp``.
Open = Callable[[], Awaitable[Answering]]


@dataclass(slots=True)
class SeveralAnswers:
    """See ``Answering``. ``first`` is open; the others open when an account has room for them.

    Headers speak of the first one; the failure of one ends all.
    """

    first: Answering
    _open: Open
    _count: int
    _tasks: asyncio.TaskGroup
    full: Answer = field(default_factory=Answer)
    failure: Failure | None = None
    retry_after: float | None = None
    ended: bool = False
    _answers: dict[int, Answering] = field(init=False)
    _reading: dict[asyncio.Task[Outcome], int] = field(default_factory=dict)
    # Choices for which there was no room beside their own siblings.
    _waiting: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._answers = {0: self.first}

    @property
    def route(self) -> Route:
        """The first answer's."""
        return self.first.route

    @property
    def account(self) -> str:
        """The first answer's."""
        return self.first.account

    @property
    def attempts(self) -> int:
        """Of the first answer: headers are gone before the others are open."""
        return self.first.attempts

    @property
    def ignored(self) -> list[str]:
        """Parameters without effect."""
        return self.first.ignored

    @property
    def served_model(self) -> str | None:
        """The first answer's."""
        return self.first.served_model

    @property
    def substituted(self) -> bool:
        """Whether another model gave one of the answers."""
        return any(each.substituted for each in self._answers.values())

    async def begin(self) -> list[ChatEvent]:
        """The beginning of the first; the others are on their way."""
        events = self._enter(0, await self.first.begin())
        for number in range(1, self._count):
            self._start(number, self._opened(number))
        await self._go_on(0)
        return events

    async def next_events(self) -> list[ChatEvent]:
        """Whatever came next, of one or more of them. Raises ``GaveUp`` when one cannot be had."""
        done, _ = await asyncio.wait(self._reading, return_when=asyncio.FIRST_COMPLETED)
        events: list[ChatEvent] = []
        for task in done:
            number, outcome = self._reading.pop(task), task.result()
            if isinstance(outcome, Exception):
                self._put_off(number, outcome)
                continue
            events += self._enter(number, outcome)
            await self._go_on(number)
        self.ended = self.failure is not None or not self._reading
        return events

    def _start(self, number: int, work: Awaitable[list[ChatEvent]]) -> None:
        self._reading[self._tasks.create_task(_outcome(work), name="choice")] = number

    async def _opened(self, number: int) -> list[ChatEvent]:
        answer = self._answers[number] = await self._open()
        return await answer.begin()

    def _put_off(self, number: int, error: Exception) -> None:
        """A choice that only its siblings keep waiting has its turn when one of them ends."""
        crowded = isinstance(error, GaveUp) and error.failure.kind is Kind.ALL_BUSY
        if not (crowded and self._reading):
            raise error
        self._waiting.append(number)

    async def _go_on(self, number: int) -> None:
        answer = self._answers[number]
        if not answer.ended:
            self._start(number, answer.next_events())
            return
        if answer.failure is not None:
            self.failure, self.retry_after = answer.failure, answer.retry_after
            return
        # Its account may be the one that another choice waits for.
        await answer.aclose()
        while self._waiting:
            waiting = self._waiting.pop()
            self._start(waiting, self._opened(waiting))

    def _enter(self, number: int, events: list[ChatEvent]) -> list[ChatEvent]:
        told: list[ChatEvent] = [
            msgspec.structs.replace(event, choice=number)
            if isinstance(event, _OF_A_CHOICE)
            else event
            for event in events
        ]
        for event in told:
            self.full.add(event)
        return told

    def usage(self) -> dict[str, int]:
        """The question is counted once, the answers together."""
        counts = [each.usage() for each in self._answers.values()]
        said = sum(each["completion_tokens"] for each in counts)
        return usage_of(counts[0]["prompt_tokens"], said)

    async def aclose(self) -> None:
        """Stop reading, then close each of them."""
        for task in self._reading:
            task.cancel()
        if self._reading:
            await asyncio.wait(self._reading)
        for answer in self._answers.values():
            await answer.aclose()


async def _outcome(work: Awaitable[list[ChatEvent]]) -> Outcome:
    """A failure as a value: the tasks' group must not fall with it."""
    try:
        return await work
    except Exception as error:
        return error
