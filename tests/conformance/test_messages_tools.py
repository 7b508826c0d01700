"""Tools in Anthropic's Messages dialect with its SDK, on both routes, to the end of the loop."""

import json
from typing import Any

import anthropic
import pytest
from conformance.dialects import CLAUDE, MESSAGES, ODD, PDF, PNG, anthropic_client, user
from conformance.sides import KEY, Side
from fixtures.messages_stream import read

BOTH = "Use get_weather and get_time."
ASKED: Any = {"model": CLAUDE, "max_tokens": 50_000}


def _tool(name: str, *fields: str) -> dict[str, Any]:
    schema = {
        "type": "object",
        "properties": {field: {"type": "string"} for field in fields},
        "required": list(fields),
        "additionalProperties": False,
    }
    return {"name": name, "description": f"What {name} does.", "input_schema": schema}


WEATHER, TIME, PING = _tool("get_weather", "city"), _tool("get_time", "zone"), _tool("ping")
TOOLS: Any = [WEATHER, TIME]


def _call(name: str, arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


def _message(side: Side, *, stream: bool, **fields: Any) -> Any:
    """An answer as the SDK has it; the tools go without saying."""
    asked = {**ASKED, "messages": user(BOTH), "tools": TOOLS, **fields}
    with anthropic_client(side) as client:
        if not stream:
            return client.messages.create(**asked)
        with client.messages.stream(**asked) as opened:
            return opened.get_final_message()


def _calls(message: Any) -> list[Any]:
    return [block for block in message.content if block.type == "tool_use"]


def _names(message: Any) -> list[str]:
    return [block.name for block in _calls(message)]


def _result(call: Any, content: Any, **fields: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call.id, "content": content, **fields}


def test_sdk_calls_their_results_and_an_answer(side: Side) -> None:
    first = _message(side, stream=False)
    assert first.stop_reason == "tool_use"
    calls = _calls(first)
    assert [call.input for call in calls] == [{"city": "example"}, {"zone": "example"}]
    assert len({call.id for call in calls}) == 2

    results = [_result(call, f"{call.name}!") for call in calls]
    asked = [*user(BOTH), {"role": "assistant", "content": first.content}, *user(results)]
    second = _message(side, stream=True, messages=asked)

    assert second.stop_reason == "end_turn"
    assert "The tool returned: “get_time!”" in second.content[0].text


def test_input_comes_as_pieces_of_json(side: Side) -> None:
    side.script(answer={"text": "Let me see.", "tool_calls": [_call("get_weather", {"city": ODD})]})

    reading = read(MESSAGES.stream(side, tools=TOOLS))

    said, call = reading.blocks
    assert said.said.strip() == "Let me see."
    assert call.start["input"] == {}
    assert call.start["name"] == "get_weather"
    assert json.loads(call.said) == {"city": ODD}
    assert reading.delta["delta"]["stop_reason"] == "tool_use"


def test_sdk_the_runner_comes_to_an_end(side: Side) -> None:
    called: list[str] = []

    @anthropic.beta_tool
    def get_weather(city: str) -> str:
        """The weather.

        Args:
            city: Where.
        """
        called.append(city)
        return "Snow."

    with anthropic_client(side) as client:
        runner = client.beta.messages.tool_runner(
            **ASKED, tools=[get_weather], messages=user("What does get_weather say?")
        )
        final: Any = runner.until_done()
        streamed: Any = client.beta.messages.tool_runner(
            **ASKED, tools=[get_weather], messages=user("And get_weather now?"), stream=True
        ).until_done()

    assert called == ["example"] * 2
    assert "The tool returned: “Snow.”" in final.content[-1].text
    assert "The tool returned: “Snow.”" in streamed.content[-1].text


CHOICES: list[tuple[dict[str, Any], list[str]]] = [
    ({"type": "auto"}, ["get_weather", "get_time"]),
    ({"type": "any"}, ["get_weather", "get_time"]),
    ({"type": "tool", "name": "get_time"}, ["get_time"]),
    ({"type": "none"}, []),
    ({"type": "auto", "disable_parallel_tool_use": True}, ["get_weather"]),
]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(("choice", "names"), CHOICES, ids=lambda value: str(value)[:40])
def test_sdk_the_choice_of_a_tool(
    side: Side, choice: dict[str, Any], names: list[str], stream: bool
) -> None:
    message = _message(side, stream=stream, tool_choice=choice)

    assert _names(message) == names
    assert message.stop_reason == ("tool_use" if names else "end_turn")


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "get_weather"}])
def test_sdk_a_forced_call_of_a_tool_that_nobody_mentioned(
    side: Side, choice: dict[str, Any]
) -> None:
    message = _message(side, stream=True, messages=user("Hello"), tool_choice=choice)

    assert _names(message) == ["get_weather"]


