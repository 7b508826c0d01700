"""Tools of a Responses request as functions of a chat, the choice among them, and the way back."""

from typing import Any

import pytest
from fixtures.genspark.properties import QUICK, awkward, texts
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.ask import InvalidRequest
from proxy.wire.openai_wishes import MAX_TOOLS
from proxy.wire.responses_tools import (
    Offered,
    Toolbox,
    chat_name,
    freeform_arguments,
    freeform_input,
)

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
F: dict[str, Any] = {"type": "function", "name": "f", "parameters": SCHEMA, "strict": True}
PATCH: dict[str, Any] = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Edit files.",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: begin_patch"},
}
SEARCH: dict[str, Any] = {"type": "web_search"}
NAMESPACE: dict[str, Any] = {
    "type": "namespace",
    "name": "mcp__files",
    "description": "Files",
    "tools": [{"type": "function", "name": "list"}, {"type": "custom", "name": "write"}],
}


def _box(*tools: Any) -> Toolbox:
    box = Toolbox()
    box.add([*tools], "tools")
    return box


def _names(parameters: dict[str, Any]) -> list[str]:
    return [tool["function"]["name"] for tool in parameters["tools"]]


def _refusal(*tools: Any, choice: Any = None) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        _box(*tools).parameters({"tool_choice": choice})
    return caught.value


def test_a_function_moves_from_flat_to_nested() -> None:
    tool = {**F, "description": "Weather"}
    assert _box(tool).parameters({}) == {
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "f",
                    "description": "Weather",
                    "parameters": SCHEMA,
                    "strict": True,
                },
            }
        ]
    }


def test_a_function_without_parameters_takes_none() -> None:
    bare = {"type": "function", "name": "f", "parameters": None, "strict": None}
    (tool,) = _box(bare).parameters({})["tools"]
    assert tool["function"]["parameters"] == {"type": "object", "properties": {}}
    assert "strict" not in tool["function"]


def test_a_freeform_tool_is_a_function_of_one_text_that_knows_its_grammar() -> None:
    box = _box(PATCH)
    (tool,) = box.parameters({})["tools"]
    function = tool["function"]
    assert function["description"] == (
        "Edit files.\n\nThe input must follow this lark grammar:\nstart: begin_patch"
    )
    assert function["parameters"]["required"] == ["input"]
    assert function["parameters"]["properties"]["input"]["type"] == "string"
    assert box.offered == {"apply_patch": Offered("apply_patch", custom=True)}


def test_a_namespace_is_flattened_and_remembered() -> None:
    box = _box(NAMESPACE, F)
    assert _names(box.parameters({})) == ["mcp__files__list", "mcp__files__write", "f"]
    assert box.offered["mcp__files__list"] == Offered("list", "mcp__files")
    assert box.offered["mcp__files__write"] == Offered("write", "mcp__files", custom=True)
    assert chat_name("list", "mcp__files__") == chat_name("list", "mcp__files")


def test_web_search_is_a_wish_of_the_chat() -> None:
    assert _box(SEARCH).parameters({"tool_choice": "auto"}) == {"web_search_options": {}}
    assert _box({"type": "web_search_preview_2025_03_11"}).search
    assert "web_search_options" not in _box(SEARCH).parameters({"tool_choice": "none"})


def test_search_that_must_not_touch_the_web_is_ignored() -> None:
    box = _box({**SEARCH, "external_web_access": False})
    assert (box.search, box.ignored) == (False, ["tools.web_search"])
    assert box.parameters({}) == {}


def test_tools_that_cannot_be_run_are_listed() -> None:
    nested = {**NAMESPACE, "tools": [NAMESPACE]}
    kinds = ("local_shell", "file_search", "tool_search", "Odd\r\nkind")
    box = _box(*({"type": kind} for kind in kinds), nested)
    assert box.ignored == [
        "tools.local_shell", "tools.file_search", "tools.tool_search", "tools", "tools.namespace",
    ]  # fmt: skip
    assert box.parameters({"tool_choice": "auto", "parallel_tool_calls": True}) == {}


@pytest.mark.parametrize("parallel", [True, False])
def test_parallel_calls_are_passed_on_with_tools(parallel: bool) -> None:
    assert _box(F).parameters({"parallel_tool_calls": parallel})["parallel_tool_calls"] is parallel


@pytest.mark.parametrize("choice", ["auto", "none", "required"])
def test_plain_choices_stay(choice: str) -> None:
    assert _box(F).parameters({"tool_choice": choice})["tool_choice"] == choice


@pytest.mark.parametrize(
    ("choice", "name"),
    [
        ({"type": "function", "name": "f"}, "f"),
        ({"type": "custom", "name": "apply_patch"}, "apply_patch"),
        ({"type": "function", "name": "list"}, "mcp__files__list"),
        ({"type": "function", "name": "list", "namespace": "mcp__files"}, "mcp__files__list"),
    ],
)
def test_a_named_choice_names_the_chats_function(choice: dict[str, Any], name: str) -> None:
    chosen = _box(F, PATCH, NAMESPACE).parameters({"tool_choice": choice})["tool_choice"]
    assert chosen == {"type": "function", "function": {"name": name}}


