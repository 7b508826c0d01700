"""From JSON that a model wrote to calls of the tools that exist.

Shapes: ``{"name", "arguments"}`` (also ``parameters``), OpenAI's ``{"function": {…}}`` and
``{"tool_calls": [{"function": {…}}]}``, and lists of these.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import Struct

from proxy.core.wishes import Tool
from proxy.wire.json_schema import problem
from proxy.wire.json_values import child, list_at, object_at, text_at
from proxy.wire.model_json import NotJson, compact, decode

# OpenAI allows 128 tools; more calls than that in one block are no answer to anything.
MAX_CALLS: Final = 128
MAX_PROBLEM: Final = 600

# What may stand beside a call where only its shape tells that it is one.
CALL_KEYS: Final = frozenset(
    {"name", "arguments", "parameters", "id", "index", "type", "function", "tool_calls",
     "role", "content"}
)  # fmt: skip
CALL_TYPES: Final = frozenset({"function", "function_call", "tool_call"})


class Said(Struct, frozen=True):
    """A piece of text for the reader."""

    text: str


class Called(Struct, frozen=True):
    """A call of a known tool with arguments that fit: compact JSON text of an object."""

    name: str
    arguments: str


class Spoiled(Struct, frozen=True):
    """Meant as a call and not usable: what was written, and why not, in words for the model."""

    raw: str
    problem: str


Piece = Said | Called | Spoiled


class Tools:
    """The tools of one answer, by name."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._tools: Mapping[str, Tool] = {tool.name: tool for tool in tools}

    def named(self, name: str) -> Tool | None:
        """The tool of this name; GPT models like to write ``functions.`` before it."""
        return self._tools.get(name) or self._tools.get(name.removeprefix("functions."))

    def marked(self, texts: list[str], raw: str) -> list[Called | Spoiled]:
        """The calls of a block that was marked as one; ``texts`` are the JSON values inside.

        If none of them is usable, one ``Spoiled`` has all that was written.
        """
        try:
            items = _items(texts)
        except NotJson:
            return [Spoiled(raw, "it is not valid JSON")]
        if not 0 < len(items) <= MAX_CALLS:
            return [Spoiled(raw, "it holds no call" if not items else "it holds too many calls")]
        pieces = [self._piece(item) for item in items]
        return pieces if any(isinstance(each, Called) for each in pieces) else [_one(pieces, raw)]

    def unmarked(self, texts: list[str], raw: str) -> list[Called | Spoiled] | None:
        """The calls of JSON that only looks like calls; None when it is meant to be read."""
        try:
            items = _items(texts)
        except NotJson:
            return None
        known = any(self.named(_name(item)) for item in items)
        return self.marked(texts, raw) if known and all(map(self._is_call, items)) else None

    def names_one(self, text: str) -> bool:
        """Whether JSON that was cut off has come as far as the name of a tool."""
        _, found, rest = text.partition('"name"')
        name = rest.lstrip().removeprefix(":").lstrip()[1:].partition('"')
        return bool(found and name[1]) and self.named(name[0]) is not None

    def _piece(self, item: Any) -> Called | Spoiled:
        name = _name(item)
        if not name:
            return Spoiled(compact(item), 'a call has no "name"')
        tool = self.named(name)
        if tool is None:
            return Spoiled(compact(item), f"there is no function named {json.dumps(name[:64])}")
        arguments = _arguments(item)
        if not isinstance(arguments, dict):
            return Spoiled(compact(item), f"{tool.name}: the arguments are not a JSON object")
        wrong = problem(tool.parameters, arguments)
        if wrong is not None:
            return Spoiled(compact(item), f"{tool.name}: {wrong}")
        return Called(tool.name, compact(arguments))

    def _is_call(self, item: Any) -> bool:
        """Name and arguments and nothing that a definition or another document would have."""
        call = object_at(item, "function") or item
        if not isinstance(call, dict) or not _name(item) or "description" in call:
            return False
        if call is item and not {"arguments", "parameters"} & call.keys():
            return False
        tool = self.named(_name(item))
        return tool is None or not tool.parameters or _arguments(item) != tool.parameters


def _items(texts: list[str]) -> list[Any]:
    """The single calls of JSON values."""
    values = [decode(text) for text in texts]
    flat = [each for value in values for each in (value if isinstance(value, list) else [value])]
    return [item for each in flat for item in _calls_of(each)]


def _calls_of(value: Any) -> list[Any]:
    """An assistant's message of OpenAI's is its calls, unless it has a text as well."""
    calls = list_at(value, "tool_calls")
    return calls if calls and not child(value, "content") else [value]


def _name(item: Any) -> str:
    return text_at(item, "function", "name") or text_at(item, "name")


def _arguments(item: Any) -> Any:
    """The arguments as a value; text that is no JSON stays text."""
    call = object_at(item, "function") or item
    found = call.get("arguments", call.get("parameters"))
    if isinstance(found, str) and found.strip() not in ("", "null"):
        try:
            return decode(found)
        except NotJson:
            return found
    return {} if found is None or isinstance(found, str) else found


def _one(spoiled: list[Called | Spoiled], raw: str) -> Spoiled:
    problems = dict.fromkeys(each.problem for each in spoiled if isinstance(each, Spoiled))
    return Spoiled(raw, "; ".join(problems)[:MAX_PROBLEM])
