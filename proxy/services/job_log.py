"""Writing what happened to a job, so that it is known before anybody acts on it."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from proxy.core.jobs import ENDED, Job, JobEvent, JobState, Verdict, entry
from proxy.services.signals import Signals
from proxy.store.failures import StoreUnavailable
from proxy.store.jobs import JobStore
from proxy.telemetry import Metrics, log

# A bought task must reach the row: a database that is away is asked again for this long.
WRITE_TRIES: Final = 30
WRITE_PAUSE: Final = 2.0
# One step leads through these; with any other state the job is given back.
_KEPT: Final = frozenset({JobState.QUEUED, JobState.SUBMITTING})


@dataclass(slots=True)
class JobLog:
    """One worker's pen. ``owner`` is its lease; ``clock`` gives epoch seconds. ``held`` is told of
    each write: before it, the state that the job is kept in; after it, None if it was given back.
    """

    store: JobStore
    owner: str
    clock: Callable[[], float]
    tasks: asyncio.TaskGroup
    signals: Signals
    metrics: Metrics
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    held: Callable[[str, JobState | None], None] = lambda _job, _state: None
    _writing: set[asyncio.Task[Job | Exception]] = field(default_factory=set)

    async def write(self, job: Job, event: JobEvent, note: str = "", **changes: Any) -> Job:
        """Apply an event and write it. Raises ``LeaseLost``, ``StoreUnavailable``."""
        after = job.apply(event, **changes)
        line = entry(after, event, self.clock(), note)
        if keep := after.state in _KEPT:
            self.held(job.id, after.state)
        await self.store.save(job, after, line, self.owner, keep=keep)
        self._tell(job, after)
        return after

    async def write_surely(self, job: Job, event: JobEvent, note: str = "", **changes: Any) -> Job:
        """The same for what must not be lost: neither a cancellation nor a database that is away
        for a while keeps it from being written.
        """
        return await self._finish(self._persist(job, event, note, changes))

    async def _persist(self, job: Job, event: JobEvent, note: str, changes: dict[str, Any]) -> Job:
        for _ in range(WRITE_TRIES):
            try:
                return await self.write(job, event, note, **changes)
            except StoreUnavailable as error:
                log.error("store.failed", job=job.id, error=str(error))
                await self.pause(WRITE_PAUSE)
                # The answer alone may have been lost: writing again would find the job moved.
                if (written := await self._found(job, event, changes)) is not None:
                    return written
        return await self.write(job, event, note, **changes)

    async def _found(self, job: Job, event: JobEvent, changes: dict[str, Any]) -> Job | None:
        """The job after the event, if that is what the row says."""
        after = job.apply(event, **changes)
        try:
            there = await self.store.get(job.id)
        except StoreUnavailable:
            return None
        if there != after:
            return None
        self._tell(job, after)
        return after

    async def _finish(self, work: Coroutine[Any, Any, Job]) -> Job:
        """Run to the end even when the step itself is cancelled meanwhile."""
        guarded = self.tasks.create_task(_kept(work), name="job-write")
        self._writing.add(guarded)
        guarded.add_done_callback(self._writing.discard)
        written = await asyncio.shield(guarded)
        if isinstance(written, Exception):
            raise written
        return written

    async def postpone(self, *jobs: Job, due_at: float, tries: int | None = None) -> None:
        """Look again later; nothing has happened that history should know."""
        again = [
            msgspec.structs.replace(job, due_at=due_at, tries=job.tries if tries is None else tries)
            for job in jobs
        ]
        await self.store.postpone(again, self.owner)
        for job in jobs:
            self.held(job.id, None)

    async def fail(self, job: Job, verdict: Verdict, note: str = "") -> Job:
        """End a job as failed."""
        return await self.write_surely(
            job,
            JobEvent.FAILED,
            note or verdict.detail or verdict.kind.value,
            verdict=verdict,
            completed_at=self.clock(),
        )

    async def settle(self) -> None:
        """Wait for what must still be written."""
        if self._writing:
            await asyncio.wait(self._writing)

    def _tell(self, before: Job, after: Job) -> None:
        if after.state not in _KEPT:
            self.held(after.id, None)
        log.info(
            "job",
            job=after.id,
            state=after.state.value,
            was=before.state.value,
            model=after.ask.terms.model,
            account=after.account_label or None,
            route=after.route.value if after.route else None,
            failure=after.verdict.kind.value if after.verdict else None,
        )
        if after.state in ENDED:
            self.metrics.jobs.labels(after.product.value, after.state.value).inc()
        self.signals.ring(after.id)


async def _kept(work: Coroutine[Any, Any, Job]) -> Job | Exception:
    """The application's task group must not fall with one job's write."""
    try:
        return await work
    except Exception as error:
        return error
