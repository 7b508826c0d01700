"""What models are told about tools, and that we read what we ask for."""

import json
import re
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK
from fixtures.tool_answers.corpus import EVERY_TOOL, TOOLS, heard
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.ask import ToolCall
from proxy.core.wishes import Tool, ToolUse
from proxy.wire.tool_prompt import calls_text, demand_text, instruction, repair_text, result_text
from proxy.wire.tool_text import Called, Said

WEATHER, TIME = TOOLS["get_weather"], TOOLS["get_time"]
FORM = '<tool_call>{"name": "function-name", "arguments": {"argument-name": "value"}}</tool_call>'


def definitions(text: str) -> list[Any]:
    """The lines between the tools tags, as JSON."""
    found = re.search(r"^<tools>\n(.*)\n</tools>$", text, re.DOTALL | re.MULTILINE)
    assert found is not None
    return [json.loads(line) for line in found[1].split("\n")]


def test_each_tool_is_one_line_of_json() -> None:
    assert definitions(instruction(ToolUse((WEATHER, TIME)))) == [
        {"type": "function", "function": {"name": "get_weather",
         "description": "The weather in a city", "parameters": WEATHER.parameters}},
        {"type": "function", "function": {"name": "get_time", "description": "The time now",
         "parameters": {"type": "object", "properties": {}}}},
    ]  # fmt: skip
    assert definitions(instruction(ToolUse((Tool("f"),)))) == [
        {"type": "function", "function": {"name": "f",
         "parameters": {"type": "object", "properties": {}}}},
    ]  # fmt: skip


def test_a_description_cannot_close_the_list_and_says_the_same() -> None:
    text = instruction(ToolUse((Tool("f", "a\n</tools>\n城 <b>"),)))
    assert text.count("</tools>") == 1
    assert definitions(text)[0]["function"]["description"] == "a\n</tools>\n城 <b>"


@pytest.mark.parametrize(
    ("use", "words"),
    [
        (ToolUse((WEATHER, TIME)), ["Several calls", "answer as usual"]),
        (ToolUse((WEATHER, TIME), parallel=False), ["at most one call", "answer as usual"]),
        (ToolUse((WEATHER, TIME), required=True), ["must contain a call of at least one function"]),
        (
            ToolUse((WEATHER, TIME), required=True, parallel=False),
            ["at most one call", "must contain a call of one function"],
        ),
        (ToolUse((TIME,), required=True), ["must contain a call of the function get_time"]),
    ],
)
def test_the_rules_follow_the_wishes(use: ToolUse, words: list[str]) -> None:
    text = instruction(use)
    assert all(each in text for each in [FORM, "<tool_response>", *words])
    assert ("answer as usual" in text) is not use.required
    assert ("Several calls" in text) is use.parallel
    assert len(text) < 1600 + sum(len(json.dumps(tool.parameters)) for tool in use.tools)


def test_earlier_calls_are_shown_in_the_form_that_is_asked_for() -> None:
    calls = (
        ToolCall("call_1", "get_weather", '{"city": "Paris"}'),
        ToolCall("call_2", "get_time", ""),
        ToolCall("call_3", "get_time", "{broken"),
    )
    assert calls_text(calls) == (
        '<tool_call>{"name":"get_weather","arguments":{"city":"Paris"}}</tool_call>\n'
        '<tool_call>{"name":"get_time","arguments":{}}</tool_call>\n'
        '<tool_call>{"name":"get_time","arguments":"{broken"}</tool_call>'
    )
    assert calls_text(()) == ""


@QUICK
@given(st.lists(st.tuples(st.text(), st.text()), min_size=1, max_size=4))
def test_what_we_show_as_calls_we_read_as_calls(pairs: list[tuple[str, str]]) -> None:
    calls = tuple(
        ToolCall("id", "write_file", json.dumps({"path": path, "content": content}))
        for path, content in pairs
    )
    read = heard(EVERY_TOOL, [calls_text(calls)])
    assert [event.name for event in read if isinstance(event, Called)] == ["write_file"] * len(
        pairs
    )
    arguments = [json.loads(event.arguments) for event in read if isinstance(event, Called)]
    assert [(each["path"], each["content"]) for each in arguments] == pairs
    assert len(read) == len(pairs)


@QUICK
@given(st.text(), st.text(), st.text() | st.sampled_from(["</tool_response>", "<tool_call>{}"]))
def test_nothing_in_a_result_closes_its_block(call_id: str, name: str, text: str) -> None:
    block = result_text(call_id, name, text)
    inner = block.removeprefix("<tool_response>").removesuffix("</tool_response>")
    assert "<" not in inner
    assert "\n" not in inner
    assert json.loads(inner) == {"id": call_id, "name": name, "content": text}


def test_a_result_as_the_model_sees_it() -> None:
    assert result_text("call_1", "get_time", "<b>noon</b>") == (
        '<tool_response>{"id":"call_1","name":"get_time","content":"\\u003cb>noon\\u003c/b>"}'
        "</tool_response>"
    )


def test_a_repair_names_the_problems_and_asks_for_the_blocks_alone() -> None:
    use = ToolUse((WEATHER, TIME))
    text = repair_text(["get_weather: 'city' is a required property", "it </tool_call>"], use)
    assert "\n- get_weather: 'city' is a required property\n" in text
    assert "get_weather, get_time" in text
    assert "nothing else, one block for each call:" in text
    assert text.count("</tool_call>") == 1
    assert "one block" not in repair_text(["x"], ToolUse((TIME,), parallel=False))


def test_a_demand_names_the_function_when_it_is_one() -> None:
    assert "a call of the function get_time" in demand_text(ToolUse((TIME,), required=True))
    assert "at least one function" in demand_text(ToolUse((WEATHER, TIME), required=True))
    assert demand_text(ToolUse((TIME,), required=True)).endswith(FORM)


@pytest.mark.parametrize(
    "text",
    [instruction(EVERY_TOOL), repair_text(["x"], EVERY_TOOL), demand_text(EVERY_TOOL)],
    ids=["instruction", "repair", "demand"],
)
def test_a_model_that_repeats_our_own_words_calls_nothing(text: str) -> None:
    assert not any(isinstance(event, Called) for event in heard(EVERY_TOOL, [text]))
    assert isinstance(heard(EVERY_TOOL, [text])[0], Said)
