"""Whose turn it is when an account becomes free in other ways than by being given back."""

import asyncio
from pathlib import Path

from services.desks import COOKIE, START, World, account, lock, world

from proxy.core.accounts import Lock
from proxy.core.failures import Kind
from proxy.core.products import Product
from proxy.services.aftermath import Aftermath
from proxy.services.desk import Borrowed


async def _waiting(here: World) -> "asyncio.Task[Borrowed]":
    task = asyncio.get_running_loop().create_task(here.borrow())
    await asyncio.sleep(0)
    assert not task.done()
    return task


def test_a_trial_that_succeeds_serves_who_waited(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a", limit=2)) as here:
            await here.desk.lock(lock("a", START + 1))
            here.now = START + 2
            first = await here.borrow()
            waiter = await _waiting(here)
            await here.desk.succeeded(first.seat, Product.CHAT)
            assert (await asyncio.wait_for(waiter, 1)).seat.account.id == "a"

    asyncio.run(story())


def test_a_newcomer_does_not_overtake_when_a_lock_ends(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a"), account("b")) as here:
            await here.desk.lock(lock("b", START + 1))
            await here.borrow()
            waiter = await _waiting(here)
            here.now = START + 2
            newcomer = asyncio.get_running_loop().create_task(here.borrow())
            assert (await asyncio.wait_for(waiter, 1)).seat.account.id == "b"
            assert not newcomer.done()
            newcomer.cancel()

    asyncio.run(story())


def test_new_accounts_serve_who_waited(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a")) as here:
            await here.borrow()
            waiter = await _waiting(here)
            here.desk.replace([account("a"), account("b")])
            assert (await asyncio.wait_for(waiter, 1)).seat.account.id == "b"

    asyncio.run(story())


def test_a_revived_login_keeps_its_other_locks(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a")) as here:
            dead = Lock("a", Product.ALL, Kind.DEAD_CREDENTIAL.value, START, None)
            await here.desk.lock(dead)
            await here.desk.lock(lock("a", None, Product.CHAT))
            await here.desk.recheck_dead()
            assert await here.stored() == {("a", "chat"): None}

    asyncio.run(story())


def test_looking_for_the_soonest_end_takes_nobodys_turn(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a"), account("b")) as here:
            before = here.busy()
            assert here.desk.soonest([COOKIE], Product.CHAT) is None
            assert here.busy() == before

    asyncio.run(story())


def test_a_mistake_in_a_tidying_job_stops_nothing_else() -> None:
    async def broken() -> None:
        raise KeyError("mistake")

    async def story() -> None:
        async with asyncio.TaskGroup() as tasks:
            aftermath = Aftermath(tasks)
            aftermath.start(broken(), "broken")
            await aftermath.settle(1)

    asyncio.run(story())
