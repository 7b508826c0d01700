"""Jobs with a real database and real files, a fake upstream, and a clock that a test moves.

A worker here does one turn when told. ``crash`` leaves it as kill -9 would: what it held stays
leased, and nothing that it still tries reaches the database.
"""

import asyncio
import random
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from services.desks import START
from services.fake_upstream import Answer, FakeUpstream
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

from proxy.core.accounts import Account, Secret
from proxy.core.attempts import Durations
from proxy.core.breaker import Breaker
from proxy.core.failures import REACTIONS, Kind
from proxy.core.jobs import Job, JobState
from proxy.core.media import MediaWish, Terms
from proxy.core.media_models import MediaCatalogue
from proxy.core.pool import Policy, Pool
from proxy.core.products import Credential, Product, Route
from proxy.core.recaptcha import Policy as Recaptcha
from proxy.services.aftermath import Aftermath
from proxy.services.desk import Desk
from proxy.services.inputs import Inputs
from proxy.services.job_log import JobLog
from proxy.services.jobs import JobService, Order
from proxy.services.media_plans import MediaPlans
from proxy.services.polling import Polling
from proxy.services.recaptcha import Tokens
from proxy.services.signals import Signals
from proxy.services.storing import Storing
from proxy.services.submitting import Submitting
from proxy.services.worker import Worker
from proxy.store.database import open_database
from proxy.store.failures import StoreUnavailable
from proxy.store.jobs import JobStore
from proxy.store.locks import LockStore
from proxy.store.media_files import MediaFiles
from proxy.telemetry import Metrics
from proxy.upstreams.fetch import Fetcher
from proxy.upstreams.genspark import Genspark
from proxy.upstreams.http import Http

T = TypeVar("T")
MODELS = {Product.IMAGE: "gpt-image-2", Product.VIDEO: "gemini/veo3.1"}
INTERVAL = 5.0
JOB_TIMEOUT = 3600.0
QUEUE_TIMEOUT = 1800.0
PATIENCE = 30.0


class MortalStore(JobStore):
    """The database as one process sees it. ``failures``: calls that it will not answer;
    ``mute``: calls that are carried out, though nobody hears of it. ``dies_in``: calls until the
    process is killed, ``dies_after`` the last of them was carried out rather than before it.
    """

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.dead = False
        self.failures = 0
        self.mute = 0
        self.dies_in: int | None = None
        self.dies_after = False

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name not in _CALLS:
            return found
        return lambda *args, **given: self._called(found, args, given)

    async def _called(self, work: Callable[..., Awaitable[T]], args: Any, given: Any) -> T:
        if self.dies_in is not None:
            self.dies_in -= 1
        if self.dead or self.dies_in == 0:
            if not self.dead and self.dies_after:
                await work(*args, **given)
            self.dead = True
            # The only thing that nothing in its way tidies up after.
            raise asyncio.CancelledError
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("away")
        result = await work(*args, **given)
        if self.mute:
            self.mute -= 1
            raise StoreUnavailable("nobody heard")
        return result


_CALLS = {"get", "counts", "claim", "save", "postpone", "extend", "release"}


def key(name: str = "k1", limit: int = 4) -> Account:
    """A key's account."""
    return Account(name, name, Credential.KEY, Secret(f"gsk-{name}"), limit)


def cookie(name: str = "c1", limit: int = 1) -> Account:
    """A cookie's account."""
    return Account(name, name, Credential.COOKIE, Secret(f"session_id={name}"), limit)


@dataclass
class Hand:
    """One process's worker."""

    worker: Worker
    store: MortalStore
    log: JobLog

    def steps(self) -> set["asyncio.Task[None]"]:
        """What it is working on."""
        return self.worker._at_work()


