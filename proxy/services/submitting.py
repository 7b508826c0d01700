"""The first step of a job: choose an account, write the intent, send the paid request, once."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from proxy.core.catalogue import Candidate
from proxy.core.failures import (
    AMBIGUOUS,
    WAITING_HELPS,
    Failure,
    Kind,
    Reaction,
    UpstreamError,
)
from proxy.core.guidance import guidance
from proxy.core.jobs import (
    UNCONFIRMED,
    Job,
    JobEvent,
    JobState,
    Result,
    StoredFile,
    Verdict,
    filled,
)
from proxy.core.media import MediaAsk, Use
from proxy.core.products import Credential, Product, Route
from proxy.services.attempts import Attempts, GaveUp
from proxy.services.desk import Borrowed, Desk
from proxy.services.job_log import JobLog
from proxy.services.outcomes import refusal_of, results_of
from proxy.services.recaptcha import Tokens
from proxy.services.storing import NotMedia, one_chunk, typed_as
from proxy.store.failures import StoreUnavailable
from proxy.store.jobs import LeaseLost
from proxy.store.media_files import MediaFiles, Missing
from proxy.telemetry import log
from proxy.upstreams.genspark import Genspark
from proxy.upstreams.media import Accepted, Loaded, MediaUpstream, Order

# A job that found every account busy looks again after this long.
BUSY_PAUSE: Final = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A way to serve a job, with the ask completed for it, what of it this way ignores, and what
    it is expected to cost in US dollars.
    """

    candidate: Candidate
    ask: MediaAsk
    ignored: tuple[str, ...] = ()
    cost: float | None = None


@dataclass(slots=True)
class Submitting:
    """Times are in seconds. ``reactions`` say which failures another account or provider may mend.
    ``timeout``: how long one request may take. ``patience``: how long a job may wait for an account
    to rest out; ``queue_timeout``: how long it may wait for a busy one.
    """

    upstream: MediaUpstream
    genspark: Genspark
    desk: Desk
    tokens: Tokens
    files: MediaFiles
    log: JobLog
    plans: Callable[[MediaAsk], list[Plan]]
    retire: Callable[[Route, Product], None]
    forget_model: Callable[[Route, str], None]
    max_attempts: int
    patience: float
    queue_timeout: float
    timeout: float
    reactions: Mapping[Kind, Reaction]

    async def run(self, job: Job) -> None:
        """From ``QUEUED`` to accepted, failed, or back into the queue."""
        await _Submission(self, job).run()


