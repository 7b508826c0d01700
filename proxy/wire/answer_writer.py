"""What a dialect's streaming writer can do, whatever the dialect."""

from collections.abc import Iterable
from typing import Any, Protocol

from proxy.core.answer import Answer
from proxy.core.events import ChatEvent
from proxy.wire.openai_errors import ErrorReply


class AnswerWriter(Protocol):
    """Turns one answer's events into bytes of one event stream.

    Each method returns whole server-sent events, ready for one write; empty bytes mean that there
    is nothing to send. Exactly one of ``end`` and ``failure`` is called, and last.
    """

    def write(self, events: Iterable[ChatEvent]) -> bytes:
        """The events of one network read."""

    def end(self, answer: Answer, usage: dict[str, Any], note: str) -> bytes:
        """A good end: ``answer`` is all that was written, ``usage`` an OpenAI ``usage`` object,
        ``note`` a line for people with curl ('' for none), sent as an SSE comment.
        """

    def failure(self, reply: ErrorReply) -> bytes:
        """An honest end of an answer that failed half way."""
