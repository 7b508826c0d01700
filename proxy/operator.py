"""The operator's own hands: accounts of a running server, or of its database when none runs."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
import typer
from rich.table import Table

from proxy.api.accounts import describe, operator_lock
from proxy.app_providers import Providers, build_providers, registrations
from proxy.core.accounts import Account
from proxy.core.ask import InvalidRequest
from proxy.core.failures import Kind, UpstreamError
from proxy.core.pool import Pool, Seat
from proxy.core.products import Credential
from proxy.credentials import AccountBook, AccountsFileError
from proxy.settings import Settings
from proxy.store.database import open_database
from proxy.store.failures import StoreUnavailable
from proxy.store.locks import LockStore
from proxy.upstreams.genspark import Genspark
from proxy.upstreams.google_token import GoogleTokens
from proxy.upstreams.http import Http
from proxy.wire.json_values import list_at, text_at

T = TypeVar("T")
NOT_ASKED = "could not be asked"


class Operator:
    """Asks the server at ``GENSPARK2API_URL`` (else HOST and PORT) first, then the database.

    A server that runs elsewhere on the same database follows within its sync interval.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        here = f"http://{settings.host}:{settings.port}"
        self._url = os.environ.get("GENSPARK2API_URL", here).rstrip("/").removesuffix("/v1")

    def accounts(self) -> list[dict[str, Any]]:
        """Accounts with their locks, as ``proxy.api.accounts.describe`` shapes them."""
        return _run(self._list())

    def lock(self, label: str, seconds: float | None, product: str) -> None:
        """Lock an account."""
        wish = {"product": product} | ({} if seconds is None else {"seconds": seconds})
        _run(self._change(label, "lock", msgspec.json.encode(wish)))

    def unlock(self, label: str) -> None:
        """Lift an account's locks."""
        _run(self._change(label, "unlock", b""))

    def check(self) -> list[tuple[str, str, bool]]:
        """Label, verdict and whether it is good, for every account."""
        return _run(self._check())

    async def _list(self) -> list[dict[str, Any]]:
        answer = await self._ask_server("GET", "/admin/accounts", b"")
        if answer is not None:
            return [row for row in list_at(answer, "accounts") if isinstance(row, dict)]
        async with self._stored() as (pool, _):
            return [describe(seat, time.time()) for seat in pool.seats()]

    async def _change(self, label: str, verb: str, body: bytes) -> None:
        path = f"/admin/accounts/{quote(label, safe='')}/{verb}"
        if await self._ask_server("POST", path, body) is not None:
            return
        async with self._stored() as (pool, store):
            seat = _find(pool, label)
            if verb == "lock":
                await store.put(operator_lock(seat.account.id, body, time.time()))
            else:
                await store.remove(list(seat.locks.values()))

    async def _check(self) -> list[tuple[str, str, bool]]:
        async with self._stored() as (pool, store), open_upstreams(self._settings) as upstreams:
            return [await _checked(seat, store, upstreams) for seat in pool.seats()]

    async def _ask_server(self, method: str, path: str, body: bytes) -> Any:
        """The server's answer, or None when no server of ours is there."""
        http = Http(None, connect_timeout=2, idle_timeout=10)
        secrets = self._settings.api_secret
        headers = {"Content-Type": "application/json", "User-Agent": "genspark2api-cli"}
        if secrets:
            headers["Authorization"] = f"Bearer {secrets[0].get_secret_value()}"
        try:
            exchange = await http.send(method, self._url + path, headers, body)
            answer = msgspec.json.decode(await exchange.read_all())
            await exchange.aclose()
        except (UpstreamError, msgspec.DecodeError):
            return None
        finally:
            await http.aclose()
        if exchange.status == 200:
            return answer
        _stop(f"The server at {self._url} answers: {text_at(answer, 'error', 'message')}")
        return None

    @asynccontextmanager
    async def _stored(self) -> AsyncIterator[tuple[Pool, LockStore]]:
        try:
            accounts = AccountBook(self._settings).read()
        except AccountsFileError as error:
            _stop(str(error))
        async with open_database(self._settings.database()) as engine:
            store = LockStore(engine)
            yield Pool(accounts, await store.load(), chance=_NoChance()), store


