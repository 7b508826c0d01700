"""Assertions 31 to 35: tool calls and reasoning."""

import json
from typing import Any

import openai
import pytest
from conformance.sides import COOKIE, KEY, Side, Start
from conformance.sse_reading import Chunk, Reading, check_sequence
from conformance.upstream_frames import key_call, key_chunk
from live import SECRET

CHAT = "/v1/chat/completions"


def _tool(name: str, *required: str) -> dict[str, Any]:
    properties = {field: {"type": "string"} for field in required}
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


TOOLS = [_tool("get_weather", "city"), _tool("get_time", "zone"), _tool("ping")]
CALLS: dict[str, list[dict[str, Any]]] = {
    "one": [{"name": "get_weather", "arguments": {"city": "Genf"}}],
    "two": [
        {"name": "get_weather", "arguments": {"city": "東京 🗼"}},
        {"name": "get_time", "arguments": {"zone": 'a "quoted"\nzone\\'}},
    ],
    "no arguments": [{"name": "ping", "arguments": {}}],
    "empty text for arguments": [{"name": "ping", "arguments": ""}],
    "long": [{"name": "get_weather", "arguments": {"city": "x" * 20_000}}],
    "same name twice": [{"name": "get_time", "arguments": {"zone": z}} for z in ("CET", "UTC")],
}


def _joined(fragments: list[Chunk]) -> list[dict[str, Any]]:
    """Fragments put together as NextChat does it: an id opens a call, the rest is appended."""
    calls: list[dict[str, Any]] = []
    for fragment in fragments:
        if fragment.get("id"):
            calls.append({"id": fragment["id"], **fragment["function"]})
        else:
            calls[-1]["arguments"] += fragment["function"]["arguments"]
    return calls


def _check_fragments(reading: Reading) -> list[dict[str, Any]]:
    """Assertion 32's rules; returns the calls."""
    seen: list[int] = []
    for fragment in reading.fragments():
        assert type(fragment["index"]) is int
        assert isinstance(fragment["function"]["arguments"], str)
        if fragment["index"] not in seen:
            seen.append(fragment["index"])
            assert set(fragment) == {"index", "id", "type", "function"}
            assert fragment["id"]
            assert fragment["type"] == "function"
            assert fragment["function"]["name"]
            assert fragment["function"]["arguments"] == ""
        else:
            assert fragment["index"] == seen[-1], "fragments of two calls are interleaved"
            assert set(fragment) == {"index", "function"}
            assert set(fragment["function"]) == {"arguments"}
    assert seen == list(range(len(seen)))
    calls = _joined(reading.fragments())
    assert len({call["id"] for call in calls}) == len(calls), "ids must differ"
    return calls


def _summary(call: dict[str, Any]) -> tuple[str, str]:
    return call["name"], call["arguments"]


@pytest.mark.parametrize("scripted", CALLS.values(), ids=CALLS.keys())
def test_c31_a_whole_answer_with_tool_calls(side: Side, scripted: list[dict[str, Any]]) -> None:
    side.script(answer={"tool_calls": scripted})

    [choice] = side.whole(tools=TOOLS)["choices"]

    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] is None
    calls = choice["message"]["tool_calls"]
    assert [call["type"] for call in calls] == ["function"] * len(scripted)
    assert len({call["id"] for call in calls}) == len(calls)
    for call, wanted in zip(calls, scripted, strict=True):
        assert call["function"]["name"] == wanted["name"]
        assert json.loads(call["function"]["arguments"]) == (wanted["arguments"] or {})


def test_c31_text_beside_tool_calls_is_kept(side: Side) -> None:
    side.script(answer={"text": "Let me see.", "tool_calls": CALLS["one"]}, times=2)

    [choice] = side.whole(tools=TOOLS)["choices"]
    streamed = side.stream(tools=TOOLS)

    assert choice["message"]["content"] == streamed.text() == "Let me see."
    assert choice["finish_reason"] == "tool_calls"
    assert streamed.finishes() == ["tool_calls"]
    assert len(_check_fragments(streamed)) == len(choice["message"]["tool_calls"]) == 1


@pytest.mark.parametrize("scripted", CALLS.values(), ids=CALLS.keys())
def test_c32_streamed_tool_calls_are_the_whole_ones_in_fragments(
    side: Side, scripted: list[dict[str, Any]]
) -> None:
    side.script(answer={"tool_calls": scripted}, times=2)

    whole = side.whole(tools=TOOLS)["choices"][0]["message"]["tool_calls"]
    reading = side.stream(tools=TOOLS)

    calls = _check_fragments(reading)
    check_sequence(reading)
    assert reading.finishes() == ["tool_calls"]
    assert [_summary(call) for call in calls] == [_summary(call["function"]) for call in whole]


def test_c32_fragments_that_share_a_chunk_upstream_are_parted(key: Side) -> None:
    key.script(scenario="two_tool_fragments_in_one_chunk", times=2)

    whole = key.whole(tools=TOOLS)["choices"][0]["message"]["tool_calls"]
    calls = _check_fragments(key.stream(tools=TOOLS))

    assert len(calls) == 2
    assert [_summary(call) for call in calls] == [_summary(call["function"]) for call in whole]


