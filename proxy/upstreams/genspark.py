"""Genspark over HTTP: open a chat by one of its three wires, and the free look-ups."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from proxy.core.accounts import Account
from proxy.core.ask import ChatAsk
from proxy.core.catalogue import Candidate
from proxy.core.events import ChatEvent
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.products import Credential, Product, Route
from proxy.upstreams.http import Exchange, Http
from proxy.wire import (
    genspark_account,
    genspark_cookie_ask,
    genspark_key_ask,
    genspark_legacy,
    genspark_tool,
    web_search,
)
from proxy.wire.genspark_cookie_ask import WebTerms
from proxy.wire.genspark_cookie_stream import AI_CHAT, CookieChatReader
from proxy.wire.genspark_failures import Reply, classify
from proxy.wire.genspark_key_failures import classify_key, wall
from proxy.wire.genspark_key_stream import KeyChatReader, read_completion
from proxy.wire.sse import FrameTooLong, looks_like_events
from proxy.wire.web_search import Page


class Reader(Protocol):
    """A wire's state machine: network reads in, events out."""

    done: bool

    def feed(self, data: bytes) -> list[ChatEvent]:
        """The events of one read."""

    def close(self, *, clean: bool) -> list[ChatEvent]:
        """The events of the end."""


class ChatStream:
    """An answer on its way: batches of events, one per network read, until ``None``."""

    def __init__(self, exchange: Exchange, reader: Reader, first: bytes = b"") -> None:
        self._exchange = exchange
        self._reader = reader
        self._first = first
        self._ended = False

    @property
    def done(self) -> bool:
        """Whether the last batch was the last one."""
        return self._ended or self._reader.done

    async def next_events(self) -> list[ChatEvent] | None:
        """The next batch (it may be empty); None after the end."""
        if self._ended or self._reader.done:
            return None
        try:
            data = self._first or await self._exchange.read()
            self._first = b""
            if data:
                return self._reader.feed(data)
            self._ended = True
            return self._reader.close(clean=True)
        except FrameTooLong:
            raise UpstreamError(Failure(Kind.UNREADABLE, "a frame beyond the size cap")) from None
        except UpstreamError as error:
            self._ended = True
            if error.failure.kind is not Kind.BROKEN_STREAM:
                raise
            return self._reader.close(clean=False)

    async def drain(self, seconds: float) -> None:
        """Read what follows the answer's end mark, so that the connection can be used again."""
        try:
            async with asyncio.timeout(seconds):
                while not self._ended:
                    self._ended = not await self._exchange.read()
        except (UpstreamError, TimeoutError):
            self._ended = True

    async def aclose(self) -> None:
        """Close; before the end this breaks the connection off."""
        await self._exchange.aclose()


class DoneStream(ChatStream):
    """A complete body's events, in one batch."""

    def __init__(self, exchange: Exchange, events: list[ChatEvent]) -> None:
        self._exchange = exchange
        self._events: list[ChatEvent] | None = events
        self._ended = False

    @property
    def done(self) -> bool:
        """Whether the one batch has been given."""
        return self._events is None

    async def next_events(self) -> list[ChatEvent] | None:
        """All events once, then None."""
        events, self._events = self._events, None
        self._ended = True
        return events


