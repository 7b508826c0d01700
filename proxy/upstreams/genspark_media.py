"""Images and videos at Genspark: by the official tools (key) or by the web agents (cookie)."""

import asyncio
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

from proxy.core.accounts import Account
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.media import TaskReport, TaskState
from proxy.core.products import Credential, Product, Route
from proxy.upstreams import private_files
from proxy.upstreams.genspark import Genspark
from proxy.upstreams.http import Exchange, Http
from proxy.upstreams.media import (
    MOST_REDIRECTS,
    REDIRECTS,
    Accepted,
    Download,
    Intend,
    Loaded,
    Order,
    download_of,
)
from proxy.wire import genspark_media_ask, genspark_tasks, genspark_tool
from proxy.wire.genspark_failures import classify
from proxy.wire.genspark_files import PrivateFile
from proxy.wire.genspark_key_failures import classify_key
from proxy.wire.genspark_media_stream import MediaReader
from proxy.wire.media_types import data_url

_PAGES: Final = {Product.IMAGE: "/ai_image", Product.VIDEO: "/ai_video"}


@dataclass(slots=True)
class GensparkMedia:
    """See ``MediaUpstream``. ``paid`` sends what costs, on connections of its own."""

    genspark: Genspark
    paid: Http

    async def submit(self, account: Account, order: Order, intend: Intend) -> Accepted:
        """One paid request by the order's route."""
        if order.route is Route.KEY:
            return await self._submit_by_key(account, order, intend)
        return await self._submit_by_cookie(account, order, intend)

    async def _submit_by_key(self, account: Account, order: Order, intend: Intend) -> Accepted:
        product = order.ask.terms.product
        links = [(given.use, await self._upload(account, given)) for given in order.inputs]
        await intend()
        content = genspark_tool.body(order.ask, order.model, links)
        exchange = await self._tool(account, genspark_tool.PATHS[product], content, self.paid)
        try:
            verdict = await self._read_tool(exchange, product)
        finally:
            await exchange.aclose()
        if isinstance(verdict, Failure):
            raise UpstreamError(verdict)
        return Accepted(tuple(verdict))

    async def _read_tool(self, exchange: Exchange, product: Product) -> list[TaskReport] | Failure:
        """Heartbeats, about one in 5 s, then the final object."""
        reader, whole = genspark_tool.ToolReader(), bytearray()
        clean = True
        try:
            while data := await exchange.read():
                whole += data[: max(0, genspark_tool.KEPT - len(whole))]
                reader.feed(data)
        except UpstreamError as error:
            if error.failure.kind not in (Kind.BROKEN_STREAM, Kind.TIMEOUT):
                raise
            clean = False
        except genspark_tool.LineTooLong:
            return Failure(Kind.UNREADABLE, "an answer beyond the size cap")
        reader.close(clean=clean)
        reply = self.genspark.reply(exchange, bytes(whole))
        if reader.final is None and not clean:
            return Failure(Kind.BROKEN_STREAM, "the answer broke off before its end")
        return genspark_tool.outcome(reply, reader.final, product)

    async def _tool(
        self, account: Account, path: str, content: bytes, http: Http | None = None
    ) -> Exchange:
        return await (http or self.genspark.http).send(
            "POST",
            self.genspark.origin + path,
            genspark_tool.headers(account.secret.reveal()),
            content,
            proxy=account.proxy,
        )

    async def _ask_tool(self, account: Account, path: str, content: bytes) -> Any:
        """A free tool's whole answer."""
        exchange = await self._tool(account, path, content)
        try:
            reply = self.genspark.reply(exchange, await exchange.read_all())
        finally:
            await exchange.aclose()
        if (failure := classify_key(reply)) is not None:
            raise UpstreamError(failure)
        return reply.json

    async def _upload(self, account: Account, given: Loaded) -> str:
        """Put an input into the account's own storage; its wrapper address comes back."""
        answer = await self._ask_tool(
            account,
            genspark_tool.UPLOAD_PATH,
            genspark_tool.upload_body(given.name, given.mime),
        )
        links = genspark_tool.read_upload(answer)
        if links is None:
            raise UpstreamError(Failure(Kind.UPLOAD_FAILED, "no place to upload an input to"))
        headers = genspark_tool.upload_headers(given.mime)
        await private_files.put(self.genspark, account, links[0], headers, given.data)
        return links[1]

    async def _submit_by_cookie(self, account: Account, order: Order, intend: Intend) -> Accepted:
        product = order.ask.terms.product
        agent_video = product is Product.VIDEO and order.route is Route.COOKIE
        files = [
            await private_files.upload(self.genspark, account, given)
            for given in order.inputs
            if agent_video
        ]
        pictures = [] if agent_video else [data_url(g.mime, g.data) for g in order.inputs]
        path, content = _web_ask(order, pictures, files)
        await intend()
        exchange = await self.paid.send(
            "POST",
            self.genspark.origin + path,
            self.genspark.cookie_headers(account, _PAGES[product]),
            content,
            proxy=account.proxy,
        )
        try:
            self.genspark.refresh(account, exchange)
            prompt = genspark_tool.prompt_text(order.ask.terms)
            return await self._read_agent(exchange, product, prompt)
        finally:
            await exchange.aclose()

    async def _read_agent(self, exchange: Exchange, product: Product, prompt: str) -> Accepted:
        """The agent's stream; a task it names is ours even when the stream breaks later."""
        if exchange.status != 200:
            reply = self.genspark.reply(exchange, await exchange.read_all())
            unknown = Failure(Kind.UNREADABLE, f"HTTP {reply.status} without an event stream")
            raise UpstreamError(classify(reply) or unknown)
        reader, broken = MediaReader(product, self.genspark.clock, prompt), False
        try:
            while not reader.finished and (data := await exchange.read()):
                reader.feed(data)
        except UpstreamError:
            broken = True
        reader.close(clean=not broken)
        # What stood in the place of a task, when that is understood.
        failure = None if reader.task_ids else reader.failure
        if failure is not None and failure.kind not in (Kind.BROKEN_STREAM, Kind.EMPTY):
            raise UpstreamError(failure)
        return Accepted(_reports(reader), reader.project_id, reader.raw, broken)

    async def tasks(
        self, account: Account, route: Route, product: Product, task_ids: list[str], watch: float
    ) -> list[TaskReport]:
        """News of tasks. The stream stays open upstream until all have ended."""
        reader = genspark_tasks.TasksReader(product)
        news: dict[str, TaskReport] = {}
        exchange = await self.genspark.http.send(
            "POST",
            self.genspark.origin + genspark_tasks.PATHS[product],
            self._credentials(account),
            genspark_tasks.body(task_ids),
            proxy=account.proxy,
        )
        try:
            async with asyncio.timeout(watch):
                while not (reader.done or _all_ended(news, task_ids)) and (
                    data := await exchange.read()
                ):
                    news |= {report.task_id: report for report in reader.feed(data)}
        except TimeoutError:
            pass
        finally:
            await exchange.aclose()
        news |= {report.task_id: report for report in reader.close()}
        if not news and (failure := self._no_news(exchange, reader)) is not None:
            raise UpstreamError(failure)
        return list(news.values())

    def _no_news(self, exchange: Exchange, reader: genspark_tasks.TasksReader) -> Failure | None:
        if reader.failure is not None:
            return reader.failure
        reply = self.genspark.reply(exchange, reader.whole)
        return classify(reply) if exchange.status != 200 or reader.whole else None

    def _credentials(self, account: Account) -> dict[str, str]:
        if account.credential is Credential.KEY:
            return genspark_tool.headers(account.secret.reveal())
        return self.genspark.cookie_headers(account, "/")

    async def open(
        self, account: Account, route: Route, url: str, byte_range: str = ""
    ) -> Download:
        """Begin to fetch a result, with the cookie only where it belongs."""
        link = await self.public_link(account, route, url) or urljoin(self.genspark.origin, url)
        for _ in range(MOST_REDIRECTS):
            exchange = await self._get(account, link, byte_range)
            if exchange.status not in REDIRECTS:
                return await download_of(exchange)
            await exchange.aclose()
            link = urljoin(link, exchange.headers.get("location", ""))
        raise UpstreamError(Failure(Kind.UNREADABLE, "too many redirects"))

    async def _get(self, account: Account, link: str, byte_range: str) -> Exchange:
        headers = {"User-Agent": self.genspark.user_agent, "Accept-Encoding": "identity"}
        headers["Referer"] = self.genspark.origin + "/"
        if byte_range:
            headers["Range"] = byte_range
        if account.credential is Credential.COOKIE and self._is_private(link):
            headers["Cookie"] = self.genspark.cookie(account)
        return await self.genspark.http.send("GET", link, headers, proxy=account.proxy)

    def _is_private(self, link: str) -> bool:
        """Whether this is an address of Genspark's own interface, where the cookie may go."""
        return link.startswith(self.genspark.origin + "/api/")

    async def public_link(self, account: Account, route: Route, url: str) -> str | None:
        """The download address behind a file wrapper (valid for about a day), or the URL itself
        where it is somebody else's host; None when only the cookie opens it.
        """
        link = urljoin(self.genspark.origin, url)
        if not self._is_private(link):
            return link if urlsplit(link).scheme in ("http", "https") else None
        if account.credential is Credential.COOKIE:
            return None
        answer = await self._ask_tool(
            account, genspark_tool.DOWNLOAD_PATH, genspark_tool.download_body(link)
        )
        found = genspark_tool.read_download(answer)
        return urljoin(self.genspark.origin, found) if found else None

    async def cancel(
        self, account: Account, route: Route, project_id: str, task_ids: tuple[str, ...]
    ) -> None:
        """The web agents' runs can be stopped; the tools' cannot."""
        if route is not Route.KEY and project_id:
            await self.genspark.abort(account, project_id)


