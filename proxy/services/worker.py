"""The worker: claims due jobs by lease, runs their next steps, holds the leases while they run."""

import asyncio
import contextlib
import traceback
from collections.abc import Callable, Collection, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

from proxy.core.failures import Kind
from proxy.core.jobs import AT_WORK, UNCONFIRMED, Job, JobState, Verdict, pause_after
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
# A step that fails by a mistake of ours is tried this often.
CRASHES: Final = 5
# Steps that end together are followed by one turn.
PACE: Final = 0.02
BREAK_SECONDS: Final = 5.0


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
    _running: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _states: dict[str, JobState] = field(default_factory=dict)
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _stopping: bool = False

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
            tick = TICK if found or self._running else IDLE_TICK
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(tick):
                    await self._wake.wait()
            await asyncio.sleep(PACE)

    async def turn(self) -> bool:
        """Claim what is due and start its steps; whether any job is alive at all."""
        counts = await self.store.counts()
        if not counts or self._stopping:
            return bool(counts)
        for job in await self._claim({JobState.SUBMITTING}, LEFTOVERS):
            self._start([job], self._give_up(job))
        if room := MOST_POLLED - self._busy({JobState.RUNNING}):
            for together in groups(await self._claim({JobState.RUNNING}, room)):
                self._start(together, self.polling.run(together))
        for job in await self._claim(
            {JobState.STORING}, MOST_STORED - self._busy({JobState.STORING})
        ):
            self._start([job], self.storing.run(job))
        if self.draining():
            return True
        active = sum(number for state, number in counts.items() if state in AT_WORK)
        for job in await self._claim({JobState.QUEUED}, self._submittable(active)):
            self._start([job], self.submitting.run(job))
        return True

    def _submittable(self, active: int) -> int:
        """No more than seats, as others would only wait; no more than the operator's cap."""
        seats = sum(seat.account.limit for seat in self.desk.pool.seats())
        busy = self._busy({JobState.QUEUED})
        return min(seats - busy, self.most_active - active - busy)

    def sending(self) -> int:
        """How many paid requests are being prepared or under way."""
        return self._busy({JobState.QUEUED})

    def _busy(self, states: Collection[JobState]) -> int:
        return sum(state in states for state in self._states.values())

    async def _claim(self, states: Collection[JobState], limit: int) -> list[Job]:
        if limit <= 0:
            return []
        now = self.log.clock()
        claimed = await self.store.claim(self.log.owner, states, now, now + LEASE, limit)
        # A step of ours that outlived its lease still has the job in hand.
        return [job for job in claimed if job.id not in self._running]

    def _start(self, jobs: list[Job], work: Coroutine[Any, Any, None]) -> None:
        task = self.tasks.create_task(self._guarded(jobs, work), name="job-step")
        for job in jobs:
            self._running[job.id] = task
            self._states[job.id] = job.state
        task.add_done_callback(lambda _: self._ended(jobs))

    def _ended(self, jobs: list[Job]) -> None:
        for job in jobs:
            del self._running[job.id], self._states[job.id]
        self._wake.set()

    async def _guarded(self, jobs: list[Job], work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except LeaseLost:
            log.info("job.moved", job=jobs[0].id)
        except StoreUnavailable as error:
            log.error("store.failed", error=str(error))
        except Exception:
            # The group's other tasks must not fall with one job. The traceback names code, not
            # data; exception texts may quote a request.
            where = traceback.format_exc(limit=-4, chain=False).rsplit("\n", 2)[0]
            log.error("job.crashed", job=jobs[0].id, where=where)
            for job in jobs:
                await self._after_crash(job.id)

    async def _after_crash(self, job_id: str) -> None:
        """A mistake of ours must not keep a job alive for ever, nor send it twice."""
        try:
            job = await self.store.get(job_id)
            if job is None or job.ended:
                return
            if job.state is JobState.SUBMITTING:
                await self._give_up(job)
            elif job.tries + 1 >= CRASHES:
                await self.log.fail(job, Verdict(Kind.BROKEN, "the server failed on this job"))
            else:
                due = self.log.clock() + pause_after(job.tries + 1)
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
        if self._running:
            until = self.log.clock() + LEASE
            await self.store.extend(self.log.owner, list(self._running), until)

    def drop(self, job_id: str) -> None:
        """Break off a step whose job was cancelled."""
        task = self._running.get(job_id)
        if task is not None and self._states[job_id] is not JobState.RUNNING:
            task.cancel()

    async def stop(self, seconds: float) -> None:
        """Finish what runs, for so long; break the rest off and let go of its leases."""
        self._stopping = True
        running = set(self._running.values())
        if running:
            await asyncio.wait(running, timeout=seconds)
        left = list(self._running)
        broken_off = set(self._running.values())
        for task in broken_off:
            task.cancel()
        if broken_off:
            await asyncio.wait(broken_off, timeout=BREAK_SECONDS)
        await self.log.settle()
        try:
            await self.store.release(self.log.owner, left)
        except StoreUnavailable as error:
            log.error("store.failed", error=str(error))
