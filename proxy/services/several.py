"""Several answers to one request (``n``), each from an ask of its own, told as they come.

Each is read by a task of its own, from its opening to its closing.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

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

_OF_A_CHOICE: Final = (
    TextDelta, ReasoningDelta, ToolCallDelta, RefusalDelta, Cited, Verbatim, Finished,
)  # fmt: skip
# Raises ``GaveUp``.
Open = Callable[[], Awaitable[Answering]]


@dataclass(frozen=True, slots=True)
class _Batch:
    """What a choice said next; ``last``: and no more."""

    number: int
    events: list[ChatEvent]
    last: bool


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
    _reading: dict[int, asyncio.Task[None]] = field(default_factory=dict)
    # Without a limit: all of it is kept in ``full`` anyway.
    _heard: asyncio.Queue[_Batch | Exception] = field(default_factory=asyncio.Queue)
    # How many have not told their last batch, and how many have a seat or may still get one.
    _untold: int = field(init=False)
    _active: int = field(init=False)
    # Set when the next of them gives its seat back.
    _seat_freed: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._answers = {0: self.first}
        self._untold = self._active = self._count

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
        events = self._enter(_Batch(0, await self.first.begin(), self.first.ended))
        if not self.ended:
            for number in range(self._count):
                task = self._tasks.create_task(self._read(number), name="choice")
                self._reading[number] = task
        return events

    async def next_events(self) -> list[ChatEvent]:
        """The next batch of one of them. Raises ``GaveUp`` when one cannot be had."""
        heard = await self._heard.get()
        if isinstance(heard, Exception):
            raise heard
        return self._enter(heard)

    async def _read(self, number: int) -> None:
        """A failure is a value: the tasks' group must not fall with it."""
        try:
            await self._read_one(number)
        except Exception as error:
            self._heard.put_nowait(error)

    async def _read_one(self, number: int) -> None:
        answer = self._answers[number] = self.first if number == 0 else await self._opened()
        try:
            if number:
                self._hear(number, await answer.begin())
            while not answer.ended:
                self._hear(number, await answer.next_events())
        finally:
            await answer.aclose()
            self._active -= 1
            self._seat_freed.set()
            self._seat_freed = asyncio.Event()

    def _hear(self, number: int, events: list[ChatEvent]) -> None:
        self._heard.put_nowait(_Batch(number, events, self._answers[number].ended))

    async def _opened(self) -> Answering:
        """A further choice. If its siblings may keep it waiting, it goes on when one has ended."""
        while True:
            freed = self._seat_freed
            try:
                return await self._open()
            except GaveUp as error:
                self._active -= 1
                crowded = error.failure.kind is Kind.ALL_BUSY
                if not (crowded and (self._active or freed.is_set())):
                    raise
            await freed.wait()
            self._active += 1

    def _enter(self, batch: _Batch) -> list[ChatEvent]:
        told: list[ChatEvent] = [
            msgspec.structs.replace(event, choice=batch.number)
            if isinstance(event, _OF_A_CHOICE)
            else event
            for event in batch.events
        ]
        for event in told:
            self.full.add(event)
        if batch.last:
            answer = self._answers[batch.number]
            self.failure, self.retry_after = answer.failure, answer.retry_after
            self._untold -= 1
            self.ended = self.failure is not None or not self._untold
        return told

    def usage(self) -> dict[str, int]:
        """The question is counted once, the answers together."""
        counts = [each.usage() for _, each in sorted(self._answers.items())]
        said = sum(each["completion_tokens"] for each in counts)
        return usage_of(counts[0]["prompt_tokens"], said)

    async def aclose(self) -> None:
        """Stop those that still speak, and wait until all are closed."""
        for number, task in self._reading.items():
            answer = self._answers.get(number)
            # One that has ended is being closed in peace: what its connection still brings is read.
            if answer is None or not answer.ended:
                task.cancel()
        if self._reading:
            await asyncio.wait(self._reading.values())
        # Its task may never have run.
        await self.first.aclose()
