"""Several choices at once: each told whole and closed once, whatever ends, waits or leaves when."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.answer import Answer
from proxy.core.events import ChatEvent, Failed, Finished, TextDelta
from proxy.core.failures import Failure, Kind
from proxy.core.products import Route
from proxy.services.attempts import GaveUp
from proxy.services.several import SeveralAnswers

BROKEN = Failure(Kind.BROKEN_STREAM, "the transfer broke off")


async def turns(number: int) -> None:
    """So many turns of the event loop: the only time there is here."""
    for _ in range(number):
        await asyncio.sleep(0)


@dataclass
class Room:
    """Seats as the desk gives them: who finds none waits for ``patience`` turns."""

    seats: int
    patience: int = 3
    taken: int = 0
    most: int = 0

    async def take(self) -> None:
        """A seat. Raises ``GaveUp``."""
        for _ in range(self.patience):
            if self.taken < self.seats:
                break
            await asyncio.sleep(0)
        if self.taken >= self.seats:
            raise GaveUp(Failure(Kind.ALL_BUSY, "every account stayed busy"), None, 0)
        self.taken += 1
        self.most = max(self.most, self.taken)

    def give_back(self) -> None:
        """One seat more."""
        self.taken -= 1
        assert self.taken >= 0


@dataclass
class Scripted:
    """An answer that says one word per pause (in turns), and ends well or badly."""

    room: Room
    name: str
    pauses: list[int]
    end: Failure | Exception | None = None
    closing: int = 0
    route: Route = Route.COOKIE
    account: str = "a"
    attempts: int = 1
    ignored: list[str] = field(default_factory=list)
    served_model: str | None = None
    substituted: bool = False
    full: Answer = field(default_factory=Answer)
    ended: bool = False
    failure: Failure | None = None
    retry_after: float | None = None
    closed: bool = False
    held: bool = True
    _said: int = 0

    async def begin(self) -> list[ChatEvent]:
        """The first word."""
        return await self.next_events()

    async def next_events(self) -> list[ChatEvent]:
        """The next word, and the end with the last one."""
        assert not self.ended
        assert not self.closed
        await turns(self.pauses[self._said])
        self._said += 1
        if self._said < len(self.pauses):
            return [TextDelta(f"{self.name}{self._said} ")]
        if isinstance(self.end, Exception):
            raise self.end
        self.ended, self.failure = True, self.end
        last: ChatEvent = Failed(self.end) if self.end else Finished("stop")
        return [TextDelta(f"{self.name}."), last]

    def usage(self) -> dict[str, int]:
        """A question of five tokens, a word is one."""
        return {"prompt_tokens": 5, "completion_tokens": self._said, "total_tokens": 0}

    async def aclose(self) -> None:
        """The seat is free when what is left of the connection was read."""
        if self.closed:
            return
        self.closed = True
        try:
            await turns(self.closing if self.ended else 0)
        finally:
            self.room.give_back()
            self.held = False

    @property
    def whole(self) -> str:
        """All that it has to say."""
        return "".join(f"{self.name}{n} " for n in range(1, len(self.pauses))) + f"{self.name}."


class Stage:
    """Several answers over scripted ones, and what the caller heard."""

    def __init__(
        self, tasks: asyncio.TaskGroup, room: Room, answers: list[Scripted], opening: int = 0
    ) -> None:
        self.answers = answers
        room.taken = room.most = 1
        waiting = iter(answers[1:])

        async def another() -> Scripted:
            await room.take()
            try:
                await turns(opening)
            except asyncio.CancelledError:
                room.give_back()
                raise
            return next(waiting)

        self.several = SeveralAnswers(answers[0], another, len(answers), tasks)
        self.events: list[ChatEvent] = []

    async def play(self, batches: int = 1000) -> None:
        """Listen to the end, or for so many batches."""
        self.events += await self.several.begin()
        while not self.several.ended and batches:
            batches -= 1
            self.events += await self.several.next_events()

    def said(self) -> list[str]:
        """The texts, by choice."""
        texts = [""] * len(self.answers)
        for event in self.events:
            if isinstance(event, TextDelta):
                texts[event.choice] += event.text
        return texts

    def finished(self) -> list[int]:
        """The choices that have ended well, in order."""
        return [event.choice for event in self.events if isinstance(event, Finished)]


def run(story: Callable[[asyncio.TaskGroup], Coroutine[Any, Any, None]]) -> None:
    """In a loop of its own, with a group that must outlive everything."""

    async def whole() -> None:
        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            await story(tasks)

    asyncio.run(whole())


def scripts(room: Room, *pauses: list[int], **how: Any) -> list[Scripted]:
    """Answers a, b, c, … that say a word after each pause."""
    return [Scripted(room, name, each, **how) for name, each in zip("abcd", pauses, strict=False)]


def test_all_are_told_under_their_own_number_and_closed() -> None:
    async def story(tasks: asyncio.TaskGroup) -> None:
        room = Room(4)
        stage = Stage(tasks, room, scripts(room, [1, 3], [2, 2, 2], [0]))
        await stage.play()
        assert sorted(stage.said()) == sorted(answer.whole for answer in stage.answers)
        assert sorted(stage.finished()) == [0, 1, 2]
        assert stage.several.usage() == {
            "prompt_tokens": 5, "completion_tokens": 6, "total_tokens": 11,
        }  # fmt: skip
        await stage.several.aclose()
        assert room.taken == 0

    run(story)


@pytest.mark.parametrize("opening", [0, 1, 2, 5])
def test_one_seat_serves_them_one_after_the_other(opening: int) -> None:
    async def story(tasks: asyncio.TaskGroup) -> None:
        room = Room(1, patience=2)
        stage = Stage(tasks, room, scripts(room, [1, 9], [9, 9], [1, 9], [9]), opening)
        await stage.play()
        assert sorted(stage.finished()) == [0, 1, 2, 3]
        assert room.most == 1
        await stage.several.aclose()
        assert room.taken == 0

    run(story)


@pytest.mark.parametrize("patience", range(1, 9))
def test_a_sibling_may_end_just_when_the_last_one_gives_up_waiting(patience: int) -> None:
    async def story(tasks: asyncio.TaskGroup) -> None:
        room = Room(1, patience=patience)
        stage = Stage(tasks, room, scripts(room, [0, 4], [0]))
        await stage.play()
        assert sorted(stage.finished()) == [0, 1]
        await stage.several.aclose()

    run(story)


def test_without_a_sibling_to_wait_for_there_is_no_room() -> None:
    async def story(tasks: asyncio.TaskGroup) -> None:
        room = Room(1)
        stage = Stage(tasks, room, scripts(room, [0], [0]))
        room.seats = 0
        with pytest.raises(GaveUp) as gave_up:
            await stage.play()
        assert gave_up.value.failure.kind is Kind.ALL_BUSY
        await stage.several.aclose()
        assert room.taken == 0

    run(story)


def test_an_upstream_that_is_slow_to_hang_up_holds_up_nobody_else() -> None:
    async def story(tasks: asyncio.TaskGroup) -> None:
        room = Room(2)
        answers = scripts(room, [0, 0], [1] * 8)
        answers[0].closing = 100
        stage = Stage(tasks, room, answers)
        await stage.play()
        assert stage.said() == [answer.whole for answer in answers]
        assert answers[0].held, "still being read to its end"
        await stage.several.aclose()
        assert room.taken == 0

    run(story)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_the_failure_of_one_ends_all(number: int) -> None:
    async def story(tasks: asyncio.TaskGroup) -> None:
        room = Room(3)
        answers = scripts(room, [1, 20], [1, 20], [1, 20])
        answers[number].pauses, answers[number].end = [1, 2], BROKEN
        answers[number].retry_after = 7.0
        stage = Stage(tasks, room, answers)
        await stage.play()
        assert (stage.several.failure, stage.several.retry_after) == (BROKEN, 7.0)
        assert stage.finished() == []
        await stage.several.aclose()
        assert room.taken == 0

    run(story)


def test_a_first_one_that_fails_at_once_is_the_only_one() -> None:
    async def story(tasks: asyncio.TaskGroup) -> None:
        room = Room(3)
        answers = scripts(room, [1], [1])
        answers[0].end = BROKEN
        stage = Stage(tasks, room, answers)
        await stage.play()
        assert stage.several.failure == BROKEN
        await stage.several.aclose()
        assert (room.taken, room.most) == (0, 1)

    run(story)


@pytest.mark.parametrize("number", [0, 1])
def test_a_mistake_of_ours_in_one_is_raised_and_harms_no_other_request(number: int) -> None:
    async def story(tasks: asyncio.TaskGroup) -> None:
        room = Room(3)
        answers = scripts(room, [1, 20], [1, 20])
        answers[number].pauses, answers[number].end = [1, 2], LookupError("ours")
        stage = Stage(tasks, room, answers)
        with pytest.raises(LookupError):
            await stage.play()
        await stage.several.aclose()
        assert room.taken == 0

    run(story)


@QUICK
@given(
    st.lists(st.lists(st.integers(0, 4), min_size=1, max_size=5), min_size=2, max_size=4),
    st.integers(1, 4),
    st.integers(1, 5),
    st.lists(st.integers(0, 6), min_size=4, max_size=4),
    st.none() | st.integers(0, 12),
    st.integers(0, 3),
    st.integers(0, 5),
)
def test_whenever_the_caller_leaves_every_seat_comes_back(
    pauses: list[list[int]],
    seats: int,
    patience: int,
    closing: list[int],
    batches: int | None,
    lingering: int,
    opening: int,
) -> None:
    async def story(tasks: asyncio.TaskGroup) -> None:
        room = Room(seats, patience)
        answers = scripts(room, *pauses)
        for answer, slow in zip(answers, closing, strict=False):
            answer.closing = slow
        stage = Stage(tasks, room, answers, opening)
        listening = tasks.create_task(stage.play(1000 if batches is None else batches))
        await (listening if batches is None else turns(batches + lingering))
        listening.cancel()
        await asyncio.wait([listening])
        await stage.several.aclose()

        assert room.taken == 0
        assert room.most <= max(1, seats)
        assert not any(answer.closed and answer.held for answer in answers)
        for said in stage.said():
            assert not said or any(answer.whole.startswith(said) for answer in answers)
        if batches is None:
            assert sorted(stage.finished()) == list(range(len(answers)))
            assert sorted(stage.said()) == sorted(answer.whole for answer in answers)

    run(story)
