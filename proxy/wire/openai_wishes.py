"""Read from an OpenAI chat request what the server supplies where a route takes only text."""

import re
from typing import Any, Final

from proxy.core.ask import InvalidRequest
from proxy.core.wishes import Structure, Tool, ToolUse, Wishes
from proxy.wire.json_schema import schema_fault
from proxy.wire.json_values import child, list_at, object_at, text_at

# OpenAI takes 128; agents with many MCP servers offer more.
MAX_TOOLS: Final = 512
# OpenAI takes 64 characters; MCP servers' names are longer.
_NAME: Final = re.compile(r"[^\s<>\"'`{}]{1,128}")


def read_wishes(request: dict[str, Any]) -> Wishes:
    """What a checked request wants. Raises ``InvalidRequest``."""
    stop = request.get("stop") or ()
    return Wishes(
        tools=_tool_use(request),
        structure=_structure(object_at(request, "response_format")),
        stops=tuple(each for each in ([stop] if isinstance(stop, str) else stop) if each),
        limit=request.get("max_completion_tokens") or request.get("max_tokens"),
        choices=request.get("n") or 1,
        effort=text_at(request, "reasoning_effort"),
        search=isinstance(request.get("web_search_options"), dict),
    )


def check_schemas(wishes: Wishes) -> None:
    """Refuse schemas that are none; for routes whose answers are checked here.

    Raises ``InvalidRequest``.
    """
    structure, use = wishes.structure, wishes.tools
    if structure is not None and structure.schema is not None:
        _check(structure.schema, "response_format", "response_format.json_schema.schema")
    for tool in use.tools if use is not None else ():
        _check(tool.parameters, f"function {tool.name}", "tools")


def _check(schema: dict[str, Any], what: str, param: str) -> None:
    fault = schema_fault(schema)
    if fault is not None:
        raise InvalidRequest(
            f"The JSON Schema of {what} is not valid: {fault}", param=param, code="invalid_schema"
        )


def _structure(wanted: dict[str, Any]) -> Structure | None:
    kind = text_at(wanted, "type")
    if kind == "json_object":
        return Structure()
    if kind != "json_schema":
        return None
    details = object_at(wanted, "json_schema")
    return Structure(details["schema"], text_at(details, "name"), details.get("strict") is True)


def _tool_use(request: dict[str, Any]) -> ToolUse | None:
    legacy = not request.get("tools") and bool(request.get("functions"))
    definitions = list_at(request, "functions") if legacy else _functions(request)
    tools = tuple(_tool(each) for each in definitions)
    if len(tools) > MAX_TOOLS:
        raise InvalidRequest(f"'tools' holds more than {MAX_TOOLS} tools.", param="tools")
    choice = request.get("function_call" if legacy else "tool_choice")
    tools, required = _chosen(tools, choice)
    if not tools or choice == "none":
        return None
    parallel = not legacy and request.get("parallel_tool_calls") is not False
    return ToolUse(tools, required, parallel, legacy)


def _functions(request: dict[str, Any]) -> list[Any]:
    """The function tools; hosted ones (``web_search``, say) cannot be run here."""
    kinds = ("function", "")
    return [
        object_at(tool, "function")
        for tool in list_at(request, "tools")
        if text_at(tool, "type") in kinds
    ]


def _tool(definition: Any) -> Tool:
    name = text_at(definition, "name")
    if not _NAME.fullmatch(name):
        raise InvalidRequest(
            "A function's name must have 1 to 128 characters, without spaces, quotes and brackets.",
            param="tools",
        )
    return Tool(
        name,
        text_at(definition, "description"),
        object_at(definition, "parameters"),
        child(definition, "strict") is True,
    )


def _chosen(tools: tuple[Tool, ...], choice: Any) -> tuple[tuple[Tool, ...], bool]:
    """The tools that ``tool_choice`` leaves, and whether one of them must be called."""
    if not isinstance(choice, dict):
        return tools, choice == "required"
    if text_at(choice, "type") == "allowed_tools":
        allowed = object_at(choice, "allowed_tools")
        names = {
            text_at(each, "function", "name") or text_at(each, "name")
            for each in list_at(allowed, "tools")
        }
        return tuple(t for t in tools if t.name in names), text_at(allowed, "mode") == "required"
    name = text_at(choice, "function", "name") or text_at(choice, "name")
    named = tuple(tool for tool in tools if tool.name == name)
    if not named:
        raise InvalidRequest(
            "'tool_choice' names a function that is not among 'tools'.", param="tool_choice"
        )
    return named, True
