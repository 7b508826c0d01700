"""Thinking, ends, documents and sources in Anthropic's Messages dialect, on both routes."""

from typing import Any

import pytest
from conformance.dialects import CLAUDE, MESSAGES, anthropic_client, user
from conformance.sides import COOKIE, Side, Start
from fixtures.messages_stream import Reading, read
from pydantic import BaseModel

HELLO: Any = {"model": CLAUDE, "max_tokens": 900, "messages": user("Hello")}
THINKING = {"type": "enabled", "budget_tokens": 4096}


class Place(BaseModel):
    """A place on earth."""

    city: str
    people: int


def _stream(side: Side, **fields: Any) -> Reading:
    """A stream that came to its end."""
    reading = read(MESSAGES.stream(side, **fields))
    assert reading.names[-1] == "message_stop"
    return reading


def _thinks(side: Side, times: int = 1) -> None:
    if side.name == COOKIE:
        side.script(scenario="answerthink", times=times)
    else:
        side.script(answer={"text": "42.", "reasoning": "Six times seven."}, times=times)


def test_sdk_thinking_comes_first_when_asked_for(side: Side) -> None:
    _thinks(side, times=2)

    with anthropic_client(side) as client:
        asked: Any = {**HELLO, "max_tokens": 9000, "thinking": THINKING}
        whole: Any = client.messages.create(**asked)
        with client.messages.stream(**asked) as stream:
            thought = "".join(event.thinking for event in stream if event.type == "thinking")
            streamed: Any = stream.get_final_message()

    for message in (whole, streamed):
        assert [block.type for block in message.content] == ["thinking", "text"]
        assert message.content[0].thinking == thought != ""
        assert thought not in message.content[1].text


@pytest.mark.parametrize(
    "thinking", [None, {"type": "disabled"}, {**THINKING, "display": "omitted"}]
)
def test_thinking_stays_away_unless_asked_for(side: Side, thinking: dict[str, Any] | None) -> None:
    _thinks(side, times=2)

    whole = MESSAGES.whole(side, thinking=thinking)
    streamed = _stream(side, thinking=thinking)

    assert [block["type"] for block in whole["content"]] == ["text"]
    assert [block.kind for block in streamed.blocks] == ["text"]


def test_hidden_reasoning_stays_hidden(start: Start, route: str) -> None:
    side = start(route, reasoning_hide=True)
    _thinks(side, times=2)

    whole = MESSAGES.whole(side, thinking=THINKING)
    streamed = _stream(side, thinking=THINKING)

    assert [block["type"] for block in whole["content"]] == ["text"]
    assert [block.kind for block in streamed.blocks] == ["text"]


def test_sdk_thinking_is_sent_back_without_harm(side: Side) -> None:
    _thinks(side)

    with anthropic_client(side) as client:
        first = client.messages.create(**{**HELLO, "max_tokens": 9000, "thinking": THINKING})
        asked = [*user("Hello"), {"role": "assistant", "content": first.content}, *user("Go on.")]
        second: Any = client.messages.create(**{**HELLO, "messages": asked})

    assert "Earlier you wrote: “Hello”" in second.content[0].text


@pytest.mark.parametrize("stream", [False, True])
def test_sdk_a_stop_sequence_is_told(cookie: Side, stream: bool) -> None:
    cookie.script(answer={"deltas": ["one ", "two EN", "D three ", "four"]})

    with anthropic_client(cookie) as client:
        asked: Any = {**HELLO, "stop_sequences": ["STOP", "END"]}
        if stream:
            with client.messages.stream(**asked) as opened:
                message: Any = opened.get_final_message()
        else:
            message = client.messages.create(**asked)

    assert message.content[0].text == "one two "
    assert (message.stop_reason, message.stop_sequence) == ("stop_sequence", "END")


@pytest.mark.parametrize("stream", [False, True])
def test_sdk_the_most_tokens_are_kept_to(cookie: Side, stream: bool) -> None:
    cookie.script(answer={"text": "word " * 100})

    with anthropic_client(cookie) as client:
        asked: Any = {**HELLO, "max_tokens": 7}
        if stream:
            with client.messages.stream(**asked) as opened:
                message: Any = opened.get_final_message()
        else:
            message = client.messages.create(**asked)

    assert message.content[0].text.split() == ["word"] * 7
    assert (message.stop_reason, message.stop_sequence) == ("max_tokens", None)
    assert message.usage.output_tokens <= 8


def test_ends_are_passed_on(key: Side) -> None:
    key.script(answer={"text": "Half an", "finish_reason": "length"}, times=2)

    whole = MESSAGES.whole(key, stop_sequences=["END"], max_tokens=7)

    assert (whole["stop_reason"], _stream(key).delta["delta"]["stop_reason"]) == ("max_tokens",) * 2
    body = key.log()[0]["body"]
    assert (body["stop"], body["max_completion_tokens"]) == (["END"], 7)


def test_sdk_parsed_answers(side: Side) -> None:
    with anthropic_client(side) as client:
        whole = client.messages.parse(**HELLO, output_format=Place)
        with client.messages.stream(**HELLO, output_format=Place) as stream:
            streamed = stream.get_final_message()

    assert isinstance(whole.parsed_output, Place)
    assert streamed.parsed_output == whole.parsed_output


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_will_not_is_a_refusal(cookie: Side, stream: bool) -> None:
    cookie.script(answer={"text": "I would rather not."}, times=2)
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}
    asked = {"output_config": {"format": {"type": "json_schema", "schema": schema}}}

    if stream:
        reading = _stream(cookie, **asked)
        said, reason = reading.said("text"), reading.delta["delta"]["stop_reason"]
    else:
        body = MESSAGES.whole(cookie, **asked)
        said, reason = body["content"][0]["text"], body["stop_reason"]

    assert (said, reason) == ("I would rather not.", "refusal")


def test_sdk_search_names_its_sources(cookie: Side) -> None:
    cookie.script(scenario="search_sources", times=2)

    with anthropic_client(cookie) as client:
        tools = [{"type": "web_search_20250305", "name": "web_search", "max_uses": 3}]
        asked: Any = {**HELLO, "tools": tools}
        raw = client.messages.with_raw_response.create(**asked)
        whole: Any = raw.parse()
        with client.messages.stream(**asked) as stream:
            streamed: Any = stream.get_final_message()

    pages = [note.url for note in whole.content[0].citations]
    assert pages
    assert [note.url for note in streamed.content[0].citations] == pages
    assert cookie.log()[0]["body"]["ai_chat_enable_search"] is True
    assert raw.headers["x-genspark2api-ignored"] == "web_search.max_uses"
