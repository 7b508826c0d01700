"""What goes on beside the requests: accounts and locks kept in step, live model lists."""

import asyncio
from collections.abc import Awaitable, Callable

from proxy.api.context import Services
from proxy.core.accounts import Account
from proxy.core.failures import UpstreamError
from proxy.core.products import Credential, Route
from proxy.credentials import AccountBook, AccountsFileError
from proxy.settings import Settings
from proxy.store.failures import StoreUnavailable
from proxy.telemetry import log


class Reloader:
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


async def every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    """Work now and then; what fails is tried again the next time."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except (StoreUnavailable, UpstreamError) as error:
            log.warning("background.failed", error=str(error))


async def learn_models(services: Services) -> None:
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
        models = await services.chat.opening.genspark.chat_models(account)
    except UpstreamError as error:
        log.info("catalogue.unreachable", route=route.value, failure=error.failure.kind.value)
        return
    services.catalogue.learn(route, models)
    log.debug("catalogue.learnt", route=route.value, models=len(models))
    if route is Route.KEY:
        await _learn_generators(services, account)


async def _learn_generators(services: Services, account: Account) -> None:
    try:
        found = await services.chat.opening.genspark.media_models(account)
    except UpstreamError as error:
        log.info("catalogue.unreachable", route="key", failure=error.failure.kind.value)
        return
    for product, models in found.items():
        services.media.catalogue.learn(Route.KEY, product, models)
