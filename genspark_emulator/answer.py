"""The content of an answer, independent of the dialect it is told in."""

import re
from dataclasses import dataclass

from genspark_emulator.events import JsonObject
from genspark_emulator.question import Question

QUOTED_USER_TEXT = 4000
QUOTED_SYSTEM_TEXT = 160
QUOTED_EARLIER_TEXT = 160

DEFAULT_REASONING = "The question was read. It needs no tool, so a short answer will do."

_WORD = re.compile(r"\s*\S{1,24}|\s+\Z")
"""A word with the space before it; longer runs, such as CJK text, are cut every 24 characters."""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call of one of the client's tools; ``arguments`` is JSON text, valid or not."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model says. Empty fields mean "as usual"."""

    deltas: tuple[str, ...] = ()
    reasoning: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    served_model: str = ""
    usage: JsonObject | None = None
    finish_reason: str = ""

    @property
    def text(self) -> str:
        """The whole answer text."""
        return "".join(self.deltas)


def words(text: str) -> tuple[str, ...]:
    """Cut a text into word-sized deltas; joined together they give the text again."""
    return tuple(_WORD.findall(text))


def count_tokens(text: str) -> int:
    """A rough count, about four characters per token; the real tokeniser is not known."""
    return (len(text) + 3) // 4


def shortened(text: str, limit: int) -> str:
    """The text, or its beginning followed by an ellipsis."""
    return text if len(text) <= limit else text[:limit] + "…"


def default_text(question: Question) -> str:
    """An answer that a person watching a demo can make sense of."""
    model = question.model or "(none)"
    sentences = [f"This is the Genspark emulator, not the real service. Model asked: {model}."]
    if question.search:
        sentences.append("Web search: on.")
    if question.system:
        sentences.append(f"System turn: “{shortened(question.system, QUOTED_SYSTEM_TEXT)}”.")
    if question.images:
        sentences.append(f"Images received: {question.images}.")
    if question.files:
        sentences.append(f"Files received: {question.files}.")
    if question.earlier:
        sentences.append(
            f"Earlier you wrote: “{shortened(question.earlier, QUOTED_EARLIER_TEXT)}”."
        )
    if question.tool_result is not None:
        sentences.append(f"The tool returned: “{shortened(question.tool_result, 400)}”.")
    sentences.append(f"You wrote: “{shortened(question.text, QUOTED_USER_TEXT)}”")
    return " ".join(sentences)


def default_answer(question: Question) -> Answer:
    """The default text as an answer."""
    return Answer(deltas=words(default_text(question)))