@dataclass
class JobWorld:
    """Everything around the jobs. ``service`` belongs to no process that can crash."""

    engine: AsyncEngine
    fake: FakeUpstream
    desk: Desk
    files: MediaFiles
    plans: MediaPlans
    signals: Signals
    aftermath: Aftermath
    tasks: asyncio.TaskGroup
    metrics: Metrics
    now: float = START
    most_active: int = 100
    copies: bool = True
    draining: bool = False
    limit: int = 10_000
    interval: float = INTERVAL
    hands: list[Hand] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = JobStore(self.engine)
        self.hands.append(self.hire())
        self.service = self._service()

    @property
    def hand(self) -> Hand:
        """The only worker, where there is one."""
        return self.hands[0]

    def hire(self) -> Hand:
        """A worker as a new process has it."""
        store = MortalStore(self.engine)
        log = JobLog(
            store,
            f"{random.getrandbits(128):032x}",
            lambda: self.now,
            self.tasks,
            self.signals,
            self.metrics,
            pause=_yields,
        )
        worker = Worker(
            store=store,
            desk=self.desk,
            log=log,
            submitting=self._submitting(log),
            polling=Polling(
                self.fake, self.desk, log, dict.fromkeys(Route, self.interval), JOB_TIMEOUT
            ),
            storing=Storing(
                self.fake, self.desk, self.files, log, self.copies, self.limit, 86_400.0
            ),
            tasks=self.tasks,
            most_active=self.most_active,
            draining=lambda: self.draining,
        )
        return Hand(worker, store, log)

    def _submitting(self, log: JobLog) -> Submitting:
        http = Http(None, 1, 1)
        policies = dict.fromkeys(Product, Recaptcha.NEVER)
        return Submitting(
            upstream=self.fake,
            genspark=Genspark(http, "http://127.0.0.1:1", "test"),
            desk=self.desk,
            tokens=Tokens(None, policies, Breaker(3, 60), lambda: self.now, self.metrics),
            files=self.files,
            log=log,
            plans=self.plans.plans,
            retire=self.plans.retire,
            forget_model=self.plans.forget_model,
            reactions=REACTIONS,
            max_attempts=4,
            patience=PATIENCE,
            queue_timeout=QUEUE_TIMEOUT,
            timeout=JOB_TIMEOUT,
        )

    def _service(self) -> JobService:
        async def no_video(public: str, caller: str) -> str | None:
            return None

        return JobService(
            store=self.store,
            plans=self.plans,
            inputs=Inputs(self.files, Fetcher(), no_video, 1_000_000),
            files=self.files,
            signals=self.signals,
            upstream=self.fake,
            desk=self.desk,
            aftermath=self.aftermath,
            metrics=self.metrics,
            wake=lambda: None,
            drop=self._drop,
            most_queued=100_000,
            most_per_caller=None,
            clock=lambda: self.now,
        )

    def _drop(self, job_id: str) -> None:
        for hand in self.hands:
            hand.worker.drop(job_id)

    # What a test does.

    async def order(
        self, prompt: str, *answers: Answer, product: Product = Product.VIDEO, **given: Any
    ) -> Job:
        """A job of this prompt, with what its orders will meet."""
        if answers:
            self.fake.script[prompt] = list(answers)
        terms = Terms(product=product, model=MODELS[product], prompt=prompt)
        made = await self.service.create(Order(MediaWish(terms=terms), "caller", **given))
        return made[0]

    async def turn(self, hand: Hand | None = None) -> None:
        """One turn, and what it starts until that waits for the gate or is done."""
        hand = hand or self.hand
        await hand.worker.turn()
        await self.rest()

    async def rest(self) -> None:
        """Let every step go on as far as it can."""
        while True:
            # Whoever was just let through, or called off, has to notice.
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            steps = {step for hand in self.hands for step in hand.steps()}
            if len(steps) <= self.fake.waiting + len(self.desk._waiters):
                return
            await asyncio.wait(steps, timeout=0.002, return_when=asyncio.FIRST_COMPLETED)

    async def work(self, seconds: float, step: float = 1.0) -> None:
        """Turns for so long."""
        end = self.now + seconds
        while self.now < end:
            await self.turn()
            self.now += step

    def crash(self, hand: Hand | None = None) -> Hand:
        """Kill a process at once, and start a new one in its place."""
        hand = hand or self.hand
        hand.store.dead = True
        for step in hand.steps():
            step.cancel()
        self.hands[self.hands.index(hand)] = fresh = self.hire()
        return fresh

    async def row(self, job: Job) -> Job:
        """The job as it is now."""
        found = await self.store.get(job.id)
        assert found is not None
        return found

    async def state(self, job: Job) -> JobState:
        """Where it is now."""
        return (await self.row(job)).state

    async def told(self, job: Job) -> list[str]:
        """The events of its history."""
        return [line.event for line in await self.store.history(job.id)]

    async def verdict(self, job: Job) -> Kind:
        """Why it failed."""
        row = await self.row(job)
        assert row.state is JobState.FAILED
        assert row.verdict is not None
        return row.verdict.kind

    async def finish(self, *jobs: Job, within: float = 120.0) -> None:
        """Work until these have ended."""
        end = self.now + within
        while not all([(await self.row(job)).ended for job in jobs]):
            assert self.now < end, [await self.state(job) for job in jobs]
            await self.work(1.0)

    def busy(self) -> dict[str, int]:
        """How many requests run on each account."""
        return {seat.account.id: seat.busy for seat in self.desk.pool.seats()}


def play(
    folder: Path,
    story: Callable[[JobWorld], Awaitable[None]],
    *accounts: Account,
    **given: Any,
) -> None:
    """One test's story in a world of its own."""

    async def whole() -> None:
        async with job_world(folder, *accounts, **given) as here:
            await story(here)

    asyncio.run(whole())


async def _yields(_seconds: float) -> None:
    await asyncio.sleep(0)


async def _without_waiting_for_the_disk(engine: AsyncEngine) -> None:
    """No test here cuts the power."""

    def hurry(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    event.listen(engine.sync_engine, "connect", hurry)
    await engine.dispose()


@asynccontextmanager
async def job_world(
    folder: Path,
    *accounts: Account,
    template: Path | None = None,
    wait: float = 0.0,
    cookie_video: bool = True,
    **given: Any,
) -> AsyncIterator[JobWorld]:
    """Open everything. ``template`` is a database file whose schema is made already."""
    path = folder / "jobs.db"
    if template is not None and not path.exists():
        shutil.copy(template, path)
    async with open_database(f"sqlite+aiosqlite:///{path}") as engine, asyncio.TaskGroup() as tasks:
        await _without_waiting_for_the_disk(engine)
        pool = Pool(accounts or [key()], policy=Policy.ROUND_ROBIN, chance=random.Random(7))
        made: JobWorld

        def clock() -> float:
            return made.now

        async def alive(_asked: Account) -> bool | None:
            return True

        metrics = Metrics()
        desk = Desk(pool, LockStore(engine), alive, Durations(), clock, wait, metrics)
        facts = resources.files("proxy.core").joinpath("media_catalogue.toml").read_text("utf-8")
        plans = MediaPlans(
            MediaCatalogue(facts, {}),
            desk,
            [Route.KEY, Route.COOKIE],
            cookie_video=cookie_video,
            forward=True,
            clock=clock,
        )
        made = JobWorld(
            engine,
            FakeUpstream(clock),
            desk,
            MediaFiles(folder / "media"),
            plans,
            Signals(),
            Aftermath(tasks),
            tasks,
            metrics,
            **given,
        )
        try:
            yield made
        finally:
            made.fake.gate.set()
            for hand in made.hands:
                await hand.worker.stop(0.0)
