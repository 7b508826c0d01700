"""What is remembered of sticky conversations: once, for a while, and never too much."""

import asyncio
from pathlib import Path

import pytest
from services.desks import COOKIE, START, account, lock, world

from proxy.core.ask import ChatAsk, Role, Turn
from proxy.core.products import Product
from proxy.core.wishes import Wishes
from proxy.services import sticky as module
from proxy.services.sticky import ANONYMOUS, KEPT_SECONDS, Sticky, Thread

HELLO = Turn(Role.USER, "Hello")
REPLY = Turn(Role.ASSISTANT, "Hi!")
AND = Turn(Role.USER, "And?")
THREAD = Thread("a", "project-1", COOKIE)


class Clock:
    """Seconds, as the test wants them."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def ask(*turns: Turn, model: str = "gpt-5.4", choices: int = 1) -> ChatAsk:
    """A request of these turns."""
    wishes = Wishes(choices=choices)
    return ChatAsk(model, turns, False, False, frozenset(), {}, wishes)


def sticky(clock: Clock | None = None) -> Sticky:
    """With one conversation of Alice's in it."""
    made = Sticky(True, clock or Clock())
    made.keep("alice", ask(HELLO), REPLY, THREAD)
    return made


def test_a_follow_up_finds_its_project_and_how_much_that_holds() -> None:
    assert sticky().take("alice", ask(HELLO, REPLY, AND)) == Thread("a", "project-1", COOKIE, 2)


def test_a_project_is_taken_once() -> None:
    made = sticky()
    assert made.take("alice", ask(HELLO, REPLY, AND)) is not None
    assert made.take("alice", ask(HELLO, REPLY, AND)) is None


@pytest.mark.parametrize(
    ("caller", "asked"),
    [
        ("bob", ask(HELLO, REPLY, AND)),
        (ANONYMOUS, ask(HELLO, REPLY, AND)),
        ("alice", ask(HELLO, REPLY, AND, model="gpt-5.4-search")),
        ("alice", ask(HELLO, REPLY, AND, choices=2)),
        ("alice", ask(HELLO, REPLY)),
        ("alice", ask(HELLO, REPLY, Turn(Role.SYSTEM, "Be rude."), AND)),
        ("alice", ask(Turn(Role.SYSTEM, "Be brief."), HELLO, REPLY, AND)),
        ("alice", ask(HELLO, REPLY, AND, REPLY, AND)),
    ],
)
def test_anything_else_is_another_conversation(caller: str, asked: ChatAsk) -> None:
    assert sticky().take(caller, asked) is None


def test_nothing_is_kept_of_who_cannot_be_told_apart_or_of_several_answers() -> None:
    made = Sticky(True, Clock())
    made.keep(ANONYMOUS, ask(HELLO), REPLY, THREAD)
    made.keep("alice", ask(HELLO, choices=2), REPLY, THREAD)
    assert len(made._threads) == 0
    off = Sticky(False, Clock())
    off.keep("alice", ask(HELLO), REPLY, THREAD)
    assert len(off._threads) == 0


def test_what_nobody_goes_on_with_is_forgotten() -> None:
    clock = Clock()
    made = sticky(clock)
    clock.now += KEPT_SECONDS + 1
    assert made.take("alice", ask(HELLO, REPLY, AND)) is None
    assert len(made._threads) == 0


def test_the_oldest_gives_way_when_there_are_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    made = sticky()
    for number in range(3):
        made.keep("alice", ask(Turn(Role.USER, str(number))), REPLY, THREAD)
    assert len(made._threads) == 3
    assert made.take("alice", ask(HELLO, REPLY, AND)) is None


def test_an_account_on_trial_goes_on_with_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a", limit=2)) as here:
            await here.desk.lock(lock("a", START + 1))
            assert here.desk.borrow_at_once("a", COOKIE, Product.CHAT) is None
            here.now = START + 2
            assert here.desk.borrow_at_once("a", COOKIE, Product.CHAT) is None
            fresh = await here.borrow()
            await here.desk.succeeded(fresh.seat, Product.CHAT)
            assert here.desk.borrow_at_once("a", COOKIE, Product.CHAT) is not None

    asyncio.run(story())


def test_nobody_who_waits_is_overtaken(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a"), account("b")) as here:
            first, _ = await here.borrow(), await here.borrow()
            waiting = asyncio.get_running_loop().create_task(here.borrow())
            await asyncio.sleep(0)
            name = first.seat.account.id
            here.desk.pool.release(first.seat)
            assert here.desk.borrow_at_once(name, COOKIE, Product.CHAT) is None
            here.desk.replace([account("a"), account("b")])
            assert (await asyncio.wait_for(waiting, 1)).seat is first.seat

    asyncio.run(story())
