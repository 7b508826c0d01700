"""What a chat asks for beyond plain text: a route does it itself, or the server supplies it."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Tool:
    """A function the caller offers. ``parameters`` is a JSON Schema; an empty one takes any object.

    ``strict`` is OpenAI's mark that the arguments must fit the schema exactly.
    """

    name: str
    description: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    strict: bool = False


@dataclass(frozen=True, slots=True)
class ToolUse:
    """The tools that may be called now; there is at least one.

    ``required``: an answer without a call is not what the caller wants. A named ``tool_choice``
    leaves that one tool and is required. ``parallel`` allows several calls in one answer.
    ``legacy``: the caller spoke of ``functions`` and wants ``function_call`` back.
    """

    tools: tuple[Tool, ...]
    required: bool = False
    parallel: bool = True
    legacy: bool = False


@dataclass(frozen=True, slots=True)
class Structure:
    """The answer must be one JSON document; without a schema any object will do."""

    schema: dict[str, Any] | None = None
    name: str = ""
    strict: bool = False


@dataclass(frozen=True, slots=True)
class Wishes:
    """Everything that a text-only route cannot do by itself.

    ``limit`` is the most tokens of an answer, ``effort`` OpenAI's ``reasoning_effort``.
    """

    tools: ToolUse | None = None
    structure: Structure | None = None
    stops: tuple[str, ...] = ()
    limit: int | None = None
    choices: int = 1
    effort: str = ""
    search: bool = False
