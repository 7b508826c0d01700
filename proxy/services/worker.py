"""The worker: claims due jobs by lease, runs their next steps, holds the leases while they run."""

import asyncio
import contextlib
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

from proxy.core.failures import Kind
from proxy.core.jobs import (
    AT_WORK,
    STORE_TRIES,
    UNCONFIRMED,
    Job,
    JobState,
    Verdict,
    pause_after,
)
from proxy.core.products import Product
from proxy.services.desk import Desk
from proxy.services.job_log import JobLog
from proxy.services.polling import Polling, groups
from proxy.services.storing import Storing
from proxy.services.submitting import Submitting
from proxy.store.failures import StoreUnavailable
from proxy.store.jobs import JobStore, LeaseLost
from proxy.telemetry import log

# A dead worker's jobs are taken over after this many seconds.
LEASE: Final = 20.0
# Due times are met to within this; with nothing alive the database is left in peace.
TICK: Final = 0.5
IDLE_TICK: Final = 5.0
MOST_POLLED: Final = 2_000
MOST_STORED: Final = 8
LEFTOVERS: Final = 50
# A step that fails by a mistake of ours is tried this often; what is paid for, as often as a copy.
CRASHES: Final = 5
# Jobs of a crashed question come back one by one: the one to blame is then alone.
APART: Final = 2 * TICK
# Steps that end together are followed by one turn.
PACE: Final = 0.02
BREAK_SECONDS: Final = 5.0


@dataclass(slots=True)
class _Held:
    """A job that is leased to us, and the step at work on it."""

    task: asyncio.Task[None]
    state: JobState
    product: Product