def _web_ask(order: Order, pictures: list[str], files: list[PrivateFile]) -> tuple[str, bytes]:
    product, ask = order.ask.terms.product, order.ask
    if order.route is Route.LEGACY:
        legacy = {
            Product.IMAGE: genspark_media_ask.legacy_image_body,
            Product.VIDEO: genspark_media_ask.legacy_video_body,
        }[product]
        return genspark_media_ask.LEGACY_PATH, legacy(ask, order.model, order.token, pictures)
    path = genspark_media_ask.AGENT_PATH
    if product is Product.VIDEO:
        body = genspark_media_ask.video_agent_body(ask, order.model, order.token, files)
    else:
        body = genspark_media_ask.image_agent_body(ask, order.model, order.token, pictures)
    return path, body


def _reports(reader: MediaReader) -> tuple[TaskReport, ...]:
    """One report per task that was named; one that has no status yet is pending."""
    told = {report.task_id: report for report in reader.reports}
    return tuple(
        told.get(task_id) or TaskReport(task_id=task_id, state=TaskState.PENDING)
        for task_id in reader.task_ids
    )


def _all_ended(news: dict[str, TaskReport], task_ids: list[str]) -> bool:
    """Whether each task has ended, with its results where it succeeded."""
    return all(
        (report := news.get(task_id)) is not None
        and (report.state is TaskState.FAILED or bool(report.urls))
        for task_id in task_ids
    )