@pytest.mark.parametrize("mode", ["auto", "required"])
def test_allowed_tools_are_those_that_are_left(mode: str) -> None:
    allowed = [{"type": "function", "name": "f"}, {"type": "mcp", "server_label": "x"}]
    choice = {"type": "allowed_tools", "mode": mode, "tools": allowed}
    parameters = _box(F, PATCH, SEARCH).parameters({"tool_choice": choice})
    assert _names(parameters) == ["f"]
    assert parameters["tool_choice"] == mode
    assert "web_search_options" not in parameters


def test_search_alone_can_be_allowed_or_chosen() -> None:
    choice = {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "web_search"}]}
    assert _box(F, SEARCH).parameters({"tool_choice": choice}) == {"web_search_options": {}}
    chosen = _box(F, SEARCH).parameters({"tool_choice": {"type": "web_search_preview"}})
    assert chosen["tool_choice"] == "auto"


@pytest.mark.parametrize(
    ("choice", "param", "code"),
    [
        ("always", "tool_choice", "invalid_value"),
        (5, "tool_choice", "invalid_value"),
        ({}, "tool_choice", "invalid_value"),
        ({"type": "function", "name": "g"}, "tool_choice", "invalid_value"),
        ({"type": "custom", "name": "f"}, "tool_choice", "invalid_value"),
        ({"type": "function", "name": "f", "namespace": "n"}, "tool_choice", "invalid_value"),
        ({"type": "function"}, "tool_choice", "invalid_value"),
        ({"type": "shell"}, "tool_choice", "unsupported_value"),
        ({"type": "web_search_preview"}, "tool_choice", "unsupported_value"),
        ({"type": "allowed_tools", "tools": []}, "tool_choice.mode", "invalid_value"),
        ({"type": "allowed_tools", "mode": "auto"}, "tool_choice.tools", "invalid_value"),
        ({"type": "allowed_tools", "mode": "auto", "tools": [{}] * (MAX_TOOLS + 1)},
         "tool_choice.tools", "invalid_value"),
    ],
)  # fmt: skip
def test_a_choice_that_cannot_be_kept_is_refused(choice: Any, param: str, code: str) -> None:
    refusal = _refusal({**F}, PATCH, choice=choice)
    assert (refusal.param, refusal.code) == (param, code)
    assert f"'{param}'" in refusal.message


@pytest.mark.parametrize(
    ("tool", "param", "code"),
    [
        ("f", "tools.1.type", "invalid_value"),
        ({"name": "f"}, "tools.1.type", "invalid_value"),
        ({"type": "function"}, "tools.1.name", "missing_required_parameter"),
        ({"type": "function", "function": {"name": "f"}}, "tools.1.name",
         "missing_required_parameter"),
        ({**F, "name": "g", "parameters": []}, "tools.1.parameters", "invalid_value"),
        ({"type": "custom"}, "tools.1.name", "missing_required_parameter"),
        (F, "tools.1.name", "invalid_value"),
        ({"type": "custom", "name": "f"}, "tools.1.name", "invalid_value"),
        ({**NAMESPACE, "tools": None}, "tools.1.tools", "invalid_value"),
        ({**NAMESPACE, "tools": [{}]}, "tools.1.tools.0.type", "invalid_value"),
    ],
)  # fmt: skip
def test_a_mistaken_tool_is_named(tool: Any, param: str, code: str) -> None:
    refusal = _refusal(F, tool)
    assert (refusal.param, refusal.code) == (param, code)
    assert f"'{param}'" in refusal.message


def test_there_is_an_end_to_tools() -> None:
    many = [{"type": "function", "name": f"f{number}"} for number in range(MAX_TOOLS)]
    assert len(_box(*many).functions) == MAX_TOOLS
    assert _refusal(*many, F).param == "tools"


@QUICK
@given(st.one_of(texts, awkward))
def test_a_freeform_input_survives_its_wrapping(text: str) -> None:
    assert freeform_input(freeform_arguments(text)) == text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"input": "a", "more": 1}', "a"),
        ("{}", ""),
        ("", ""),
        ("*** Begin Patch", "*** Begin Patch"),
        ('{"input": "*** Beg', '{"input": "*** Beg'),
        ('{"input": 5}', '{"input": 5}'),
        ('"text"', '"text"'),
        ("[" * 100_000, "[" * 100_000),
    ],
)
def test_an_unwrapped_input_is_taken_as_it_is(arguments: str, text: str) -> None:
    assert freeform_input(arguments) == text


def test_tools_that_come_later_replace_earlier_ones() -> None:
    box = _box(F, PATCH)
    other = {"type": "function", "name": "apply_patch"}
    box.add_later([NAMESPACE, {**F, "description": "Better"}, other], "input.0.tools")

    names = _names(box.parameters({}))
    assert names == ["f", "apply_patch", "mcp__files__list", "mcp__files__write"]
    assert box.functions["f"]["function"]["description"] == "Better"
    assert box.offered["apply_patch"] == Offered("apply_patch")


def test_the_most_tools_may_be_replaced_but_not_exceeded() -> None:
    many = [{"type": "function", "name": f"f{number}"} for number in range(MAX_TOOLS)]
    box = _box(*many)
    box.add_later(many, "input.0.tools")
    with pytest.raises(InvalidRequest):
        box.add_later([F], "input.1.tools")
    assert len(box.functions) == MAX_TOOLS
