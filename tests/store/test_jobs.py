"""Jobs in the database: leases exclude, fences hold, pages and histories are what was written.

Every story runs on SQLite, and on PostgreSQL when TEST_DATABASE_URL names an empty server of your
own.
"""

import asyncio
import os
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from proxy.core.jobs import Entry, Job, JobEvent, JobState, entry
from proxy.core.media import Input, MediaAsk, Terms, Use
from proxy.core.products import Product
from proxy.store.database import open_database
from proxy.store.failures import StoreUnavailable
from proxy.store.jobs import AT_ONCE, RECENT, JobStore, KeyTaken, LeaseLost, Page

DATABASE = os.environ.get("TEST_DATABASE_URL")
ON_POSTGRESQL = pytest.param(
    "postgresql",
    marks=[
        pytest.mark.optional,
        pytest.mark.skipif(not DATABASE, reason="TEST_DATABASE_URL is not set"),
    ],
)
S, E = JobState, JobEvent

Story = Callable[["Desks"], Awaitable[None]]
Play = Callable[[Story], None]


class Desks:
    """The same database as several processes see it."""

    def __init__(self, url: str, stack: AsyncExitStack) -> None:
        self._url = url
        self._stack = stack
        self.engines: list[AsyncEngine] = []

    async def open(self) -> JobStore:
        """One more process."""
        engine = await self._stack.enter_async_context(open_database(self._url))
        self.engines.append(engine)
        return JobStore(engine)

    async def run(self, statement: str) -> None:
        """SQL of a test's own."""
        async with self.engines[0].begin() as connection:
            await connection.execute(text(statement))


@pytest.fixture(params=["sqlite", ON_POSTGRESQL])
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Play:
    """Run a story on an empty database."""
    url = DATABASE if request.param == "postgresql" else f"sqlite+aiosqlite:///{tmp_path}/x.db"
    assert url is not None

    def run(story: Story) -> None:
        async def whole() -> None:
            async with AsyncExitStack() as stack:
                desks = Desks(url, stack)
                await desks.open()
                await desks.run("DELETE FROM job_events")
                await desks.run("DELETE FROM jobs")
                await story(desks)

        asyncio.run(whole())

    return run


_numbers = count()


def _job(
    *,
    model: str = "m",
    product: Product = Product.VIDEO,
    files: tuple[str, ...] = (),
    number: int | None = None,
    **given: Any,
) -> Job:
    number = next(_numbers) if number is None else number
    job_id = f"{number:032x}"
    inputs = tuple(Input(Use.REFERENCE, file, "image/png") for file in files)
    ask = MediaAsk(terms=Terms(product=product, model=model, prompt="a \0 cat"), inputs=inputs)
    fields = {"caller": "c", "created_at": float(number), "due_at": 1.0, "batch": job_id, **given}
    return Job(id=job_id, ask=ask, **fields)


async def _add(store: JobStore, *jobs: Job) -> None:
    await store.add(jobs, [entry(job, "created", job.created_at) for job in jobs])


def _after(job: Job, event: JobEvent, **changes: Any) -> tuple[Job, Entry]:
    after = job.apply(event, **changes)
    return after, entry(after, event, 50.0)


async def _ended(store: JobStore, job: Job, event: JobEvent = E.FAILED, **changes: Any) -> Job:
    """Written as ended, whoever holds it."""
    after, line = _after(job, event, **changes)
    assert await store.overrule(job, after, line)
    return after


async def _completed(store: JobStore, job: Job, sent: float, done: float) -> None:
    await _add(store, job)
    stages = [
        (E.INTENT, {"sent_at": sent}),
        (E.DELIVERED, {}),
        (E.STORED, {"completed_at": done}),
    ]
    for event, changes in stages:
        after, line = _after(job, event, **changes)
        assert await store.overrule(job, after, line)
        job = after


def _ids(jobs: list[Job]) -> list[str]:
    return [job.id for job in jobs]


# Whole rows.


