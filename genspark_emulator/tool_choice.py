"""When the emulated model calls one of the client's tools, and with what arguments."""

import json
import re
from typing import Any

from genspark_emulator.answer import ToolCall
from genspark_emulator.events import JsonObject
from genspark_emulator.question import Question, objects
from genspark_emulator.schema_example import example_of

MAX_CALLS = 2
"""Two mentioned tools give two parallel calls; more would only make a demo harder to read."""


def offered_functions(body: JsonObject) -> list[JsonObject]:
    """The function definitions of an OpenAI request, in today's or in the older form."""
    tools, functions = body.get("tools"), body.get("functions")
    if isinstance(tools, list):
        functions = [tool.get("function") for tool in objects(tools)]
    return list(objects(functions if isinstance(functions, list) else []))


def speaks_of_functions(body: JsonObject) -> bool:
    """Whether the request is in the older form, before there were tools."""
    return bool(body.get("functions")) and not body.get("tools")


def call_of(function: JsonObject) -> ToolCall:
    """A call whose arguments satisfy the function's parameter schema."""
    arguments = example_of(function.get("parameters") or {"type": "object"})
    return ToolCall(str(function.get("name", "")), json.dumps(arguments, ensure_ascii=False))


def chosen_calls(body: JsonObject, question: Question) -> tuple[ToolCall, ...]:
    """Calls forced by ``tool_choice``, else those the last user text mentions by name.

    Once a tool result follows the user text the model answers in words or, when it is forced to
    call, goes on to a tool that it has not called yet, so that an agent loop comes to its end.
    """
    functions = offered_functions(body)
    older = speaks_of_functions(body)
    choice = body.get("function_call" if older else "tool_choice")
    if choice == "none" or not functions:
        return ()
    mentioned = [f for f in functions if _mentions(question.text, str(f.get("name", "")))]
    if isinstance(choice, dict):
        picked = [f for f in functions if f.get("name") == _named(choice)]
    elif choice == "required":
        fresh = [f for f in functions if f.get("name") not in question.called]
        picked = [f for f in fresh if f in mentioned] or fresh[:1] or functions[:1]
    else:
        picked = mentioned if question.tool_result is None else []
    limit = 1 if older or body.get("parallel_tool_calls") is False else MAX_CALLS
    return tuple(call_of(function) for function in picked[:limit])


def _named(choice: JsonObject) -> Any:
    function = choice.get("function", choice)
    return function.get("name") if isinstance(function, dict) else None


def _mentions(text: str, name: str) -> bool:
    return bool(name) and re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", text) is not None
