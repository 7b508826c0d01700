"""Wiring of images and videos: jobs, the worker, the media folder, links."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine

from proxy.background import every
from proxy.core.catalogue import UnknownModel
from proxy.core.failures import REACTIONS, Kind, Reaction
from proxy.core.jobs import JobState
from proxy.core.media_models import MediaCatalogue
from proxy.core.products import GENSPARK_ROUTES, PROVIDER_ROUTES, Product, Route
from proxy.core.signed_links import LinkSigner
from proxy.services.aftermath import Aftermath
from proxy.services.desk import Desk
from proxy.services.inputs import Inputs, OwnVideo
from proxy.services.job_log import JobLog
from proxy.services.job_views import JobViews
from proxy.services.jobs import JobService
from proxy.services.links import Links
from proxy.services.media import Media
from proxy.services.media_plans import MediaPlans
from proxy.services.polling import Polling
from proxy.services.recaptcha import Tokens
from proxy.services.results import Results
from proxy.services.retention import Retention
from proxy.services.signals import Signals
from proxy.services.storing import Storing
from proxy.services.submitting import Submitting
from proxy.services.worker import LEASE, Worker
from proxy.settings import Settings
from proxy.store.jobs import JobStore
from proxy.store.media_files import MediaFiles
from proxy.telemetry import Metrics
from proxy.upstreams.fetch import Fetcher
from proxy.upstreams.genspark import Genspark
from proxy.upstreams.media import MediaUpstream
from proxy.wire.video_objects import job_id

# A status stream upstream tells of each change at once, so it is held open this long.
POLL_INTERVAL: Final = 5.0
# What the providers ask for, or their own SDKs keep to.
PROVIDER_INTERVALS: Final = {
    Route.RUNWAY: 6.0,
    Route.GEMINI: 10.0,
    Route.VERTEX: 10.0,
    Route.APIMART: 5.0,
    Route.OPENAI: 5.0,
}
HOLD_SECONDS: Final = LEASE / 4
SWEEP_SECONDS: Final = 600.0
DAY: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Parts:
    """What the rest of the application shares with images and videos."""

    settings: Settings
    engine: AsyncEngine
    desk: Desk
    genspark: Genspark
    upstream: MediaUpstream
    catalogue: MediaCatalogue
    tokens: Tokens
    aftermath: Aftermath
    fetcher: Fetcher
    metrics: Metrics
    tasks: asyncio.TaskGroup
    secret: bytes
    draining: Callable[[], bool]
    leaving: Callable[[], bool]
    clock: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True)
class MediaApplication:
    """The services, and the work that goes on in the background."""

    media: Media
    retention: Retention


def build_media(parts: Parts) -> MediaApplication:
    """Everything for images and videos, not yet running."""
    settings, clock = parts.settings, parts.clock
    store, files, signals = JobStore(parts.engine), _files(settings), Signals()
    plans = _plans(parts)
    upstream = parts.upstream
    log = JobLog(store, secrets.token_hex(16), clock, parts.tasks, signals, parts.metrics)
    worker = _worker(parts, store, files, log, plans, upstream)
    jobs = JobService(
        store=store,
        plans=plans,
        inputs=_inputs(parts, files, store),
        files=files,
        signals=signals,
        upstream=upstream,
        desk=parts.desk,
        aftermath=parts.aftermath,
        metrics=parts.metrics,
        wake=worker.wake,
        drop=worker.drop,
        most_queued=settings.max_queued_jobs,
        most_per_caller=settings.max_jobs_per_caller,
        leaving=parts.leaving,
        clock=clock,
    )
    links = Links(
        LinkSigner.derived(parts.secret),
        settings.signed_url_ttl,
        settings.public_base_url,
        settings.route_prefix,
        clock,
    )
    redirects = settings.media == "redirect"
    results = Results(files, store, upstream, parts.desk, redirects)
    views = JobViews(jobs, links)
    retention = Retention(
        store,
        files,
        clock,
        media_seconds=settings.media_retention_days * DAY,
        media_bytes=int(settings.media_max_gb * 1_000_000_000),
        job_seconds=settings.job_retention_days * DAY,
    )
    media = Media(plans.catalogue, plans, jobs, views, links, results, worker)
    return MediaApplication(media, retention)


def _files(settings: Settings) -> MediaFiles:
    return MediaFiles(settings.data_dir / "media")


def _inputs(parts: Parts, files: MediaFiles, store: JobStore) -> Inputs:
    limit = parts.settings.input_max_mb * 1_000_000
    return Inputs(files, parts.fetcher, _own_video(store), limit)


def _plans(parts: Parts) -> MediaPlans:
    settings = parts.settings
    return MediaPlans(
        parts.catalogue,
        parts.desk,
        [*settings.routes(), *PROVIDER_ROUTES],
        cookie_video=settings.enable_cookie_video,
        forward=settings.unknown_model is UnknownModel.FORWARD,
        lenient=settings.lenient_params,
        clock=parts.clock,
    )


def _worker(
    parts: Parts,
    store: JobStore,
    files: MediaFiles,
    log: JobLog,
    plans: MediaPlans,
    upstream: MediaUpstream,
) -> Worker:
    settings = parts.settings
    submitting = Submitting(
        upstream=upstream,
        genspark=parts.genspark,
        desk=parts.desk,
        tokens=parts.tokens,
        files=files,
        log=log,
        plans=plans.plans,
        retire=plans.retire,
        forget_model=plans.forget_model,
        max_attempts=settings.max_attempts,
        patience=settings.account_wait,
        queue_timeout=settings.job_queue_timeout,
        timeout=settings.job_timeout,
        reactions=_reactions(settings),
    )
    usual = dict.fromkeys(GENSPARK_ROUTES, POLL_INTERVAL) | PROVIDER_INTERVALS
    wanted = settings.video_poll_interval
    intervals = usual if wanted is None else dict.fromkeys(usual, wanted)
    storing = Storing(
        upstream,
        parts.desk,
        files,
        log,
        copies=settings.media == "store",
        limit=settings.media_max_file_mb * 1_000_000,
        keeps=settings.media_retention_days * DAY,
    )
    return Worker(
        store=store,
        desk=parts.desk,
        log=log,
        submitting=submitting,
        polling=Polling(upstream, parts.desk, log, intervals, settings.job_timeout),
        storing=storing,
        tasks=parts.tasks,
        most_active=settings.max_active_jobs,
        draining=parts.draining,
    )


def _reactions(settings: Settings) -> Mapping[Kind, Reaction]:
    """What a refusal by content rules means is the operator's decision."""
    if not settings.fallback_on_policy:
        return REACTIONS
    return {**REACTIONS, Kind.POLICY: Reaction(0)}


def _own_video(store: JobStore) -> OwnVideo:
    async def find(public: str, caller: str) -> str | None:
        """The file of a finished video of this caller's."""
        wanted = job_id(public)
        job = await store.get(wanted) if wanted else None
        mine = job is not None and job.caller == caller and job.product is Product.VIDEO
        if job is None or not mine or job.state is not JobState.COMPLETED:
            return None
        file = job.results[0].file
        return file.name if file else None

    return find


@asynccontextmanager
async def working(media: MediaApplication, parts: Parts) -> AsyncIterator[None]:
    """The worker at work; at the end it finishes or lets go of what it holds."""
    worker = media.media.worker
    running = [
        parts.tasks.create_task(worker.run(), name="worker"),
        parts.tasks.create_task(every(HOLD_SECONDS, worker.hold), name="leases"),
        parts.tasks.create_task(every(SWEEP_SECONDS, media.retention.sweep), name="retention"),
    ]
    try:
        yield
    finally:
        running[0].cancel()
        await worker.stop(0.0)
        for task in running:
            task.cancel()
