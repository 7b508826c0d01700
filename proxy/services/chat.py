"""The story of one chat: candidates, then attempts until the first visible event."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from proxy.core.abilities import able
from proxy.core.ask import ChatAsk
from proxy.core.catalogue import Candidate, Catalogue, UnknownModel
from proxy.core.events import VISIBLE, Failed, Opened
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.products import Product, Route
from proxy.services.attempts import Attempts, GaveUp, Success
from proxy.services.chat_answer import ChatAnswer, act_on
from proxy.services.conversations import Conversation, Conversations
from proxy.services.desk import Borrowed, Desk
from proxy.services.recaptcha import Tokens
from proxy.telemetry import log
from proxy.upstreams.genspark import ChatStream, Genspark
from proxy.wire.genspark_key_ask import ignored as ignored_by_key
from proxy.wire.openai_parameters import unused_by_text_route

# A cookie flow that says it is retired may say so by mistake; the legacy one is known to be.
RETIRED_REST: Final = 600.0


class UnknownModelAsked(Exception):
    """No configured route serves this model."""


@dataclass(slots=True)
class ChatService:
    """Everything a chat needs. Times are in seconds."""

    genspark: Genspark
    tokens: Tokens
    desk: Desk
    catalogue: Catalogue
    conversations: Conversations
    routes: list[Route]
    unknown: UnknownModel
    max_attempts: int
    first_event_timeout: float
    answer_timeout: float
    clock: Callable[[], float] = time.time
    _retired: dict[Route, float] = field(default_factory=dict)

    async def open(self, ask: ChatAsk, candidates: list[Candidate]) -> ChatAnswer:
        """The answer, once there is something to see. Raises ``GaveUp``."""
        attempts: Attempts[Conversation] = Attempts(
            self.desk,
            candidates,
            Product.CHAT,
            lambda borrowed, again: self._open_one(ask, borrowed, again=again),
            self.max_attempts,
            self._retire,
            close=lambda talk, borrowed: self.conversations.close(talk, borrowed, finished=False),
        )
        return self._answer(ask, await attempts.run())

    def _answer(self, ask: ChatAsk, success: Success[Conversation]) -> ChatAnswer:
        candidate = success.borrowed.candidate
        if candidate.route is Route.KEY:
            ignored = ignored_by_key(ask, candidate)
        else:
            ignored = unused_by_text_route(ask.native)
        return ChatAnswer(
            route=candidate.route,
            account=success.borrowed.seat.account.label,
            attempts=success.attempts,
            ignored=ignored,
            _ask=ask,
            _desk=self.desk,
            _conversations=self.conversations,
            _borrowed=success.borrowed,
            _talk=success.opened,
            _deadline=asyncio.get_running_loop().time() + self.answer_timeout,
        )

    def model_names(self) -> list[str]:
        """The public names that the configured routes serve."""
        return self.catalogue.names(set(self._configured()))

    def _configured(self) -> list[Route]:
        return [route for route in self.routes if self.desk.pool.has(route.credential)]

    def plan(self, ask: ChatAsk) -> list[Candidate]:
        """The ways to serve this ask, best first.

        Raises ``GaveUp``, ``UnknownModelAsked``, ``InvalidRequest``.
        """
        configured = self._configured()
        if not configured:
            raise GaveUp(Failure(Kind.NO_ACCOUNT, "no account is configured"), None, 0)
        now = self.clock()
        live = [route for route in configured if self._retired.get(route, 0) <= now]
        if not live:
            raise GaveUp(Failure(Kind.RETIRED, "every configured route is retired"), None, 0)
        found = self.catalogue.candidates(ask.model, live, self.unknown)
        if not found:
            raise UnknownModelAsked(ask.model)
        return able(found, ask)

    def _retire(self, route: Route) -> None:
        if route is Route.KEY:
            return
        legacy = route is Route.LEGACY
        self._retired[route] = float("inf") if legacy else self.clock() + RETIRED_REST
        setting = "ENABLE_LEGACY_COPILOT" if legacy else "ROUTE_ORDER"
        log.error("route.retired", route=route.value, setting=setting, until_restart=legacy)

    async def _open_one(self, ask: ChatAsk, borrowed: Borrowed, *, again: bool) -> Conversation:
        """One attempt, up to its first visible event. Raises ``UpstreamError`` before that."""
        route = borrowed.candidate.route
        given = None if again else self.conversations.take_project(ask.model, route)
        talk: Conversation | None = None
        try:
            async with asyncio.timeout(self.first_event_timeout):
                talk = Conversation(await self._ask(ask, borrowed, given), given)
                await self._read_head(talk, borrowed)
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

    async def _ask(self, ask: ChatAsk, borrowed: Borrowed, project: str | None) -> ChatStream:
        """One ask; a refusal for want of a reCAPTCHA token is met with a token, once."""
        account, candidate = borrowed.seat.account, borrowed.candidate
        if candidate.route is Route.KEY:
            return await self.genspark.open_chat(account, ask, candidate, None)
        cookie = self.genspark.cookie(account)
        token = await self.tokens.before_ask(cookie, Product.CHAT)
        try:
            return await self.genspark.open_chat(account, ask, candidate, project, token)
        except UpstreamError as error:
            if token or error.failure.kind is not Kind.FORBIDDEN:
                raise
            token = await self.tokens.after_refusal(cookie, Product.CHAT)
            if not token:
                raise
        return await self.genspark.open_chat(account, ask, candidate, project, token)

    async def _read_head(self, talk: Conversation, borrowed: Borrowed) -> None:
        while True:
            events = await talk.stream.next_events()
            if events is None:
                events = [Failed(Failure(Kind.EMPTY, "the stream ended without an answer"))]
            talk.head += events
            opened = [event.project_id for event in events if isinstance(event, Opened)]
            talk.project_id = opened[0] if opened else talk.project_id
            if any(isinstance(event, VISIBLE) for event in events):
                return
            for failed in (event for event in events if isinstance(event, Failed)):
                for event in talk.head:
                    await act_on(event, borrowed, self.desk)
                raise UpstreamError(failed.failure)
