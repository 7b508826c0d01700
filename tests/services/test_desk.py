"""The account desk: who waits, who is refused and why, and which locks last."""

import asyncio
from pathlib import Path

import pytest
from services.desks import COOKIE, KEY, START, World, account, lock, run, settled, world

from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.products import Credential, Product, Route
from proxy.services.desk import ODD_REST, Borrowed, NoAccount
from proxy.store.locks import LockStore

MINUTES_5 = 300.0


class Visitor:
    """Somebody who waits at the desk, in a task of their own."""

    def __init__(self, tasks: asyncio.TaskGroup, here: World, product: Product = Product.CHAT):
        self.task = tasks.create_task(self._wait(here, product))
        self.got: Borrowed | NoAccount | None = None

    async def _wait(self, here: World, product: Product) -> None:
        try:
            self.got = await here.borrow(product=product)
        except NoAccount as refusal:
            self.got = refusal

    @property
    def seat(self) -> str | None:
        """The account that was handed over."""
        return self.got.seat.account.id if isinstance(self.got, Borrowed) else None

    @property
    def refusal(self) -> Kind | None:
        """Why there was none."""
        return self.got.failure.kind if isinstance(self.got, NoAccount) else None


# --- The waiting room


def test_seats_are_handed_over_in_the_order_of_arrival(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a")) as here, asyncio.TaskGroup() as tasks:
            seat = (await here.borrow()).seat
            visitors = []
            for _ in range(3):
                visitors.append(Visitor(tasks, here))
                await settled()
            for served in range(1, 4):
                here.desk.give_back(seat)
                await settled()
                assert [visitor.seat for visitor in visitors] == ["a"] * served + [None] * (
                    3 - served
                )
                assert here.busy() == {"a": 1}
            here.desk.give_back(seat)
            assert here.busy() == {"a": 0}

    run(story())


def test_who_can_be_served_is_not_held_up_by_who_cannot(tmp_path: Path) -> None:
    async def story() -> None:
        accounts = [account("a"), account("k", kind=Credential.KEY)]
        async with world(tmp_path, *accounts) as here, asyncio.TaskGroup() as tasks:
            await here.borrow()
            key = await here.desk.borrow([KEY], set(), Product.CHAT)
            first = Visitor(tasks, here)
            await settled()
            second = tasks.create_task(here.desk.borrow([KEY], set(), Product.CHAT))
            await settled()
            here.desk.give_back(key.seat)
            assert (await second).seat.account.id == "k"
            assert first.got is None
            first.task.cancel()

    run(story())


def test_who_waits_too_long_is_told_that_all_are_busy(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a"), wait=0.01) as here:
            borrowed = await here.borrow()
            with pytest.raises(NoAccount) as refusal:
                await here.borrow()
            assert refusal.value.failure.kind is Kind.ALL_BUSY
            here.desk.give_back(borrowed.seat)
            assert here.busy() == {"a": 0}, "nothing is handed to somebody who has left"
            assert (await here.borrow()).seat.account.id == "a"

    run(story())


def test_a_visitor_who_leaves_while_waiting_gets_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a")) as here, asyncio.TaskGroup() as tasks:
            borrowed = await here.borrow()
            leaver, stayer = Visitor(tasks, here), Visitor(tasks, here)
            await settled()
            leaver.task.cancel()
            await settled()
            here.desk.give_back(borrowed.seat)
            await settled()
            assert (leaver.got, stayer.seat) == (None, "a")

    run(story())


def test_a_seat_handed_to_somebody_who_leaves_in_that_moment_goes_on(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a")) as here, asyncio.TaskGroup() as tasks:
            borrowed = await here.borrow()
            leaver, stayer = Visitor(tasks, here), Visitor(tasks, here)
            await settled()
            here.desk.give_back(borrowed.seat)
            leaver.task.cancel()
            await settled()
            assert (leaver.got, stayer.seat) == (None, "a")
            assert here.busy() == {"a": 1}

    run(story())


def test_who_waits_is_refused_when_all_become_locked(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a")) as here, asyncio.TaskGroup() as tasks:
            borrowed = await here.borrow()
            visitors = [Visitor(tasks, here), Visitor(tasks, here)]
            await settled()
            await here.desk.punish(borrowed.seat, Product.CHAT, Failure(Kind.RATE_LIMITED))
            await settled()
            assert [visitor.refusal for visitor in visitors] == [Kind.RATE_LIMITED] * 2
            got = visitors[0].got
            assert isinstance(got, NoAccount)
            assert got.retry_after == 600

    run(story())


def test_who_waits_for_another_product_is_not_refused(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a")) as here, asyncio.TaskGroup() as tasks:
            borrowed = await here.borrow()
            visitor = Visitor(tasks, here, Product.IMAGE)
            await settled()
            await here.desk.punish(borrowed.seat, Product.CHAT, Failure(Kind.DAILY_QUOTA))
            here.desk.give_back(borrowed.seat)
            await settled()
            assert visitor.seat == "a"

    run(story())


def test_an_unlocked_account_is_handed_over_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        accounts = [account("a"), account("b")]
        async with world(tmp_path, *accounts) as here, asyncio.TaskGroup() as tasks:
            await here.desk.lock(lock("b", None))
            await here.borrow()
            visitor = Visitor(tasks, here)
            await settled()
            await here.desk.unlock("b")
            await settled()
            assert visitor.seat == "b"

    run(story())


def test_a_passed_trial_opens_the_other_seats_at_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a", 2)) as here, asyncio.TaskGroup() as tasks:
            await here.desk.lock(lock("a", START))
            trial = await here.borrow()
            visitor = Visitor(tasks, here)
            await settled()
            assert visitor.got is None
            await here.desk.succeeded(trial.seat, Product.CHAT)
            await settled()
            assert visitor.seat == "a"

    run(story())


# --- Refusals


def test_the_candidates_are_tried_in_order(tmp_path: Path) -> None:
    async def story() -> None:
        accounts = [account("a"), account("k", kind=Credential.KEY)]
        async with world(tmp_path, *accounts) as here:
            order = [await here.desk.borrow([KEY, COOKIE], set(), Product.CHAT) for _ in range(2)]
            assert [borrowed.candidate for borrowed in order] == [KEY, COOKIE]

    run(story())


def test_an_account_tried_on_one_route_may_serve_on_another(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a")) as here:
            assert (await here.borrow(tried={(Route.LEGACY, "a")})).seat.account.id == "a"
            with pytest.raises(NoAccount) as refusal:
                await here.borrow(tried={(Route.COOKIE, "a")})
            assert refusal.value.failure.kind is Kind.NO_ACCOUNT

    run(story())


@pytest.mark.parametrize(
    ("kinds", "told", "retry_after"),
    [
        ([Kind.RATE_LIMITED, Kind.RATE_LIMITED], Kind.RATE_LIMITED, 600),
        ([Kind.DAILY_QUOTA, Kind.WINDOW_QUOTA], Kind.RATE_LIMITED, 5400),
        ([Kind.FUNDS, Kind.RATE_LIMITED], Kind.RATE_LIMITED, 600),
        ([Kind.FUNDS, Kind.PLAN_REQUIRED], Kind.NO_ACCOUNT, 3600),
        ([Kind.CHALLENGE, Kind.CHALLENGE], Kind.CHALLENGE, 600),
        ([Kind.CHALLENGE, Kind.FUNDS], Kind.NO_ACCOUNT, 600),
    ],
)
def test_why_all_rest_decides_what_is_told(
    tmp_path: Path, kinds: list[Kind], told: Kind, retry_after: float
) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a"), account("b")) as here:
            for seat, kind in zip(here.desk.pool.seats(), kinds, strict=True):
                await here.desk.punish(seat, Product.CHAT, Failure(kind))
            with pytest.raises(NoAccount) as refusal:
                await here.borrow()
            assert refusal.value.failure.kind is told
            assert refusal.value.retry_after == retry_after

    run(story())


def test_the_soonest_end_counts_down(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a"), account("b")) as here:
            await here.desk.lock(lock("a", START + 100))
            await here.desk.lock(lock("b", START + 40))
            assert here.desk.soonest([COOKIE], Product.CHAT) == 40
            here.now = START + 39.8
            assert here.desk.soonest([COOKIE], Product.CHAT) == 1
            here.now = START + 41
            assert here.desk.soonest([COOKIE], Product.CHAT) is None, "one is free again"
            assert here.busy() == {"a": 0, "b": 0}

    run(story())


def test_others_are_left_while_one_is_untried_and_unlocked(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a"), account("b")) as here:
            tried = {(Route.COOKIE, "a")}
            await here.borrow(tried=tried)
            assert here.desk.others_left(Route.COOKIE, tried, Product.CHAT), "busy is not lost"
            assert not here.desk.others_left(Route.KEY, tried, Product.CHAT)
            await here.desk.lock(lock("b", None, Product.CHAT))
            assert not here.desk.others_left(Route.COOKIE, tried, Product.CHAT)
            assert here.desk.others_left(Route.COOKIE, tried, Product.IMAGE)

    run(story())


# --- Locks that last


def test_a_lock_is_written_before_anyone_hears_of_it_and_survives(tmp_path: Path) -> None:
    async def first() -> None:
        async with world(tmp_path, account("a"), account("b")) as here:
            seat = (await here.borrow()).seat
            await here.desk.punish(seat, Product.CHAT, Failure(Kind.DAILY_QUOTA))
            assert await here.stored() == {("a", "chat"): START + 86400}

    async def second() -> None:
        async with world(tmp_path, account("a"), account("b")) as here:
            assert (await here.borrow()).seat.account.id == "b"
            with pytest.raises(NoAccount):
                await here.borrow(tried={(Route.COOKIE, "b")})
            image = await here.borrow(tried={(Route.COOKIE, "b")}, product=Product.IMAGE)
            assert image.seat.account.id == "a"

    run(first())
    run(second())


def test_a_shorter_lock_changes_nothing_in_the_store(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a")) as here:
            await here.desk.lock(lock("a", START + 500))
            await here.desk.lock(lock("a", START + 5))
            assert await here.stored() == {("a", "all"): START + 500}

    run(story())


def test_a_successful_trial_removes_the_stored_lock(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a", 2)) as here:
            await here.desk.lock(lock("a", START + 10))
            await here.desk.lock(lock("a", START + 99, Product.IMAGE))
            here.now = START + 10
            trial = await here.borrow()
            await here.desk.succeeded(trial.seat, Product.CHAT)
            assert await here.stored() == {("a", "image"): START + 99}
            assert (await here.borrow()).seat is trial.seat, "both seats count again"

    run(story())


def test_one_request_at_a_time_while_on_trial(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a", 3), wait=0.01) as here:
            await here.desk.lock(lock("a", START + 10))
            here.now = START + 10
            await here.borrow()
            with pytest.raises(NoAccount) as refusal:
                await here.borrow()
            assert refusal.value.failure.kind is Kind.ALL_BUSY

    run(story())


def test_unlocking_lifts_the_stored_locks_too(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a")) as here:
            await here.desk.lock(lock("a", None))
            await here.desk.lock(lock("a", None, Product.IMAGE))
            lifted = await here.desk.unlock("a", Product.IMAGE)
            assert [held.product for held in lifted] == [Product.IMAGE]
            assert await here.stored() == {("a", "all"): None}
            await here.desk.unlock("a")
            assert await here.stored() == {}
            assert await here.desk.unlock("nobody") == []

    run(story())


def test_locks_of_other_replicas_are_taken_over(tmp_path: Path) -> None:
    async def story() -> None:
        accounts = [account("a"), account("b")]
        async with world(tmp_path, *accounts) as here, world(tmp_path, *accounts) as there:
            await there.desk.lock(lock("a", None))
            await here.desk.sync()
            assert (await here.borrow()).seat.account.id == "b"
            await there.desk.unlock("a")
            await here.desk.sync()
            assert (await here.borrow()).seat.account.id == "a"

    run(story())


def test_who_waits_hears_of_another_replicas_lock(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a")) as here, asyncio.TaskGroup() as tasks:
            await here.borrow()
            visitor = Visitor(tasks, here)
            await settled()
            await LockStore.put(here.store, lock("a", START + 50))
            await here.desk.sync()
            await settled()
            assert visitor.refusal is Kind.NO_ACCOUNT

    run(story())


def test_a_sync_forgets_no_lock_that_is_being_written(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a")) as here:
            async with asyncio.TaskGroup() as tasks:
                for n in range(10):
                    tasks.create_task(here.desk.lock(lock("a", START + 100 + n)))
                    tasks.create_task(here.desk.sync())
            assert await here.stored() == {("a", "all"): START + 109}
            seat = here.desk.pool.seat("a")
            assert seat is not None
            assert seat.locked(Product.CHAT, START)

    run(story())


# --- What a failure means for the account


def test_a_failure_that_is_not_the_accounts_leaves_it_alone(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a")) as here:
            seat = (await here.borrow()).seat
            for kind in (Kind.OUTAGE, Kind.EMPTY, Kind.BAD_REQUEST, Kind.FORBIDDEN):
                await here.desk.punish(seat, Product.CHAT, Failure(kind))
            assert (await here.stored(), here.checked) == ({}, [])

    run(story())


def test_an_edge_block_rests_every_cookie_and_no_key(tmp_path: Path) -> None:
    async def story() -> None:
        accounts = [account("a"), account("b"), account("k", kind=Credential.KEY)]
        async with world(tmp_path, *accounts) as here:
            seat = (await here.borrow()).seat
            await here.desk.punish(seat, Product.CHAT, Failure(Kind.EDGE_BLOCK))
            assert await here.stored() == {("a", "all"): START + 600, ("b", "all"): START + 600}

    run(story())


@pytest.mark.parametrize(
    ("alive", "until"),
    [
        (False, None),
        (True, START + ODD_REST),
        (None, START + MINUTES_5),
        (UpstreamError(Failure(Kind.UNREACHABLE)), START + MINUTES_5),
    ],
    ids=["dead", "alive after all", "no answer", "unreachable"],
)
def test_a_refused_login_is_checked_before_the_account_counts_as_dead(
    tmp_path: Path, alive: bool | UpstreamError | None, until: float | None
) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a"), account("b")) as here:
            here.alive = alive
            seat = (await here.borrow()).seat
            await here.desk.punish(seat, Product.CHAT, Failure(Kind.DEAD_CREDENTIAL))
            assert here.checked == ["a"]
            assert await here.stored() == {("a", "all"): until}

    run(story())


def test_the_dead_are_asked_again_and_nobody_else_is(tmp_path: Path) -> None:
    async def story() -> None:
        accounts = [account("a"), account("b"), account("c"), account("d")]
        async with world(tmp_path, *accounts) as here:
            here.alive = False
            dead = here.desk.pool.seats()[0]
            await here.desk.punish(dead, Product.CHAT, Failure(Kind.DEAD_CREDENTIAL))
            await here.desk.lock(lock("b", None))
            await here.desk.lock(lock("c", START + 50))
            here.checked.clear()

            await here.desk.recheck_dead()
            assert (here.checked, len(await here.stored())) == (["a"], 3)
            here.alive = None
            await here.desk.recheck_dead()
            assert len(await here.stored()) == 3
            here.alive = True
            await here.desk.recheck_dead()
            assert set(await here.stored()) == {("b", "all"), ("c", "all")}

    run(story())


def test_an_account_that_left_the_list_is_not_locked(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, account("a")) as here:
            seat = (await here.borrow()).seat
            here.desk.pool.replace([account("b")])
            await here.desk.punish(seat, Product.CHAT, Failure(Kind.FUNDS))
            here.desk.give_back(seat)
            assert await here.stored() == {}
            assert (await here.borrow()).seat.account.id == "b"

    run(story())