class _NoChance:
    """A pool that is only looked at needs no chance."""

    def choice(self, seq: Any, /) -> Any:
        """The first."""
        return seq[0]

    def choices(self, population: Any, weights: Any) -> Any:
        """The first."""
        return population[:1]


@asynccontextmanager
async def open_upstreams(settings: Settings) -> AsyncIterator[Providers]:
    """Genspark and the official providers with short patience, for look-ups."""
    proxy = settings.proxy_url.get_secret_value() if settings.proxy_url else None
    http = Http(proxy, connect_timeout=10, idle_timeout=20)
    try:
        genspark = Genspark(http, settings.genspark_base_url, settings.user_agent)
        offers = registrations(settings, GoogleTokens(http, time.time).unlock)
        yield build_providers(genspark, http, http, offers)
    finally:
        await http.aclose()


async def verdict_on(account: Account, upstreams: Providers) -> tuple[str, bool]:
    """What its upstream says of a credential, in words, and whether it is good."""
    try:
        if account.credential is Credential.KEY:
            status, about = await upstreams.genspark.about_key(account)
            good = status == 200
            return (about if good else f"refused with HTTP {status}"), good
        alive = await upstreams.is_alive(account)
    except UpstreamError as error:
        return f"{NOT_ASKED} ({error.failure.kind.value})", False
    cookie = account.credential is Credential.COOKIE
    yes, no = ("logged in", "not logged in") if cookie else ("accepted", "refused")
    return {True: yes, False: no, None: "unclear answer"}[alive], bool(alive)


async def _checked(seat: Seat, store: LockStore, upstreams: Providers) -> tuple[str, str, bool]:
    verdict, good = await verdict_on(seat.account, upstreams)
    dead = [lock for lock in seat.locks.values() if lock.reason == Kind.DEAD_CREDENTIAL]
    if good and dead:
        await store.remove(dead)
        verdict += "; its lock is lifted"
    return seat.account.label, verdict, good


def _find(pool: Pool, label: str) -> Seat:
    for seat in pool.seats():
        if seat.account.label == label:
            return seat
    known = ", ".join(seat.account.label for seat in pool.seats()) or "none"
    _stop(f"There is no account '{label}'; there are: {known}.")
    raise AssertionError


def _stop(message: str) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(1)


def _run(work: Coroutine[Any, Any, T]) -> T:
    try:
        return asyncio.run(work)
    except InvalidRequest as error:
        _stop(error.message)
        raise
    except StoreUnavailable as error:
        _stop(database_error(error))
        raise


def database_error(error: StoreUnavailable) -> str:
    """What an operator can do about it."""
    return (
        f"The database cannot be opened ({error}):"
        " check DATABASE_URL, or that DATA_DIR can be written."
    )


def table(accounts: list[dict[str, Any]]) -> Table:
    """The accounts as a person reads them."""
    shown = Table("account", "kind", "running", "state", box=None, pad_edge=False)
    for account in accounts:
        state = "disabled" if account["disabled"] else _locks(account["locks"]) or "free"
        running = f"{account['busy']}/{account['limit']}"
        shown.add_row(account["label"], account["credential"], running, state)
    return shown


def _locks(locks: list[dict[str, Any]]) -> str:
    return "; ".join(_lock(lock) for lock in locks)


def _lock(lock: dict[str, Any]) -> str:
    if lock["on_trial"]:
        return f"on trial after {lock['reason']} ({lock['product']})"
    if lock["until"] is None:
        return f"locked: {lock['reason']} ({lock['product']}) until it is lifted"
    end = datetime.fromtimestamp(lock["until"], UTC).astimezone()
    return f"locked: {lock['reason']} ({lock['product']}) until {end:%Y-%m-%d %H:%M:%S}"
