"""The worker: what is called off, what a stop leaves, and what a mistake of ours does to jobs."""

import asyncio
from pathlib import Path

import pytest
from services.fake_upstream import HOLD, Answer, How
from services.job_world import JobWorld, play

from proxy.core.failures import Kind
from proxy.core.jobs import STORE_TRIES, JobState
from proxy.services.worker import CRASHES, LEASE
from proxy.store.failures import StoreUnavailable

S = JobState
HELD = Answer(held=True)


# Calling off.


def test_a_request_under_way_is_withdrawn_once_its_answer_is_there(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", HELD)
        await here.turn()
        assert (await here.service.cancel(await here.row(job))).state is S.CANCELLED
        assert here.fake.waiting == 1
        here.fake.gate.set()
        await here.rest()
        assert here.fake.stopped == ["project of task-0"]
        assert await here.told(job) == ["created", "intent", "cancelled"]
        assert here.busy() == {"k1": 0}

    play(tmp_path, story)


def test_what_was_not_sent_is_not_sent_any_more(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", Answer(held_before=True))
        await here.turn()
        await here.service.cancel(await here.row(job))
        await here.rest()
        assert here.fake.waiting == 0
        assert here.fake.purchases == {}
        assert here.busy() == {"k1": 0}
        await here.work(LEASE * 2, 5)
        assert await here.state(job) is S.CANCELLED

    play(tmp_path, story)


def test_a_running_job_is_stopped_upstream_and_its_news_no_longer_counts(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat")
        other = await here.order("a dog")
        await here.turn()
        here.now += 11
        here.fake.news.append(HOLD)
        await here.turn()
        await here.service.cancel(await here.row(job))
        here.fake.gate.set()
        await here.rest()
        assert await here.state(job) is S.CANCELLED
        await here.turn()
        assert await here.state(other) is S.COMPLETED
        assert here.fake.stopped == ["project of task-0"]

    play(tmp_path, story)


def test_a_copy_is_broken_off_and_leaves_nothing(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", Answer(How.DELIVERED))
        await here.turn()
        here.fake.copies.append(HOLD)
        await here.turn()
        assert await here.state(job) is S.STORING
        await here.service.delete(await here.row(job))
        await here.rest()
        assert await here.store.get(job.id) is None
        assert list((tmp_path / "media").iterdir()) == []

    play(tmp_path, story)


# Ending.


def test_a_drain_begins_nothing_and_finishes_what_was_sent(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        waiting = await here.order("waiting", Answer(held_before=True))
        sent = await here.order("sent", HELD)
        running = await here.order("running")
        await here.turn()
        assert here.hand.worker.sending() == 1
        here.draining = True
        new = await here.order("new")
        await here.work(12)
        assert await here.state(running) is S.COMPLETED
        assert [await here.state(job) for job in (waiting, new)] == [S.QUEUED] * 2
        assert here.hand.worker.sending() == 1
        here.fake.gate.set()
        await here.rest()
        assert here.hand.worker.sending() == 0
        assert await here.state(sent) is S.STORING
        assert here.fake.purchases == {"sent": 1, "running": 1}

    play(tmp_path, story)


def test_a_worker_that_stops_leaves_its_jobs_to_the_next_at_once(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        waiting = await here.order("waiting", Answer(held_before=True), Answer())
        sent = await here.order("sent", HELD)
        copied = await here.order("copied", Answer(How.DELIVERED))
        await here.turn()
        here.fake.copies.append(HOLD)
        await here.turn()
        await here.hand.worker.stop(0.0)
        assert here.hand.steps() == set()
        assert await here.hand.worker.turn() is True
        assert here.hand.steps() == set()
        here.hands[0] = here.hire()
        await here.turn()
        assert await here.state(waiting) is S.RUNNING
        assert await here.verdict(sent) is Kind.UNCONFIRMED
        assert await here.state(copied) is S.COMPLETED
        assert here.fake.purchases == {"waiting": 1, "sent": 1, "copied": 1}

    play(tmp_path, story)


def test_a_stop_waits_for_what_has_time_to_end(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", HELD)
        await here.turn()
        asyncio.get_running_loop().call_soon(here.fake.gate.set)
        await here.hand.worker.stop(5.0)
        assert await here.state(job) is S.RUNNING

    play(tmp_path, story)


# Mistakes of ours.


def test_a_mistake_before_the_request_is_tried_again_a_few_times(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", Answer(How.BROKEN))
        for tries in range(1, CRASHES):
            await here.turn()
            row = await here.row(job)
            assert (row.state, row.tries) == (S.QUEUED, tries)
            assert row.due_at is not None
            assert row.due_at > here.now
            here.now = row.due_at
        await here.turn()
        assert await here.verdict(job) is Kind.BROKEN
        assert here.fake.orders == []
        assert here.busy() == {"k1": 0}

    play(tmp_path, story)


def test_a_mistake_after_the_request_leaves_its_fate_unknown(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat", Answer(How.SOLD_AND_BROKEN))
        await here.turn()
        assert await here.verdict(job) is Kind.UNCONFIRMED
        assert here.fake.purchases == {"a cat": 1}
        assert here.busy() == {"k1": 0}

    play(tmp_path, story)


def test_a_paid_job_outlives_mistakes_and_its_companions_come_back_alone(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        jobs = [await here.order(f"{n}") for n in range(3)]
        await here.turn()
        here.now += 11
        here.fake.news.append(RuntimeError("a mistake of ours"))
        await here.turn()
        due = [(await here.row(job)).due_at for job in jobs]
        assert len(set(due)) == 3
        here.fake.news += [RuntimeError("a mistake of ours")] * (CRASHES + 2)
        await here.finish(*jobs, within=3000)
        assert {await here.state(job) for job in jobs} == {S.COMPLETED}
        assert [len(asked.ids) for asked in here.fake.questions][1:] == [1] * (CRASHES + 5)

    play(tmp_path, story)


def test_a_paid_job_that_only_meets_mistakes_ends(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat")
        await here.turn()
        here.fake.news += [RuntimeError("a mistake of ours")] * 2 * STORE_TRIES
        await here.work(8000, 60)
        assert await here.verdict(job) is Kind.BROKEN
        assert len(here.fake.questions) == STORE_TRIES

    play(tmp_path, story)


# A database that is away.


def test_a_database_that_is_away_for_a_turn_loses_nothing(tmp_path: Path) -> None:
    async def story(here: JobWorld) -> None:
        job = await here.order("a cat")
        for calls in range(1, 7):
            here.hand.store.failures = calls % 3
            try:
                await here.turn()
            except StoreUnavailable:
                here.hand.store.failures = 0
            here.now += 5
        here.hand.store.failures = 0
        await here.finish(job)
        assert await here.state(job) is S.COMPLETED
        assert here.fake.purchases == {"a cat": 1}

    play(tmp_path, story)


def test_neither_a_lost_database_nor_a_mistake_ends_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In real time: a turn that fails is followed by another one."""
    monkeypatch.setattr("proxy.services.worker.TICK", 0.01)
    monkeypatch.setattr("proxy.services.worker.IDLE_TICK", 0.01)

    async def story(here: JobWorld) -> None:
        worker, counts = here.hand.worker, here.store.counts
        troubles: list[Exception] = [RuntimeError("ours"), StoreUnavailable("away")]

        async def troubled() -> dict[JobState, int]:
            if troubles:
                raise troubles.pop(0)
            return await counts()

        job = await here.order("a cat", Answer(How.DELIVERED))
        worker.store = here.store
        monkeypatch.setattr(here.store, "counts", troubled)
        work = here.tasks.create_task(worker.run())
        async with asyncio.timeout(10):
            while await here.state(job) is not S.COMPLETED:
                worker.wake()
                await asyncio.sleep(0.005)
        assert troubles == []
        work.cancel()

    play(tmp_path, story)
