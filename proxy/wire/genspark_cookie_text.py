"""The text of a cookie route's answer: deltas and full fields of several bubbles, each said once.

Deltas are passed on at once; a full field repeats what was streamed, so only a missing tail is
added. A beginning that a canned refusal shares is held back until it is something else.
"""

from collections.abc import Iterator
from typing import Final

from proxy.core.events import ChatEvent, Noted, ReasoningDelta, TextDelta
from proxy.wire import canned

# What tools say is only looked through for sources: no more than this of it, in characters.
_ROOM: Final = 256 * 1024


class Message:
    """What has been seen of one message bubble."""

    __slots__ = ("_joined", "_parts", "role")

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._joined = ""
        self.role = "assistant"

    @property
    def text(self) -> str:
        """Everything streamed so far."""
        if self._parts:
            self._joined += "".join(self._parts)
            self._parts.clear()
        return self._joined

    def append(self, delta: str) -> None:
        """Enter a further delta."""
        self._parts.append(delta)


class AnswerText:
    """All bubbles of one answer. ``current`` is the one that speaks."""

    def __init__(self) -> None:
        self._messages: dict[str, Message] = {}
        self._thought = Message()
        self._held: list[str] | None = []
        self._room = _ROOM
        self.current = ""

    def message(self, name: str) -> Message:
        """The bubble of this name, made on first sight."""
        found = self._messages.get(name)
        if found is None:
            found = self._messages[name] = Message()
        return found

    def role_of(self, name: str) -> str | None:
        """Who speaks in the bubble of this name; None when there is no such bubble."""
        found = self._messages.get(name)
        return found.role if found else None

    def texts(self, role: str) -> Iterator[str]:
        """What each bubble of a role has streamed."""
        return (message.text for message in self._messages.values() if message.role == role)

    def said(self) -> str:
        """The answer so far."""
        return "".join(self.texts("assistant"))

    def append(self, name: str, delta: str, events: list[ChatEvent]) -> None:
        """A further piece of a bubble."""
        message = self.message(name)
        if message.role != "assistant":
            self._overhear(message, delta)
            return
        if not delta:
            return
        self.current = name
        message.append(delta)
        if self._held is None:
            events.append(TextDelta(delta))
        else:
            self._hold(delta, events)

    def whole(self, name: str, text: str, events: list[ChatEvent]) -> None:
        """The full text of a bubble: whatever was not streamed of it yet is said."""
        message = self.message(name)
        if message.role != "assistant" or not text:
            return
        streamed = message.text
        if text.startswith(streamed):
            self.append(name, text[len(streamed) :], events)
        else:
            # What went out cannot be taken back.
            events.append(Noted("divergent_full_text"))

    def think(self, text: str, events: list[ChatEvent], *, whole: bool) -> None:
        """Reasoning comes before the answer; what comes later would mix the two: dropped."""
        seen = self._thought.text
        fresh = text[len(seen) :] if whole and text.startswith(seen) else "" if whole else text
        if fresh and not self.said():
            self._thought.append(fresh)
            events.append(ReasoningDelta(fresh))

    def release(self, events: list[ChatEvent]) -> None:
        """Say what is held back: it is no refusal."""
        if self._held:
            events.extend(TextDelta(text) for text in self._held)
        self._held = None

    def _overhear(self, message: Message, delta: str) -> None:
        if message.role == "tool" and self._room > 0:
            self._room -= len(delta)
            message.append(delta)

    def _hold(self, delta: str, events: list[ChatEvent]) -> None:
        assert self._held is not None
        self._held.append(delta)
        if not canned.may_become("".join(self._held), canned.CHAT):
            self.release(events)
