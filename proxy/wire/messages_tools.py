"""Tools of an Anthropic request, as OpenAI chat has them.

Only the caller's own tools and web search can be had here. The tools that Anthropic defines (bash,
text editor, computer, memory, code execution …) rest on what its models were taught.
"""

from typing import Any, Final

from proxy.core.ask import InvalidRequest
from proxy.wire.json_values import object_at, text_at

_LONGEST_TYPE: Final = 64
# What a web search here cannot be told.
_SEARCH_TERMS: Final = ("allowed_domains", "blocked_domains", "max_uses", "user_location")
_CHOICES: Final = {"auto": "auto", "any": "required", "none": "none"}


def chat_tools(request: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The chat request's fields about tools, and the names of what has no effect."""
    functions, searches, ignored = _sorted(_listed(request))
    chosen = text_at(request, "tool_choice", "type")
    fields: dict[str, Any] = {}
    if searches and chosen != "none":
        fields["web_search_options"] = {}
    if functions:
        fields["tools"] = functions
    return fields | _choice(request, functions, ignored), ignored


def _listed(request: dict[str, Any]) -> list[dict[str, Any]]:
    tools = request.get("tools")
    if tools is None:
        return []
    if not isinstance(tools, list) or not all(isinstance(tool, dict) for tool in tools):
        raise InvalidRequest("'tools' must be a list of objects.", param="tools")
    return tools


def _sorted(tools: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], bool, list[str]]:
    functions, searches, ignored = [], False, []
    for number, tool in enumerate(tools):
        kind = text_at(tool, "type")
        if kind in ("", "custom"):
            functions.append(_function(tool, f"tools.{number}"))
        elif kind.startswith("web_search_"):
            searches = True
            ignored += [f"web_search.{name}" for name in _SEARCH_TERMS if tool.get(name)]
        else:
            ignored.append(f"tools.{kind[:_LONGEST_TYPE]}")
    return functions, searches, ignored


def _function(tool: dict[str, Any], where: str) -> dict[str, Any]:
    name, schema = text_at(tool, "name"), tool.get("input_schema")
    if not name:
        raise InvalidRequest(
            f"'{where}.name' is required.", param=f"{where}.name", code="missing_required_parameter"
        )
    if not isinstance(schema, dict):
        raise InvalidRequest(
            f"'{where}.input_schema' must be a JSON Schema.", param=f"{where}.input_schema"
        )
    function: dict[str, Any] = {"name": name, "parameters": schema}
    if description := text_at(tool, "description"):
        function["description"] = description
    if tool.get("strict") is True:
        function["strict"] = True
    return {"type": "function", "function": function}


def _choice(
    request: dict[str, Any], functions: list[dict[str, Any]], ignored: list[str]
) -> dict[str, Any]:
    """``tool_choice`` and ``parallel_tool_calls``; without functions neither may be sent."""
    choice = object_at(request, "tool_choice")
    kind, name = text_at(choice, "type"), text_at(choice, "name")
    if kind not in ("", "tool", *_CHOICES):
        raise InvalidRequest(
            "'tool_choice.type' must be auto, any, tool or none.", param="tool_choice.type"
        )
    named = kind == "tool"
    known = any(each["function"]["name"] == name for each in functions)
    if named and not known and name not in {text_at(tool, "name") for tool in _listed(request)}:
        raise InvalidRequest("'tool_choice.name' is not among 'tools'.", param="tool_choice.name")
    if (named and not known) or (kind == "any" and not functions):
        ignored.append("tool_choice")
        kind = ""
    if not functions:
        return {}
    fields: dict[str, Any] = {}
    if kind:
        picked = {"type": "function", "function": {"name": name}}
        fields["tool_choice"] = picked if named else _CHOICES[kind]
    if choice.get("disable_parallel_tool_use") is True:
        fields["parallel_tool_calls"] = False
    return fields
