"""An answer of a text-only route, with what the server supplies, and its one repair."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from proxy.core.answer import Answer
from proxy.core.ask import Turn
from proxy.core.events import ChatEvent, Failed
from proxy.core.failures import Failure
from proxy.core.products import Route
from proxy.core.tokens import count
from proxy.services.attempts import GaveUp
from proxy.services.chat_answer import ChatAnswer, reply_turn
from proxy.wire.openai_completion import usage_of
from proxy.wire.text_answer import TextAnswer

# Asks once more, with these turns behind the conversation. Raises ``GaveUp``.
Again = Callable[[tuple[Turn, ...]], Awaitable[ChatAnswer]]


@dataclass(slots=True)
class SuppliedAnswer:
    """See ``Answering``."""

    _first: ChatAnswer
    _reader: TextAnswer
    _again: Again
    full: Answer = field(default_factory=Answer)
    ended: bool = False
    failure: Failure | None = None
    _second: ChatAnswer | None = None

    @property
    def route(self) -> Route:
        """The first ask's; a repair may go another way."""
        return self._first.route

    @property
    def account(self) -> str:
        """The label of the account that was asked first."""
        return self._first.account

    @property
    def attempts(self) -> int:
        """Of the first ask: headers are gone before there is a second."""
        return self._first.attempts

    @property
    def ignored(self) -> list[str]:
        """Parameters without effect."""
        return self._first.ignored

    @property
    def served_model(self) -> str | None:
        """What the upstream says it used."""
        return self._first.served_model

    @property
    def substituted(self) -> bool:
        """Whether another model answered."""
        return self._first.substituted

    @property
    def retry_after(self) -> float | None:
        """Seconds until the account is free again, after a failure."""
        return self._first.retry_after

    async def begin(self) -> list[ChatEvent]:
        """Often empty: a structured answer is seen when it is whole."""
        return await self._shown(await self._first.begin())

    async def next_events(self) -> list[ChatEvent]:
        """The next batch of the first ask, or of the repair."""
        if self._second is None:
            return await self._shown(await self._first.next_events())
        events = self._reader.read(await self._second.next_events())
        if self._second.ended and not self._reader.ended:
            events += self._reader.give_up()
        return self._enter(events, over=self._reader.ended or self._second.ended)

    async def _shown(self, events: list[ChatEvent]) -> list[ChatEvent]:
        shown = self._reader.read(events)
        if self._reader.ended and self._reader.wanted is not None:
            return self._enter(shown + await self._repair(), over=self._reader.ended)
        self.failure = None if self._reader.ended else self._first.failure
        return self._enter(shown, over=self._reader.ended or self._first.ended)

    async def _repair(self) -> list[ChatEvent]:
        """Open the second ask; what came with its opening."""
        turns = self._reader.repair_turns()
        # Its project holds what the caller does not see. The repair may need its account's seat.
        self._first.reply = None
        await self._first.aclose()
        try:
            second = self._second = await self._again(turns)
        except GaveUp:
            return self._reader.give_up()
        self._reader.begin_repair()
        return self._reader.read(await second.begin())

    def _enter(self, events: list[ChatEvent], *, over: bool) -> list[ChatEvent]:
        for event in events:
            if not isinstance(event, Failed):
                self.full.add(event)
        self.ended = over
        if over:
            self._first.reply = reply_turn(self.full) if self._is_whole() else None
        return events

    def _is_whole(self) -> bool:
        """Whether the upstream's own thread holds what the caller saw: no more, no less."""
        reader = self._reader
        as_it_came = self._second is None and not (reader.cut or reader.silenced)
        return as_it_came and self.failure is None and self._first.reply is not None

    def usage(self) -> dict[str, int]:
        """What was asked, in both asks, and what the caller was told."""
        asks = [self._first, *([self._second] if self._second else [])]
        said = count(self.full.output_text())
        return usage_of(sum(each.prompt_tokens() for each in asks), said)

    async def aclose(self) -> None:
        """Both asks; an upstream that still talks is stopped."""
        try:
            await self._first.aclose()
        finally:
            if self._second is not None:
                await self._second.aclose()
