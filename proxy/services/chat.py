"""The story of one chat: candidates, then attempts until the first visible event."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import uuid4

from proxy.core.abilities import able
from proxy.core.ask import ChatAsk, Turn
from proxy.core.catalogue import Candidate, Catalogue, UnknownModel
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.products import Product, Route
from proxy.services.answering import Answering
from proxy.services.attachments import Attachments
from proxy.services.attempts import Attempts, GaveUp, Success
from proxy.services.chat_answer import ChatAnswer
from proxy.services.conversations import Conversation, Conversations
from proxy.services.desk import Borrowed, Desk
from proxy.services.opening import AskFiles, Opening
from proxy.services.several import SeveralAnswers
from proxy.services.sticky import ANONYMOUS, Sticky, Thread
from proxy.services.supplied import SuppliedAnswer
from proxy.telemetry import log
from proxy.wire.genspark_key_ask import ignored as ignored_by_key
from proxy.wire.openai_parameters import unused_by_text_route
from proxy.wire.openai_wishes import check_schemas
from proxy.wire.text_answer import TextAnswer, supplies

# A cookie flow that says it is retired may say so by mistake; the legacy one is known to be.
RETIRED_REST: Final = 600.0


class UnknownModelAsked(Exception):
    """No configured route serves this model."""


@dataclass(slots=True)
class ChatService:
    """Everything a chat needs. Times are in seconds."""

    desk: Desk
    catalogue: Catalogue
    conversations: Conversations
    opening: Opening
    attachments: Attachments
    sticky: Sticky
    tasks: asyncio.TaskGroup
    routes: list[Route]
    unknown: UnknownModel
    max_attempts: int
    answer_timeout: float
    clock: Callable[[], float] = time.time
    _retired: dict[Route, float] = field(default_factory=dict)

    async def open(
        self, ask: ChatAsk, candidates: list[Candidate], caller: str = ANONYMOUS
    ) -> Answering:
        """The answer, once there is something to see. Raises ``GaveUp``, ``InvalidRequest``.

        ``caller`` is whose conversation it is.
        """
        files = AskFiles(self.attachments, ask.turns)
        if candidates[0].route is not Route.KEY:
            check_schemas(ask.wishes)
            await files.load()
        first = await self._open_first(ask, candidates, files, caller)
        supplied = self._supplied(ask, candidates, files, first)
        if ask.wishes.choices == 1 or first.has_all_choices:
            return supplied
        single = _for_one_choice(ask)

        async def another() -> Answering:
            """A further choice; its seat may have to wait for its siblings'."""
            success = await self._attempt(single, candidates, files)
            answer = self._answer(single, success, ANONYMOUS)
            return self._supplied(single, candidates, files, answer)

        return SeveralAnswers(supplied, another, ask.wishes.choices, self.tasks)

    async def _open_first(
        self, ask: ChatAsk, candidates: list[Candidate], files: AskFiles, caller: str
    ) -> ChatAnswer:
        thread = self.sticky.take(caller, ask)
        continued = await self._continue(ask, candidates, files, thread) if thread else None
        if isinstance(continued, Success):
            return self._answer(ask, continued, caller)
        failed = 0 if continued is None else 1
        try:
            success = await self._attempt(ask, candidates, files)
        except GaveUp as gave_up:
            gave_up.attempts += failed
            raise
        return self._answer(ask, success, caller, failed)

    async def _attempt(
        self, ask: ChatAsk, candidates: list[Candidate], files: AskFiles
    ) -> Success[Conversation]:
        attempts: Attempts[Conversation] = Attempts(
            self.desk,
            candidates,
            Product.CHAT,
            lambda borrowed, again: self.opening.open(ask, borrowed, files, again=again),
            self.max_attempts,
            self._retire,
            close=lambda talk, borrowed: self.conversations.close(talk, borrowed, finished=False),
        )
        return await attempts.run()

    async def _continue(
        self, ask: ChatAsk, candidates: list[Candidate], files: AskFiles, thread: Thread
    ) -> Success[Conversation] | Failure | None:
        """Go on in the conversation's own project, on its account; None when that cannot be."""
        if thread.candidate not in candidates:
            return None
        borrowed = self.desk.borrow_at_once(thread.account_id, thread.candidate, Product.CHAT)
        if borrowed is None:
            return None
        try:
            talk = await self.opening.open(ask, borrowed, files, thread=thread)
        except UpstreamError as error:
            await self._not_continued(borrowed, error.failure)
            return error.failure
        except BaseException:
            self.desk.give_back(borrowed.seat)
            raise
        self._count(borrowed, "ok")
        return Success(talk, borrowed, 1)

    async def _not_continued(self, borrowed: Borrowed, failure: Failure) -> None:
        seat = borrowed.seat
        self._count(borrowed, failure.kind.value)
        log.info("conversation.lost", account=seat.account.label, failure=failure.kind.value)
        try:
            await self.desk.punish(seat, Product.CHAT, failure)
        finally:
            self.desk.give_back(seat)

    def _count(self, borrowed: Borrowed, outcome: str) -> None:
        self.desk.metrics.attempts.labels(borrowed.candidate.route.value, outcome).inc()

    def _supplied(
        self, ask: ChatAsk, candidates: list[Candidate], files: AskFiles, answer: ChatAnswer
    ) -> Answering:
        """The answer with what its route cannot do; as it is when there is nothing to do."""
        if answer.route is Route.KEY or not supplies(ask.wishes):
            return answer

        # A native route would answer in its own way, to the request as it came.
        routes = [each for each in candidates if each.route is not Route.KEY]

        async def again(turns: tuple[Turn, ...]) -> ChatAnswer:
            longer = replace(ask, turns=ask.turns + turns)
            return self._answer(longer, await self._attempt(longer, routes, files), ANONYMOUS)

        return SuppliedAnswer(answer, TextAnswer(ask.wishes, uuid4().hex), again)

    def _answer(
        self, ask: ChatAsk, success: Success[Conversation], caller: str, failed: int = 0
    ) -> ChatAnswer:
        candidate, account = success.borrowed.candidate, success.borrowed.seat.account
        web = candidate.route is not Route.KEY
        project = success.opened.project_id if web and success.opened.given is None else None

        def keep(reply: Turn) -> None:
            if project is not None:
                self.sticky.keep(caller, ask, reply, Thread(account.id, project, candidate))

        return ChatAnswer(
            route=candidate.route,
            account=account.label,
            attempts=success.attempts + failed,
            ignored=self._ignored(ask, candidate),
            _ask=ask,
            _desk=self.desk,
            _conversations=self.conversations,
            _borrowed=success.borrowed,
            _talk=success.opened,
            _deadline=asyncio.get_running_loop().time() + self.answer_timeout,
            _keep=keep,
        )

    def _ignored(self, ask: ChatAsk, candidate: Candidate) -> list[str]:
        if candidate.route is Route.KEY:
            return ignored_by_key(ask, candidate)
        ignored = unused_by_text_route(ask.native)
        effort = ask.wishes.effort
        return [*ignored, "reasoning_effort"] if effort and not candidate.efforts else ignored

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
        return [self._with_effort(each, ask.wishes.effort) for each in able(found, ask)]

    def _with_effort(self, candidate: Candidate, effort: str) -> Candidate:
        """The model's own variant for this effort, on routes that know effort only by name."""
        if candidate.route is Route.KEY or not effort or candidate.mixture:
            return candidate
        variant = self.catalogue.variant(candidate.route, candidate.model, effort)
        return replace(candidate, model=variant, efforts=(effort,)) if variant else candidate

    def _retire(self, route: Route) -> None:
        if route is Route.KEY:
            return
        legacy = route is Route.LEGACY
        self._retired[route] = float("inf") if legacy else self.clock() + RETIRED_REST
        setting = "ENABLE_LEGACY_COPILOT" if legacy else "ROUTE_ORDER"
        log.error("route.retired", route=route.value, setting=setting, until_restart=legacy)


def _for_one_choice(ask: ChatAsk) -> ChatAsk:
    native = {name: value for name, value in ask.native.items() if name != "n"}
    return replace(ask, native=native, wishes=replace(ask.wishes, choices=1))
