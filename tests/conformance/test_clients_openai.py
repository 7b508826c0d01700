"""openai-python's parsed answers and agent loops against the running server, on both routes."""

from typing import Any

import openai
import pytest
from conformance.clients.openai_client import CHECKS, TOOLS, GetWeather
from conformance.clients.report import PERSON, WEATHER, Check, Person, Target
from conformance.sides import Side
from live import SECRET


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_sdk_each_check_passes(side: Side, check: Check) -> None:
    assert check(Target(f"{side.url}/v1", SECRET, "gpt-5.4"))


def _person(side: Side, *, stream: bool) -> Any:
    """What the SDK parses out of one answer."""
    with openai.OpenAI(base_url=f"{side.url}/v1", api_key=SECRET, max_retries=0) as client:
        asked: Any = {"messages": [{"role": "user", "content": PERSON}], "response_format": Person}
        if stream:
            with client.chat.completions.stream(model="gpt-5.4", **asked) as opened:
                return opened.get_final_completion().choices[0]
        return client.chat.completions.parse(model="gpt-5.4", **asked).choices[0]


@pytest.mark.parametrize("stream", [False, True])
def test_sdk_a_document_that_does_not_fit_is_asked_for_again(cookie: Side, stream: bool) -> None:
    cookie.script(answer={"text": '{"name": "Ada", "born": "in London"}'})
    cookie.script(answer={"text": '{"name": "Ada", "born": 1815, "cities": []}'})

    choice = _person(cookie, stream=stream)

    assert choice.message.parsed == Person(name="Ada", born=1815, cities=[])
    assert choice.finish_reason == "stop"
    assert len(cookie.log()) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_sdk_a_model_that_will_not_is_a_refusal(cookie: Side, stream: bool) -> None:
    cookie.script(answer={"text": "I would rather not."}, times=2)

    choice = _person(cookie, stream=stream)

    assert choice.message.refusal == "I would rather not."
    assert choice.message.parsed is None
    assert choice.finish_reason == "stop"


@pytest.mark.parametrize("stream", [False, True])
def test_sdk_a_call_that_does_not_fit_is_asked_for_again(cookie: Side, stream: bool) -> None:
    for city in (7, "Geneva"):
        cookie.script(answer={"tool_calls": [{"name": "get_weather", "arguments": {"city": city}}]})

    with openai.OpenAI(base_url=f"{cookie.url}/v1", api_key=SECRET, max_retries=0) as client:
        asked: Any = {"messages": [{"role": "user", "content": WEATHER}], "tools": TOOLS}
        if stream:
            with client.chat.completions.stream(model="gpt-5.4", **asked) as opened:
                [choice] = opened.get_final_completion().choices
        else:
            [choice] = client.chat.completions.parse(model="gpt-5.4", **asked).choices

    [call] = choice.message.tool_calls or []
    assert call.function.parsed_arguments == GetWeather(city="Geneva")
    assert choice.finish_reason == "tool_calls"
    assert not choice.message.content
    assert len(cookie.log()) == 2
