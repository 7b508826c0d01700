"""Wiring: the only place that constructs concrete things. No globals, nothing at import."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from sqlalchemy.ext.asyncio import AsyncEngine
from starlette.types import ASGIApp

from proxy.api.auth import Callers
from proxy.api.context import Services
from proxy.api.doors import doors
from proxy.api.front import Front
from proxy.api.limits import caller_limit
from proxy.api.routes import routes
from proxy.app_chat import build_chat
from proxy.app_media import MediaApplication, Parts, build_media, working
from proxy.app_providers import Providers, build_catalogue, build_providers, registrations
from proxy.background import Reloader, every, learn_models
from proxy.core.accounts import Secret
from proxy.core.attempts import Durations
from proxy.core.breaker import Breaker
from proxy.core.failures import Kind
from proxy.core.pool import Pool
from proxy.core.products import Product
from proxy.core.tokens import count
from proxy.credentials import AccountBook
from proxy.services.aftermath import Aftermath
from proxy.services.desk import Desk
from proxy.services.health import Health
from proxy.services.recaptcha import Tokens
from proxy.settings import Settings
from proxy.store.database import open_database
from proxy.store.locks import LockStore
from proxy.telemetry import BodyLog, Metrics
from proxy.upstreams.fetch import Fetcher
from proxy.upstreams.genspark import Genspark
from proxy.upstreams.google_token import GoogleTokens
from proxy.upstreams.http import Http
from proxy.upstreams.recaptcha import Sidecar

# Locks written by the command line or another replica, and edits of ACCOUNTS_FILE, count after
# this many seconds at the latest.
SYNC_SECONDS: Final = 5.0
RECHECK_SECONDS: Final = 3600.0
AFTERMATH_SECONDS: Final = 5.0
SHORTEST_SECRET: Final = 6


@dataclass(slots=True)
class Application:
    """The ASGI app and what the process around it needs."""

    asgi: ASGIApp
    services: Services
    reload_accounts: Callable[[], None]


@asynccontextmanager
async def open_application(settings: Settings, *, demo: bool = False) -> AsyncIterator[Application]:
    """Everything, opened in order and closed in the opposite order."""
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(open_database(settings.database()))
        store, book = LockStore(engine), AccountBook(settings)
        # What can be wrong with the operator's files is found before anything runs.
        pool = await _pool(settings, book, store)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        limit = caller_limit(
            settings.request_rate_limit,
            settings.redis_url.get_secret_value() if settings.redis_url else None,
        )
        stack.push_async_callback(limit.aclose)
        ground = _Ground(settings, engine, book.secret, pool, store, _Wires(settings), tasks)
        stack.push_async_callback(ground.wires.aclose)
        services, media, parts = _services(ground)
        reloader = Reloader(settings, book, services)
        await stack.enter_async_context(working(media, parts))
        background = [
            tasks.create_task(every(SYNC_SECONDS, reloader.sync), name="sync"),
            tasks.create_task(
                every(RECHECK_SECONDS, services.desk.recheck_dead), name="recheck-dead"
            ),
            tasks.create_task(learn_models(services), name="live-catalogues"),
            tasks.create_task(asyncio.to_thread(count, "warm up"), name="tokenizer"),
        ]
        try:
            mode = "demo" if demo else "genspark"
            front = Front(routes(demo=demo, mode=mode), doors(), services, limit, demo=demo)
            yield Application(front, services, lambda: _start(tasks, reloader))
        finally:
            await parts.aftermath.settle(AFTERMATH_SECONDS)
            for task in background:
                task.cancel()


class _Wires:
    """The ways out: to upstreams, to upstreams for what costs, to the sidecar."""

    def __init__(self, settings: Settings) -> None:
        proxy = settings.proxy_url.get_secret_value() if settings.proxy_url else None
        connect, idle = settings.connect_timeout, settings.idle_timeout
        self.usual = Http(proxy, connect, idle)
        self.paid = Http(proxy, connect, idle, fresh=True)
        # The sidecar is a neighbour: PROXY_URL is not for it.
        self.neighbour = Http(None, connect, settings.sidecar_timeout)

    async def aclose(self) -> None:
        for http in (self.usual, self.paid, self.neighbour):
            await http.aclose()


@dataclass(frozen=True, slots=True)
class _Ground:
    """What everything else stands on."""

    settings: Settings
    engine: AsyncEngine
    secret: bytes
    pool: Pool
    store: LockStore
    wires: _Wires
    tasks: asyncio.TaskGroup


async def _pool(settings: Settings, book: AccountBook, store: LockStore) -> Pool:
    return Pool(
        book.read(),
        await store.load(),
        settings.account_policy,
        chance=random.Random(),  # noqa: S311 (spreads load)
    )


def _services(ground: _Ground) -> tuple[Services, MediaApplication, Parts]:
    settings, pool, tasks, metrics = ground.settings, ground.pool, ground.tasks, Metrics()
    genspark = Genspark(ground.wires.usual, settings.genspark_base_url, settings.user_agent)
    offers = registrations(settings, GoogleTokens(ground.wires.usual, time.time).unlock)
    catalogue = build_catalogue(settings, offers)
    providers = build_providers(genspark, ground.wires.usual, ground.wires.paid, offers)
    desk = _desk(ground, providers, metrics)
    tokens = _tokens(settings, ground.wires.neighbour, metrics)
    aftermath = Aftermath(tasks)
    fetcher = Fetcher()
    chat = build_chat(settings, genspark, tokens, desk, aftermath, fetcher, tasks)
    health = Health(pool, ground.store, time.time)
    parts = Parts(
        settings, ground.engine, desk, genspark, providers.upstream, catalogue, tokens, aftermath,
        fetcher, metrics, tasks, ground.secret, lambda: health.draining, lambda: health.leaving,
    )  # fmt: skip
    media = build_media(parts)
    health.sending = media.media.worker.sending
    operator = settings.api_secret[0].get_secret_value() if settings.api_secret else None
    services = Services(
        settings=settings,
        chat=chat,
        media=media.media,
        callers=Callers(ground.secret, operator),
        desk=desk,
        catalogue=chat.catalogue,
        metrics=metrics,
        health=health,
        bodies=BodyLog(lambda: _all_secrets(settings, pool)),
        tasks=tasks,
        started=int(time.time()),
    )
    return services, media, parts


def _desk(ground: _Ground, providers: Providers, metrics: Metrics) -> Desk:
    settings = ground.settings
    durations = Durations({Kind.RATE_LIMITED: float(settings.rate_limit_cookie_lock_duration)})
    return Desk(
        ground.pool,
        ground.store,
        providers.is_alive,
        durations,
        time.time,
        settings.account_wait,
        metrics,
    )


def _tokens(settings: Settings, http: Http, metrics: Metrics) -> Tokens:
    sidecar = None
    if settings.recaptcha_proxy_url is not None:
        secret = settings.sidecar_secret
        sidecar = Sidecar(
            http,
            settings.recaptcha_proxy_url.get_secret_value(),
            Secret(secret.get_secret_value()) if secret else None,
            settings.sidecar_timeout,
        )
    policies = {
        Product.CHAT: settings.recaptcha_chat,
        Product.IMAGE: settings.recaptcha_image,
        Product.VIDEO: settings.recaptcha_video,
    }
    breaker = Breaker(settings.recaptcha_breaker_failures, settings.recaptcha_breaker_seconds)
    return Tokens(sidecar, policies, breaker, time.monotonic, metrics)


def _all_secrets(settings: Settings, pool: Pool) -> list[str]:
    given = [*settings.api_secret, settings.metrics_token, settings.sidecar_secret]
    found = [secret.get_secret_value() for secret in given if secret is not None]
    for seat in pool.seats():
        secret = seat.account.secret.reveal()
        # People paste a cookie's value without its name; short ones are words of any text.
        values = [pair.strip().partition("=")[2] for pair in secret.split(";")]
        found += [secret, *(value for value in values if len(value) >= SHORTEST_SECRET)]
    return found


def _start(tasks: asyncio.TaskGroup, reloader: Reloader) -> None:
    tasks.create_task(reloader.reload_now(), name="reload-accounts")
