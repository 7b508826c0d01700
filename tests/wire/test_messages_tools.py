"""Anthropic's tools as OpenAI's, and what cannot be had here by name."""

from typing import Any

import pytest

from proxy.core.ask import InvalidRequest, Need
from proxy.core.wishes import Tool
from proxy.wire.messages_request import chat_of
from proxy.wire.messages_tools import chat_tools
from proxy.wire.openai_request import chat_from

SCHEMA = {
    "$schema": "http://json-schema.org/draft-07/schema#",
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
}
WEATHER = {"name": "get_weather", "description": "Weather.", "input_schema": SCHEMA}
BASH = {"type": "bash_20250124", "name": "bash"}
SEARCH = {"type": "web_search_20250305", "name": "web_search"}
FUNCTION = {
    "type": "function",
    "function": {"name": "get_weather", "description": "Weather.", "parameters": SCHEMA},
}


def _tools(*tools: dict[str, Any], **fields: Any) -> tuple[dict[str, Any], list[str]]:
    return chat_tools({"tools": list(tools), **fields})


def test_the_callers_own_tools_are_functions() -> None:
    noise = {
        "type": "custom",
        "cache_control": {"type": "ephemeral"},
        "input_examples": [{"city": "Bern"}],
        "defer_loading": True,
        "eager_input_streaming": True,
    }
    for tool in (WEATHER, WEATHER | noise, WEATHER | {"type": None}):
        assert _tools(tool) == ({"tools": [FUNCTION]}, [])
    fields, _ = _tools(WEATHER | {"strict": True, "description": None})
    assert fields["tools"][0]["function"] == {
        "name": "get_weather",
        "parameters": SCHEMA,
        "strict": True,
    }


@pytest.mark.parametrize("fields", [{}, {"tools": None}, {"tools": []}])
def test_no_tools_are_no_fields(fields: dict[str, Any]) -> None:
    assert chat_tools({**fields, "tool_choice": {"type": "auto"}}) == ({}, [])


def test_a_web_search_is_a_wish_and_its_terms_are_told_to_have_no_effect() -> None:
    assert _tools(SEARCH | {"cache_control": None}) == ({"web_search_options": {}}, [])
    fields, ignored = _tools(
        SEARCH | {"type": "web_search_20260318", "max_uses": 8, "allowed_domains": ["a.example"]}
    )
    assert fields == {"web_search_options": {}}
    assert ignored == ["web_search.allowed_domains", "web_search.max_uses"]


@pytest.mark.parametrize(
    "kind",
    ["bash_20250124", "text_editor_20250728", "computer_20251124", "code_execution_20260521",
     "memory_20250818", "web_fetch_20260318", "tool_search_tool_bm25_20251119", "mcp_toolset"],
)  # fmt: skip
def test_tools_that_anthropic_defines_are_told_to_have_no_effect(kind: str) -> None:
    assert _tools({"type": kind, "name": "x"}, WEATHER) == (
        {"tools": [FUNCTION]},
        [f"tools.{kind}"],
    )


def test_a_long_type_is_told_shortly() -> None:
    (ignored,) = _tools({"type": "x" * 1_000})[1]
    assert ignored == "tools." + "x" * 64


@pytest.mark.parametrize(
    ("choice", "fields"),
    [
        ({"type": "auto"}, {"tool_choice": "auto"}),
        ({"type": "any"}, {"tool_choice": "required"}),
        ({"type": "none"}, {"tool_choice": "none"}),
        (
            {"type": "tool", "name": "get_weather"},
            {"tool_choice": {"type": "function", "function": {"name": "get_weather"}}},
        ),
        (
            {"type": "auto", "disable_parallel_tool_use": True},
            {"tool_choice": "auto", "parallel_tool_calls": False},
        ),
        ({"type": "any", "disable_parallel_tool_use": False}, {"tool_choice": "required"}),
        (None, {}),
    ],
)
def test_a_choice_of_tools(choice: Any, fields: dict[str, Any]) -> None:
    assert _tools(WEATHER, tool_choice=choice) == ({"tools": [FUNCTION]} | fields, [])


@pytest.mark.parametrize(
    "choice", [{"type": "any"}, {"type": "tool", "name": "bash"}, {"type": "auto"}]
)
def test_without_functions_there_is_nothing_to_choose(choice: dict[str, Any]) -> None:
    fields, ignored = _tools(BASH, tool_choice=choice | {"disable_parallel_tool_use": True})
    assert fields == {}
    assert ignored == [
        "tools.bash_20250124",
        *(["tool_choice"] if choice["type"] != "auto" else []),
    ]


def test_a_choice_of_a_tool_without_effect_leaves_the_others() -> None:
    fields, ignored = _tools(SEARCH, WEATHER, tool_choice={"type": "tool", "name": "web_search"})
    assert fields == {"web_search_options": {}, "tools": [FUNCTION]}
    assert ignored == ["tool_choice"]


def test_no_tool_is_no_search_either() -> None:
    assert _tools(SEARCH, tool_choice={"type": "none"}) == ({}, [])


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"tools": {}}, "tools"),
        ({"tools": ["bash"]}, "tools"),
        ({"tools": [WEATHER, {"input_schema": SCHEMA}]}, "tools.1.name"),
        ({"tools": [{"name": 5, "input_schema": SCHEMA}]}, "tools.0.name"),
        ({"tools": [{"name": "f"}]}, "tools.0.input_schema"),
        ({"tools": [{"name": "f", "input_schema": []}]}, "tools.0.input_schema"),
        ({"tools": [WEATHER], "tool_choice": {"type": "some"}}, "tool_choice.type"),
        ({"tools": [WEATHER], "tool_choice": {"type": "tool", "name": "g"}}, "tool_choice.name"),
        ({"tools": [WEATHER], "tool_choice": {"type": "tool"}}, "tool_choice.name"),
    ],
)
def test_wrong_tools_are_named_in_this_dialect(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        chat_tools(fields)
    assert (caught.value.param, caught.value.status) == (param, 400)
    assert f"'{param}'" in caught.value.message


def test_the_chat_reader_finds_the_wishes() -> None:
    request = {
        "model": "gpt-5.4",
        "messages": [{"role": "user", "content": "Bern?"}],
        "tools": [WEATHER, SEARCH],
        "tool_choice": {"type": "any", "disable_parallel_tool_use": True},
    }
    ask = chat_from(chat_of(request).chat)
    assert Need.TOOLS in ask.needs
    assert ask.wishes.search
    assert ask.wishes.tools is not None
    assert ask.wishes.tools.tools == (Tool("get_weather", "Weather.", SCHEMA),)
    assert (ask.wishes.tools.required, ask.wishes.tools.parallel) == (True, False)
