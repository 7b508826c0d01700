"""A full answer is a fold over the events of its stream."""

from dataclasses import dataclass, field
from typing import Any

from proxy.core.events import (
    ChatEvent,
    Cited,
    Counted,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Served,
    TextDelta,
    ToolCallDelta,
    Verbatim,
)


@dataclass(slots=True)
class Call:
    """A tool call, joined."""

    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class Choice:
    """One of the answer's choices, joined."""

    text: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[int, Call] = field(default_factory=dict)
    refusal: list[str] = field(default_factory=list)
    citations: list[Cited] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    beside: dict[str, Any] = field(default_factory=dict)
    finish: str | None = None
    stop: str = ""


@dataclass(slots=True)
class Answer:
    """Everything a stream said, whether it was also passed on piece by piece or not."""

    choices: dict[int, Choice] = field(default_factory=lambda: {0: Choice()})
    usage: dict[str, Any] | None = None
    served_model: str | None = None

    def add(self, event: ChatEvent) -> None:
        """Enter one event; those that carry no answer are passed over."""
        if isinstance(event, TextDelta):
            self.choice(event.choice).text.append(event.text)
        elif isinstance(event, ReasoningDelta):
            self.choice(event.choice).reasoning.append(event.text)
        elif isinstance(event, ToolCallDelta):
            self._add_fragment(event)
        elif isinstance(event, RefusalDelta):
            self.choice(event.choice).refusal.append(event.text)
        elif isinstance(event, Cited):
            self.choice(event.choice).citations.append(event)
        elif isinstance(event, Finished):
            choice = self.choice(event.choice)
            choice.finish, choice.stop = event.reason, event.stop
        elif isinstance(event, Verbatim):
            self._add_fields(event)
            self.choice(event.choice).beside |= event.beside
        elif isinstance(event, Counted):
            self.usage = event.usage
        elif isinstance(event, Served):
            self.served_model = event.model

    def choice(self, index: int) -> Choice:
        """The choice with this index, made on first sight."""
        found = self.choices.get(index)
        if found is None:
            found = self.choices[index] = Choice()
        return found

    def _add_fields(self, event: Verbatim) -> None:
        """Lists (``annotations``, say) grow from chunk to chunk; other fields are replaced."""
        extra = self.choice(event.choice).extra
        for name, value in event.delta.items():
            longer = isinstance(value, list) and isinstance(extra.get(name), list)
            extra[name] = [*extra[name], *value] if longer else value

    def _add_fragment(self, event: ToolCallDelta) -> None:
        call = self.choice(event.choice).calls.setdefault(event.index, Call())
        call.id = event.id or call.id
        call.name = event.name or call.name
        call.arguments += event.arguments

    def output_text(self) -> str:
        """All that counts as completion tokens, joined once."""
        return "".join(
            part
            for choice in self.choices.values()
            for part in (
                *choice.reasoning,
                *choice.text,
                *choice.refusal,
                *(call.name + call.arguments for call in choice.calls.values()),
            )
        )
