"""One attempt at a chat: one account is asked, and read up to the first visible event."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from proxy.core.accounts import Account
from proxy.core.ask import Attachment, ChatAsk, Turn
from proxy.core.events import VISIBLE, ChatEvent, Failed, Opened
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.products import Product, Route
from proxy.services.attachments import Attachments, LoadedPart, Stored, parts_for
from proxy.services.chat_answer import act_on
from proxy.services.conversations import Conversation, Conversations
from proxy.services.desk import Borrowed, Desk
from proxy.services.recaptcha import Tokens
from proxy.services.sticky import Thread
from proxy.upstreams.genspark import ChatStream, Genspark
from proxy.wire.genspark_cookie_ask import WebTerms, last_user_text
from proxy.wire.web_search import cited, with_pages


@dataclass(slots=True)
class AskFiles:
    """The attachments of a request: loaded once, and put into the storage of each account asked,
    once too, however often it is asked (for choices and repairs).
    """

    attachments: Attachments
    turns: tuple[Turn, ...]
    _loaded: dict[Attachment, LoadedPart] | None = field(default=None, init=False)
    _stored: dict[str, Stored] = field(default_factory=dict, init=False)

    async def load(self) -> dict[Attachment, LoadedPart]:
        """All of them, fetched or decoded. Raises ``InvalidRequest``.

        To be called before an account is borrowed: a slow link must not keep one busy.
        """
        if self._loaded is None:
            some = any(turn.attachments for turn in self.turns)
            self._loaded = await self.attachments.load(self.turns) if some else {}
        return self._loaded

    async def parts(
        self, genspark: Genspark, account: Account, known: int
    ) -> dict[Attachment, dict[str, Any]]:
        """Content parts that this account can send, for the turns after the first ``known``.

        Raises ``InvalidRequest``, ``UpstreamError``.
        """
        loaded = await self.load()
        if not loaded:
            return {}
        later = [each for turn in self.turns[known:] for each in turn.attachments]
        stored = self._stored.setdefault(account.id, {})
        return await parts_for(genspark, account, {each: loaded[each] for each in later}, stored)


@dataclass(slots=True)
class Opening:
    """``patience`` is the most seconds until there is something to see."""

    genspark: Genspark
    tokens: Tokens
    desk: Desk
    conversations: Conversations
    patience: float

    async def open(
        self,
        ask: ChatAsk,
        borrowed: Borrowed,
        files: AskFiles,
        *,
        again: bool = False,
        thread: Thread | None = None,
    ) -> Conversation:
        """Raises ``UpstreamError`` when it fails before its first visible event.

        ``again``: without the operator's project; ``thread``: in the conversation's own one.
        """
        route = borrowed.candidate.route
        if route is not Route.KEY:
            # Usually there already; the account is not to blame for slow links.
            await files.load()
        given = None if again or thread else self.conversations.take_project(ask.model, route)
        terms = WebTerms(given) if thread is None else WebTerms(thread.project_id, thread.known)
        talk: Conversation | None = None
        try:
            async with asyncio.timeout(self.patience):
                ask, found = await self._searched(ask, borrowed)
                stream = await self._ask(ask, borrowed, terms, files)
                talk = Conversation(stream, given, terms.project_id, found)
                await self._read_head(talk, borrowed, thread)
        except BaseException as error:
            if talk is None:
                self.conversations.give_back(given)
            else:
                await self.conversations.close(talk, borrowed, finished=False)
            if isinstance(error, TimeoutError):
                late = Failure(Kind.TIMEOUT, "FIRST_EVENT_TIMEOUT is over")
                raise UpstreamError(late) from None
            raise
        return talk

    async def _searched(self, ask: ChatAsk, borrowed: Borrowed) -> tuple[ChatAsk, list[ChatEvent]]:
        """With a key the search is an official tool's: its finds go into the ask, and are named."""
        candidate = borrowed.candidate
        if candidate.route is not Route.KEY or not candidate.search:
            return ask, []
        question = last_user_text(ask.turns)
        pages = await self.genspark.web_search(borrowed.seat.account, question)
        return with_pages(ask, pages), [*cited(pages)]

    async def _ask(
        self, ask: ChatAsk, borrowed: Borrowed, terms: WebTerms, files: AskFiles
    ) -> ChatStream:
        """One ask; a refusal for want of a reCAPTCHA token is met with a token, once."""
        account, candidate = borrowed.seat.account, borrowed.candidate
        chat = self.genspark.open_chat
        if candidate.route is Route.KEY:
            return await chat(account, ask, candidate, terms)
        cookie = self.genspark.cookie(account)
        parts = await files.parts(self.genspark, account, terms.known)
        token = await self.tokens.before_ask(cookie, Product.CHAT)
        terms = replace(terms, parts=parts, recaptcha=token)
        try:
            return await chat(account, ask, candidate, terms)
        except UpstreamError as error:
            if token or error.failure.kind is not Kind.FORBIDDEN:
                raise
            token = await self.tokens.after_refusal(cookie, Product.CHAT)
            if not token:
                raise
        return await chat(account, ask, candidate, replace(terms, recaptcha=token))

    async def _read_head(
        self, talk: Conversation, borrowed: Borrowed, thread: Thread | None
    ) -> None:
        while True:
            events = await talk.stream.next_events()
            if events is None:
                events = [Failed(Failure(Kind.EMPTY, "the stream ended without an answer"))]
            talk.head += events
            opened = [event.project_id for event in events if isinstance(event, Opened)]
            talk.project_id = opened[0] if opened else talk.project_id
            if thread is not None and talk.project_id != thread.project_id:
                # A new project knows nothing of what was said before.
                raise UpstreamError(Failure(Kind.STALE_PROJECT, "another project was opened"))
            if any(isinstance(event, VISIBLE) for event in events):
                return
            for failed in (event for event in events if isinstance(event, Failed)):
                for event in talk.head:
                    await act_on(event, borrowed, self.desk)
                raise UpstreamError(failed.failure)