@dataclass(slots=True)
class Genspark:
    """One Genspark origin. Cookie refreshes are kept per account, in memory."""

    http: Http
    origin: str
    user_agent: str
    clock: Callable[[], float] = time.time
    _cookies: dict[str, str] = field(default_factory=dict)

    async def open_chat(
        self,
        account: Account,
        ask: ChatAsk,
        candidate: Candidate,
        terms: WebTerms,
    ) -> ChatStream:
        """Send the ask; the stream's first events are not there yet. Raises ``UpstreamError``.

        ``terms`` are for the web routes; a key's route needs none.
        """
        if candidate.route is Route.KEY:
            return await self._open_key_chat(account, ask, candidate)
        legacy = candidate.route is Route.LEGACY
        wire = genspark_legacy if legacy else genspark_cookie_ask
        page = "/" if legacy else "/agents?type=ai_chat"
        exchange = await self.http.send(
            "POST",
            self.origin + wire.CHAT_PATH,
            self.cookie_headers(account, page),
            wire.body(ask, candidate, terms),
            proxy=account.proxy,
        )
        self.refresh(account, exchange)
        reader = CookieChatReader(self.clock, genspark_legacy.LEGACY if legacy else AI_CHAT)
        return await self._checked(exchange, reader, sent_project=terms.project_id is not None)

    async def _checked(
        self, exchange: Exchange, reader: CookieChatReader, *, sent_project: bool
    ) -> ChatStream:
        """A stream whose reply looks like one; anything else is read whole and classified."""
        try:
            said = exchange.headers.get("content-type", "")
            if exchange.status == 200 and said.startswith("text/event-stream"):
                return ChatStream(exchange, reader)
            first = await exchange.read() if exchange.status == 200 else b""
            if first and looks_like_events(first):
                return ChatStream(exchange, reader, first)
            reply = self.reply(exchange, first + await exchange.read_all())
            unknown = Failure(Kind.UNREADABLE, f"HTTP {reply.status} without an event stream")
            raise UpstreamError(classify(reply, sent_project=sent_project) or unknown)
        except BaseException:
            await exchange.aclose()
            raise

    async def _open_key_chat(
        self, account: Account, ask: ChatAsk, candidate: Candidate
    ) -> ChatStream:
        exchange = await self.http.send(
            "POST",
            self.origin + genspark_key_ask.CHAT_PATH,
            genspark_key_ask.headers(account.secret.reveal()),
            genspark_key_ask.body(ask, candidate),
            proxy=account.proxy,
        )
        try:
            if (walled := wall(exchange.headers)) is not None:
                raise UpstreamError(walled)
            said = exchange.headers.get("content-type", "")
            if exchange.status == 200 and said.startswith("text/event-stream"):
                return ChatStream(exchange, KeyChatReader())
            # A complete body answers a plain request, and now and then a streaming one.
            reply = self.reply(exchange, await exchange.read_all(limit=64 * 1024 * 1024))
            if (failure := classify_key(reply)) is not None:
                raise UpstreamError(failure)
            if not isinstance(reply.json, dict):
                raise UpstreamError(Failure(Kind.UNREADABLE, "HTTP 200 without JSON"))
            return DoneStream(exchange, read_completion(reply.json))
        except BaseException:
            await exchange.aclose()
            raise

    async def abort(self, account: Account, project_id: str) -> None:
        """Stop a run whose caller has gone."""
        await self._call(account, "POST", f"{genspark_account.ABORT_PATH}?project_id={project_id}")

    async def delete_project(self, account: Account, project_id: str) -> None:
        """Delete a conversation of this account."""
        await self._call(account, "GET", f"{genspark_account.DELETE_PATH}?project_id={project_id}")

    async def is_alive(self, account: Account) -> bool | None:
        """Whether the credential is still good; None when Genspark's answer says neither."""
        if account.credential is Credential.KEY:
            status, _ = await self._call(account, "GET", genspark_account.KEY_OWNER_PATH)
            return {200: True, 401: False}.get(status)
        _, body = await self._call(account, "GET", genspark_account.IS_LOGIN_PATH)
        return genspark_account.is_logged_in(body)

    async def about_key(self, account: Account) -> tuple[int, str]:
        """HTTP status and a line about the key's plan, for the operator."""
        status, body = await self._call(account, "GET", genspark_account.KEY_OWNER_PATH)
        return status, genspark_account.key_summary(body)

    async def chat_models(self, account: Account) -> list[str]:
        """The live list of chat models for this kind of credential."""
        if account.credential is Credential.KEY:
            _, body = await self._call(account, "GET", genspark_key_ask.MODELS_PATH)
            return genspark_account.key_models(body)
        _, body = await self._call(account, "GET", genspark_account.COOKIE_MODELS_PATH)
        return genspark_account.cookie_models(body)

    async def media_models(self, account: Account) -> dict[Product, list[str]]:
        """The live lists of image and video models, which only a key may ask for."""
        _, body = await self._call(account, "GET", genspark_tool.TOOLS_PATH)
        return {
            product: genspark_tool.media_models(body, product)
            for product in (Product.IMAGE, Product.VIDEO)
        }

    async def web_search(self, account: Account, question: str) -> list[Page]:
        """What the official search tool finds for a question, with a key."""
        exchange = await self.http.send(
            "POST",
            self.origin + web_search.PATH,
            genspark_tool.headers(account.secret.reveal()),
            web_search.body(question),
            proxy=account.proxy,
        )
        try:
            reply = self.reply(exchange, await exchange.read_all())
        finally:
            await exchange.aclose()
        reader = genspark_tool.ToolReader()
        reader.feed(reply.body)
        reader.close(clean=True)
        pages = web_search.read(reply, reader.final)
        if isinstance(pages, Failure):
            raise UpstreamError(pages)
        return pages

    async def server_date(self) -> str:
        """The ``Date`` header of a public page."""
        url = self.origin + genspark_account.COOKIE_MODELS_PATH
        exchange = await self.http.send("GET", url, {"User-Agent": self.user_agent})
        await exchange.aclose()
        return exchange.headers.get("date", "")

    async def _call(self, account: Account, method: str, path: str) -> tuple[int, Any]:
        """A small call: status and decoded JSON (None when it is not JSON)."""
        if account.credential is Credential.KEY:
            key = account.secret.reveal()
            headers = {**genspark_key_ask.headers(key), "X-Api-Key": key}
        else:
            headers = self.cookie_headers(account, "/") | {"Accept": "application/json"}
        exchange = await self.http.send(method, self.origin + path, headers, proxy=account.proxy)
        try:
            self.refresh(account, exchange)
            return exchange.status, self.reply(exchange, await exchange.read_all()).json
        finally:
            await exchange.aclose()

    def reply(self, exchange: Exchange, body: bytes) -> Reply:
        """A reply that was read whole, as the classifiers take it."""
        return Reply(exchange.status, exchange.headers, body, self.clock())

    def cookie_headers(self, account: Account, page: str) -> dict[str, str]:
        """What the cookie routes want, as if sent from ``page``."""
        return genspark_cookie_ask.headers(self.origin, self.cookie(account), self.user_agent, page)

    def cookie(self, account: Account) -> str:
        """The account's ``Cookie`` header as it stands now, refreshes included."""
        return self._cookies.get(account.id) or genspark_account.normal_cookie(
            account.secret.reveal()
        )

    def refresh(self, account: Account, exchange: Exchange) -> None:
        """Keep the cookies that a reply renews."""
        if account.credential is Credential.COOKIE and "set-cookie" in exchange.headers:
            refreshed = genspark_account.refreshed(self.cookie(account), exchange.set_cookies)
            self._cookies[account.id] = refreshed
