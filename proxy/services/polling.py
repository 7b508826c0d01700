"""The middle step of a job: ask about its task until it has ended.

Tasks of one account are asked about together. Polling uses the account that owns the task, rested
or not: a lock forbids new work only.
"""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

import msgspec

from proxy.core.accounts import Account
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.jobs import Job, JobEvent, Verdict, pause_after
from proxy.core.media import TaskReport, TaskState
from proxy.core.products import GENSPARK_ROUTES, Product, Route
from proxy.services.desk import Desk
from proxy.services.job_log import JobLog
from proxy.services.outcomes import is_unlinked, progress_of, refusal_of, results_of
from proxy.store.jobs import LeaseLost
from proxy.telemetry import log
from proxy.upstreams.media import MediaUpstream

# Ids in one question. Observed clients ask for a handful; the limit upstream is not known.
TOGETHER: Final = 100
# What the reply's headers may take on top of the time the stream is watched.
GRACE: Final = 30.0
# Answers "no such task" that are not believed: a fresh task may not be known everywhere at once.
DOUBTS: Final = 3
UNLINKED_TRIES: Final = 5
GONE_PAUSE: Final = 60.0

Group = tuple[str, Route, Product]


def groups(jobs: Iterable[Job]) -> list[list[Job]]:
    """Jobs that can be asked about in one question; official providers take one task in each."""
    together: dict[Group, list[Job]] = defaultdict(list)
    for job in jobs:
        assert job.route is not None
        together[job.account_id, job.route, job.product].append(job)
    return [
        same[start : start + _most(route)]
        for (_, route, _), same in together.items()
        for start in range(0, len(same), _most(route))
    ]


def _most(route: Route) -> int:
    return TOGETHER if route in GENSPARK_ROUTES else 1


@dataclass(slots=True)
class Polling:
    """Times are in seconds. ``intervals``: between two looks, by route. ``timeout``: how long a
    job may take from being sent to its result.
    """

    upstream: MediaUpstream
    desk: Desk
    log: JobLog
    intervals: Mapping[Route, float]
    timeout: float

    async def run(self, jobs: list[Job]) -> None:
        """One question about jobs of one account, and what follows for each."""
        began = self.log.clock()
        account = self._account(jobs[0])
        if account is None:
            await self._without_account(jobs)
            return
        try:
            news = await self._ask(account, jobs)
        except UpstreamError as error:
            await self._failed(account, jobs, error.failure)
            return
        waiting = []
        for job in jobs:
            reports = [news[task_id] for task_id in job.task_ids if task_id in news]
            if any(is_unlinked(report) for report in reports):
                await self._link(job, alone=len(jobs) == 1)
            elif not await self._settle(job, reports):
                waiting.append(_told(job, reports))
        await self._later(waiting, began + self._interval(jobs[0]))

    async def _link(self, job: Job, *, alone: bool) -> None:
        """A success without its link: the task is asked about by itself, which is answered with
        the link at once; one that never gets a link is given up.
        """
        if not alone:
            await self.run([job])
            return
        if job.tries + 1 < UNLINKED_TRIES:
            due = self.log.clock() + pause_after(job.tries + 1)
            await self.log.postpone(job, due_at=due, tries=job.tries + 1)
            return
        note = f"task {', '.join(job.task_ids)} succeeded without a link to its result"
        await self._end(job, Verdict(Kind.RESULT_LOST, note))

    async def _end(self, job: Job, verdict: Verdict) -> None:
        try:
            await self.log.fail(job, verdict)
        except LeaseLost:
            log.info("job.moved", job=job.id)

    def _interval(self, job: Job) -> float:
        assert job.route is not None
        return self.intervals[job.route]

    def _account(self, job: Job) -> Account | None:
        seat = self.desk.pool.seat(job.account_id)
        return seat.account if seat else None

    async def _ask(self, account: Account, jobs: list[Job]) -> dict[str, TaskReport]:
        first = jobs[0]
        assert first.route is not None
        ids = [task_id for job in jobs for task_id in job.task_ids]
        interval = self._interval(first)
        try:
            async with asyncio.timeout(interval + GRACE):
                reports = await self.upstream.tasks(
                    account, first.route, first.product, ids, interval
                )
        except TimeoutError:
            raise UpstreamError(Failure(Kind.TIMEOUT, "no news of the task")) from None
        return {report.task_id: report for report in reports}

    async def _settle(self, job: Job, reports: list[TaskReport]) -> bool:
        """Whether the job has moved on (or is somebody else's now)."""
        if len(reports) < len(job.task_ids):
            return await self._overdue(job)
        refusal, results = refusal_of(reports), results_of(reports)
        try:
            if refusal is not None:
                await self.log.fail(job, Verdict.of(refusal))
            elif results:
                served = next((r.model for r in reports if r.model), job.served_model)
                now = self.log.clock()
                await self.log.write_surely(
                    job, JobEvent.DELIVERED, due_at=now, results=results, served_model=served
                )
            else:
                return await self._overdue(job)
        except LeaseLost:
            log.info("job.moved", job=job.id)
        return True

    async def _overdue(self, job: Job) -> bool:
        """End a job whose task never does; the operator finds account and task in its history."""
        if self.log.clock() - (job.sent_at or job.created_at) < self.timeout:
            return False
        note = f"task {', '.join(job.task_ids)} had not ended"
        await self._end(job, Verdict(Kind.OVERDUE, note))
        return True

    async def _later(self, jobs: list[Job], due_at: float) -> None:
        await self.log.postpone(*jobs, due_at=due_at, tries=0)

    async def _without_account(self, jobs: list[Job]) -> None:
        """The operator took the account away; it may come back."""
        log.warning("job.account_gone", account=jobs[0].account_label, jobs=len(jobs))
        waiting = [job for job in jobs if not await self._overdue(job)]
        await self.log.postpone(*waiting, due_at=self.log.clock() + GONE_PAUSE)

    async def _failed(self, account: Account, jobs: list[Job], failure: Failure) -> None:
        log.info("poll.failed", account=account.label, failure=failure.kind.value, jobs=len(jobs))
        if failure.kind is Kind.TASK_UNKNOWN and len(jobs) > 1:
            # One bad id spoils the whole answer: halves find it.
            middle = len(jobs) // 2
            await self.run(jobs[:middle])
            await self.run(jobs[middle:])
            return
        if failure.kind is Kind.DEAD_CREDENTIAL and (seat := self.desk.pool.seat(account.id)):
            await self.desk.punish(seat, jobs[0].product, failure)
        for job in jobs:
            await self._again(job, failure)

    async def _again(self, job: Job, failure: Failure) -> None:
        tries = job.tries + 1
        if failure.kind is Kind.TASK_UNKNOWN and tries > DOUBTS:
            await self._end(job, Verdict.of(failure))
            return
        if not await self._overdue(job):
            pause = max(pause_after(tries), failure.retry_after or 0.0)
            await self.log.postpone(job, due_at=self.log.clock() + pause, tries=tries)


def _told(job: Job, reports: list[TaskReport]) -> Job:
    """The job with the upstream's own progress; a success without a link is asked about alone."""
    told = progress_of(reports)
    if told is None or any(report.state is TaskState.FAILED for report in reports):
        return job
    return msgspec.structs.replace(job, progress=told)
