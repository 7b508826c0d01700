"""Tools in the Responses dialect with openai-python, on both routes, to the end of the loop."""

import json
from typing import Any

import pytest
from conformance.dialects import MODEL, ODD, PNG, RESPONSES, openai_client, user
from conformance.sides import KEY, Side
from fixtures.responses_stream import parsed, read

BOTH = "Use get_weather and get_time."


def _function(name: str, field: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {field: {"type": "string"}},
        "required": [field],
        "additionalProperties": False,
    }
    return {"type": "function", "name": name, "parameters": schema, "strict": True}


WEATHER, TIME = _function("get_weather", "city"), _function("get_time", "zone")
TOOLS: list[Any] = [WEATHER, TIME]
PING = {"type": "function", "name": "ping", "parameters": None, "strict": None}
PATCH: Any = {
    "type": "custom",
    "name": "apply_patch",
    "description": "Changes files.",
    "format": {"type": "grammar", "syntax": "lark", "definition": "start: /.+/s"},
}
PATCH_TEXT = f"*** Begin Patch\n*** Add File: a.py\n+{ODD}\n*** End Patch\n"


def _output(side: Side, *, stream: bool, **fields: Any) -> list[Any]:
    """The items of an answer, each as the SDK has it."""
    body = (
        read(RESPONSES.stream(side, **fields)).response
        if stream
        else RESPONSES.whole(side, **fields)
    )
    assert parsed(body).status == "completed"
    return list(parsed(body).output)


def _names(items: list[Any]) -> list[str]:
    return [item.name for item in items if item.type in ("function_call", "custom_tool_call")]