def test_what_was_added_is_read_back_by_anybody(play: Play) -> None:
    async def story(desks: Desks) -> None:
        first = await desks.open()
        job = _job(metadata={"ü": ["\0", 1.5]}, idempotency_key="k", request_hash="h", model="n\0m")
        other = msgspec.structs.replace(_job(), batch=job.id)
        await _add(first, job, other)
        second = await desks.open()
        assert await second.get(job.id) == job
        assert await second.batch(job.id) == [job, other]
        assert await second.get("0" * 31 + "f") is None
        history = await second.history(job.id)
        assert [(line.event, line.state, line.at) for line in history] == [
            ("created", S.QUEUED, job.created_at)
        ]

    play(story)


def test_a_request_of_several_jobs_is_added_whole_or_not_at_all(play: Play) -> None:
    async def story(desks: Desks) -> None:
        store = await desks.open()
        await _add(store, _job(idempotency_key="k"))
        fine, taken = _job(), _job(idempotency_key="k")
        with pytest.raises(KeyTaken):
            await _add(store, fine, taken)
        assert await store.get(fine.id) is None
        assert await store.history(fine.id) == []
        await _add(store, _job(idempotency_key="k", caller="another"))

    play(story)


def test_of_requests_with_one_key_at_one_moment_a_single_one_is_added(play: Play) -> None:
    async def story(desks: Desks) -> None:
        stores = [await desks.open() for _ in range(3)]

        async def attempt(store: JobStore) -> bool:
            try:
                await _add(store, _job(idempotency_key="same"))
            except KeyTaken:
                return False
            return True

        won = await asyncio.gather(*(attempt(store) for store in stores for _ in range(4)))
        assert sum(won) == 1
        assert await stores[0].counts() == {S.QUEUED: 1}

    play(story)


def test_a_job_is_found_by_its_callers_key(play: Play) -> None:
    async def story(desks: Desks) -> None:
        store = await desks.open()
        job = _job(idempotency_key="k")
        await _add(store, job)
        assert await store.by_key("c", "k") == job
        assert await store.by_key("c", "K") is None
        assert await store.by_key("another", "k") is None

    play(story)


def test_a_twin_is_the_newest_equal_request_without_a_key(play: Play) -> None:
    async def story(desks: Desks) -> None:
        store = await desks.open()
        old = _job(number=1000, request_hash="h")
        new = _job(number=1001, request_hash="h")
        second_of_batch = msgspec.structs.replace(_job(number=1002, request_hash="h"), batch=new.id)
        keyed = _job(number=1003, request_hash="h", idempotency_key="k")
        others = _job(number=1004, request_hash="h", caller="another")
        await _add(store, old, new, second_of_batch, keyed, others)
        assert await store.twin("c", "h", 0.0) == new
        assert await store.twin("c", "h", new.created_at) == new
        assert await store.twin("c", "h", new.created_at + 0.5) is None
        assert await store.twin("c", "other", 0.0) is None

    play(story)


# Lists.


def test_pages_go_through_the_whole_list_in_either_order(play: Play) -> None:
    async def story(desks: Desks) -> None:
        store = await desks.open()
        mine = [_job(number=2000 + n) for n in range(7)]
        await _add(store, *mine, _job(number=2100, caller="another"))
        await _add(store, _job(number=2200, product=Product.IMAGE))
        for newest_first in (True, False):
            expected = sorted(_ids(mine), reverse=newest_first)
            seen: list[str] = []
            more = True
            while more:
                after = seen[-1] if seen else None
                page = Page("c", Product.VIDEO, after, 3, newest_first)
                found, more = await store.page(page)
                seen += _ids(found)
            assert seen == expected

    play(story)


def test_an_operators_page_shows_everybodys_jobs(play: Play) -> None:
    async def story(desks: Desks) -> None:
        store = await desks.open()
        jobs = [_job(caller="a"), _job(caller="b", product=Product.IMAGE)]
        await _add(store, *jobs)
        found, more = await store.page(Page(None, None, limit=2))
        assert _ids(found) == sorted(_ids(jobs), reverse=True)
        assert not more

    play(story)


def test_a_page_goes_on_after_a_job_that_was_deleted_meanwhile(play: Play) -> None:
    async def story(desks: Desks) -> None:
        store = await desks.open()
        jobs = [_job(number=3000 + n) for n in range(3)]
        await _add(store, *jobs)
        await _ended(store, jobs[1])
        await store.forget([jobs[1].id])
        found, _ = await store.page(Page("c", None, after=jobs[1].id))
        assert _ids(found) == [jobs[0].id]

    play(story)


