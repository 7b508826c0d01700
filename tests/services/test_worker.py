"""The worker: what it claims, what it holds, and what becomes of jobs when it falls."""

import asyncio
from pathlib import Path

import pytest
from services.desks import START, lock
from services.fake_upstream import HOLD, Answer, How
from services.job_world import MODELS, JobWorld, cookie, key, play

from proxy.core.failures import Failure, Kind
from proxy.core.jobs import JobState
from proxy.core.products import Product
from proxy.services.worker import LEASE

S = JobState
HELD = Answer(held=True)


# The usual way.


@pytest.mark.parametrize("product", [Product.IMAGE, Product.VIDEO])
def test_a_job_goes_from_order_to_result(tmp_path: Path, product: Product) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", product=product)
        await here.turn()
        assert await here.state(job) is S.RUNNING
        await here.work(12)
        row = await here.row(job)
        assert row.state is S.COMPLETED
        assert await here.told(job) == ["created", "intent", "accepted", "delivered", "stored"]
        file = row.results[0].file
        assert file is not None
        path = here.files.path(file.name)
        assert path is not None
        assert path.stat().st_size == file.size
        assert here.fake.purchases == {"a cat": 1}
        assert here.busy() == {"k1": 0}
        assert await here.store.counts() == {}

    play(tmp_path, story)


