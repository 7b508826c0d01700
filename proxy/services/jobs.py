"""Jobs as callers see them: made once, found again, waited for, cancelled, forgotten."""

import asyncio
import contextlib
import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakValueDictionary

import msgspec
from cachetools import TTLCache

from proxy.core.failures import REACTIONS, Kind
from proxy.core.jobs import ENDED, Job, JobEvent, JobState, entry, filled
from proxy.core.media import Input, MediaAsk, MediaWish
from proxy.core.media_models import expected_seconds
from proxy.core.products import Product
from proxy.services.aftermath import Aftermath
from proxy.services.desk import Desk
from proxy.services.inputs import Inputs
from proxy.services.media_plans import MediaPlans
from proxy.services.signals import Signals
from proxy.store.jobs import JobStore, KeyTaken, Page
from proxy.store.media_files import MediaFiles
from proxy.telemetry import Metrics, log
from proxy.upstreams.media import MediaUpstream

# An SDK that hears nothing for its 600 s asks again, twice at most.
RETRY_WINDOW: Final = 3600.0
# Other replicas' news of a job is looked for this often.
LOOK_SECONDS: Final = 1.0
# What a model usually takes is looked up again after this long.
FRESH: Final = 60.0
MOST_KNOWN: Final = 1000


class KeyReused(Exception):
    """The idempotency key belongs to a request with another body."""


class QueueFull(Exception):
    """Too many jobs already; ``mine``: of this caller."""

    def __init__(self, *, mine: bool) -> None:
        super().__init__("too many jobs")
        self.mine = mine


@dataclass(frozen=True, slots=True)
class Order:
    """A caller's request for generations.

    ``caller`` is a hash that stands for the key presented. ``retried``: an SDK says that it has
    sent this before.
    """

    wish: MediaWish
    caller: str
    key: str | None = None
    retried: bool = False
    remix_of: str | None = None


