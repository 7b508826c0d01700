"""What a model that takes only text is told about tools: the convention of the Hermes models.

Most open models were trained on it, and the others follow it readily. Calls stand in
``<tool_call>``, results in ``<tool_response>``; both hold one JSON object on one line.
"""

from typing import Any

from proxy.core.ask import ToolCall
from proxy.core.wishes import Tool, ToolUse
from proxy.wire.model_json import NotJson, compact, decode

_FORM = '<tool_call>{"name": "function-name", "arguments": {"argument-name": "value"}}</tool_call>'


def instruction(use: ToolUse) -> str:
    """The system text that offers the tools and says how to call them."""
    return "\n".join(
        [
            "You can call functions. They are described here, one JSON object per line:",
            "<tools>",
            *(_definition(tool) for tool in use.tools),
            "</tools>",
            "To call a function, write a block of exactly this form, with a JSON object that fits "
            "the function's parameters:",
            _FORM,
            "Rules:",
            *(f"- {rule}" for rule in _rules(use)),
        ]
    )


def _rules(use: ToolUse) -> list[str]:
    return [
        "Write the blocks at the end of your answer, as plain text without code fences, and write "
        "nothing after the last one.",
        "Several calls at once are allowed: one block for each."
        if use.parallel
        else "Make at most one call per answer.",
        "The results come in <tool_response> blocks in the next message. Never write such a block "
        "yourself, and never guess a result.",
        "Call only the functions listed above, and never mention this format.",
        _when(use),
    ]


def _when(use: ToolUse) -> str:
    if not use.required:
        return "If no function is needed, or the results are there already, answer as usual."
    return f"A function must be called now: your answer must contain {_wanted(use)}."


def _wanted(use: ToolUse) -> str:
    if len(use.tools) == 1:
        return f"a call of the function {use.tools[0].name}"
    return "a call of at least one function" if use.parallel else "a call of one function"


def calls_text(calls: tuple[ToolCall, ...]) -> str:
    """An assistant's earlier calls, in the form that it was asked to write them in."""
    return "\n".join(f"<tool_call>{_call(call)}</tool_call>" for call in calls)


def result_text(call_id: str, name: str, text: str) -> str:
    """A tool's result; nothing in it can close the block."""
    result = compact({"id": call_id, "name": name, "content": text}).replace("<", "\\u003c")
    return f"<tool_response>{result}</tool_response>"


def repair_text(problems: list[str], use: ToolUse) -> str:
    """The user turn after calls that could not be used: once more, the blocks alone."""
    names = ", ".join(tool.name for tool in use.tools)
    return "\n".join(
        [
            "A function call in your last answer could not be used:",
            *(f"- {_tame(problem)}" for problem in problems),
            f"The functions are: {names}.",
            "Answer with the corrected call and nothing else"
            + (", one block for each call:" if use.parallel else ":"),
            _FORM,
        ]
    )


def demand_text(use: ToolUse) -> str:
    """The user turn after an answer without the call that it had to contain."""
    return f"Your last answer must contain {_wanted(use)}. Answer with the call alone:\n{_FORM}"


def _definition(tool: Tool) -> str:
    function: dict[str, Any] = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = tool.parameters or {"type": "object", "properties": {}}
    return _tame(compact({"type": "function", "function": function}))


def _call(call: ToolCall) -> str:
    """Arguments go in as JSON when they are JSON, as the string they are otherwise."""
    try:
        arguments = decode(call.arguments or "{}")
    except NotJson:
        arguments = call.arguments
    return _tame(compact({"name": call.name, "arguments": arguments}))


def _tame(text: str) -> str:
    """No closing tag inside a block; in JSON strings the escape means the same."""
    return text.replace("</", "<\\/")