@dataclass(slots=True)
class _Submission:
    """One job's way through the pool; ``job`` is always the row as last written."""

    room: Submitting
    job: Job
    accepted: Accepted | None = None
    _inputs: tuple[Loaded, ...] = ()
    _plans: dict[Route, Plan] = field(default_factory=dict)

    async def run(self) -> None:
        try:
            plans = self.room.plans(self.job.ask)
        except GaveUp as refused:
            await self._gave_up(refused)
            return
        self._plans = {plan.candidate.route: plan for plan in plans}
        attempts: Attempts[Accepted] = Attempts(
            self.room.desk,
            [plan.candidate for plan in plans],
            self.job.product,
            self._open_one,
            self.room.max_attempts,
            lambda route: self.room.retire(route, self.job.product),
            reactions=self.room.reactions,
        )
        try:
            success = await attempts.run()
        except GaveUp as refused:
            await self._gave_up(refused)
        except Missing:
            gone = Verdict(Kind.BAD_REQUEST, "input gone", told="an input is no longer kept")
            await self.room.log.fail(self.job, gone)
        else:
            self.room.desk.give_back(success.borrowed.seat)

    async def _load(self) -> tuple[Loaded, ...]:
        return tuple(
            [
                Loaded(
                    given.use, given.file, given.mime, await self.room.files.read_input(given.file)
                )
                for given in self.job.ask.inputs
            ]
        )

    async def _gave_up(self, refused: GaveUp) -> None:
        now, kind = self.room.log.clock(), refused.failure.kind
        waits = refused.retry_after or BUSY_PAUSE
        busy = kind is Kind.ALL_BUSY
        resting = kind in WAITING_HELPS and waits <= self.room.patience
        young = now - self.job.created_at < self.room.queue_timeout
        if self.job.state is JobState.QUEUED and young and (busy or resting):
            due = now + (BUSY_PAUSE if busy else waits)
            await self.room.log.postpone(self.job, due_at=due)
            return
        await self.room.log.fail(self.job, Verdict.of(refused.failure, refused.retry_after))

    async def _open_one(self, borrowed: Borrowed, again: bool) -> Accepted:
        """One attempt, with a second request when only a reCAPTCHA token was missing."""
        product, account = self.job.product, borrowed.seat.account
        if account.credential is not Credential.COOKIE:
            return await self._order(borrowed, "")
        cookie = self.room.genspark.cookie(account)
        token = await self.room.tokens.before_ask(cookie, product)
        try:
            return await self._order(borrowed, token)
        except UpstreamError as error:
            if token or not _may_want_token(error.failure):
                raise
            token = await self.room.tokens.after_refusal(cookie, product)
            if not token:
                raise
        return await self._order(borrowed, token)

    async def _order(self, borrowed: Borrowed, token: str) -> Accepted:
        candidate = borrowed.candidate
        plan = self._plans[candidate.route]
        if not self._inputs:
            # Not before there is a seat: whoever waits for one would hold them in memory.
            self._inputs = await self._load()
        kept = {given.use for given in plan.ask.inputs} - {Use.MASK}
        # No route has a field for a mask; as a picture among others it would mislead.
        inputs = tuple(given for given in self._inputs if given.use in kept)
        order = Order(plan.ask, candidate.route, candidate.model, inputs, token)
        try:
            async with asyncio.timeout(self.room.timeout):
                accepted = await self.room.upstream.submit(
                    borrowed.seat.account, order, lambda: self._intend(borrowed, plan)
                )
        except TimeoutError:
            sent = self.job.state is JobState.SUBMITTING
            kind = Kind.OVERDUE if sent else Kind.TIMEOUT
            raise UpstreamError(Failure(kind, "JOB_TIMEOUT is over")) from None
        except UpstreamError as error:
            await self._refused(error.failure)
            raise
        await self._took(accepted, borrowed)
        return accepted

    async def _intend(self, borrowed: Borrowed, plan: Plan) -> None:
        """Durable before the request leaves: from here on a crash means an unknown fate."""
        account = borrowed.seat.account
        now = self.room.log.clock()
        self.job = await self.room.log.write(
            self.job,
            JobEvent.INTENT,
            attempts=self.job.attempts + 1,
            route=borrowed.candidate.route,
            account_id=account.id,
            account_label=account.label,
            upstream_model=borrowed.candidate.model,
            ignored=plan.ignored,
            cost=plan.cost,
            filled=filled(plan.ask.terms),
            sent_at=now,
        )

    async def _refused(self, failure: Failure) -> None:
        """Back to the queue after a clear no; an unclear answer ends the job."""
        if self.job.state is not JobState.SUBMITTING:
            return
        if failure.kind is Kind.MODEL_UNKNOWN and self.job.route is not None:
            self.room.forget_model(self.job.route, self.job.upstream_model)
        if failure.kind in AMBIGUOUS:
            log.error("job.unconfirmed", job=self.job.id, failure=failure.kind.value)
            raise UpstreamError(UNCONFIRMED)
        said = f"{failure.kind.value}: {failure.detail}"
        advice = guidance(self.job.route, failure.kind) if self.job.route else ""
        if advice:
            log.warning("job.advice", job=self.job.id, account=self.job.account_label, do=advice)
        note = f"{said}; {advice}" if advice else said
        self.job = await self.room.log.write_surely(self.job, JobEvent.REFUSED, note)

    async def _took(self, accepted: Accepted, borrowed: Borrowed) -> None:
        """The purchase is in the row before anything else happens."""
        now, reports = self.room.log.clock(), accepted.reports
        if not reports:
            await self._not_understood(accepted)
        facts: dict[str, Any] = {
            "task_ids": tuple(report.task_id for report in reports),
            "project_id": accepted.project_id,
            "served_model": next((r.model for r in reports if r.model), ""),
        }
        if refusal := refusal_of(reports):
            self.job = msgspec.structs.replace(self.job, **facts)
            raise UpstreamError(refusal)
        try:
            if accepted.inline:
                await self._deliver_inline(accepted, facts)
            elif results := results_of(reports):
                self.job = await self.room.log.write_surely(
                    self.job, JobEvent.DELIVERED, due_at=now, results=results, **facts
                )
            else:
                self.job = await self.room.log.write_surely(
                    self.job, JobEvent.ACCEPTED, due_at=now, **facts
                )
        except LeaseLost:
            # Cancelled meanwhile: nobody waits for it any more.
            await self._withdraw(accepted, borrowed)
            raise

    async def _deliver_inline(self, accepted: Accepted, facts: dict[str, Any]) -> None:
        """Results that came in the answer exist nowhere else: they are on disk before the row
        says that there are any.
        """
        try:
            results = tuple(
                [
                    Result("", file=await self._keep(number, data))
                    for number, data in enumerate(accepted.inline)
                ]
            )
        except (NotMedia, StoreUnavailable) as error:
            lost = Failure(Kind.RESULT_LOST, f"the result could not be kept: {error}")
            raise UpstreamError(lost) from None
        self.job = await self.room.log.write_surely(
            self.job,
            JobEvent.DELIVERED,
            due_at=self.room.log.clock(),
            results=results,
            **facts,
        )

    async def _keep(self, number: int, data: bytes) -> StoredFile:
        stem, typed = f"{self.job.id}-{number}", typed_as(self.job.product)
        return await self.room.files.save(stem, one_chunk(data), len(data), typed)

    async def _not_understood(self, accepted: Accepted) -> None:
        """Paid, perhaps, and no task was named: what came is kept for the operator."""
        try:
            name = await self.room.files.save_note(f"unread-{self.job.id}.txt", accepted.raw)
        except StoreUnavailable as error:
            log.error("store.failed", job=self.job.id, error=str(error))
            name = "nothing"
        log.error("job.not_understood", job=self.job.id, kept=name)
        kind = Kind.UNCONFIRMED if accepted.broken else Kind.NOT_UNDERSTOOD
        raise UpstreamError(Failure(kind, f"no task was named; what came is kept as {name}"))

    async def _withdraw(self, accepted: Accepted, borrowed: Borrowed) -> None:
        try:
            await self.room.upstream.cancel(
                borrowed.seat.account,
                borrowed.candidate.route,
                accepted.project_id,
                tuple(report.task_id for report in accepted.reports),
            )
        except UpstreamError as error:
            log.info("job.not_withdrawn", job=self.job.id, failure=error.failure.kind.value)


def _may_want_token(failure: Failure) -> bool:
    """A plain refusal, or the disguised wall that asks without a token met in 2026-09."""
    return failure.kind in (Kind.FORBIDDEN, Kind.WINDOW_QUOTA)
