"""Official providers of images and videos over HTTP: one shell for every wire module."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin, urlsplit

import msgspec

from proxy.core.accounts import Account
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.media import TaskReport
from proxy.core.products import Product, Route
from proxy.upstreams.http import Exchange, Http
from proxy.upstreams.media import (
    MOST_REDIRECTS,
    REDIRECTS,
    Accepted,
    Download,
    Intend,
    Order,
    download_of,
)
from proxy.wire.genspark_failures import Reply
from proxy.wire.laying import Lay
from proxy.wire.provider import Call, Picture, Provider

# A reply may hold a whole clip in base64.
LARGEST_REPLY: Final = 256 * 1024 * 1024
INLINE: Final = "inline:"

# What goes into the credential's header: the key itself, or a token made from it.
Unlock = Callable[[Account], Awaitable[str]]


async def key_itself(account: Account) -> str:
    """For providers whose key is sent as it is."""
    return account.secret.reveal()


@dataclass(slots=True)
class ProviderMedia:
    """See ``MediaUpstream``. ``paid`` sends what costs, on connections of its own."""

    wire: Provider
    origin: str
    http: Http
    paid: Http
    clock: Callable[[], float]
    unlock: Unlock = key_itself
    lay: Lay | None = None

    async def submit(self, account: Account, order: Order, intend: Intend) -> Accepted:
        """The paid request, once."""
        given = [Picture(each.use, each.mime, each.data) for each in order.inputs]
        pictures = [await self._laid(account, picture) for picture in given]
        product = order.ask.terms.product
        call = self.wire.create(order.ask, order.model, pictures)
        headers = await self._headers(account, call)
        await intend()
        exchange = await self._send(account, call, headers, self.paid)
        created = self.wire.created(await self._whole(exchange), product)
        if isinstance(created, Failure):
            raise UpstreamError(created)
        return Accepted((_marked(created.report, product),), inline=created.inline)

    async def _laid(self, account: Account, picture: Picture) -> Picture:
        """The picture as the paid request takes it, put at the provider first where it must be."""
        if self.lay is None:
            return picture
        steps = self.lay(picture, secrets.token_hex(16))
        try:
            call = next(steps)
            while True:
                headers = await self._headers(account, call)
                exchange = await self._send(account, call, headers, self.http)
                call = steps.send(await self._whole(exchange))
        except StopIteration as end:
            if isinstance(end.value, Failure):
                raise UpstreamError(end.value) from None
            laid: Picture = end.value
            return laid

    async def tasks(
        self, account: Account, route: Route, product: Product, task_ids: list[str], watch: float
    ) -> list[TaskReport]:
        """One look at each task."""
        found = []
        for task_id in task_ids:
            seen = self.wire.seen(await self._look(account, task_id, product), task_id, product)
            if isinstance(seen, Failure):
                raise UpstreamError(seen)
            found.append(_marked(seen, product))
        return found

    async def _look(self, account: Account, task_id: str, product: Product) -> Reply:
        call = self.wire.look(task_id, product)
        headers = await self._headers(account, call)
        return await self._whole(await self._send(account, call, headers, self.http))

    async def open(
        self, account: Account, route: Route, url: str, byte_range: str = ""
    ) -> Download:
        """Begin to fetch a result; one that lies inside a task's answer is read out of it."""
        if url.startswith(INLINE):
            return await self._inline(account, url)
        call = self.wire.fetch(url)
        for _ in range(MOST_REDIRECTS):
            headers = await self._headers(account, call) | call.headers
            if byte_range:
                headers["Range"] = byte_range
            exchange = await self._send(account, call, headers, self.http)
            if exchange.status not in REDIRECTS:
                return await download_of(exchange)
            await exchange.aclose()
            following = urljoin(self._url(call), exchange.headers.get("location", ""))
            signed = call.signed and self._is_own(following)
            call = Call(path=following, headers=call.headers, signed=signed)
        raise UpstreamError(Failure(Kind.UNREADABLE, "too many redirects"))

    async def _inline(self, account: Account, url: str) -> Download:
        number, _, rest = url.removeprefix(INLINE).partition(":")
        product, _, task_id = rest.partition(":")
        reply = await self._look(account, task_id, Product(product))
        data = self.wire.inline(reply, int(number))
        if data is None:
            raise UpstreamError(Failure(Kind.RESULT_LOST, "the task's answer holds no result"))
        return Download(200, {"content-length": str(len(data))}, _one(data), _nothing)

    async def public_link(self, account: Account, route: Route, url: str) -> str | None:
        """The result's address, where it opens without the key."""
        if url.startswith(INLINE) or self.wire.fetch(url).signed:
            return None
        return url

    async def cancel(
        self, account: Account, route: Route, project_id: str, task_ids: tuple[str, ...]
    ) -> None:
        """Stop tasks, where the provider can."""
        for task_id in task_ids:
            call = self.wire.cancel(task_id)
            if call is not None:
                headers = await self._headers(account, call)
                exchange = await self._send(account, call, headers, self.http)
                await exchange.aclose()

    async def is_alive(self, account: Account) -> bool | None:
        """Whether the key is good; None when the provider's answer says neither."""
        call = self.wire.check()
        headers = await self._headers(account, call)
        exchange = await self._send(account, call, headers, self.http)
        await exchange.aclose()
        # Google answers 400 for a key that it does not know.
        return {200: True, 400: False, 401: False, 403: False}.get(exchange.status)

    async def _headers(self, account: Account, call: Call) -> dict[str, str]:
        headers = {"User-Agent": "genspark2api", "Accept-Encoding": "identity"}
        if call.content:
            headers["Content-Type"] = "application/json"
        headers |= call.headers
        if call.signed and self._is_own(self._url(call)):
            headers |= self.wire.sign(await self.unlock(account))
        return headers

    def _url(self, call: Call) -> str:
        return call.path if "://" in call.path else self.origin + call.path

    def _is_own(self, url: str) -> bool:
        """The key goes to the provider's own host and nowhere else."""
        own, there = urlsplit(self.origin), urlsplit(url)
        return (own.scheme, own.netloc) == (there.scheme, there.netloc) or (
            there.scheme == "https" and there.netloc in self.wire.own_hosts
        )

    async def _send(
        self, account: Account, call: Call, headers: dict[str, str], http: Http
    ) -> Exchange:
        return await http.send(
            call.method, self._url(call), headers, call.content, proxy=account.proxy
        )

    async def _whole(self, exchange: Exchange) -> Reply:
        try:
            body = await exchange.read_all(LARGEST_REPLY)
            return Reply(exchange.status, exchange.headers, body, self.clock())
        finally:
            await exchange.aclose()


def _marked(report: TaskReport, product: Product) -> TaskReport:
    """A result inside the answer about a task is addressed by that task."""
    urls = tuple(
        f"{url}:{product.value}:{report.task_id}" if url.startswith(INLINE) else url
        for url in report.urls
    )
    return msgspec.structs.replace(report, urls=urls)


async def _one(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def _nothing() -> None:
    """There is no connection to close."""