def test_c32_a_call_that_comes_in_one_piece_is_opened_first(key: Side) -> None:
    frames = [key_call(0, "get_time", '{"zone": "CET"}', "call_up"), key_chunk({}, "tool_calls")]
    key.script(frames=[*frames, "[DONE]"])

    [call] = _check_fragments(key.stream(tools=TOOLS))

    assert call == {"id": "call_up", "name": "get_time", "arguments": '{"zone": "CET"}'}


def test_c32_id_and_name_repeated_in_every_fragment_are_said_once(key: Side) -> None:
    pieces = ['{"zone"', ": ", '"CET"}']
    frames = [key_call(0, "get_time", piece, "call_up") for piece in pieces]
    key.script(frames=[*frames, key_chunk({}, "tool_calls"), "[DONE]"])

    [call] = _check_fragments(key.stream(tools=TOOLS))

    assert call == {"id": "call_up", "name": "get_time", "arguments": '{"zone": "CET"}'}


def test_c32_a_call_without_an_id_is_given_one(key: Side) -> None:
    frames = [key_call(0, "get_time", "{}"), key_call(1, "get_weather", "{}")]
    key.script(frames=[*frames, key_chunk({}, "tool_calls"), "[DONE]"])

    calls = _check_fragments(key.stream(tools=TOOLS))

    assert [call["name"] for call in calls] == ["get_time", "get_weather"]


@pytest.mark.parametrize("scripted", CALLS.values(), ids=CALLS.keys())
def test_c32_the_sdk_accumulates_the_same_calls(side: Side, scripted: list[dict[str, Any]]) -> None:
    side.script(answer={"tool_calls": scripted}, times=2)
    whole = side.whole(tools=TOOLS)["choices"][0]["message"]["tool_calls"]

    with openai.OpenAI(base_url=f"{side.url}/v1", api_key=SECRET) as client:
        asked: Any = {"messages": [{"role": "user", "content": "Go"}], "tools": TOOLS}
        with client.chat.completions.stream(model="gpt-5.4", **asked) as stream:
            final = stream.get_final_completion()

    found = [call.function for call in final.choices[0].message.tool_calls or []]
    assert [(call.name, call.arguments) for call in found] == [
        _summary(call["function"]) for call in whole
    ]


def test_c33_two_calls_have_indexes_0_and_1_and_are_not_interleaved(side: Side) -> None:
    side.script(answer={"tool_calls": CALLS["two"]})

    indexes = [fragment["index"] for fragment in side.stream(tools=TOOLS).fragments()]

    assert set(indexes) == {0, 1}
    assert indexes == sorted(indexes)


def test_c33_calls_that_are_interleaved_upstream_are_told_one_after_the_other(key: Side) -> None:
    frames = [
        key_call(0, "get_time", "", "call_a"),
        key_call(1, "get_weather", "", "call_b"),
        key_call(0, arguments='{"zone":'),
        key_call(1, arguments='{"city":'),
        key_call(0, arguments=' "CET"}'),
        key_call(1, arguments=' "Genf"}'),
    ]
    key.script(frames=[*frames, key_chunk({}, "tool_calls"), "[DONE]"])

    calls = _check_fragments(key.stream(tools=TOOLS))

    assert [_summary(call) for call in calls] == [
        ("get_time", '{"zone": "CET"}'),
        ("get_weather", '{"city": "Genf"}'),
    ]


@pytest.mark.parametrize("stream", [False, True])
def test_c34_tool_choice_none_gives_no_calls(side: Side, stream: bool) -> None:
    asked: dict[str, Any] = {"tools": TOOLS, "tool_choice": "none"}
    text = "Please use get_weather."

    if stream:
        reading = side.stream(text, **asked)
        assert (reading.fragments(), reading.finishes()) == ([], ["stop"])
        assert reading.text()
    else:
        [choice] = side.whole(text, **asked)["choices"]
        assert "tool_calls" not in choice["message"]
        assert choice["finish_reason"] == "stop"
        assert choice["message"]["content"]


@pytest.mark.parametrize("stream", [False, True])
def test_c34_a_named_choice_yields_that_function(side: Side, stream: bool) -> None:
    named = {"type": "function", "function": {"name": "get_time"}}
    asked: dict[str, Any] = {"tools": TOOLS, "tool_choice": named}

    if stream:
        names = [call["name"] for call in _check_fragments(side.stream("Hi", **asked))]
    else:
        calls = side.whole("Hi", **asked)["choices"][0]["message"]["tool_calls"]
        names = [call["function"]["name"] for call in calls]

    assert names == ["get_time"]


def test_c34_a_required_call_comes(side: Side) -> None:
    asked: dict[str, Any] = {"tools": TOOLS, "tool_choice": "required"}

    assert side.whole("Hi", **asked)["choices"][0]["finish_reason"] == "tool_calls"
    assert len(side.log()) == 1, "without a second ask"
    assert len(_check_fragments(side.stream("Hi", **asked))) >= 1


