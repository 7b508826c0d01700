"""What a request wants beyond text, as clients of all ages write it."""

import json
from typing import Any

import pytest

from proxy.core.ask import InvalidRequest
from proxy.core.wishes import Structure, Tool, Wishes
from proxy.wire.openai_request import read_chat
from proxy.wire.openai_wishes import check_schemas

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}}
F = {"name": "f", "description": "Does f.", "parameters": SCHEMA}
TOOLS = [{"type": "function", "function": F}, {"type": "function", "function": {"name": "g"}}]


def _wishes(**fields: Any) -> Wishes:
    asked = {"model": "m", "messages": [{"role": "user", "content": "x"}], **fields}
    return read_chat(json.dumps(asked).encode()).wishes


def test_a_plain_question_wants_nothing() -> None:
    assert _wishes() == Wishes()
    empty = {"tools": [], "functions": None, "stop": None, "n": 1, "response_format": None}
    assert _wishes(**empty) == Wishes()


def test_tools_are_read_with_their_schemas() -> None:
    use = _wishes(tools=TOOLS).tools
    assert use is not None
    assert use.tools == (Tool("f", "Does f.", SCHEMA), Tool("g"))
    assert (use.required, use.parallel, use.legacy) == (False, True, False)
    single = _wishes(tools=TOOLS, parallel_tool_calls=False).tools
    assert single is not None
    assert single.parallel is False


@pytest.mark.parametrize(
    ("choice", "names", "required"),
    [
        ("auto", ["f", "g"], False),
        ("required", ["f", "g"], True),
        ({"type": "function", "function": {"name": "g"}}, ["g"], True),
        ({"type": "allowed_tools", "allowed_tools": {
            "mode": "auto", "tools": [{"type": "function", "function": {"name": "f"}}]}},
         ["f"], False),
        ({"type": "allowed_tools", "allowed_tools": {
            "mode": "required", "tools": [{"type": "function", "name": "f"}]}}, ["f"], True),
    ],
)  # fmt: skip
def test_a_choice_leaves_the_tools_it_allows(choice: Any, names: list[str], required: bool) -> None:
    use = _wishes(tools=TOOLS, tool_choice=choice).tools
    assert use is not None
    assert ([tool.name for tool in use.tools], use.required) == (names, required)


def test_tools_that_must_not_be_called_are_not_offered() -> None:
    assert _wishes(tools=TOOLS, tool_choice="none").tools is None
    assert _wishes(functions=[F], function_call="none").tools is None
    assert _wishes(tools=[{"type": "web_search"}]).tools is None


def test_functions_of_old_are_tools_one_at_a_time() -> None:
    use = _wishes(functions=[F], function_call={"name": "f"}).tools
    assert use is not None
    assert (use.legacy, use.required, use.parallel) == (True, True, False)
    assert use.tools == (Tool("f", "Does f.", SCHEMA),)


def test_structure_is_any_object_or_a_schema() -> None:
    assert _wishes(response_format={"type": "json_object"}).structure == Structure()
    assert _wishes(response_format={"type": "text"}).structure is None
    named = {"name": "answer", "schema": SCHEMA, "strict": True}
    wanted = _wishes(response_format={"type": "json_schema", "json_schema": named}).structure
    assert wanted == Structure(SCHEMA, "answer", True)


def test_ends_and_numbers() -> None:
    wishes = _wishes(stop="END", max_tokens=7, n=2, reasoning_effort="low", web_search_options={})
    assert (wishes.stops, wishes.limit, wishes.choices) == (("END",), 7, 2)
    assert (wishes.effort, wishes.search) == ("low", True)
    assert _wishes(stop=["a", "", "b"]).stops == ("a", "b")
    assert _wishes(max_tokens=7, max_completion_tokens=5).limit == 5


@pytest.mark.parametrize(
    "fields",
    [
        {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "h"}}},
        {"functions": [F], "function_call": {"name": "h"}},
        {"tools": [{"type": "function", "function": {"name": "a <tool>"}}]},
        {"tools": [{"type": "function", "function": {"name": "x" * 129}}]},
        {"tools": TOOLS * 257},
        {"functions": [7]},
    ],
)
def test_tools_that_make_no_sense_are_the_callers_mistake(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as refused:
        _wishes(**fields)
    assert refused.value.param in ("tools", "tool_choice")


def test_an_attachment_knows_its_place_and_name() -> None:
    part = {"type": "file", "file": {"file_data": "data:text/plain;base64,eA==", "filename": "a"}}
    asked = {"model": "m", "messages": [{"role": "user", "content": [part]}]}
    [attachment] = read_chat(json.dumps(asked).encode()).turns[0].attachments
    assert (attachment.name, attachment.param) == ("a", "messages.0.content.0")


@pytest.mark.parametrize(
    ("file", "param", "code"),
    [
        ({"file_id": "file-1"}, "messages.0.content.0.file.file_id", "unsupported_value"),
        ({}, "messages.0.content.0.file.file_data", "invalid_value"),
        ({"file_data": 7}, "messages.0.content.0.file.file_data", "invalid_value"),
    ],
)
def test_a_file_without_data_is_refused(file: Any, param: str, code: str) -> None:
    asked = {"model": "m", "messages": [
        {"role": "user", "content": [{"type": "file", "file": file}]}]}  # fmt: skip
    with pytest.raises(InvalidRequest) as refused:
        read_chat(json.dumps(asked).encode())
    assert (refused.value.param, refused.value.code) == (param, code)


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": 7}}}},
         "response_format.json_schema.schema"),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": 7}}}]},
         "tools"),
    ],
)  # fmt: skip
def test_a_schema_that_is_none_is_the_callers_mistake(fields: Any, param: str) -> None:
    wishes = _wishes(**fields)
    with pytest.raises(InvalidRequest) as refused:
        check_schemas(wishes)
    assert (refused.value.param, refused.value.code) == (param, "invalid_schema")
    check_schemas(_wishes(tools=TOOLS, response_format={"type": "json_object"}))
