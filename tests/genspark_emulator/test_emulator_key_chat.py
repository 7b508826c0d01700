"""Chat with an API key."""

import json
from typing import Any

import pytest
from emulator_client import (
    COMPLETIONS,
    KEY,
    EmulatorClient,
    completion_body,
    data_of,
    deltas_of,
    frames_of,
    joined,
)


def tool(name: str, **properties: Any) -> dict[str, Any]:
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


WEATHER = tool("get_weather", city={"type": "string"}, days={"type": "integer", "minimum": 2})
CLOCK = tool("get_time", zone={"enum": ["UTC", "CET"]})


def called(body: str) -> list[tuple[str, Any]]:
    """Put streamed tool calls together again."""
    calls: dict[int, list[str]] = {}
    for delta in deltas_of(body):
        for fragment in delta.get("tool_calls", ()):
            call = calls.setdefault(fragment["index"], ["", ""])
            call[0] += fragment["function"].get("name", "")
            call[1] += fragment["function"].get("arguments", "")
    return [(name, json.loads(arguments)) for name, arguments in calls.values()]


def test_a_whole_completion(emulator: EmulatorClient) -> None:
    body = emulator.complete("hello 你好 🙂").json()
    choice = body["choices"][0]
    assert body["object"] == "chat.completion"
    assert body["model"] == "gpt-5.4"
    assert choice["message"]["role"] == "assistant"
    assert "hello 你好 🙂" in choice["message"]["content"]
    assert "reasoning_content" not in choice["message"]
    assert choice["finish_reason"] == "stop"
    usage = body["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_a_streamed_completion(emulator: EmulatorClient) -> None:
    response = emulator.complete("hello 你好 🙂", stream=True)
    assert response.headers["content-type"].startswith("text/event-stream")
    deltas = deltas_of(response.text)
    assert deltas[0] == {"role": "assistant", "content": ""}
    assert "hello 你好 🙂" in joined(deltas, "content")
    assert frames_of(response.text)[-1]["choices"][0]["finish_reason"] == "stop"
    assert not any("usage" in frame for frame in frames_of(response.text))
    assert data_of(response.text)[-1] == "[DONE]"


def test_usage_comes_last_when_asked_for(emulator: EmulatorClient) -> None:
    options = {"include_usage": True}
    stream = emulator.complete(stream=True, stream_options=options).text
    last = frames_of(stream)[-1]
    assert last["choices"] == []
    assert last["usage"]["prompt_tokens"] > 0


@pytest.mark.parametrize(("effort", "thinks"), [("low", True), ("none", False), (None, False)])
def test_reasoning_follows_the_effort(
    emulator: EmulatorClient, effort: str | None, thinks: bool
) -> None:
    whole = emulator.complete(reasoning_effort=effort).json()
    stream = emulator.complete(reasoning_effort=effort, stream=True).text
    thought = whole["choices"][0]["message"].get("reasoning_content", "")
    assert bool(thought) is thinks
    assert joined(deltas_of(stream), "reasoning_content") == thought


def test_image_parts_are_accepted(emulator: EmulatorClient) -> None:
    parts = [
        {"type": "text", "text": "what is it"},
        {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}},
    ]
    body = emulator.complete(messages=[{"role": "user", "content": parts}]).json()
    assert "Images received: 1" in body["choices"][0]["message"]["content"]


def test_file_parts_are_counted(emulator: EmulatorClient) -> None:
    file = {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERg=="}
    parts = [{"type": "file", "file": file}, {"type": "text", "text": "sum it up"}]
    body = emulator.complete(messages=[{"role": "user", "content": parts}]).json()
    assert "Files received: 1." in body["choices"][0]["message"]["content"]


def test_the_conversation_so_far_is_quoted(emulator: EmulatorClient) -> None:
    said = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "1"}]
    body = emulator.complete(messages=[*said, {"role": "user", "content": "two"}]).json()
    assert "Earlier you wrote: “one”." in body["choices"][0]["message"]["content"]


@pytest.mark.parametrize(
    ("text", "fields", "names"),
    [
        ("call get_weather now", {}, ["get_weather"]),
        ("get_time, then get_weather", {}, ["get_weather", "get_time"]),
        ("both get_time and get_weather", {"parallel_tool_calls": False}, ["get_weather"]),
        ("hello", {"tool_choice": "required"}, ["get_weather"]),
        ("get_time", {"tool_choice": "required"}, ["get_time"]),
        (
            "hello",
            {"tool_choice": {"type": "function", "function": {"name": "get_time"}}},
            ["get_time"],
        ),
        ("call get_weather now", {"tool_choice": "none"}, []),
        ("call get_weather_tomorrow now", {}, []),
        ("hello", {"tool_choice": "auto"}, []),
    ],
)
def test_when_tools_are_called(
    emulator: EmulatorClient, text: str, fields: dict[str, Any], names: list[str]
) -> None:
    request = {"tools": [WEATHER, CLOCK], **fields}
    message = emulator.complete(text, **request).json()["choices"][0]["message"]
    assert [c["function"]["name"] for c in message.get("tool_calls", [])] == names
    streamed = called(emulator.complete(text, stream=True, **request).text)
    assert [name for name, _ in streamed] == names