# Leases.


def test_only_what_is_due_in_the_state_asked_for_is_claimed_oldest_first(play: Play) -> None:
    async def story(desks: Desks) -> None:
        store = await desks.open()
        later, oldest, old = _job(due_at=11.0), _job(due_at=3.0), _job(due_at=4.0)
        running = _job(state=S.RUNNING)
        picture = _job(product=Product.IMAGE, due_at=2.0)
        await _add(store, later, old, oldest, running, picture)
        claimed = await store.claim("w", S.QUEUED, 10.0, 30.0, 1, Product.VIDEO)
        assert _ids(claimed) == [oldest.id]
        assert _ids(await store.claim("w", S.QUEUED, 10.0, 30.0, 9)) == sorted([old.id, picture.id])
        assert await store.claim("w", S.STORING, 10.0, 30.0, 9) == []
        assert await store.claim("w", S.QUEUED, 10.0, 30.0, 0) == []
        assert _ids(await store.claim("w", S.RUNNING, 10.0, 30.0, 9)) == [running.id]

    play(story)


def test_a_lease_excludes_everybody_until_it_runs_out(play: Play) -> None:
    async def story(desks: Desks) -> None:
        store = await desks.open()
        job = _job()
        await _add(store, job)
        assert await store.claim("first", S.QUEUED, 10.0, 30.0, 9) == [job]
        for owner in ("first", "second"):
            assert await store.claim(owner, S.QUEUED, 29.9, 60.0, 9) == []
        await store.extend("second", [job.id], 1000.0)
        await store.extend("first", [job.id], 40.0)
        assert await store.claim("second", S.QUEUED, 39.9, 60.0, 9) == []
        assert await store.claim("second", S.QUEUED, 40.0, 60.0, 9) == [job]
        await store.extend("first", [job.id], 1000.0)
        assert await store.claim("third", S.QUEUED, 60.0, 90.0, 9) == [job]

    play(story)


def test_claims_of_several_processes_never_overlap(play: Play) -> None:
    async def story(desks: Desks) -> None:
        stores = [await desks.open() for _ in range(3)]
        jobs = [_job() for _ in range(120)]
        await _add(stores[0], *jobs)
        taken: Counter[str] = Counter()

        async def grab(store: JobStore, owner: str) -> None:
            while claimed := await store.claim(owner, S.QUEUED, 10.0, 30.0, 7):
                assert len(claimed) <= 7
                taken.update(_ids(claimed))

        await asyncio.gather(*(grab(store, f"w{n}") for n, store in enumerate(stores)))
        assert taken == Counter(_ids(jobs))

    play(story)


def test_a_process_lets_go_of_its_own_and_of_nothing_else(play: Play) -> None:
    async def story(desks: Desks) -> None:
        store = await desks.open()
        mine, sent, other = _job(due_at=1.0), _job(due_at=2.0, state=S.SUBMITTING), _job(due_at=3.0)
        await _add(store, mine, sent, other)
        assert await store.claim("me", S.QUEUED, 10.0, 30.0, 1) == [mine]
        assert await store.claim("me", S.SUBMITTING, 10.0, 30.0, 1) == [sent]
        assert await store.claim("you", S.QUEUED, 10.0, 30.0, 1) == [other]
        await store.release("me")
        assert await store.claim("new", S.QUEUED, 10.0, 30.0, 9) == [mine]
        assert await store.claim("new", S.SUBMITTING, 10.0, 30.0, 9) == [sent]

    play(story)


# Fences.


def test_a_step_writes_its_outcome_and_keeps_or_gives_back_the_lease(play: Play) -> None:
    async def story(desks: Desks) -> None:
        store = await desks.open()
        job = _job()
        await _add(store, job)
        await store.claim("w", S.QUEUED, 10.0, 30.0, 1)
        sent, line = _after(job, E.INTENT, attempts=1)
        await store.save(job, sent, line, "w", keep=True)
        assert await store.claim("x", S.SUBMITTING, 29.0, 60.0, 1) == []
        running, line = _after(sent, E.ACCEPTED, task_ids=("t",), due_at=12.0)
        await store.save(sent, running, line, "w", keep=False)
        assert await store.claim("x", S.RUNNING, 12.0, 60.0, 1) == [running]
        history = await store.history(job.id)
        assert [line.event for line in history] == ["created", "intent", "accepted"]

    play(story)


