"""What the job steps need of an upstream that makes images or videos."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from proxy.core.accounts import Account
from proxy.core.media import MediaAsk, TaskReport, Use
from proxy.core.products import Product, Route

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
    ``project_id`` is the conversation it runs in, on the web routes.
    """

    reports: tuple[TaskReport, ...]
    project_id: str = ""
    raw: bytes = field(default=b"", repr=False)
    broken: bool = False


@dataclass(slots=True)
class Download:
    """A result on its way. Close it, whatever happens.

    ``status`` is 200, 206 or 416; ``headers`` are those of content (type, length, range).
    """

    status: int
    headers: dict[str, str]
    chunks: AsyncIterator[bytes]
    aclose: Callable[[], Awaitable[None]]


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

    async def cancel(self, account: Account, route: Route, project_id: str) -> None:
        """Ask the upstream to stop, where it can."""