INPUTS: dict[str, list[dict[str, Any]]] = {
    "odd": [_call("get_weather", {"city": ODD})],
    "none": [_call("ping", {})],
    "long": [_call("get_weather", {"city": "x" * 70_000})],
    "same name twice": [_call("get_time", {"zone": zone}) for zone in ("CET", "UTC")],
}


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("calls", INPUTS.values(), ids=INPUTS.keys())
def test_sdk_inputs_arrive_as_they_were_meant(
    side: Side, calls: list[dict[str, Any]], stream: bool
) -> None:
    side.script(answer={"tool_calls": calls})

    message = _message(side, stream=stream, tools=[*TOOLS, PING])

    assert [_call(block.name, block.input) for block in message.content] == calls


@pytest.mark.parametrize("stream", [False, True])
def test_sdk_a_call_that_does_not_fit_is_asked_for_again(cookie: Side, stream: bool) -> None:
    for city in (7, "Geneva"):
        cookie.script(answer={"tool_calls": [_call("get_weather", {"city": city})]})

    [block] = _message(cookie, stream=stream).content

    assert block.input == {"city": "Geneva"}
    assert len(cookie.log()) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_sdk_a_call_that_never_fits_is_text(cookie: Side, stream: bool) -> None:
    cookie.script(answer={"tool_calls": [_call("get_weather", {"city": 7})]}, times=2)

    message = _message(cookie, stream=stream)

    [block] = message.content
    assert (block.type, message.stop_reason) == ("text", "end_turn")
    assert '"city": 7' in block.text


def test_sdk_a_result_may_be_an_error_or_empty(side: Side) -> None:
    first = _message(side, stream=False)
    weather, time = _calls(first)
    results = [_result(weather, ""), _result(time, "No such zone.", is_error=True)]
    asked = [*user(BOTH), {"role": "assistant", "content": first.content}, *user(results)]

    second = _message(side, stream=False, messages=asked)

    assert "The tool returned: “Error: No such zone.”" in second.content[0].text


def test_sdk_pictures_and_documents_in_a_result_are_seen(side: Side) -> None:
    picture = {"type": "base64", "media_type": "image/png", "data": PNG}
    paper = {"type": "base64", "media_type": "application/pdf", "data": PDF}
    first = _message(side, stream=False, messages=user("Use get_weather."))
    content = [
        {"type": "text", "text": "A screenshot."},
        {"type": "image", "source": picture},
        {"type": "document", "source": paper},
    ]
    results = [_result(_calls(first)[0], content), {"type": "text", "text": "What is it?"}]
    asked = [*user("Look."), {"role": "assistant", "content": first.content}, *user(results)]

    said = _message(side, stream=False, messages=asked).content[0].text

    assert "Images received: 1." in said
    assert "Files received: 1." in said
    assert "What is it?" in said


def test_tools_reach_the_upstream(side: Side) -> None:
    MESSAGES.whole(side, tools=[WEATHER], tool_choice={"type": "auto"})

    body = side.log()[0]["body"]
    if side.name == KEY:
        [tool] = body["tools"]
        assert tool["function"]["parameters"] == WEATHER["input_schema"]
        assert tool["function"]["description"] == WEATHER["description"]
    else:
        told = " ".join(message["content"] for message in body["messages"])
        assert '"name":"get_weather"' in told.replace(" ", "")
        assert WEATHER["description"] in told
