"""A day of jobs by an injected clock: bursts of orders, bad upstreams, processes that die.

Two processes work on one database. A seed tells the whole day.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec
from services.fake_upstream import PAGE, Answer, How, Sold
from services.job_world import JobWorld, cookie, job_world, key
from sqlalchemy import text

from proxy.core.failures import Failure, Kind
from proxy.core.jobs import TRANSITIONS, Entry, Job, JobEvent, JobState
from proxy.core.products import Product
from proxy.store.failures import StoreUnavailable
from proxy.store.jobs import Page

DAY = 86_400.0
# Time goes on by this much while there is something to do.
STEP = 20.0
# After the last order: the longest way of a job, with every pause on it.
EVENING = 4 * 3600.0
# Orders come in bursts of about so many, within so many seconds.
BURST = 30
SPREAD = 90.0
LIFE = 35.0
# One question is expensive enough here; those whose tasks never end are asked about for an hour.
INTERVAL = 100.0

UNUSUAL = [
    Answer(How.DELIVERED),
    Answer(How.UPLOAD_FAILED),
    Answer(How.REFUSED, Failure(Kind.OVERLOADED)),
    Answer(How.REFUSED, Failure(Kind.RATE_LIMITED, retry_after=20.0)),
    Answer(How.REFUSED, Failure(Kind.DAILY_QUOTA, retry_after=600.0)),
    Answer(How.UNREACHABLE),
    Answer(How.SOLD_AND_CUT),
    Answer(How.CUT),
    Answer(How.UNREAD),
    Answer(How.FAILED_AT_ONCE),
    Answer(How.SOLD_AND_BROKEN),
    Answer(How.BROKEN),
]
NEWS = [
    Failure(Kind.UNREACHABLE),
    Failure(Kind.RATE_LIMITED, retry_after=60.0),
    Failure(Kind.TASK_UNKNOWN),
    Failure(Kind.DEAD_CREDENTIAL),
    RuntimeError("a mistake of ours"),
]
COPIES = [Failure(Kind.RESULT_LOST, "HTTP 503"), PAGE, b""]
# What a purchase may end as without a result.
NO_RESULT = {
    Kind.UNCONFIRMED,
    Kind.NOT_UNDERSTOOD,
    Kind.TASK_FAILED,
    Kind.OVERDUE,
}


def _fails(task: Sold) -> None:
    task.fails = "it did not work"


def _never_ends(task: Sold) -> None:
    task.due = float("inf")


def _has_no_link_yet(task: Sold) -> None:
    task.due += 600.0


FATES = [_fails, _never_ends, _has_no_link_yet]


@dataclass
class Day:
    """What the day is made of, and what became of it."""

    jobs: int
    seed: int = 1
    ordered: list[Job] = field(default_factory=list)
    called_off: int = 0
    deaths: int = 0
    outages: int = 0
    turns: int = 0
    ends: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)

    async def live(self, folder: Path) -> None:
        """From morning to the last job's end; what is promised of jobs is asserted then."""
        accounts = [key("k1", 8), key("k2", 8), *(cookie(f"c{n}", 4) for n in range(8))]
        async with job_world(folder, *accounts, interval=INTERVAL) as here:
            here.hands.append(here.hire())
            here.fake.life = LIFE
            morning, orders = here.now, self._orders()
            while orders or await here.store.counts():
                assert here.now < morning + DAY + EVENING, await here.store.counts()
                while orders and morning + orders[0] <= here.now:
                    orders.pop(0)
                    await self._order(here)
                await self._misfortune(here)
                await self._turn(here)
                here.now = await self._next(here, morning + orders[0] if orders else None)
            await self._judge(here)

    def _orders(self) -> list[float]:
        bursts = [self.chance.uniform(0, DAY - SPREAD) for _ in range(max(1, self.jobs // BURST))]
        return sorted(
            self.chance.choice(bursts) + self.chance.uniform(0, SPREAD) for _ in range(self.jobs)
        )

    async def _order(self, here: JobWorld) -> None:
        prompt = f"job {len(self.ordered)}"
        answers = [Answer()]
        if self.chance.random() < 0.15:
            answers = [*self.chance.sample(UNUSUAL, self.chance.choice([1, 2])), Answer()]
        if self.chance.random() < 0.03:
            here.fake.fates[prompt] = self.chance.choice(FATES)
        product = self.chance.choice([Product.IMAGE, Product.VIDEO])
        self.ordered.append(await here.order(prompt, *answers, product=product))

    async def _misfortune(self, here: JobWorld) -> None:
        """About every third moment something goes wrong that no job has asked for."""
        hand = self.chance.choice(here.hands)
        match self.chance.randrange(24):
            case 0 | 1:
                here.fake.news.append(self.chance.choice(NEWS))
            case 2 | 3:
                here.fake.copies.append(self.chance.choice(COPIES))
            case 4 if self.ordered:
                row = await here.row(self.ordered[-1])
                cancelled = await here.service.cancel(row)
                self.called_off += not row.ended and cancelled.state is JobState.CANCELLED
            case 5:
                hand.store.failures = self.chance.randint(1, 4)
                self.outages += 1
            case 6:
                hand.store.mute = 1
                self.outages += 1
            case 7:
                hand.store.dies_in = self.chance.randint(1, 12)
                hand.store.dies_after = self.chance.random() < 0.5

    async def _turn(self, here: JobWorld) -> None:
        """One of the processes does what is due; a dead one is started anew."""
        hand = self.chance.choice(here.hands)
        self.turns += 1
        await _survived(hand.worker.turn())
        await _survived(hand.worker.hold())
        await here.rest()
        if hand.store.dead:
            here.crash(hand)
            await here.rest()
            self.deaths += 1

    async def _next(self, here: JobWorld, order: float | None) -> float:
        """The next moment at which there is something to do; a step at least."""
        async with here.engine.connect() as connection:
            due = (await connection.execute(text("SELECT MIN(due_at) FROM jobs"))).scalar()
        moments = [moment for moment in (due, order) if moment is not None]
        return max(here.now + STEP, min(moments, default=0.0))

    async def _judge(self, here: JobWorld) -> None:
        assert len(self.ordered) == self.jobs
        assert set(here.fake.purchases.values()) == {1}
        assert set(here.busy().values()) == {0}
        found, more = await here.store.page(Page(None, None, limit=self.jobs))
        assert not more
        assert {job.id for job in found} == {job.id for job in self.ordered}
        histories = await _histories(here)
        for job in found:
            kind = job.verdict.kind if job.verdict else None
            self.ends[kind.value if kind else job.state.value] += 1
            _judge_one(here, job)
            _follow(job, histories[job.id])


async def _survived(work: Awaitable[object]) -> None:
    try:
        await work
    except (StoreUnavailable, asyncio.CancelledError):
        # The loop around turns survives the first; nobody survives the second.
        pass


async def _histories(here: JobWorld) -> dict[str, list[Entry]]:
    found: dict[str, list[Entry]] = {}
    async with here.engine.connect() as connection:
        for job_id, data in await connection.execute(
            text("SELECT job_id, data FROM job_events ORDER BY n")
        ):
            found.setdefault(job_id, []).append(msgspec.json.decode(data, type=Entry))
    return found


def _judge_one(here: JobWorld, job: Job) -> None:
    bought = here.fake.purchases[job.ask.terms.prompt]
    assert job.ended
    if job.state is JobState.COMPLETED:
        assert bought == 1
        (result,) = job.results
        assert result.file is not None
        assert here.files.path(result.file.name) is not None
    elif job.state is JobState.FAILED and bought:
        assert job.verdict is not None
        assert job.verdict.kind in NO_RESULT, (job.ask.terms.prompt, job.verdict)


def _follow(job: Job, lines: list[Entry]) -> None:
    """Its history leads from creation to its end, one allowed step after another."""
    assert lines[0].event == "created"
    state = JobState.QUEUED
    for line in lines[1:]:
        state = TRANSITIONS[state][JobEvent(line.event)]
        assert line.state is state
    assert state is job.state