@dataclass(slots=True)
class JobService:
    """``clock`` gives epoch seconds; ``leaving`` says that the server is about to end."""

    store: JobStore
    plans: MediaPlans
    inputs: Inputs
    files: MediaFiles
    signals: Signals
    upstream: MediaUpstream
    desk: Desk
    aftermath: Aftermath
    metrics: Metrics
    wake: Callable[[], None]
    drop: Callable[[str], None]
    most_queued: int
    most_per_caller: int | None
    leaving: Callable[[], bool] = lambda: False
    clock: Callable[[], float] = time.time
    # Bounded, as callers may name any model of some providers.
    _usual: TTLCache[tuple[Product, str], float] = field(
        default_factory=lambda: TTLCache(MOST_KNOWN, FRESH)
    )
    _making: WeakValueDictionary[tuple[str, str], asyncio.Lock] = field(
        default_factory=WeakValueDictionary
    )

    async def create(self, order: Order) -> list[Job]:
        """The jobs of a request: new ones, or those that the same request made before.

        Raises ``InvalidRequest``, ``UnknownMediaModel``, ``GaveUp``, ``KeyReused``, ``QueueFull``,
        ``StoreUnavailable``.
        """
        digest = _digest(order)
        # A retry may overtake its first attempt, which still fetches an input: it would buy again.
        async with self._making.setdefault((order.caller, digest), asyncio.Lock()):
            return await self._create(order, digest)

    async def _create(self, order: Order, digest: str) -> list[Job]:
        first = await self._before(order, digest)
        if first is not None:
            log.info("job.found_again", job=first.id)
            return await self.store.batch(first.batch)
        shown = filled(self.plans.check(order.wish))
        await self._room(order)
        inputs = await self.inputs.keep(order.wish.given, order.caller)
        new = self._jobs(order, digest, inputs, shown)
        now = self.clock()
        try:
            await self.store.add(new, [entry(job, "created", now) for job in new])
        except KeyTaken:
            # The same request arrived twice in the same moment.
            first = await self._before(order, digest)
            if first is None:
                raise QueueFull(mine=True) from None
            return await self.store.batch(first.batch)
        self.wake()
        return new

    async def _before(self, order: Order, digest: str) -> Job | None:
        if order.key is not None:
            found = await self.store.by_key(order.caller, order.key)
            if found is not None and found.request_hash != digest:
                raise KeyReused
            return found
        if not order.retried:
            return None
        twin = await self.store.twin(order.caller, digest, self.clock() - RETRY_WINDOW)
        # Nothing was bought: the retry is just what our answer asked for.
        return None if twin is not None and _was_refused(twin) else twin

    async def _room(self, order: Order) -> None:
        counts = await self.store.counts()
        if counts.get(JobState.QUEUED, 0) + order.wish.count > self.most_queued:
            raise QueueFull(mine=False)
        if self.most_per_caller is None:
            return
        mine = sum((await self.store.counts(order.caller)).values())
        if mine + order.wish.count > self.most_per_caller:
            raise QueueFull(mine=True)

    def _jobs(
        self, order: Order, digest: str, inputs: tuple[Input, ...], shown: dict[str, Any]
    ) -> list[Job]:
        now = self.clock()
        ids = _ids(now, order.wish.count)
        return [
            Job(
                id=job_id,
                ask=MediaAsk(terms=order.wish.terms, inputs=inputs),
                caller=order.caller,
                created_at=now,
                due_at=now,
                batch=ids[0],
                idempotency_key=order.key if job_id == ids[0] else None,
                request_hash=digest,
                metadata=order.wish.metadata,
                remix_of=order.remix_of,
                filled=shown,
            )
            for job_id in ids
        ]

    async def find(self, job_id: str, caller: str | None) -> Job | None:
        """A job, if it is this caller's (None: the operator, who sees all)."""
        job = await self.store.get(job_id)
        return job if job is not None and caller in (None, job.caller) else None

    async def page(self, wanted: Page) -> tuple[list[Job], bool]:
        """A part of a caller's jobs, and whether there is more."""
        return await self.store.page(wanted)

    async def wait(self, jobs: list[Job], seconds: float) -> list[Job]:
        """The jobs as they are once all have ended, or when the time is over."""
        ids = [job.id for job in jobs]
        deadline = asyncio.get_running_loop().time() + seconds
        with self.signals.listening(ids) as rung:
            while True:
                rung.clear()
                jobs = [found for i in ids if (found := await self.store.get(i)) is not None]
                left = deadline - asyncio.get_running_loop().time()
                if left <= 0 or self.leaving() or all(job.state in ENDED for job in jobs):
                    return jobs
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(min(LOOK_SECONDS, left)):
                        await rung.wait()

    async def expected(self, job: Job) -> float:
        """What this model usually takes, in seconds, by our own history where there is one."""
        product, model = job.product, job.ask.terms.model
        known = self._usual.get((product, model))
        if known is None:
            known = await self.store.usual_seconds(product, model) or expected_seconds(product)
            self._usual[product, model] = known
        return known

    async def cancel(self, job: Job) -> Job:
        """End a job that is alive, upstream too where that is possible."""
        while job.state not in ENDED:
            after = job.apply(JobEvent.CANCELLED, completed_at=self.clock())
            line = entry(after, JobEvent.CANCELLED, self.clock(), "by the caller")
            if await self.store.overrule(job, after, line):
                self.metrics.jobs.labels(job.product.value, after.state.value).inc()
                self._stop_upstream(job)
                self.drop(job.id)
                self.signals.ring(job.id)
                return after
            found = await self.store.get(job.id)
            if found is None:
                return after
            job = found
        return job

    def _stop_upstream(self, job: Job) -> None:
        seat = self.desk.pool.seat(job.account_id)
        if seat is None or job.route is None or not (job.project_id or job.task_ids):
            return
        work = self.upstream.cancel(seat.account, job.route, job.project_id, job.task_ids)
        self.aftermath.start(work, "cancel-job")

    async def delete(self, job: Job) -> None:
        """Cancel it if it is alive, then remove it and its files for good."""
        ended = await self.cancel(job)
        for result in ended.results:
            for file in (result.file, result.poster):
                if file is not None:
                    await self.files.remove(file.name)
        await self.store.forget([job.id])


def _was_refused(job: Job) -> bool:
    """Whether a job ended by a clear no, so that the same request can be sent anew."""
    if job.verdict is None or job.task_ids:
        return False
    kind = job.verdict.kind
    return kind in (Kind.ALL_BUSY, Kind.NO_ACCOUNT) or REACTIONS[kind].other_route


def _digest(order: Order) -> str:
    """The same for equal requests, however they were encoded."""
    given = [
        (g.use, g.source if isinstance(g.source, str) else _sha(g.source)) for g in order.wish.given
    ]
    whole: list[Any] = [
        order.wish.terms,
        order.wish.count,
        order.wish.metadata,
        order.remix_of,
        given,
    ]
    return _sha(msgspec.json.encode(whole, order="deterministic"))


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _ids(now: float, count: int) -> list[str]:
    """Ids that sort by the time of creation, those of one request next to each other."""
    chance = secrets.randbits(80) >> 4 << 4
    return [f"{int(now * 1000):012x}{chance + number:020x}" for number in range(count)]
