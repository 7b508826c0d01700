"""An answer that has begun: its batches, what they mean for the account, and its end."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from proxy.core.answer import Answer
from proxy.core.ask import ChatAsk, Role, ToolCall, Turn
from proxy.core.events import ChatEvent, Failed, Limited, Noted, TextDelta
from proxy.core.failures import WAITING_HELPS, Failure, Kind, UpstreamError
from proxy.core.products import Product, Route
from proxy.core.tokens import count, count_prompt
from proxy.services.conversations import Conversation, Conversations
from proxy.services.desk import Borrowed, Desk
from proxy.wire.genspark_key_ask import takes_several
from proxy.wire.openai_completion import native_usage, usage_of
from proxy.wire.text_turns import text_turns


@dataclass(slots=True)
class ChatAnswer:
    """An answer whose first visible event has arrived. Close it, whatever happens.

    ``reply`` is the answer as the caller will send it back; None when it did not see all of it.
    """

    route: Route
    account: str
    attempts: int
    ignored: list[str]
    _ask: ChatAsk
    _desk: Desk
    _conversations: Conversations
    _borrowed: Borrowed
    _talk: Conversation
    _deadline: float
    _keep: Callable[[Turn], None]
    full: Answer = field(default_factory=Answer)
    failure: Failure | None = None
    retry_after: float | None = None
    ended: bool = False
    reply: Turn | None = None
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

    @property
    def has_all_choices(self) -> bool:
        """Whether the upstream gives as many choices as were asked for by itself."""
        candidate = self._borrowed.candidate
        return candidate.route is Route.KEY and takes_several(candidate.model)

    async def begin(self) -> list[ChatEvent]:
        """What came up to and with the first visible event."""
        await self._enter(self._talk.head)
        return self._talk.head

    async def next_events(self) -> list[ChatEvent]:
        """The next batch; afterwards ``ended`` and ``failure`` say whether it was the last."""
        try:
            events = await self._talk.stream.next_events()
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
                await self._desk.punish(self._borrowed.seat, Product.CHAT, event.failure)
                if event.failure.kind in WAITING_HELPS:
                    here = [self._borrowed.candidate]
                    self.retry_after = self._desk.soonest(here, Product.CHAT)
            else:
                self.full.add(event)
                await act_on(event, self._borrowed, self._desk)
        self.ended = self.ended or self._talk.stream.done
        if self.ended and self.failure is None:
            self.reply = reply_turn(self.full)

    def usage(self) -> dict[str, int]:
        """The upstream's own counts where it gives any, else ours, counted once."""
        native = native_usage(self.full.usage)
        return native or usage_of(self.prompt_tokens(), count(self.full.output_text()))

    def prompt_tokens(self) -> int:
        """Our own count of what was asked, with what the server added to it."""
        web = self.route is not Route.KEY
        return count_prompt(text_turns(self._ask) if web else self._ask.turns)

    async def aclose(self) -> None:
        """Let the account go; delete or abort the conversation as configured."""
        if self._closed:
            return
        self._closed = True
        try:
            if self.reply is not None:
                self._keep(self.reply)
            await self._conversations.close(
                self._talk, self._borrowed, finished=self._talk.stream.done
            )
        finally:
            self._desk.give_back(self._borrowed.seat)


async def act_on(event: ChatEvent, borrowed: Borrowed, desk: Desk) -> None:
    """Events that say something about the account or the wire, not about the answer."""
    if isinstance(event, Limited):
        await desk.punish(borrowed.seat, Product.CHAT, event.failure)
    elif isinstance(event, Noted):
        desk.metrics.frames.labels(event.what).inc()


def reply_turn(answer: Answer) -> Turn:
    """The answer as the caller will send it back with its next question."""
    choice = answer.choice(0)
    calls = tuple(ToolCall(c.id, c.name, c.arguments) for _, c in sorted(choice.calls.items()))
    return Turn(Role.ASSISTANT, "".join(choice.text), calls=calls)