def test_a_result_in_the_first_answer_needs_no_question(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", Answer(How.DELIVERED))
        await here.turn()
        await here.turn()
        assert await here.state(job) is S.COMPLETED
        assert here.fake.questions == []

    play(tmp_path, story)


def test_with_nothing_alive_nothing_is_claimed(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        assert await here.hand.worker.turn() is False
        job = await here.order("a cat")
        assert await here.hand.worker.turn() is True
        await here.finish(job)
        assert await here.hand.worker.turn() is False

    play(tmp_path, story)


# How much at once.


def test_no_more_jobs_are_at_work_than_allowed_and_each_counts_once(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        jobs = [await here.order(f"job {n}", HELD) for n in range(9)]
        for _ in range(4):
            await here.turn()
        counts = await here.store.counts()
        assert counts == {S.SUBMITTING: 4, S.QUEUED: 5}
        here.fake.gate.set()
        for _ in range(100):
            await here.work(1.0)
            counts = await here.store.counts()
            assert sum(n for state, n in counts.items() if state is not S.QUEUED) <= 4
        assert [await here.state(job) for job in jobs] == [S.COMPLETED] * 9
        assert set(here.fake.purchases.values()) == {1}

    play(tmp_path, story, key(limit=20), most_active=4)


def test_jobs_go_in_the_order_of_their_creation(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        for number in range(6):
            await here.order(f"{number}", HELD)
            here.now += 1
        here.fake.gate.set()
        await here.work(10)
        assert [order.ask.terms.prompt for order in here.fake.orders] == list("012345")

    play(tmp_path, story, key(limit=2))


def test_images_do_not_wait_behind_videos_that_find_no_account(tmp_path: Path) -> None:
    """The videos' only account is busy for minutes; the images' one has nothing to do."""

    async def story(here: JobWorld) -> None:
        for number in range(6):
            await here.order(f"video {number}", HELD)
            here.now += 1
        await here.turn()
        assert here.busy() == {"k1": 1, "c1": 0}
        picture = await here.order("picture", product=Product.IMAGE)
        await here.turn()
        assert await here.state(picture) is S.RUNNING
        assert here.fake.purchases["picture"] == 1

    play(tmp_path, story, key(limit=1), cookie(), cookie_video=False, wait=30.0)


def test_seats_of_resting_accounts_are_not_counted(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        await here.desk.lock(lock("k2", START + 10_000))
        for number in range(4):
            await here.order(f"{number}", HELD)
        await here.hand.worker.turn()
        assert len(here.hand.steps()) == 1
        await here.rest()

    play(tmp_path, story, key("k1", 1), key("k2", 3), wait=30.0)


def test_a_queue_without_any_account_is_told_so(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        jobs = [await here.order(f"{n}") for n in range(3)]
        here.desk.replace([])
        await here.finish(*jobs)
        assert {await here.verdict(job) for job in jobs} == {Kind.NO_ACCOUNT}

    play(tmp_path, story)


# Leases.


def test_a_dead_workers_jobs_are_taken_over_when_its_lease_ends(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat")
        await here.turn()
        here.fake.news.append(HOLD)
        await here.turn()
        here.crash()
        here.now += LEASE - 0.1
        await here.turn()
        assert len(here.fake.questions) == 1
        here.now += 0.1
        await here.finish(job)
        assert await here.state(job) is S.COMPLETED
        assert here.fake.purchases == {"a cat": 1}

    play(tmp_path, story)


def test_whoever_finds_a_request_under_way_does_not_repeat_it(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", HELD)
        await here.turn()
        here.crash()
        here.now += LEASE
        await here.turn()
        assert await here.verdict(job) is Kind.UNCONFIRMED
        assert await here.told(job) == ["created", "intent", "failed"]
        assert here.fake.purchases == {"a cat": 1}

    play(tmp_path, story)


def test_what_is_worked_on_stays_held(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        other = here.hire()
        here.hands.append(other)
        job = await here.order("a cat", HELD)
        await here.turn()
        for _ in range(10):
            here.now += LEASE / 4
            await here.hand.worker.hold()
            await here.turn(other)
        assert await here.state(job) is S.SUBMITTING
        here.fake.gate.set()
        await here.rest()
        await here.finish(job)
        assert await here.state(job) is S.COMPLETED

    play(tmp_path, story)


def test_a_step_that_outlived_its_lease_is_not_begun_twice(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", Answer(held_before=True))
        sent = await here.order("a dog", HELD)
        await here.turn()
        here.now += 2 * LEASE
        await here.turn()
        assert here.fake.waiting == 2
        here.fake.gate.set()
        await here.rest()
        await here.finish(job, sent)
        assert here.fake.purchases == {"a cat": 1, "a dog": 1}
        assert await here.state(sent) is S.COMPLETED

    play(tmp_path, story)


def test_who_took_a_job_over_before_it_was_sent_is_the_only_one_to_send_it(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        other = here.hire()
        here.hands.append(other)
        job = await here.order("a cat", Answer(held_before=True), Answer())
        await here.turn()
        here.now += LEASE
        await here.turn(other)
        assert await here.state(job) is S.RUNNING
        here.fake.gate.set()
        await here.rest()
        assert here.fake.purchases == {"a cat": 1}
        await here.finish(job)
        assert await here.state(job) is S.COMPLETED

    play(tmp_path, story)


def test_what_one_question_has_settled_is_stored_while_the_question_goes_on(
    tmp_path: Path,
) -> None:
    """The step still waits for other jobs; the one it has given back needs no lease to run out."""

    async def story(here: JobWorld) -> None:
        jobs = [await here.order(f"{n}") for n in range(2)]
        await here.turn()
        here.now += 11
        here.fake.news += [Failure(Kind.TASK_UNKNOWN), None, HOLD]
        await here.turn()
        assert sorted([await here.state(job) for job in jobs]) == [S.RUNNING, S.STORING]
        await here.turn()
        assert sorted([await here.state(job) for job in jobs]) == [S.COMPLETED, S.RUNNING]
        here.fake.gate.set()
        await here.rest()
        await here.turn()
        assert [await here.state(job) for job in jobs] == [S.COMPLETED] * 2

    play(tmp_path, story)


def test_several_workers_share_the_jobs(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        here.hands += [here.hire(), here.hire()]
        jobs = [await here.order(f"{n}") for n in range(20)]
        for _ in range(60):
            await asyncio.gather(*(hand.worker.turn() for hand in here.hands))
            await here.rest()
            here.now += 1
        assert {await here.state(job) for job in jobs} == {S.COMPLETED}
        assert set(here.fake.purchases.values()) == {1}

    play(tmp_path, story, key(limit=20))


def test_the_models_of_these_stories_are_in_the_catalogue(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        assert set(MODELS.values()) <= set(here.plans.names())

    play(tmp_path, story)
