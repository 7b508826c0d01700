"""What the user asked, read from a message list of any of the three chat dialects."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from genspark_emulator.events import JsonObject

IMAGE_PARTS = ("image_url",)
FILE_PARTS = ("private_file", "file")
"""How the web routes and the key route name a part that is a file."""


@dataclass(frozen=True, slots=True)
class Question:
    """The parts of a conversation that the default answer mentions.

    ``earlier`` is the user text before the last one: what only the conversation can tell.
    ``called`` are the names of the tools that were called after the last one.
    """

    model: str
    text: str
    system: str = ""
    earlier: str = ""
    images: int = 0
    files: int = 0
    search: bool = False
    tool_result: str | None = None
    called: tuple[str, ...] = ()


def content_text(content: Any) -> str:
    """The text of a message content: a string, or a list of typed parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "\n".join(str(part.get("text", "")) for part in objects(parts) if "text" in part)


def count_parts(messages: Iterable[JsonObject], *types: str) -> int:
    """How many content parts of these types the turns carry."""
    return sum(
        part.get("type") in types
        for message in messages
        if isinstance(message.get("content"), list)
        for part in objects(message["content"])
    )


def read_question(model: str, messages: Any, *, search: bool = False) -> Question:
    """Find the last user text, the system turns and a tool result given after that text."""
    turns = list(objects(messages if isinstance(messages, list) else []))
    users = [index for index, turn in enumerate(turns) if turn.get("role") == "user"]
    last = users[-1] if users else len(turns)
    system = [turn for turn in turns if turn.get("role") in {"system", "developer"}]
    tools = [turn for turn in turns[last:] if turn.get("role") in {"tool", "function"}]
    return Question(
        model=model,
        text=content_text(turns[last].get("content")) if users else "",
        system="\n".join(content_text(turn.get("content")) for turn in system),
        earlier=content_text(turns[users[-2]].get("content")) if len(users) > 1 else "",
        images=count_parts(turns, *IMAGE_PARTS),
        files=count_parts(turns, *FILE_PARTS),
        search=search,
        tool_result=content_text(tools[-1].get("content")) if tools else None,
        called=tuple(name for turn in turns[last:] for name in _called_in(turn)),
    )


def _called_in(turn: JsonObject) -> Iterable[str]:
    calls = turn.get("tool_calls")
    functions = (call.get("function") for call in objects(calls if isinstance(calls, list) else []))
    return (str(function.get("name")) for function in objects(functions))


def objects(values: Iterable[Any]) -> Iterable[JsonObject]:
    """Those of the values that are JSON objects."""
    return (value for value in values if isinstance(value, dict))
