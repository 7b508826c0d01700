"""The story of one chat: candidates, attempts until the first visible event, then the stream."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from proxy.core.answer import Answer
from proxy.core.ask import ChatAsk, InvalidRequest, Need
from proxy.core.catalogue import Candidate, Catalogue, UnknownModel
from proxy.core.events import VISIBLE, ChatEvent, Failed, Limited, Noted, Opened, TextDelta
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.products import Product, Route
from proxy.core.tokens import count, count_prompt
from proxy.services.aftermath import Aftermath
from proxy.services.attempts import Attempts, GaveUp, Success
from proxy.services.desk import Borrowed, Desk
from proxy.services.recaptcha import Tokens
from proxy.telemetry import Metrics, log
from proxy.upstreams.genspark import ChatStream, Genspark
from proxy.wire.genspark_key_ask import ignored as ignored_by_key
from proxy.wire.openai_completion import native_usage, usage_of
from proxy.wire.openai_parameters import unused_by_text_route

# How long the end of an upstream's stream may take after its end mark.
DRAIN_SECONDS: Final = 5.0
# A cookie flow that says it is retired may say so by mistake; the legacy one is known to be.
RETIRED_REST: Final = 600.0

_ABILITIES: Final[dict[Route, frozenset[Need]]] = {
    Route.KEY: frozenset(Need) - {Need.SEARCH},
    Route.COOKIE: frozenset({Need.SEARCH}),
    Route.LEGACY: frozenset({Need.SEARCH}),
}


class UnknownModelAsked(Exception):
    """No configured route serves this model."""


@dataclass(slots=True)
class _Opening:
    """One attempt's stream with what it said before and with its first visible event."""

    stream: ChatStream
    head: list[ChatEvent]
    project_id: str | None
    given_project: str | None