@dataclass(slots=True)
class Worker:
    """``most_active``: jobs that may be at an upstream at once (``MAX_ACTIVE_JOBS``)."""

    store: JobStore
    desk: Desk
    log: JobLog
    submitting: Submitting
    polling: Polling
    storing: Storing
    tasks: asyncio.TaskGroup
    most_active: int
    draining: Callable[[], bool] = lambda: False
    _held: dict[str, _Held] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _stopping: bool = False

    def __post_init__(self) -> None:
        self.log.held = self._moved

    def wake(self) -> None:
        """There is something to do."""
        self._wake.set()

    async def run(self) -> None:
        """Work until cancelled."""
        while True:
            self._wake.clear()
            try:
                found = await self.turn()
            except StoreUnavailable as error:
                log.error("store.failed", error=str(error))
                found = False
            except Exception:
                # The whole server must not fall with one turn.
                log.error("worker.crashed", where=_where())
                found = True
            tick = TICK if found or self._held else IDLE_TICK
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(tick):
                    await self._wake.wait()
            await asyncio.sleep(PACE)

    async def turn(self) -> bool:
        """Claim what is due and start its steps; whether any job is alive at all."""
        # Before the count: what moves on meanwhile is then counted twice rather than not at all.
        in_hand = self._busy(JobState.QUEUED) + self._busy(JobState.SUBMITTING)
        counts = await self.store.counts()
        if not counts or self._stopping:
            return bool(counts)
        if counts.get(JobState.SUBMITTING):
            for job in await self._claim(JobState.SUBMITTING, LEFTOVERS):
                self._start([job], self._give_up(job))
        if counts.get(JobState.RUNNING):
            room = MOST_POLLED - self._busy(JobState.RUNNING)
            for together in groups(await self._claim(JobState.RUNNING, room)):
                self._start(together, self.polling.run(together))
        if counts.get(JobState.STORING):
            room = MOST_STORED - self._busy(JobState.STORING)
            for job in await self._claim(JobState.STORING, room):
                self._start([job], self.storing.run(job))
        if self.draining():
            self._break_off_unsent()
        elif counts.get(JobState.QUEUED):
            sending = max(in_hand, counts.get(JobState.SUBMITTING, 0))
            begun = AT_WORK - {JobState.SUBMITTING}
            await self._submit(sending + sum(counts.get(state, 0) for state in begun))
        return True

    async def _submit(self, active: int) -> None:
        """Images and videos in queues of their own, so that neither waits for the other's."""
        for product in (Product.IMAGE, Product.VIDEO):
            room = self._submittable(product, active)
            for job in await self._claim(JobState.QUEUED, room, product):
                self._start([job], self.submitting.run(job))
                active += 1

    def _submittable(self, product: Product, active: int) -> int:
        """No more than seats, as others would only wait; no more than the operator's cap."""
        now = self.log.clock()
        seats = sum(
            seat.account.limit
            for seat in self.desk.pool.seats()
            if not seat.account.disabled and not seat.locked(product, now)
        )
        mine = self._busy(JobState.QUEUED, product) + self._busy(JobState.SUBMITTING, product)
        # With no account at all, one at a time finds out what to tell.
        return min(max(seats, 1) - mine, self.most_active - active)

    def sending(self) -> int:
        """How many paid requests are under way."""
        return self._busy(JobState.SUBMITTING)

    def _busy(self, state: JobState, product: Product | None = None) -> int:
        held = self._held.values()
        return sum(one.state is state and product in (None, one.product) for one in held)

    async def _claim(
        self, state: JobState, limit: int, product: Product | None = None
    ) -> list[Job]:
        if limit <= 0:
            return []
        now = self.log.clock()
        claimed = await self.store.claim(self.log.owner, state, now, now + LEASE, limit, product)
        # A step of ours that outlived its lease still has the job in hand.
        return [job for job in claimed if job.id not in self._held]

    def _start(self, jobs: list[Job], work: Coroutine[Any, Any, None]) -> None:
        task = self.tasks.create_task(self._guarded(jobs, work), name="job-step")
        for job in jobs:
            self._held[job.id] = _Held(task, job.state, job.product)
        task.add_done_callback(lambda _: self._ended(jobs, task))

    def _moved(self, job_id: str, state: JobState | None) -> None:
        """A step has written: it goes on with the job, or has given it back before its end."""
        if state is None:
            self._held.pop(job_id, None)
        elif job_id in self._held:
            self._held[job_id].state = state

    def _ended(self, jobs: list[Job], task: asyncio.Task[None]) -> None:
        for job in self._in_hand(jobs, task):
            del self._held[job.id]
        self._wake.set()

    def _in_hand(self, jobs: list[Job], task: asyncio.Task[Any] | None) -> list[Job]:
        """Those that this step has not given back (another may be at work on them already)."""
        return [job for job in jobs if job.id in self._held and self._held[job.id].task is task]

    def _break_off_unsent(self) -> None:
        """What would begin to cost while the server ends is left to the next start."""
        for held in self._held.values():
            if held.state is JobState.QUEUED:
                held.task.cancel()

    async def _guarded(self, jobs: list[Job], work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except LeaseLost:
            log.info("job.moved", job=jobs[0].id)
        except StoreUnavailable as error:
            log.error("store.failed", error=str(error))
        except Exception:
            # The group's other tasks must not fall with one job.
            log.error("job.crashed", job=jobs[0].id, where=_where())
            for number, job in enumerate(self._in_hand(jobs, asyncio.current_task())):
                await self._after_crash(job.id, number * APART)

    async def _after_crash(self, job_id: str, apart: float) -> None:
        """A mistake of ours must not keep a job alive for ever, nor send it twice."""
        try:
            job = await self.store.get(job_id)
            if job is None or job.ended:
                return
            most = CRASHES if job.state is JobState.QUEUED else STORE_TRIES
            if job.state is JobState.SUBMITTING:
                await self._give_up(job)
            elif job.tries + 1 >= most:
                await self.log.fail(job, Verdict(Kind.BROKEN, "the server failed on this job"))
            else:
                due = self.log.clock() + pause_after(job.tries + 1) + apart
                await self.log.postpone(job, due_at=due, tries=job.tries + 1)
        except (LeaseLost, StoreUnavailable):
            # Its lease runs out; whoever claims it next decides.
            log.info("job.moved", job=job_id)

    async def _give_up(self, job: Job) -> None:
        """Whoever sent this request is gone, and its fate with it."""
        log.error("job.unconfirmed", job=job.id, account=job.account_label)
        await self.log.fail(job, Verdict.of(UNCONFIRMED))

    async def hold(self) -> None:
        """Extend the leases of everything that is being worked on."""
        if self._held:
            until = self.log.clock() + LEASE
            await self.store.extend(self.log.owner, list(self._held), until)

    def drop(self, job_id: str) -> None:
        """Break off a step whose job was cancelled. A request that is under way is left to its
        answer: only that tells what there is to withdraw.
        """
        held = self._held.get(job_id)
        if held is not None and held.state in (JobState.QUEUED, JobState.STORING):
            held.task.cancel()

    async def stop(self, seconds: float) -> None:
        """Finish what runs, for so long; break the rest off and let go of its leases."""
        self._stopping = True
        if running := self._at_work():
            await asyncio.wait(running, timeout=seconds)
        broken_off = self._at_work()
        for task in broken_off:
            task.cancel()
        if broken_off:
            await asyncio.wait(broken_off, timeout=BREAK_SECONDS)
        await self.log.settle()
        try:
            await self.store.release(self.log.owner)
        except StoreUnavailable as error:
            log.error("store.failed", error=str(error))

    def _at_work(self) -> set[asyncio.Task[None]]:
        return {held.task for held in self._held.values()}


def _where() -> str:
    """The end of the traceback: it names code, not data; exception texts may quote a request."""
    return traceback.format_exc(limit=-4, chain=False).rsplit("\n", 2)[0]
