"""Wiring: the only place that constructs concrete things. No globals, nothing at import."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib import resources
from typing import Final

from starlette.types import ASGIApp

from proxy.api.chat import chat_completions
from proxy.api.context import Services
from proxy.api.front import Front
from proxy.api.limits import caller_limit
from proxy.api.routes import routes
from proxy.core.accounts import Secret
from proxy.core.attempts import Durations
from proxy.core.breaker import Breaker
from proxy.core.catalogue import Catalogue
from proxy.core.failures import Kind, UpstreamError
from proxy.core.pool import Pool
from proxy.core.products import Credential, Product, Route
from proxy.core.tokens import count
from proxy.credentials import AccountBook, AccountsFileError
from proxy.services.aftermath import Aftermath
from proxy.services.chat import ChatService
from proxy.services.conversations import Conversations
from proxy.services.desk import Desk
from proxy.services.health import Health
from proxy.services.recaptcha import Tokens
from proxy.settings import Settings
from proxy.store.database import open_database
from proxy.store.failures import StoreUnavailable
from proxy.store.locks import LockStore
from proxy.telemetry import BodyLog, Metrics, log
from proxy.upstreams.genspark import Genspark
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
        http = Http(
            settings.proxy_url.get_secret_value() if settings.proxy_url else None,
            settings.connect_timeout,
            settings.idle_timeout,
        )
        stack.push_async_callback(http.aclose)
        store = LockStore(engine)
        book = AccountBook(settings)
        # What can be wrong with the operator's files is found before anything runs.
        pool = await _pool(settings, book, store)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        limit = caller_limit(
            settings.request_rate_limit,
            settings.redis_url.get_secret_value() if settings.redis_url else None,
        )
        stack.push_async_callback(limit.aclose)
        # The sidecar is a neighbour: PROXY_URL is not for it.
        neighbour = Http(None, settings.connect_timeout, settings.sidecar_timeout)
        stack.push_async_callback(neighbour.aclose)
        services = _services(settings, pool, store, http, neighbour, tasks)
        reloader = _Reloader(settings, book, services)
        background = [
            tasks.create_task(_every(SYNC_SECONDS, reloader.sync), name="sync"),
            tasks.create_task(
                _every(RECHECK_SECONDS, services.desk.recheck_dead), name="recheck-dead"
            ),
            tasks.create_task(_learn_models(services), name="live-catalogues"),
            tasks.create_task(asyncio.to_thread(count, "warm up"), name="tokenizer"),
        ]
        try:
            mode = "demo" if demo else "genspark"
            direct = {"/v1/chat/completions": chat_completions}
            front = Front(routes(demo=demo, mode=mode), direct, services, limit, demo=demo)
            yield Application(front, services, lambda: _start(tasks, reloader))
        finally:
            await services.chat.conversations.aftermath.settle(AFTERMATH_SECONDS)
            for task in background:
                task.cancel()


async def _pool(settings: Settings, book: AccountBook, store: LockStore) -> Pool:
    return Pool(
        book.read(),
        await store.load(),
        settings.account_policy,
        chance=random.Random(),  # noqa: S311 (spreads load)
    )


def _services(
    settings: Settings,
    pool: Pool,
    store: LockStore,
    http: Http,
    neighbour: Http,
    tasks: asyncio.TaskGroup,
) -> Services:
    metrics = Metrics()
    genspark = Genspark(http, settings.genspark_base_url, settings.user_agent)
    facts = resources.files("proxy.core").joinpath("catalogue.toml").read_text("utf-8")
    catalogue = Catalogue(facts, settings.model_aliases)
    durations = Durations({Kind.RATE_LIMITED: float(settings.rate_limit_cookie_lock_duration)})
    desk = Desk(
        pool, store, genspark.is_alive, durations, time.time, settings.account_wait, metrics
    )
    chat = ChatService(
        genspark=genspark,
        tokens=_tokens(settings, neighbour, metrics),
        desk=desk,
        catalogue=catalogue,
        conversations=Conversations(
            genspark, Aftermath(tasks), settings.auto_del_chat, settings.model_chat_map
        ),
        routes=settings.routes(),
        unknown=settings.unknown_model,
        max_attempts=settings.max_attempts,
        first_event_timeout=settings.first_event_timeout,
        answer_timeout=settings.answer_timeout,
    )
    health = Health(pool, store, time.time)
    bodies = BodyLog(lambda: _all_secrets(settings, pool))
    started = int(time.time())
    return Services(settings, chat, desk, catalogue, metrics, health, bodies, tasks, started)


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


def _start(tasks: asyncio.TaskGroup, reloader: "_Reloader") -> None:
    tasks.create_task(reloader.reload_now(), name="reload-accounts")


class _Reloader:
    """Keeps pool, store and ``ACCOUNTS_FILE`` in step."""

    def __init__(self, settings: Settings, book: AccountBook, services: Services) -> None:
        self._file = settings.accounts_file
        self._book = book
        self._desk = services.desk
        self._stamp = self._now_stamp()

    def reload(self) -> None:
        """Read the accounts again; a file that cannot be used leaves everything as it is."""
        try:
            accounts = self._book.read()
        except AccountsFileError as error:
            log.error("accounts.not_reloaded", reason=str(error))
            return
        self._desk.replace(accounts)
        log.info("accounts.reloaded", accounts=len(accounts))

    async def reload_now(self) -> None:
        """What SIGHUP asks for; an account that comes back finds its locks again."""
        self.reload()
        try:
            await self._desk.sync()
        except StoreUnavailable as error:
            log.error("store.failed", error=str(error))

    async def sync(self) -> None:
        """Take over what others wrote."""
        stamp = await asyncio.to_thread(self._now_stamp)
        if stamp != self._stamp:
            self._stamp = stamp
            self.reload()
        await self._desk.sync()

    def _now_stamp(self) -> tuple[int, int] | None:
        if self._file is None:
            return None
        try:
            found = self._file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except (StoreUnavailable, UpstreamError) as error:
            log.warning("background.failed", error=str(error))


async def _learn_models(services: Services) -> None:
    """Add what the live catalogues list, now and then; a catalogue that is down changes nothing."""
    while services.settings.catalogue_refresh:
        for route in (Route.KEY, Route.COOKIE):
            await _learn(services, route)
        await asyncio.sleep(services.settings.catalogue_refresh)


async def _learn(services: Services, route: Route) -> None:
    kind: Credential = route.credential
    account = next((a for a in services.accounts if a.credential is kind and not a.disabled), None)
    if account is None:
        return
    try:
        models = await services.chat.genspark.chat_models(account)
    except UpstreamError as error:
        log.info("catalogue.unreachable", route=route.value, failure=error.failure.kind.value)
        return
    services.catalogue.learn(route, models)
    log.debug("catalogue.learnt", route=route.value, models=len(models))
