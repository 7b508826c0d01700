"""Tools of OpenAI's Responses API as functions of a chat request, and the way back.

A chat knows functions alone. Tools in a namespace become functions with a joined name; freeform
(``custom``) tools become functions with one string, ``input``; web search becomes a wish of the
whole chat. What only OpenAI's servers or the caller's machine can run is passed over and listed.
"""

import re
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from proxy.core.ask import InvalidRequest
from proxy.wire.json_values import child, list_at, object_at, text_at
from proxy.wire.openai_wishes import MAX_TOOLS

_MODES: Final = ("auto", "none", "required")
_SEARCH: Final = "web_search"
# What may stand in a reply header; a type is the caller's own text.
_PLAIN_WORD: Final = re.compile(r"[a-z][a-z0-9_]{0,39}")


@dataclass(frozen=True, slots=True)
class Offered:
    """A tool as the caller knows it; ``namespace`` is '' for none, ``custom`` means freeform."""

    name: str
    namespace: str = ""
    custom: bool = False


@dataclass(slots=True)
class Toolbox:
    """The tools of one request: ``offered`` and ``functions`` go by the name in the chat."""

    functions: dict[str, dict[str, Any]] = field(default_factory=dict)
    offered: dict[str, Offered] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    search: bool = False
    _replaces: bool = False

    def add_later(self, tools: Any, where: str) -> None:
        """Enter tools that came after the request's own: a name may come again, the last counts."""
        self._replaces = True
        self.add(tools, where)

    def add(self, tools: Any, where: str, namespace: str = "") -> None:
        """Enter a list of tools, found at ``where`` in the request."""
        if not isinstance(tools, list):
            raise InvalidRequest(f"'{where}' must be a list of tools.", param=where)
        for number, tool in enumerate(tools):
            self._add(tool, f"{where}.{number}", namespace)

    def parameters(self, request: dict[str, Any]) -> dict[str, Any]:
        """The chat's parameters that are about tools, with the caller's choice among them."""
        choice = self._chosen(request.get("tool_choice"))
        searches = self.search and choice != "none"
        found: dict[str, Any] = {"web_search_options": {}} if searches else {}
        if not self.functions:
            return found
        found["tools"] = list(self.functions.values())
        if choice is not None:
            found["tool_choice"] = choice
        if isinstance(parallel := request.get("parallel_tool_calls"), bool):
            found["parallel_tool_calls"] = parallel
        return found

    def _add(self, tool: Any, where: str, namespace: str) -> None:
        kind = text_at(tool, "type")
        if kind == "function":
            self._offer(tool, where, Offered(_name(tool, where), namespace), _function(tool, where))
        elif kind == "custom":
            offered = Offered(_name(tool, where), namespace, custom=True)
            self._offer(tool, where, offered, _freeform(tool))
        elif kind == "namespace" and not namespace:
            self.add(tool.get("tools"), f"{where}.tools", _name(tool, where))
        # Without live access the caller forbids the only kind of search there is here.
        elif kind.startswith(_SEARCH) and tool.get("external_web_access") is not False:
            self.search = True
        elif kind:
            self.ignored.append(listed("tools", kind))
        else:
            raise InvalidRequest(f"'{where}.type' must be a string.", param=f"{where}.type")

    def _offer(self, tool: Any, where: str, offered: Offered, details: dict[str, Any]) -> None:
        name = chat_name(offered.name, offered.namespace)
        if name in self.offered and not self._replaces:
            raise InvalidRequest(
                f"'{where}.name' is the name of an earlier tool.", param=f"{where}.name"
            )
        if len(self.offered) == MAX_TOOLS and name not in self.offered:
            raise InvalidRequest(f"'tools' holds more than {MAX_TOOLS} tools.", param="tools")
        self.offered[name] = offered
        self.functions[name] = {"type": "function", "function": {"name": name, **details}}

    def _chosen(self, choice: Any) -> Any:
        if choice is None or choice in _MODES:
            return choice
        kind = text_at(choice, "type")
        if kind in ("function", "custom"):
            return {"type": "function", "function": {"name": self._named(choice)}}
        if kind == "allowed_tools":
            return self._narrowed(choice)
        if kind.startswith(_SEARCH) and self.search:
            return "auto"
        if kind:
            raise InvalidRequest(
                "'tool_choice' asks for a tool that this server cannot force.",
                param="tool_choice",
                code="unsupported_value",
            )
        raise InvalidRequest(
            f"'tool_choice' must be one of {', '.join(_MODES)}, or an object with a type.",
            param="tool_choice",
        )

    def _named(self, choice: Any) -> str:
        for name in self.offered:
            if self._is_meant(name, choice):
                return name
        raise InvalidRequest(
            "'tool_choice' names a tool that is not among 'tools'.", param="tool_choice"
        )

    def _narrowed(self, choice: Any) -> str:
        """Leave only the tools that are allowed; most routes know no such choice."""
        allowed = list_at(choice, "tools")
        mode = text_at(choice, "mode")
        if mode not in ("auto", "required"):
            raise InvalidRequest(
                "'tool_choice.mode' must be auto or required.", param="tool_choice.mode"
            )
        if len(allowed) > MAX_TOOLS:
            raise InvalidRequest(
                f"'tool_choice.tools' holds more than {MAX_TOOLS} tools.", param="tool_choice.tools"
            )
        self.search = self.search and any(text_at(e, "type").startswith(_SEARCH) for e in allowed)
        left = {name for each in allowed for name in self.offered if self._is_meant(name, each)}
        if not left and not self.search:
            raise InvalidRequest(
                "'tool_choice.tools' allows none of 'tools'.", param="tool_choice.tools"
            )
        self.functions = {name: each for name, each in self.functions.items() if name in left}
        return mode

    def _is_meant(self, name: str, choice: Any) -> bool:
        offered = self.offered[name]
        kind = "custom" if offered.custom else "function"
        return (offered.name, kind) == (text_at(choice, "name"), text_at(choice, "type")) and (
            offered.namespace == (text_at(choice, "namespace") or offered.namespace)
        )