def test_c34_one_call_at_a_time(side: Side) -> None:
    asked: dict[str, Any] = {"tools": TOOLS, "parallel_tool_calls": False}
    text = "Please use get_weather and get_time."

    [call] = side.whole(text, **asked)["choices"][0]["message"]["tool_calls"]
    assert len(_check_fragments(side.stream(text, **asked))) == 1
    assert call["function"]["name"] in ("get_weather", "get_time")


def test_c34_an_empty_list_of_tools_is_no_tools(cookie: Side) -> None:
    assert cookie.chat(tools=[]).status_code == 200


def _reasoned(side: Side) -> None:
    if side.name == COOKIE:
        side.script(scenario="answerthink", times=2)
    else:
        answer = {"text": "The answer.", "reasoning": "First a thought, then another."}
        side.script(answer=answer, times=2)


def test_c35_reasoning_comes_first_and_in_its_own_field(side: Side) -> None:
    _reasoned(side)

    reading = side.stream()
    message = side.whole()["choices"][0]["message"]

    _check_reasoning(reading)
    assert message["reasoning_content"] == reading.reasoning()
    assert message["content"] == reading.text()
    assert "reasoning" not in message
    assert "<think>" not in message["content"]


def _check_reasoning(reading: Reading) -> None:
    kinds = [
        name for delta in reading.deltas() for name in ("reasoning_content", "content")
        if delta.get(name)
    ]  # fmt: skip
    assert set(kinds) == {"reasoning_content", "content"}
    assert kinds == sorted(kinds, reverse=True), "reasoning after the answer has begun"
    for delta in reading.deltas():
        assert not (delta.get("reasoning_content") and delta.get("content")), delta
        assert set(delta) <= {"role", "content", "reasoning_content"}, delta


def test_c35_reasoning_and_text_in_one_upstream_delta_are_parted(key: Side) -> None:
    frames = [
        key_chunk({"reasoning_content": "Hm."}),
        key_chunk({"reasoning_content": " So.", "content": "It is"}),
        key_chunk({"content": " 42."}),
    ]
    key.script(frames=[*frames, key_chunk({}, "stop"), "[DONE]"])

    reading = key.stream()

    _check_reasoning(reading)
    assert (reading.reasoning(), reading.text()) == ("Hm. So.", "It is 42.")


def test_c35_the_other_name_for_reasoning_is_translated(key: Side) -> None:
    frames = [key_chunk({"reasoning": "Hm."}), key_chunk({"content": "42."})]
    key.script(frames=[*frames, key_chunk({}, "stop"), "[DONE]"])

    reading = key.stream()

    _check_reasoning(reading)
    assert reading.reasoning() == "Hm."


def test_c35_reasoning_after_text_does_not_follow_the_text(key: Side) -> None:
    frames = [
        key_chunk({"reasoning_content": "Hm."}),
        key_chunk({"content": "It is"}),
        key_chunk({"reasoning_content": " Wait."}),
        key_chunk({"content": " 42."}),
    ]
    key.script(frames=[*frames, key_chunk({}, "stop"), "[DONE]"])

    reading = key.stream()

    _check_reasoning(reading)
    assert reading.text() == "It is 42."


@pytest.mark.parametrize("stream", [False, True])
def test_c35_the_hide_switch_removes_reasoning(start: Start, route: str, stream: bool) -> None:
    side = start(route, reasoning_hide=True)
    _reasoned(side)

    said = json.dumps(side.stream().chunks if stream else side.whole()["choices"])

    assert "reasoning" not in said
    assert "thought" not in said


THINKING = {
    "reasoning_content": "SECRET THOUGHT",
    "thinking_blocks": [{"type": "thinking", "thinking": "SECRET THOUGHT", "signature": "Eo8B"}],
    "reasoning_details": [{"type": "reasoning.text", "text": "SECRET THOUGHT"}],
}


@pytest.mark.parametrize("stream", [False, True])
def test_c35_the_hide_switch_removes_the_providers_own_copies_too(
    start: Start, stream: bool
) -> None:
    side = start(KEY, reasoning_hide=True)
    _script_thinking(side, stream=stream)

    said = json.dumps(side.stream().chunks if stream else side.whole()["choices"])

    assert "42." in said
    assert "SECRET THOUGHT" not in said


@pytest.mark.parametrize("stream", [False, True])
def test_c35_reasoning_is_told_once_and_not_in_the_providers_own_fields(
    key: Side, stream: bool
) -> None:
    _script_thinking(key, stream=stream)

    said = json.dumps(key.stream().chunks if stream else key.whole()["choices"])

    assert said.count("SECRET THOUGHT") == 1


def _script_thinking(side: Side, *, stream: bool) -> None:
    if stream:
        said = [key_chunk(THINKING), key_chunk({"content": "42."}), key_chunk({}, "stop")]
        side.script(frames=[*said, "[DONE]"])
    else:
        message = {"role": "assistant", "content": "42.", **THINKING}
        choice = {"index": 0, "message": message, "finish_reason": "stop"}
        side.script(reply={"body": {"object": "chat.completion", "choices": [choice]}})