@dataclass(slots=True)
class ChatAnswer:
    """An answer whose first visible event has arrived. Close it, whatever happens."""

    route: Route
    account: str
    attempts: int
    head: list[ChatEvent]
    full: Answer
    ignored: list[str]
    _ask: ChatAsk
    _service: "ChatService"
    _borrowed: Borrowed
    _opening: _Opening
    _deadline: float
    failure: Failure | None = None
    ended: bool = False
    _closed: bool = False

    @property
    def served_model(self) -> str | None:
        """What the upstream says it used; for a mixture what was asked for is known before."""
        mixture = self._borrowed.candidate.mixture
        return self.full.served_model or (",".join(mixture) if mixture else None)

    @property
    def substituted(self) -> bool:
        """Whether another model answered than the one this route was asked for."""
        candidate, served = self._borrowed.candidate, self.full.served_model
        return bool(served and not candidate.mixture and served != candidate.model)

    async def next_events(self) -> list[ChatEvent]:
        """The next batch; afterwards ``ended`` and ``failure`` say whether it was the last."""
        try:
            events = await self._opening.stream.next_events()
        except UpstreamError as error:
            events = [Failed(error.failure)]
        # Looked at per batch, as a timer per batch costs a tenth of a paced frame; a silent
        # upstream ends by IDLE_TIMEOUT.
        if asyncio.get_running_loop().time() > self._deadline:
            events = [Failed(Failure(Kind.TIMEOUT, "ANSWER_TIMEOUT is over"))]
        if events is None:
            self.ended = True
            return []
        await self._enter(events)
        return events

    async def _enter(self, events: list[ChatEvent]) -> None:
        """Fold the batch into the full answer and act on what is not part of it."""
        texts = self.full.choice(0).text
        for event in events:
            if type(event) is TextDelta and event.choice == 0:
                texts.append(event.text)
            elif isinstance(event, Failed):
                self.failure, self.ended = event.failure, True
                await self._service.desk.punish(self._borrowed.seat, Product.CHAT, event.failure)
            else:
                self.full.add(event)
                await self._service.act_on(event, self._borrowed)
        self.ended = self.ended or self._opening.stream.done

    def usage(self) -> dict[str, int]:
        """The upstream's own counts where it gives any, else ours, counted once."""
        native = native_usage(self.full.usage)
        return native or usage_of(count_prompt(self._ask), count(self.full.output_text()))

    async def aclose(self) -> None:
        """Let the account go; delete or abort the conversation as configured."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._service.close(self._opening, self._borrowed, finished=self.ended)
        finally:
            self._service.desk.give_back(self._borrowed.seat)


@dataclass(slots=True)
class ChatService:
    """Everything a chat needs; ``projects`` maps a model to the operator's own project ids."""

    genspark: Genspark
    tokens: Tokens
    desk: Desk
    catalogue: Catalogue
    aftermath: Aftermath
    metrics: Metrics
    routes: list[Route]
    unknown: UnknownModel
    max_attempts: int
    first_event_timeout: float
    answer_timeout: float
    auto_delete: bool = False
    projects: dict[str, str] = field(default_factory=dict)
    clock: Callable[[], float] = time.time
    _projects_in_use: set[str] = field(default_factory=set)
    _retired: dict[Route, float] = field(default_factory=dict)

    async def open(self, ask: ChatAsk, candidates: list[Candidate]) -> ChatAnswer:
        """The answer, once there is something to see. Raises ``GaveUp``."""
        attempts: Attempts[_Opening] = Attempts(
            self.desk,
            candidates,
            Product.CHAT,
            lambda borrowed, again: self._open_one(ask, borrowed, again=again),
            self.max_attempts,
            self._retire,
        )
        answer = self._answer(ask, await attempts.run())
        try:
            await answer._enter(answer.head)
        except BaseException:
            await answer.aclose()
            raise
        return answer

    def _answer(self, ask: ChatAsk, success: Success[_Opening]) -> ChatAnswer:
        candidate = success.borrowed.candidate
        if candidate.route is Route.KEY:
            ignored = ignored_by_key(ask, candidate)
        else:
            ignored = unused_by_text_route(ask.native)
        return ChatAnswer(
            route=candidate.route,
            account=success.borrowed.seat.account.label,
            attempts=success.attempts,
            head=success.opened.head,
            full=Answer(),
            ignored=ignored,
            _ask=ask,
            _service=self,
            _borrowed=success.borrowed,
            _opening=success.opened,
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
        return _able(found, ask)

    def _retire(self, route: Route) -> None:
        if route is Route.KEY:
            return
        legacy = route is Route.LEGACY
        self._retired[route] = float("inf") if legacy else self.clock() + RETIRED_REST
        setting = "ENABLE_LEGACY_COPILOT" if legacy else "ROUTE_ORDER"
        log.error("route.retired", route=route.value, setting=setting, until_restart=legacy)

    async def _open_one(self, ask: ChatAsk, borrowed: Borrowed, *, again: bool) -> _Opening:
        """One attempt, up to its first visible event. Raises ``UpstreamError`` before that."""
        given = None if again else self._take_project(ask.model, borrowed)
        opening: _Opening | None = None
        try:
            async with asyncio.timeout(self.first_event_timeout):
                stream = await self._ask(ask, borrowed, given)
                opening = _Opening(stream, [], None, given)
                await self._read_head(opening, borrowed)
        except BaseException as error:
            self._projects_in_use.discard(given or "")
            if opening is not None:
                opening.given_project = None
                await self.close(opening, borrowed, finished=False, delete=given is None)
            if isinstance(error, TimeoutError):
                late = Failure(Kind.TIMEOUT, "FIRST_EVENT_TIMEOUT is over")
                raise UpstreamError(late) from None
            raise
        return opening

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

    async def _read_head(self, opening: _Opening, borrowed: Borrowed) -> None:
        while True:
            events = await opening.stream.next_events()
            if events is None:
                events = [Failed(Failure(Kind.EMPTY, "the stream ended without an answer"))]
            opening.head += events
            opened = [event.project_id for event in events if isinstance(event, Opened)]
            opening.project_id = opened[0] if opened else opening.project_id
            if any(isinstance(event, VISIBLE) for event in events):
                return
            for failed in (event for event in events if isinstance(event, Failed)):
                for event in opening.head:
                    await self.act_on(event, borrowed)
                raise UpstreamError(failed.failure)

    async def act_on(self, event: ChatEvent, borrowed: Borrowed) -> None:
        """Events that say something about the account or the wire, not about the answer."""
        if isinstance(event, Limited):
            await self.desk.punish(borrowed.seat, Product.CHAT, event.failure)
        elif isinstance(event, Noted):
            self.metrics.frames.labels(event.what).inc()

    def _take_project(self, model: str, borrowed: Borrowed) -> str | None:
        """The operator's project for this model, unless another conversation is using it."""
        if borrowed.candidate.route is Route.KEY:
            return None
        project = self.projects.get(model)
        if project is None or project in self._projects_in_use:
            return None
        self._projects_in_use.add(project)
        return project

    async def close(
        self, opening: _Opening, borrowed: Borrowed, *, finished: bool, delete: bool = True
    ) -> None:
        """Close a stream; then abort an unfinished run, and delete what is ours to delete."""
        if opening.given_project:
            self._projects_in_use.discard(opening.given_project)
            delete = False
        running = not (finished or opening.stream.done)
        try:
            if finished:
                await opening.stream.drain(DRAIN_SECONDS)
        finally:
            await opening.stream.aclose()
            wanted = delete and self.auto_delete
            key_route = borrowed.candidate.route is Route.KEY
            if opening.project_id is not None and not key_route and (running or wanted):
                work = self._after(opening.project_id, borrowed, abort=running, delete=wanted)
                self.aftermath.start(work, "after-chat")

    async def _after(
        self, project_id: str, borrowed: Borrowed, *, abort: bool, delete: bool
    ) -> None:
        account = borrowed.seat.account
        if abort:
            await self.genspark.abort(account, project_id)
        if delete:
            await self.genspark.delete_project(account, project_id)


def _able(candidates: list[Candidate], ask: ChatAsk) -> list[Candidate]:
    """The candidates that can do what the ask needs; 400 with a clear text when none can."""
    missing: set[Need] = set()
    able = []
    for candidate in candidates:
        needs = ask.needs | ({Need.SEARCH} if candidate.search else set())
        lacking = needs - _ABILITIES[candidate.route]
        missing |= lacking
        if not lacking:
            able.append(candidate)
    if able:
        return able
    raise _cannot(missing, ask)


def _cannot(missing: set[Need], ask: ChatAsk) -> InvalidRequest:
    if missing == {Need.SEARCH}:
        return InvalidRequest(
            "Web search needs a Genspark cookie (GS_COOKIE); this server has only API keys.",
            param="model",
            code="unsupported_value",
        )
    tools = "functions" if "functions" in ask.native else "tools"
    params = {Need.TOOLS: tools, Need.STRUCTURE: "response_format", Need.SEVERAL: "n"}
    first = min(missing - {Need.SEARCH}, key=str)
    wanted = ", ".join(sorted(missing - {Need.SEARCH}))
    return InvalidRequest(
        f"This model is served through a Genspark cookie, which does not take {wanted};"
        " an API key (GSK_API_KEY) does.",
        param=params.get(first, "messages"),
        code="unsupported_value",
    )