def listed(group: str, kind: str) -> str:
    """What was passed over, for the header that lists it: only harmless words are repeated."""
    return f"{group}.{kind}" if _PLAIN_WORD.fullmatch(kind) else group


def chat_name(name: str, namespace: str) -> str:
    """A tool's name in the chat. Codex's namespaces for MCP servers end in ``__`` already."""
    return f"{namespace.removesuffix('__')}__{name}" if namespace else name


def freeform_arguments(text: str) -> str:
    """A freeform tool's input as a function's arguments."""
    return msgspec.json.encode({"input": text}).decode()


def freeform_input(arguments: str) -> str:
    """The input in a function's arguments; text that is no such JSON was meant as the input."""
    try:
        found = msgspec.json.decode(arguments)
    except (msgspec.DecodeError, RecursionError):
        return arguments
    if found == {}:
        return ""
    return found["input"] if isinstance(child(found, "input"), str) else arguments


def _name(tool: Any, where: str) -> str:
    name = text_at(tool, "name")
    if not name:
        raise InvalidRequest(
            f"'{where}.name' must be a string.",
            param=f"{where}.name",
            code="missing_required_parameter",
        )
    return name


def _function(tool: dict[str, Any], where: str) -> dict[str, Any]:
    parameters = tool.get("parameters")
    if parameters is not None and not isinstance(parameters, dict):
        raise InvalidRequest(
            f"'{where}.parameters' must be an object.", param=f"{where}.parameters"
        )
    details: dict[str, Any] = {"description": text_at(tool, "description")}
    details["parameters"] = parameters or {"type": "object", "properties": {}}
    if isinstance(strict := tool.get("strict"), bool):
        details["strict"] = strict
    return details


def _freeform(tool: dict[str, Any]) -> dict[str, Any]:
    """A grammar cannot be enforced here, but the model can be told of it."""
    told = text_at(tool, "description")
    grammar = object_at(tool, "format")
    if definition := text_at(grammar, "definition"):
        syntax = text_at(grammar, "syntax")
        told += f"\n\nThe input must follow this {syntax} grammar:\n{definition}"
    wanted = {"type": "string", "description": "The tool's whole input, as plain text."}
    parameters = {
        "type": "object",
        "properties": {"input": wanted},
        "required": ["input"],
        "additionalProperties": False,
    }
    return {"description": told.strip(), "parameters": parameters}