def test_who_lost_the_lease_writes_nothing(play: Play) -> None:
    async def story(desks: Desks) -> None:
        store = await desks.open()
        job = _job()
        await _add(store, job)
        await store.claim("old", S.QUEUED, 10.0, 30.0, 1)
        await store.claim("new", S.QUEUED, 30.0, 60.0, 1)
        sent, line = _after(job, E.INTENT)
        with pytest.raises(LeaseLost):
            await store.save(job, sent, line, "old", keep=True)
        again = msgspec.structs.replace(job, due_at=99.0, progress=50)
        await store.postpone([again], "old")
        assert await store.get(job.id) == job
        assert [line.event for line in await store.history(job.id)] == ["created"]
        await store.save(job, sent, line, "new", keep=True)

    play(story)


def test_a_step_that_began_in_another_state_writes_nothing(play: Play) -> None:
    async def story(desks: Desks) -> None:
        store = await desks.open()
        job = _job()
        await _add(store, job)
        await store.claim("w", S.QUEUED, 10.0, 30.0, 1)
        sent, line = _after(job, E.INTENT)
        await store.save(job, sent, line, "w", keep=True)
        with pytest.raises(LeaseLost):
            await store.save(job, sent, line, "w", keep=True)
        assert len(await store.history(job.id)) == 2

    play(story)


def test_of_equal_writes_at_one_moment_a_single_one_counts(play: Play) -> None:
    """Two processes that both believe to hold the job could not both send it."""

    async def story(desks: Desks) -> None:
        stores = [await desks.open() for _ in range(2)]
        job = _job()
        await _add(stores[0], job)
        await stores[0].claim("w", S.QUEUED, 10.0, 30.0, 1)
        sent, line = _after(job, E.INTENT)

        async def write(store: JobStore) -> bool:
            try:
                await store.save(job, sent, line, "w", keep=True)
            except LeaseLost:
                return False
            return True

        assert sum(await asyncio.gather(*(write(store) for store in stores * 4))) == 1

    play(story)


def test_a_cancellation_is_written_past_the_lease_and_the_step_notices(play: Play) -> None:
    async def story(desks: Desks) -> None:
        store = await desks.open()
        job = _job()
        await _add(store, job)
        await store.claim("w", S.QUEUED, 10.0, 30.0, 1)
        cancelled, line = _after(job, E.CANCELLED)
        assert await store.overrule(job, cancelled, line)
        assert not await store.overrule(job, cancelled, line)
        sent, line = _after(job, E.INTENT)
        with pytest.raises(LeaseLost):
            await store.save(job, sent, line, "w", keep=True)
        await store.postpone([msgspec.structs.replace(job, due_at=5.0)], "w")
        assert await store.get(job.id) == cancelled
        assert await store.claim("w", S.CANCELLED, 1e9, 1e9, 9) == []

    play(story)


def test_a_postponed_job_is_free_with_what_was_learnt_and_no_line_of_history(play: Play) -> None:
    async def story(desks: Desks) -> None:
        store = await desks.open()
        job = _job(state=S.RUNNING)
        await _add(store, job)
        await store.claim("w", S.RUNNING, 10.0, 30.0, 1)
        again = msgspec.structs.replace(job, due_at=15.0, progress=40, tries=2)
        await store.postpone([again], "w")
        await store.postpone([], "w")
        assert await store.claim("x", S.RUNNING, 14.9, 60.0, 1) == []
        assert await store.claim("x", S.RUNNING, 15.0, 60.0, 1) == [again]
        assert len(await store.history(job.id)) == 1

    play(story)


# Numbers.


def test_counts_are_of_the_living_by_state(play: Play) -> None:
    async def story(desks: Desks) -> None:
        store = await desks.open()
        assert await store.counts() == {}
        gone = _job()
        await _add(store, _job(), _job(caller="another"), _job(state=S.STORING), gone)
        await _ended(store, gone)
        assert await store.counts() == {S.QUEUED: 2, S.STORING: 1}
        assert await store.counts("another") == {S.QUEUED: 1}
        assert await store.counts("nobody") == {}

    play(story)