def _call(name: str, arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


def test_sdk_a_call_its_result_and_an_answer(side: Side) -> None:
    asked: list[Any] = user("What does get_weather say?")
    with openai_client(side) as client:
        first = client.responses.create(model=MODEL, input=asked, tools=TOOLS)
        [call] = first.output
        assert call.type == "function_call"
        assert json.loads(call.arguments) == {"city": "example"}
        result = {"type": "function_call_output", "call_id": call.call_id, "output": "Snow."}
        asked += [call, result]
        second = client.responses.create(model=MODEL, input=asked, tools=TOOLS)

    assert "The tool returned: “Snow.”" in second.output_text
    assert second.id != first.id


def test_sdk_a_streamed_loop_with_two_calls_at_once(side: Side) -> None:
    asked: list[Any] = user(BOTH)
    with openai_client(side) as client:
        with client.responses.stream(model=MODEL, input=asked, tools=TOOLS) as stream:
            events: list[Any] = list(stream)
            calls: list[Any] = list(stream.get_final_response().output)
        done = [e for e in events if e.type == "response.function_call_arguments.done"]
        assert [event.arguments for event in done] == [call.arguments for call in calls]
        assert [call.parsed_arguments for call in calls] == [
            {"city": "example"},
            {"zone": "example"},
        ]
        assert len({call.call_id for call in calls}) == len({call.id for call in calls}) == 2
        asked += calls
        asked += [
            {"type": "function_call_output", "call_id": call.call_id, "output": f"{call.name}!"}
            for call in calls
        ]
        with client.responses.stream(model=MODEL, input=asked, tools=TOOLS) as stream:
            assert "get_time!" in stream.get_final_response().output_text


CHOICES: list[tuple[Any, list[str]]] = [
    ("auto", ["get_weather", "get_time"]),
    ("required", ["get_weather", "get_time"]),
    ("none", []),
    ({"type": "function", "name": "get_time"}, ["get_time"]),
    ({"type": "allowed_tools", "mode": "auto", "tools": [{**TIME}]}, ["get_time"]),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("choice", "names"), CHOICES, ids=lambda value: str(value)[:40])
def test_the_choice_of_a_tool(side: Side, choice: Any, names: list[str], stream: bool) -> None:
    asked = {"input": BOTH, "tools": TOOLS, "tool_choice": choice}

    assert _names(_output(side, stream=stream, **asked)) == names


@pytest.mark.parametrize("stream", [False, True])
def test_a_forced_call_of_a_tool_that_nobody_mentioned(side: Side, stream: bool) -> None:
    choice = {"type": "custom", "name": "apply_patch"}
    asked = {"input": "Hello", "tools": [*TOOLS, PATCH], "tool_choice": choice}

    assert _names(_output(side, stream=stream, **asked)) == ["apply_patch"]


@pytest.mark.parametrize("stream", [False, True])
def test_one_call_at_a_time(side: Side, stream: bool) -> None:
    items = _output(side, stream=stream, input=BOTH, tools=TOOLS, parallel_tool_calls=False)

    assert _names(items) == ["get_weather"]


ARGUMENTS: dict[str, list[dict[str, Any]]] = {
    "odd": [_call("get_weather", {"city": ODD})],
    "none": [_call("ping", {})],
    "long": [_call("get_weather", {"city": "x" * 70_000})],
    "same name twice": [_call("get_time", {"zone": zone}) for zone in ("CET", "UTC")],
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("calls", ARGUMENTS.values(), ids=ARGUMENTS.keys())
def test_arguments_arrive_as_they_were_meant(
    side: Side, calls: list[dict[str, Any]], stream: bool
) -> None:
    side.script(answer={"text": "Let me see.", "tool_calls": calls})

    said, *found = _output(side, stream=stream, tools=[*TOOLS, PING])

    assert said.content[0].text.strip() == "Let me see."
    assert [_call(item.name, json.loads(item.arguments)) for item in found] == calls


@pytest.mark.parametrize("stream", [False, True])
def test_arguments_that_are_no_json_are_left_to_the_caller(key: Side, stream: bool) -> None:
    key.script(answer={"tool_calls": [_call("ping", '{"a": '), _call("ping", "")]})

    items = _output(key, stream=stream, tools=[PING])

    assert [item.arguments for item in items] == ['{"a": ', "{}"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_does_not_fit_is_asked_for_again(cookie: Side, stream: bool) -> None:
    for city in (7, "Geneva"):
        cookie.script(answer={"tool_calls": [_call("get_weather", {"city": city})]})

    [item] = _output(cookie, stream=stream, tools=TOOLS)

    assert json.loads(item.arguments) == {"city": "Geneva"}
    assert len(cookie.log()) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_never_fits_is_text(cookie: Side, stream: bool) -> None:
    cookie.script(answer={"tool_calls": [_call("get_weather", {"city": 7})]}, times=2)

    [item] = _output(cookie, stream=stream, tools=TOOLS)

    assert item.type == "message"
    assert '"city": 7' in item.content[0].text


@pytest.mark.parametrize("stream", [False, True])
def test_a_freeform_tool_gets_plain_text(side: Side, stream: bool) -> None:
    side.script(answer={"tool_calls": [_call("apply_patch", {"input": PATCH_TEXT})]})

    [call] = _output(side, stream=stream, tools=[PATCH])

    assert (call.type, call.name, call.input) == ("custom_tool_call", "apply_patch", PATCH_TEXT)


def test_sdk_a_freeform_tools_loop(side: Side) -> None:
    asked: list[Any] = user("Use apply_patch.")
    with openai_client(side) as client:
        with client.responses.stream(model=MODEL, input=asked, tools=[PATCH]) as stream:
            events: list[Any] = list(stream)
            [call] = stream.get_final_response().output
        assert call.type == "custom_tool_call"
        said = "".join(e.delta for e in events if e.type == "response.custom_tool_call_input.delta")
        assert said == call.input == "example"
        result = {"type": "custom_tool_call_output", "call_id": call.call_id, "output": "Patched."}
        asked += [call, result]
        answer = client.responses.create(model=MODEL, input=asked, tools=[PATCH])

    assert "The tool returned: “Patched.”" in answer.output_text


@pytest.mark.parametrize("stream", [False, True])
def test_a_tool_in_a_namespace_keeps_its_name(side: Side, stream: bool) -> None:
    space = {"type": "namespace", "name": "mcp__files__", "description": "Files.", "tools": [PING]}
    side.script(answer={"tool_calls": [_call("mcp__files__ping", {})]})

    [call] = _output(side, stream=stream, tools=[space, WEATHER])

    assert (call.name, call.namespace) == ("ping", "mcp__files__")
    asked = [*user("Go."), call.to_dict(), _result(call.call_id, "Pong.")]
    [answer] = _output(side, stream=stream, input=asked, tools=[space, WEATHER])
    assert "The tool returned: “Pong.”" in answer.content[0].text


def test_pictures_in_a_result_are_seen(side: Side) -> None:
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}
    call = {"type": "function_call", "call_id": "c1", "name": "ping", "arguments": "{}"}
    result = _result("c1", [{"type": "input_text", "text": "A picture."}, picture])

    [answer] = _output(side, stream=False, input=[*user("Look."), call, result], tools=[PING])

    assert "Images received: 1." in answer.content[0].text


def test_tools_reach_the_upstream(side: Side) -> None:
    RESPONSES.whole(side, tools=[WEATHER, PATCH], tool_choice="auto")

    body = side.log()[0]["body"]
    if side.name == KEY:
        names = [tool["function"]["name"] for tool in body["tools"]]
        assert names == ["get_weather", "apply_patch"]
    else:
        told = " ".join(message["content"] for message in body["messages"])
        assert '"name":"get_weather"' in told.replace(" ", "")
        assert "start: /.+/s" in told


def _result(call_id: str, output: Any) -> dict[str, Any]:
    return {"type": "function_call_output", "call_id": call_id, "output": output}