def test_arguments_satisfy_the_schema_and_are_split(emulator: EmulatorClient) -> None:
    stream = emulator.complete("get_weather", tools=[WEATHER], stream=True).text
    assert called(stream) == [("get_weather", {"city": "example", "days": 2})]
    fragments = [d["tool_calls"][0] for d in deltas_of(stream) if "tool_calls" in d]
    assert {"index", "id", "type", "function"} == set(fragments[0])
    assert len(fragments) > 3
    assert frames_of(stream)[-1]["choices"][0]["finish_reason"] == "tool_calls"


def test_a_tool_result_is_answered_in_words(emulator: EmulatorClient) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
    messages = [
        {"role": "user", "content": "what does get_time say"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "noon"},
    ]
    choice = emulator.complete(messages=messages, tools=[CLOCK]).json()["choices"][0]
    assert "The tool returned: “noon”" in choice["message"]["content"]
    assert choice["finish_reason"] == "stop"


def test_a_forced_model_goes_on_to_another_tool(emulator: EmulatorClient) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
    messages: list[dict[str, Any]] = [
        {"role": "user", "content": "what does get_time say"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": "noon"},
    ]
    fields = {"messages": messages, "tools": [CLOCK, WEATHER], "tool_choice": "required"}
    message = emulator.complete(**fields).json()["choices"][0]["message"]
    assert [c["function"]["name"] for c in message["tool_calls"]] == ["get_weather"]


def test_a_json_document_is_written_when_asked_for(emulator: EmulatorClient) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    body = emulator.complete(response_format=wanted).json()
    assert json.loads(body["choices"][0]["message"]["content"]) == {"n": 1}


@pytest.mark.parametrize(
    ("system", "document"),
    [
        (
            'It fits {"type": "object", "properties": {"n": {"enum": [7]}}, "required": ["n"]}.',
            {"n": 7},
        ),
        ('Like {"n": 7} or {n} or {', {"emulated": True}),
        ("", {"emulated": True}),
    ],
)
def test_any_json_object_fits_the_schema_that_a_system_turn_shows(
    emulator: EmulatorClient, system: str, document: Any
) -> None:
    said = [{"role": "system", "content": system}, {"role": "user", "content": "hello"}]
    body = emulator.complete(messages=said, response_format={"type": "json_object"}).json()
    assert json.loads(body["choices"][0]["message"]["content"]) == document


@pytest.mark.parametrize("model", ["gpt-5.4", "gpt-6-sol", "kimi-k3", "openai/gpt-5.4"])
def test_fixed_temperature_families(emulator: EmulatorClient, model: str) -> None:
    assert emulator.complete(model=model, temperature=0.2).status_code == 400
    assert emulator.complete(model=model, temperature=1).status_code == 200
    assert emulator.complete(model=model, temperature=None).status_code == 200


def test_other_families_take_a_temperature(emulator: EmulatorClient) -> None:
    assert emulator.complete(model="claude-opus-4-7", temperature=0.2).status_code == 200


def test_an_unknown_model_is_answered_with_the_list(emulator: EmulatorClient) -> None:
    response = emulator.complete(model="gpt-99")
    assert response.status_code == 400
    assert "Allowed models: " in response.text
    assert "claude-opus-4-7" in response.text


@pytest.mark.parametrize("change", [{"messages": []}, {"messages": None}, {"model": None}])
def test_malformed_requests(emulator: EmulatorClient, change: dict[str, Any]) -> None:
    assert emulator.complete(**change).status_code == 400


@pytest.mark.parametrize("authorization", ["", "Bearer sk-other", "Basic gsk-x", "gsk-x"])
def test_without_a_key_there_is_no_answer(emulator: EmulatorClient, authorization: str) -> None:
    headers = {"authorization": authorization} if authorization else {}
    response = emulator.http.post(COMPLETIONS, json=completion_body(), headers=headers)
    assert response.status_code == 401
    assert emulator.log()[-1]["account"] is None


def test_scripted_tool_calls_may_be_broken_json(emulator: EmulatorClient) -> None:
    broken = '{"city": "the "old" town"}'
    emulator.script(answer={"tool_calls": [{"name": "get_weather", "arguments": broken}]})
    message = emulator.complete().json()["choices"][0]["message"]
    assert message["content"] is None
    assert message["tool_calls"][0]["function"]["arguments"] == broken


def test_every_field_of_a_scripted_answer(emulator: EmulatorClient) -> None:
    answer = {
        "deltas": ["一", "二"],
        "reasoning": "because  of this",
        "served_model": "gpt-5.5",
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        "finish_reason": "length",
    }
    emulator.script(answer=answer, times=2, account=KEY)
    whole = emulator.complete().json()
    stream = emulator.complete(stream=True).text
    assert whole["choices"][0]["message"]["content"] == "一二"
    assert whole["choices"][0]["finish_reason"] == "length"
    assert whole["model"] == "gpt-5.5"
    assert whole["usage"] == answer["usage"]
    assert [d["content"] for d in deltas_of(stream) if d.get("content")] == ["一", "二"]
    assert joined(deltas_of(stream), "reasoning_content") == "because  of this"


def test_several_choices_take_turns_in_a_stream(emulator: EmulatorClient) -> None:
    emulator.script(answer={"text": "one two"}, times=2)
    whole = emulator.complete(n=3).json()
    stream = emulator.complete(n=2, stream=True, stream_options={"include_usage": True}).text
    told = [(f["choices"][0]["index"], f["choices"][0]["delta"].get("content"))
            for f in frames_of(stream) if f["choices"]]  # fmt: skip
    assert [choice["index"] for choice in whole["choices"]] == [0, 1, 2]
    assert {choice["message"]["content"] for choice in whole["choices"]} == {"one two"}
    assert whole["usage"]["completion_tokens"] == 6
    pieces = ("", "one", " two", None)
    assert told == [(index, piece) for piece in pieces for index in (0, 1)]
    assert frames_of(stream)[-1]["usage"]["completion_tokens"] == 4
    assert data_of(stream).count("[DONE]") == 1


@pytest.mark.parametrize(
    ("fields", "text", "reason"),
    [
        ({"stop": "three"}, "one two ", "stop"),
        ({"stop": ["four", "two"]}, "one ", "stop"),
        ({"stop": ["absent"]}, "one two three four", "stop"),
        ({"max_tokens": 2}, "one two ", "length"),
        ({"max_completion_tokens": 1, "max_tokens": 2}, "one ", "length"),
        ({"max_tokens": 99}, "one two three four", "stop"),
        ({"stop": "two", "max_tokens": 4}, "one ", "stop"),
        ({"stop": "two", "max_tokens": 1}, "one ", "stop"),
        ({"stop": "four", "max_tokens": 1}, "one ", "length"),
        ({"stop": None, "max_tokens": None}, "one two three four", "stop"),
    ],
)
def test_an_answer_may_end_early(
    emulator: EmulatorClient, fields: dict[str, Any], text: str, reason: str
) -> None:
    emulator.script(answer={"text": "one two three four"}, times=2)
    [choice] = emulator.complete(**fields).json()["choices"]
    stream = emulator.complete(stream=True, **fields).text
    assert (choice["message"]["content"], choice["finish_reason"]) == (text, reason)
    assert joined(deltas_of(stream), "content") == text
    assert frames_of(stream)[-1]["choices"][0]["finish_reason"] == reason


@pytest.mark.parametrize("choice", [None, "auto", {"name": "get_time"}])
def test_the_older_form_of_tools(emulator: EmulatorClient, choice: Any) -> None:
    functions = [WEATHER["function"], CLOCK["function"]]
    fields = {"functions": functions, "function_call": choice}
    text = "hello" if isinstance(choice, dict) else "get_time, not get_dressed"
    [whole] = emulator.complete(text, **fields).json()["choices"]
    stream = emulator.complete(text, stream=True, **fields).text
    pieces = [delta["function_call"] for delta in deltas_of(stream) if "function_call" in delta]
    assert whole["finish_reason"] == "function_call"
    assert whole["message"]["function_call"] == {"name": "get_time", "arguments": '{"zone": "UTC"}'}
    assert "tool_calls" not in whole["message"]
    assert pieces[0] == {"name": "get_time", "arguments": ""}
    assert joined(pieces, "arguments") == '{"zone": "UTC"}'
    assert frames_of(stream)[-1]["choices"][0]["finish_reason"] == "function_call"
    result = {"role": "function", "name": "get_time", "content": "noon"}
    said = [{"role": "user", "content": text}, whole["message"], result]
    answered = emulator.complete(messages=said, functions=functions).json()["choices"][0]
    assert "The tool returned: “noon”" in answered["message"]["content"]
    assert emulator.complete(text, functions=functions, function_call="none").json()["choices"][0][
        "message"
    ]["content"]
