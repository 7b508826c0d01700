"""What the job steps need of an upstream that makes images or videos."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol

from proxy.core.accounts import Account
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.media import MediaAsk, TaskReport, Use
from proxy.core.products import Product, Route
from proxy.upstreams.http import Exchange

# Results redirect to a storage host, now and then twice.
MOST_REDIRECTS: Final = 5
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_KEPT: Final[tuple[str, ...]] = ("content-type", "content-length", "content-range", "etag")

# Called right before the request that costs; what it writes is durable when it returns.
Intend = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Loaded:
    """An input with its bytes."""

    use: Use
    name: str
    mime: str
    data: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Order:
    """One paid request: what, under which model name, with which inputs and which token."""

    ask: MediaAsk
    route: Route
    model: str
    inputs: tuple[Loaded, ...] = ()
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The upstream took the order. Without ``reports`` its answer named no task; ``raw`` keeps
    the end of such an answer, and ``broken`` says that the transfer did not come to its end.
    ``project_id`` is the conversation it runs in, on the web routes. ``inline`` are results that
    came in the answer itself, and can be had nowhere else.
    """

    reports: tuple[TaskReport, ...]
    project_id: str = ""
    raw: bytes = field(default=b"", repr=False)
    broken: bool = False
    inline: tuple[bytes, ...] = field(default=(), repr=False)


@dataclass(slots=True)
class Download:
    """A result on its way. Close it, whatever happens.

    ``status`` is 200, 206 or 416; ``headers`` are those of content (type, length, range).
    """

    status: int
    headers: dict[str, str]
    chunks: AsyncIterator[bytes]
    aclose: Callable[[], Awaitable[None]]


async def download_of(exchange: Exchange) -> Download:
    """The body of a good reply. Raises ``UpstreamError`` for any other."""
    if exchange.status in (200, 206, 416):
        kept = [name for name in _KEPT if name in exchange.headers]
        headers = {name: exchange.headers[name] for name in kept}
        return Download(exchange.status, headers, _chunks(exchange), exchange.aclose)
    await exchange.aclose()
    raise UpstreamError(Failure(Kind.RESULT_LOST, f"HTTP {exchange.status} for the result"))


async def _chunks(exchange: Exchange) -> AsyncIterator[bytes]:
    while data := await exchange.read():
        yield data


class MediaUpstream(Protocol):
    """An upstream of generations. Everything raises ``UpstreamError`` and nothing else."""

    async def submit(self, account: Account, order: Order, intend: Intend) -> Accepted:
        """Upload inputs, call ``intend``, then send the paid request, once."""

    async def tasks(
        self, account: Account, route: Route, product: Product, task_ids: list[str], watch: float
    ) -> list[TaskReport]:
        """News of tasks; stays with them for up to ``watch`` seconds while none has ended."""

    async def open(
        self, account: Account, route: Route, url: str, byte_range: str = ""
    ) -> Download:
        """Begin to fetch a result."""

    async def public_link(self, account: Account, route: Route, url: str) -> str | None:
        """An address of the result that needs no credential, or None."""

    async def cancel(
        self, account: Account, route: Route, project_id: str, task_ids: tuple[str, ...]
    ) -> None:
        """Ask the upstream to stop, where it can."""


class ByRoute:
    """Every route's own upstream, as one. See ``MediaUpstream``."""

    def __init__(self, upstreams: Mapping[Route, MediaUpstream]) -> None:
        self._upstreams = upstreams

    async def submit(self, account: Account, order: Order, intend: Intend) -> Accepted:
        """By the order's route."""
        return await self._upstreams[order.route].submit(account, order, intend)

    async def tasks(
        self, account: Account, route: Route, product: Product, task_ids: list[str], watch: float
    ) -> list[TaskReport]:
        """By the route that the tasks were bought on."""
        return await self._upstreams[route].tasks(account, route, product, task_ids, watch)

    async def open(
        self, account: Account, route: Route, url: str, byte_range: str = ""
    ) -> Download:
        """By the route that made the result."""
        return await self._upstreams[route].open(account, route, url, byte_range)

    async def public_link(self, account: Account, route: Route, url: str) -> str | None:
        """By the route that made the result."""
        return await self._upstreams[route].public_link(account, route, url)

    async def cancel(
        self, account: Account, route: Route, project_id: str, task_ids: tuple[str, ...]
    ) -> None:
        """By the route that the tasks were bought on."""
        await self._upstreams[route].cancel(account, route, project_id, task_ids)
