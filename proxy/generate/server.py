"""The running server, as its command line speaks to it."""

import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlsplit

import msgspec

from proxy.core.failures import Kind, UpstreamError
from proxy.settings import Settings
from proxy.upstreams.http import Exchange, Http
from proxy.wire.json_values import child, finite, object_at, text_at

CONNECT_SECONDS: Final = 5.0
# The server fetches input pictures before it answers, each within half a minute.
IDLE_SECONDS: Final = 120.0
# A list of 200 jobs with prompts of the greatest length.
LONGEST_ANSWER: Final = 64_000_000
# What passes by itself: a limit, a restart, a database that is away.
_TEMPORARY: Final = frozenset({429, 500, 502, 503, 504})
# Addresses to listen on that nobody can be reached at.
_ANYWHERE: Final = {"0.0.0.0": "127.0.0.1", "::": "::1", "*": "127.0.0.1"}  # noqa: S104


class Stop(Exception):
    """The command ends here; the message is for the person who typed it."""


class Refused(Stop):
    """The server answered with an error. ``retry_after`` in seconds, where it says."""

    def __init__(self, message: str, status: int, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after

    @property
    def passes(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status in _TEMPORARY


class NoAnswer(Stop):
    """The server could not be reached, or broke off. ``sent``: it may have got the request."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


@dataclass(frozen=True, slots=True)
class Answer:
    """A good reply: its decoded JSON, and its headers by lower-case name."""

    body: Any
    headers: Mapping[str, str]


def address(settings: Settings, named: str | None) -> str:
    """The server's address with ``ROUTE_PREFIX`` and without ``/v1``.

    ``named`` is ``GENSPARK2API_URL``; without it, HOST and PORT tell. Raises ``Stop``.
    """
    base = (named or _here(settings)).strip().rstrip("/").removesuffix("/v1").rstrip("/")
    base = base if "://" in base else f"http://{base}"
    try:
        parts = urlsplit(base)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise Stop("GENSPARK2API_URL is no address: it looks like http://127.0.0.1:7055.")
    prefix = settings.route_prefix
    return base if base.endswith(prefix) else base + prefix


def _here(settings: Settings) -> str:
    host = _ANYWHERE.get(settings.host, settings.host)
    return f"http://[{host}]:{settings.port}" if ":" in host else f"http://{host}:{settings.port}"


class Server:
    """Requests to the server with the operator's key. All methods raise ``Stop`` alone."""

    def __init__(self, url: str, secret: str | None, http: Http) -> None:
        self.url = url
        self._http = http
        self._key = {"Authorization": f"Bearer {secret}"} if secret else {}

    async def ask(
        self, method: str, path: str, wish: Any = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """A JSON answer of 200; ``path`` begins with ``/v1``. Raises ``NoAnswer``, ``Refused``."""
        body = b"" if wish is None else msgspec.json.encode(wish)
        sent = {"Content-Type": "application/json", **self._key, **(headers or {})}
        async with self._exchange(method, self.url + path, sent, body) as exchange:
            return Answer(await self._read(exchange), exchange.headers)

    async def job(self, job_id: str) -> dict[str, Any]:
        """A job as ``GET /v1/jobs/{id}`` shows it, with its history."""
        return object_at((await self.ask("GET", f"/v1/jobs/{quote(job_id, safe='')}")).body)

    @asynccontextmanager
    async def fetch(self, url: str, first_byte: int) -> AsyncIterator[Exchange]:
        """The bytes at a signed link, from ``first_byte`` on; any status but an error.

        The key is not sent: such links need none, and may lead to another host.
        """
        headers = {"Range": f"bytes={first_byte}-"} if first_byte else {}
        async with self._exchange("GET", url, headers, b"") as exchange:
            if exchange.status >= 400 and exchange.status != 416:
                raise await self._no_file(exchange)
            yield exchange

    @asynccontextmanager
    async def _exchange(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> AsyncIterator[Exchange]:
        """Also turns what breaks within the block into ``NoAnswer``."""
        try:
            agent = {"User-Agent": "genspark2api-cli"}
            exchange = await self._http.send(method, url, {**agent, **headers}, body)
            try:
                yield exchange
            finally:
                await exchange.aclose()
        except UpstreamError as error:
            raise self._no_answer(error) from None

    def _no_answer(self, error: UpstreamError) -> NoAnswer:
        if error.failure.kind is Kind.UNREACHABLE:
            return NoAnswer(
                f"No server answers at {self.url}.\n"
                "Start one with `genspark2api serve` (`genspark2api demo` needs no account),\n"
                "or name another one by GENSPARK2API_URL.",
                sent=False,
            )
        return NoAnswer(f"The connection to {self.url} broke off.", sent=True)

    async def _read(self, exchange: Exchange) -> Any:
        body = _decoded(await exchange.read_all(LONGEST_ANSWER))
        if exchange.status == 200 and isinstance(body, dict):
            return body
        raise Refused(self._words(exchange.status, body), exchange.status, _wait(exchange))

    async def _no_file(self, exchange: Exchange) -> Refused:
        told = text_at(_decoded(await exchange.read_all()), "error", "message")
        words = f"The result cannot be fetched: {told or f'HTTP {exchange.status}'}"
        return Refused(words, exchange.status, _wait(exchange))

    def _words(self, status: int, body: Any) -> str:
        message = text_at(body, "error", "message")
        if status == 401:
            return f"The server at {self.url} {self._key_words()}."
        no_door = status == 404 and child(body, "error", "param") is None
        if (no_door and text_at(body, "error", "code") in ("", "not_found")) or status == 405:
            return (
                f"The server at {self.url} does not have this (HTTP {status}):\n"
                "it is an older genspark2api, another program, or its ROUTE_PREFIX is another one."
            )
        return message or f"The server at {self.url} answers in an unknown way (HTTP {status})."

    def _key_words(self) -> str:
        return (
            "does not know this key; API_SECRET must be one of its keys"
            if self._key
            else "wants a key; set API_SECRET to one of its keys"
        )


def _decoded(raw: bytes) -> Any:
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return None


def _wait(exchange: Exchange) -> float | None:
    return finite(exchange.headers.get("retry-after", ""))


@asynccontextmanager
async def reach(settings: Settings) -> AsyncIterator[Server]:
    """The server that the environment names; nothing is sent yet. Raises ``Stop``."""
    url = address(settings, os.environ.get("GENSPARK2API_URL"))
    secrets = settings.api_secret
    http = Http(None, CONNECT_SECONDS, IDLE_SECONDS)
    try:
        yield Server(url, secrets[0].get_secret_value() if secrets else None, http)
    finally:
        await http.aclose()
