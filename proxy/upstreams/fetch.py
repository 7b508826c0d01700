"""Fetch what a caller's URL points at, without lending the caller our place in the network.

The guard stands at the addresses, not at the URL's text: a name is resolved anew for each
connection, each of its addresses is checked, and the connection goes to those very addresses. So
neither a name that changes its mind between two look-ups (DNS rebinding) nor a redirect leads
inside. No proxy is used, as its own resolver would answer to nobody.
"""

import asyncio
import functools
import socket
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Final

import aiohttp
import httpx2
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from proxy.core.addresses import is_public
from proxy.wire.media_types import megabytes

MOST_REDIRECTS: Final = 5
LONGEST_URL: Final = 8_000
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_PIECE: Final = 64 * 1024
# Asked for as it is: a small compressed body can grow without end.
_HEADERS: Final = {"User-Agent": "genspark2api", "Accept-Encoding": "identity"}

# Addresses of a name, as text; raises ``OSError`` or ``ValueError`` when there are none.
Resolve = Callable[[str, int], Awaitable[list[str]]]


class FetchRefused(Exception):
    """The URL was not fetched; ``reason`` is a sentence for the caller."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class BodyTooLarge(FetchRefused):
    """There is something, and it is larger than the limit."""


class SystemNames:
    """The operating system's resolver in threads of its own.

    A caller's name may be slow to resolve on purpose; the threads that the rest of the server
    shares are not kept waiting for it.
    """

    def __init__(self, threads: int = 4) -> None:
        self._threads = ThreadPoolExecutor(threads, "fetch-names")

    async def __call__(self, name: str, port: int) -> list[str]:
        """The addresses of a name."""
        look_up = functools.partial(socket.getaddrinfo, name, port, type=socket.SOCK_STREAM)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        return [str(address[0]) for *_, address in found]


class Fetcher:
    """Fetches one body at a time into memory. ``seconds`` bounds a whole fetch with redirects.

    ``allowed`` tells of an address whether it may be connected to.
    """

    def __init__(
        self,
        allowed: Callable[[str], bool] = is_public,
        resolve: Resolve | None = None,
        seconds: float = 30.0,
    ) -> None:
        self._allowed = allowed
        self._resolve = resolve or SystemNames()
        self._seconds = seconds
        self._tls = httpx2.create_ssl_context()

    async def fetch(self, url: str, limit: int) -> bytes:
        """The body behind an http(s) URL, at most ``limit`` bytes. Raises ``FetchRefused``."""
        try:
            async with asyncio.timeout(self._seconds), self._session() as session:
                return await self._follow(session, _parsed(url), limit)
        except _FOREIGN as error:
            raise _as_refusal(error) from None

    def _session(self) -> aiohttp.ClientSession:
        """A session for one fetch: nothing that one caller's server said reaches another's."""
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                resolver=_GuardedResolver(self._resolve, self._allowed),
                use_dns_cache=False,
                force_close=True,
                ssl=self._tls,
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_HEADERS,
            auto_decompress=False,
            trust_env=False,
            timeout=aiohttp.ClientTimeout(total=None),
        )

    async def _follow(self, session: aiohttp.ClientSession, url: URL, limit: int) -> bytes:
        for _ in range(MOST_REDIRECTS + 1):
            self._check(url)
            async with session.get(url, allow_redirects=False) as response:
                location = response.headers.get("location")
                if response.status not in _REDIRECTS or location is None:
                    return await _body(response, limit)
            following = url.join(_parsed(location))
            if (url.scheme, following.scheme) == ("https", "http"):
                raise _failed("it redirects from https to http")
            url = following
        raise _failed("too many redirects")

    def _check(self, url: URL) -> None:
        """All but what a name resolves to: aiohttp asks no resolver about a literal address."""
        if url.scheme not in ("http", "https"):
            raise FetchRefused("The URL must begin with http:// or https://.")
        if not url.host:
            raise _invalid()
        if url.raw_user is not None or url.raw_password is not None:
            raise FetchRefused("The URL must not contain a user name or a password.")
        if _is_numeric(url.host) and not self._allowed(str(ip_address(url.host))):
            raise _not_public()


class _GuardedResolver(AbstractResolver):
    """Hands out a name's addresses when all of them may be connected to, else none of them."""

    def __init__(self, resolve: Resolve, allowed: Callable[[str], bool]) -> None:
        self._resolve = resolve
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Called by aiohttp right before it connects."""
        addresses = await self._resolve(host, port)
        if not addresses:
            raise OSError(f"no address for {host}")
        # One inside among many outside is no accident.
        if not all(self._allowed(address) for address in addresses):
            raise _not_public()
        return [_resolved(host, port, address) for address in addresses]

    async def close(self) -> None:
        """Nothing is held."""


def _resolved(host: str, port: int, address: str) -> ResolveResult:
    version = ip_address(address).version
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=socket.AF_INET6 if version == 6 else socket.AF_INET,
        proto=0,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )


def _parsed(text: str) -> URL:
    if len(text) > LONGEST_URL:
        raise FetchRefused("The URL is too long.")
    return URL(text)


def _is_numeric(host: str) -> bool:
    """Whether the host must be an address: the URL standard's "ends in a number".

    ``2130706433`` and ``0x7f.1`` must too, and are none: some resolvers take them for loopback.
    """
    last = host.rstrip(".").rpartition(".")[2].lower()
    return ":" in host or last.isdigit() or last.startswith("0x")


async def _body(response: aiohttp.ClientResponse, limit: int) -> bytes:
    if response.status != 200:
        raise _failed(f"HTTP {response.status}")
    if response.headers.get("content-encoding", "identity").lower() not in ("identity", ""):
        raise _failed("it came compressed")
    if (response.content_length or 0) > limit:
        raise _too_large(limit)
    body = bytearray()
    async for piece in response.content.iter_chunked(_PIECE):
        body += piece
        if len(body) > limit:
            raise _too_large(limit)
    return bytes(body)


_FOREIGN: Final = (aiohttp.ClientError, OSError, ValueError)
# The first that fits; the texts of these errors name addresses and stay here.
_WHY: Final[tuple[tuple[type[Exception], str], ...]] = (
    (TimeoutError, "no answer in time"),
    (aiohttp.ClientSSLError, "its certificate or encryption is not valid"),
    (aiohttp.ClientConnectorDNSError, "its host is not known"),
    (aiohttp.ClientConnectorError, "its host does not answer"),
    (Exception, "the connection broke"),
)


def _as_refusal(error: Exception) -> FetchRefused:
    """Any foreign exception. A ``ValueError`` is about the URL, also when the resolver raises it;
    but a wrong certificate is one as well.
    """
    if isinstance(error, ValueError) and not isinstance(error, OSError):
        return _invalid()
    return _failed(next(why for kind, why in _WHY if isinstance(error, kind)))


def _failed(why: str) -> FetchRefused:
    return FetchRefused(f"The URL could not be fetched ({why}).")


def _invalid() -> FetchRefused:
    return FetchRefused("The URL is not valid.")


def _not_public() -> FetchRefused:
    return FetchRefused("The URL's address is not public.")


def _too_large(limit: int) -> FetchRefused:
    return BodyTooLarge(f"The file at the URL is larger than {megabytes(limit)}.")
