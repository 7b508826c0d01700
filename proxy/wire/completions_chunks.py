"""Write an answer as chunks of the legacy completions dialect.

The rules for lines are those of ``openai_chunks``: ``data: `` with one space, no line above 32 KiB,
usage only when asked for, ``[DONE]`` at the end.
"""

from collections.abc import Iterable
from typing import Any, Final

import msgspec

from proxy.core.answer import Answer
from proxy.core.events import ChatEvent, Finished, RefusalDelta, TextDelta
from proxy.wire.completions import choice_object, finish_reason
from proxy.wire.openai_chunks import DONE, comment, pieces
from proxy.wire.openai_errors import ErrorReply

_json: Final = msgspec.json.Encoder().encode


class CompletionWriter:
    """An ``AnswerWriter``: same ``id``, ``created`` and ``model`` in all chunks."""

    def __init__(
        self,
        completion_id: str,
        created: int,
        model: str,
        *,
        include_usage: bool = False,
        echo: str = "",
    ) -> None:
        head = {
            "id": completion_id,
            "object": "text_completion",
            "created": created,
            "model": model,
        }
        self._head = b"data: " + _json(head)[:-1]
        self._include_usage = include_usage
        self._echo = echo
        self._envelopes: dict[int, tuple[bytes, bytes]] = {}
        self._finished: set[int] = set()

    def write(self, events: Iterable[ChatEvent]) -> bytes:
        """The chunks of one network read's events."""
        out: list[bytes] = []
        for event in events:
            if isinstance(event, TextDelta | RefusalDelta):
                self._say(event.choice, event.text, out)
            elif isinstance(event, Finished):
                self._finish(event.choice, event.reason, out)
        return b"".join(out)

    def end(self, answer: Answer, usage: dict[str, Any], note: str) -> bytes:
        """The rest after the last piece of text."""
        out: list[bytes] = []
        for index, choice in sorted(answer.choices.items()):
            if index not in self._finished:
                self._finish(index, choice.finish, out)
        if note:
            out.append(comment(note))
        if self._include_usage:
            out.append(self._head + b',"choices":[],"usage":' + _json(usage) + b"}\n\n")
        return b"".join((*out, DONE))

    def failure(self, reply: ErrorReply) -> bytes:
        """An error event, at which the SDKs raise."""
        return b"data: " + reply.encoded() + b"\n\n" + DONE

    def _say(self, choice: int, text: str, out: list[bytes]) -> None:
        before, after = self._envelope(choice, out)
        out.extend(before + _json(piece) + after for piece in pieces(text))

    def _finish(self, choice: int, reason: str | None, out: list[bytes]) -> None:
        self._envelope(choice, out)
        self._finished.add(choice)
        out.append(self._chunk(choice, "", finish_reason(reason)))

    def _envelope(self, choice: int, out: list[bytes]) -> tuple[bytes, bytes]:
        """Everything around a choice's text, encoded once; the echo goes out before the first."""
        found = self._envelopes.get(choice)
        if found is None:
            before, after = self._chunk(choice, "\x00", None).rsplit(_json("\x00"), 1)
            found = self._envelopes[choice] = before, after
            out.extend(self._chunk(choice, piece, None) for piece in pieces(self._echo))
        return found

    def _chunk(self, choice: int, text: str, finish: str | None) -> bytes:
        body = choice_object(choice, text, finish)
        return self._head + b',"choices":[' + _json(body) + b"]}\n\n"
