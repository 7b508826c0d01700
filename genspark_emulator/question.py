"""What the user asked, read from a message list of any of the three chat dialects."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from genspark_emulator.events import JsonObject


@dataclass(frozen=True, slots=True)
class Question:
    """The parts of a conversation that the default answer mentions."""

    model: str
    text: str
    system: str = ""
    images: int = 0
    search: bool = False
    tool_result: str | None = None


def content_text(content: Any) -> str:
    """The text of a message content: a string, or a list of typed parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part.get("text", "")) for part in _objects(parts) if "text" in part)


def count_images(messages: Iterable[JsonObject]) -> int:
    """How many image parts the user turns carry."""
    return sum(
        part.get("type") == "image_url"
        for message in messages
        if isinstance(message.get("content"), list)
        for part in _objects(message["content"])
    )


def read_question(model: str, messages: Any, *, search: bool = False) -> Question:
    """Find the last user text, the system turns and a tool result given after that text."""
    turns = list(_objects(messages if isinstance(messages, list) else []))
    users = [index for index, turn in enumerate(turns) if turn.get("role") == "user"]
    last = users[-1] if users else len(turns)
    system = [turn for turn in turns if turn.get("role") in {"system", "developer"}]
    tools = [turn for turn in turns[last:] if turn.get("role") == "tool"]
    return Question(
        model=model,
        text=content_text(turns[last].get("content")) if users else "",
        system="\n".join(content_text(turn.get("content")) for turn in system),
        images=count_images(turns),
        search=search,
        tool_result=content_text(tools[-1].get("content")) if tools else None,
    )


def _objects(values: Iterable[Any]) -> Iterable[JsonObject]:
    return (value for value in values if isinstance(value, dict))
