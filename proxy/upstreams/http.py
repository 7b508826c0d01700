"""Send a request; get status, headers and network reads; close. The only speaker of HTTP.

httpx2's API on aiohttp's engine (decisions/003). Transports are used without httpx2's client and
with a cookie jar that keeps nothing: a jar shared by all requests would hand one account's cookies
to another.
"""

import base64
import contextlib
import ssl
from collections.abc import AsyncIterator
from functools import lru_cache
from typing import Final

import aiohttp
import httpx2
from httpx_aiohttp.httpx2 import AiohttpTransport

from proxy.core.failures import Failure, Kind, UpstreamError

# A refusal or a look-up is small; more than this is not read.
WHOLE_BODY_LIMIT: Final = 8 * 1024 * 1024
PIECE: Final = 256 * 1024
# Idle upstream connections are kept this long; usual edges close them after a minute or more.
KEEP_ALIVE: Final = 50.0


class Exchange:
    """One request's reply. ``headers`` are lower-cased; close it whatever happens."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response
        self._reads: AsyncIterator[bytes] | None = None
        self.status = response.status_code
        self.headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in response.headers.raw
        }

    @property
    def set_cookies(self) -> list[str]:
        """All ``Set-Cookie`` lines."""
        return self._response.headers.get_list("set-cookie")

    async def read(self) -> bytes:
        """The next network read; empty at the (clean) end of the body."""
        if self._reads is None:
            plain = "content-encoding" not in self.headers
            source = self._response.stream if plain else self._response.aiter_bytes()
            assert isinstance(source, AsyncIterator | httpx2.AsyncByteStream)
            self._reads = aiter(source)
        try:
            return await anext(self._reads, b"")
        except _FOREIGN as error:
            raise _as_failure(error) from error

    async def read_all(self, limit: int = WHOLE_BODY_LIMIT) -> bytes:
        """The rest of the body, cut at ``limit`` bytes."""
        parts, size = [], 0
        while size < limit and (data := await self.read()):
            parts.append(data)
            size += len(data)
        return b"".join(parts)[:limit]

    async def aclose(self) -> None:
        """Give the connection back when the body was read to its end, or break it off."""
        if self._reads is not None:
            closing = getattr(self._reads, "aclose", None)
            if closing is not None:
                with contextlib.suppress(Exception):
                    await closing()
        # The other side may have gone already; there is nothing left to lose.
        with contextlib.suppress(Exception):
            await self._response.aclose()


class Http:
    """Sends requests, directly or through the proxy that belongs to an account."""

    def __init__(
        self,
        proxy: str | None,
        connect_timeout: float,
        idle_timeout: float,
        *,
        fresh: bool = False,
    ) -> None:
        """``fresh``: each request has a connection of its own. A kept one may be closed by the
        other side just as it is used again, and then nobody knows whether a paid request arrived.
        """
        self._default_proxy = proxy
        self._fresh = fresh
        self._timeout = {
            "connect": connect_timeout,
            "read": idle_timeout,
            "write": idle_timeout,
            "pool": connect_timeout,
        }
        self._transports: dict[str | None, httpx2.AsyncBaseTransport] = {}

    async def send(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        content: bytes = b"",
        *,
        proxy: str | None = None,
    ) -> Exchange:
        """Send one request and wait for the reply's headers."""
        transport = self._transport(proxy or self._default_proxy)
        large = len(content) > PIECE
        request = httpx2.Request(
            method,
            _url(url),
            headers={**headers, "Content-Length": str(len(content))} if large else headers,
            content=_pieces(content) if large else content,
            extensions={"timeout": self._timeout},
        )
        try:
            return Exchange(await transport.handle_async_request(request))
        except _FOREIGN as error:
            raise _as_failure(error) from error

    async def aclose(self) -> None:
        """Close all connections."""
        for transport in self._transports.values():
            await transport.aclose()
        self._transports.clear()

    def _transport(self, proxy: str | None) -> httpx2.AsyncBaseTransport:
        found = self._transports.get(proxy)
        if found is None:
            found = self._transports[proxy] = _transport(proxy, fresh=self._fresh)
        return found


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    """A large body in steps, as one write would hold up everybody else's streams."""
    for start in range(0, len(content), PIECE):
        yield content[start : start + PIECE]


@lru_cache(maxsize=256)
def _url(text: str) -> httpx2.URL:
    """Parsing a URL anew for each request cost a tenth of a short answer's CPU time."""
    return httpx2.URL(text)


def _transport(proxy: str | None, *, fresh: bool) -> httpx2.AsyncBaseTransport:
    if proxy and proxy.startswith("socks"):
        # aiohttp speaks no SOCKS; httpx2's own engine does.
        kept = 0 if fresh else None
        limits = httpx2.Limits(
            max_connections=None, max_keepalive_connections=kept, keepalive_expiry=KEEP_ALIVE
        )
        return httpx2.AsyncHTTPTransport(proxy=httpx2.Proxy(proxy), limits=limits)
    tls = httpx2.create_ssl_context()
    return AiohttpTransport(
        proxy=_http_proxy(proxy) if proxy else None,
        client=lambda: aiohttp.ClientSession(
            connector=_connector(tls, fresh=fresh),
            cookie_jar=aiohttp.DummyCookieJar(),
        ),
    )


def _connector(tls: ssl.SSLContext, *, fresh: bool) -> aiohttp.TCPConnector:
    if fresh:
        return aiohttp.TCPConnector(limit=0, ssl=tls, force_close=True)
    return aiohttp.TCPConnector(limit=0, ssl=tls, keepalive_timeout=KEEP_ALIVE)


def _http_proxy(text: str) -> httpx2.Proxy:
    """A proxy whose login travels as a header; the transport's own way is deprecated in aiohttp."""
    url = httpx2.URL(text)
    if not url.userinfo:
        return httpx2.Proxy(url)
    login = base64.b64encode(f"{url.username}:{url.password}".encode()).decode()
    bare = url.copy_with(username=None, password=None)
    # aiohttp renames it to Proxy-Authorization, in the tunnel's request or in a plain one.
    return httpx2.Proxy(bare, headers={"Authorization": f"Basic {login}"})


_UNREACHABLE: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.ProxyError)
# The transport says ConnectTimeout also when the other side hangs up on a request that it has
# received (httpx-aiohttp 0.2.0); only of these is it sure that nothing was sent.
_BEFORE_SENDING: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ClientHttpProxyError,
    aiohttp.ServerTimeoutError,
)
_LATE: Final = (httpx2.TimeoutException, TimeoutError)
_FOREIGN: Final = (httpx2.HTTPError, httpx2.StreamError, aiohttp.ClientError, OSError)


def _as_failure(error: Exception) -> UpstreamError:
    """A foreign exception becomes a failure here and is never caught by its own name again.

    Its text may quote a proxy URL with its password; its class says enough.
    """
    kind = Kind.BROKEN_STREAM
    if isinstance(error, _UNREACHABLE):
        kind = Kind.BROKEN_STREAM if _hung_up(error.__cause__) else Kind.UNREACHABLE
    elif isinstance(error, _LATE):
        kind = Kind.TIMEOUT
    return UpstreamError(Failure(kind, type(error).__name__))


def _hung_up(cause: BaseException | None) -> bool:
    return isinstance(cause, aiohttp.ClientError) and not isinstance(cause, _BEFORE_SENDING)