def test_what_a_model_usually_takes_is_the_average_of_its_latest(play: Play) -> None:
    async def story(desks: Desks) -> None:
        store = await desks.open()
        assert await store.usual_seconds(Product.VIDEO, "m") is None
        await _completed(store, _job(), sent=0.0, done=9_000.0)
        for number in range(RECENT):
            await _completed(store, _job(), sent=10_000.0 + number, done=10_060.0 + number)
        await _completed(store, _job(model="other"), sent=0.0, done=90_000.0)
        await _completed(store, _job(product=Product.IMAGE), sent=0.0, done=90_000.0)
        failed = _job(state=S.RUNNING, sent_at=0.0)
        await _add(store, failed)
        await _ended(store, failed, completed_at=99_000.0)
        assert await store.usual_seconds(Product.VIDEO, "m") == pytest.approx(60.0)

    play(story)


# Forgetting.


def test_only_what_has_ended_is_forgotten_history_and_all(play: Play) -> None:
    async def story(desks: Desks) -> None:
        store = await desks.open()
        ended, living = [_job() for _ in range(AT_ONCE + 20)], _job()
        await _add(store, *ended, living)
        await desks.run("UPDATE jobs SET due_at = NULL, state = 'failed'")
        await desks.run(f"UPDATE jobs SET due_at = 1, state = 'queued' WHERE id = '{living.id}'")
        await store.forget([*_ids(ended), living.id])
        assert await store.get(living.id) == living
        assert len(await store.history(living.id)) == 1
        assert all([await store.get(job.id) is None for job in ended[:: AT_ONCE // 4]])
        assert await store.history(ended[0].id) == []
        assert (await store.page(Page(None, None)))[1] is False

    play(story)


def test_old_ended_jobs_and_the_inputs_of_living_ones_are_named(play: Play) -> None:
    async def story(desks: Desks) -> None:
        store = await desks.open()
        old = _job(number=4000, files=("a.png",))
        older = _job(number=3999, files=("b.png",))
        young = _job(number=5000, files=("c.png",))
        living = _job(number=3000, files=("d.png", "e.png"))
        await _add(store, old, older, young, living)
        for job in (old, older, young):
            await _ended(store, job)
        assert await store.ended_before(5000.0, 9) == [older.id, old.id]
        assert await store.ended_before(5000.0, 1) == [older.id]
        assert await store.living_inputs() == {"d.png", "e.png"}

    play(story)


# Trouble.


def test_a_row_that_cannot_be_read_waits_and_keeps_nobody_else(play: Play) -> None:
    """A newer version may have written it."""

    async def story(desks: Desks) -> None:
        store = await desks.open()
        odd, fine = _job(number=6000), _job(number=6001, files=("a.png",))
        await _add(store, odd, fine)
        await desks.run(f"UPDATE jobs SET data = '{{\"new\": 1}}' WHERE id = '{odd.id}'")
        assert await store.claim("w", S.QUEUED, 10.0, 30.0, 9) == [fine]
        assert await store.page(Page("c", None, limit=1)) == ([fine], True)
        assert await store.living_inputs() == {"a.png"}
        assert await store.get(odd.id) is None
        assert await store.counts() == {S.QUEUED: 2}
        await store.forget([odd.id])
        assert len(await store.history(odd.id)) == 1

    play(story)


def test_a_database_in_trouble_is_unavailable_and_names_no_data(play: Play) -> None:
    async def story(desks: Desks) -> None:
        store = await desks.open()
        job = _job()
        await desks.run("ALTER TABLE jobs RENAME TO jobs_elsewhere")
        try:
            calls: list[Awaitable[object]] = [
                _add(store, job),
                store.get(job.id),
                store.claim("w", S.QUEUED, 1.0, 2.0, 1),
                store.save(job, job, None, "w", keep=True),
                store.counts(),
            ]
            for call in calls:
                with pytest.raises(StoreUnavailable) as trouble:
                    await call
                assert str(trouble.value).isidentifier()
        finally:
            await desks.run("ALTER TABLE jobs_elsewhere RENAME TO jobs")

    play(story)
