"""``genspark2api doctor``: one line per thing that must work, with a fix for what does not.

Free look-ups only: key ``/me`` and ``/models``, cookie ``/api/is_login``, sidecar health.
"""

import asyncio
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Final

from proxy.app_providers import Providers
from proxy.core.accounts import Account
from proxy.core.failures import Kind, UpstreamError
from proxy.core.guidance import guidance
from proxy.core.products import Credential, Route
from proxy.credentials import AccountBook, AccountsFileError
from proxy.operator import NOT_ASKED, open_upstreams, verdict_on
from proxy.settings import Settings
from proxy.store.database import open_database
from proxy.store.failures import StoreUnavailable
from proxy.store.locks import LockStore
from proxy.upstreams.genspark import Genspark
from proxy.upstreams.http import Http

GENSPARK_KINDS: Final = (Credential.KEY, Credential.COOKIE)

# Locks and quota resets are compared with our clock.
CLOCK_TOLERANCE: Final = 60.0


@dataclass(frozen=True, slots=True)
class Finding:
    """``mark`` is ok, warn or FAIL; ``fix`` says what to do about it."""

    mark: str
    subject: str
    text: str
    fix: str = ""


def examine(settings: Settings) -> list[Finding]:
    """All findings, in a fixed order."""
    return asyncio.run(_examine(settings))


async def _examine(settings: Settings) -> list[Finding]:
    findings = [_callers(settings), await _database(settings)]
    try:
        accounts = AccountBook(settings).read()
    except AccountsFileError as error:
        return [*findings, Finding("FAIL", "accounts", str(error), "correct ACCOUNTS_FILE")]
    if not accounts:
        fix = "set GSK_API_KEY (recommended), GS_COOKIE, ACCOUNTS_FILE or a provider's key"
        findings.append(Finding("FAIL", "accounts", "none configured", fix))
    async with open_upstreams(settings) as upstreams:
        if any(account.credential in GENSPARK_KINDS for account in accounts):
            findings.append(await _clock(settings, upstreams.genspark))
        for account in accounts:
            findings += await _account(account, upstreams)
    return [*findings, await _sidecar(settings)]


def _callers(settings: Settings) -> Finding:
    if settings.api_secret:
        return Finding("ok", "callers", f"{len(settings.api_secret)} key(s) in API_SECRET")
    text = f"anybody who reaches {settings.host}:{settings.port} may use the server"
    return Finding("warn", "callers", text, "set API_SECRET")


async def _database(settings: Settings) -> Finding:
    kind = settings.database().split(":", 1)[0]
    try:
        async with open_database(settings.database()) as engine:
            locks = await LockStore(engine).load()
    except StoreUnavailable as error:
        fix = "check DATABASE_URL, or that DATA_DIR can be written"
        return Finding("FAIL", "database", f"{kind}: {error}", fix)
    return Finding("ok", "database", f"{kind}, {len(locks)} lock(s) on record")


async def _clock(settings: Settings, genspark: Genspark) -> Finding:
    try:
        date, before = await genspark.server_date(), time.time()
        skew = before - parsedate_to_datetime(date).timestamp()
    except UpstreamError as error:
        text = f"{settings.genspark_base_url} cannot be reached ({error.failure.detail})"
        return Finding("FAIL", "genspark", text, "check the network, GENSPARK_BASE_URL, PROXY_URL")
    except (TypeError, ValueError):
        return Finding("warn", "clock", "Genspark told no time to compare with")
    if abs(skew) > CLOCK_TOLERANCE:
        return Finding("FAIL", "clock", f"off by {skew:.0f} s", "synchronise this machine's clock")
    return Finding("ok", "clock", f"agrees with {settings.genspark_base_url}")


async def _account(account: Account, upstreams: Providers) -> list[Finding]:
    subject = f"{account.credential.value} {account.label}"
    if account.disabled:
        return [Finding("warn", subject, "disabled in ACCOUNTS_FILE")]
    verdict, good = await verdict_on(account, upstreams)
    if not good:
        unasked = verdict.startswith(NOT_ASKED)
        fix = "check the network and PROXY_URL" if unasked else _fix(account)
        return [Finding("FAIL", subject, verdict, fix)]
    found = [Finding("ok", subject, verdict)]
    if account.credential is Credential.KEY:
        found.append(await _models(account, upstreams.genspark))
    return found


def _fix(account: Account) -> str:
    known = _FIXES.get(account.credential)
    return known or guidance(Route(account.credential.value), Kind.DEAD_CREDENTIAL)


_FIXES: Final = {
    Credential.KEY: "make a new key in Genspark's settings, and put it into GSK_API_KEY",
    Credential.COOKIE: "log in to Genspark in a browser and copy a fresh session_id cookie",
}


async def _models(account: Account, genspark: Genspark) -> Finding:
    subject = f"models {account.label}"
    try:
        models = await genspark.chat_models(account)
    except UpstreamError as error:
        text = f"the list could not be read ({error.failure.kind.value})"
        return Finding("warn", subject, text, "the built-in list is used meanwhile")
    if not models:
        return Finding("warn", subject, "the list is empty", "the built-in list is used meanwhile")
    return Finding("ok", subject, f"{len(models)} chat models")


async def _sidecar(settings: Settings) -> Finding:
    if settings.recaptcha_proxy_url is None:
        return Finding("ok", "sidecar", "not configured; chat needs none")
    url = settings.recaptcha_proxy_url.get_secret_value()
    http = Http(None, connect_timeout=5, idle_timeout=10)
    try:
        exchange = await http.send("GET", f"{url}/readyz", {"User-Agent": "genspark2api"})
        await exchange.aclose()
    except UpstreamError as error:
        text = f"not reachable ({error.failure.detail})"
        return Finding("FAIL", "sidecar", text, "start genspark2api-sidecar, or unset the setting")
    finally:
        await http.aclose()
    if exchange.status == 404:
        return Finding("ok", "sidecar", "reachable (a third party's, without /readyz)")
    good = exchange.status == 200
    return Finding("ok" if good else "FAIL", "sidecar", f"HTTP {exchange.status}")
