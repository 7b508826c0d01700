"""Where an answer of the key route ends early: stop sequences and a token limit."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from genspark_emulator.answer import Answer, words
from genspark_emulator.events import JsonObject

CHARACTERS_PER_TOKEN = 4
"""As ``count_tokens`` counts."""


def limited(answer: Answer, body: JsonObject) -> Answer:
    """The answer as ``stop`` and ``max_completion_tokens`` (or ``max_tokens``) leave it.

    Tool calls and an answer whose finish reason is scripted stay as they are.
    """
    if answer.tool_calls or answer.finish_reason:
        return answer
    text = answer.text
    end = min((found for stop in _stops(body) if (found := text.find(stop)) >= 0), default=None)
    most = body.get("max_completion_tokens") or body.get("max_tokens")
    length = most * CHARACTERS_PER_TOKEN if isinstance(most, int) else len(text)
    if length < (len(text) if end is None else end):
        return replace(answer, deltas=words(text[:length]), finish_reason="length")
    return answer if end is None else replace(answer, deltas=words(text[:end]))


def _stops(body: JsonObject) -> Iterator[str]:
    stop: Any = body.get("stop")
    stops = stop if isinstance(stop, list) else [stop]
    return (each for each in stops if isinstance(each, str) and each)
