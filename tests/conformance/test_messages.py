"""Anthropic's Messages dialect with its SDK, on both routes: what is asked, what is said."""

import asyncio
from typing import Any

import anthropic
import pytest
from conformance.dialects import CLAUDE, MESSAGES, ODD, PDF, PNG, anthropic_client, user
from conformance.sides import COOKIE, KEY, Side, Start
from conformance.upstream_frames import told
from fixtures.messages_stream import Reading, read
from live import SECRET
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
    assert not reading.error
    return reading


def _text(message: dict[str, Any]) -> str:
    return "".join(block["text"] for block in message["content"] if block["type"] == "text")


def test_sdk_a_whole_message(side: Side) -> None:
    side.script(answer={"text": "Good day."})

    with anthropic_client(side) as client:
        raw = client.messages.with_raw_response.create(**HELLO)
        message = raw.parse()

    [block] = message.content
    assert (block.type, block.text) == ("text", "Good day.")
    assert message.id.startswith("msg_")
    assert (message.type, message.role, message.model) == ("message", "assistant", CLAUDE)
    assert (message.stop_reason, message.stop_sequence) == ("end_turn", None)
    assert message.usage.input_tokens > 0
    assert message.usage.output_tokens > 0
    assert message._request_id == raw.headers["request-id"] == raw.headers["x-request-id"]
    assert raw.headers["x-genspark2api-route"] == side.name
    assert raw.headers["x-genspark2api-account"] == f"{side.name}-1"
    assert raw.headers["x-genspark2api-attempts"] == "1"
    assert raw.headers["x-genspark2api-served-model"] == CLAUDE


def test_sdk_a_streamed_message(side: Side) -> None:
    with anthropic_client(side) as client, client.messages.stream(**HELLO) as stream:
        said = "".join(stream.text_stream)
        final = stream.get_final_message()

    assert "You wrote: “Hello”" in said
    assert said == stream.get_final_text()
    assert (final.stop_reason, final.model) == ("end_turn", CLAUDE)
    assert final.usage.output_tokens > 0
    assert stream.request_id == stream.response.headers["x-request-id"]


def test_sdk_raw_events(side: Side) -> None:
    with anthropic_client(side) as client:
        events = list(client.messages.create(**HELLO, stream=True))

    kinds = [event.type for event in events]
    assert kinds[:2] == ["message_start", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert set(kinds[2:-3]) == {"content_block_delta"}


def test_sdk_async_streams(side: Side) -> None:
    async def said() -> str:
        async with (
            anthropic.AsyncAnthropic(base_url=side.url, api_key=SECRET) as client,
            client.messages.stream(**HELLO) as stream,
        ):
            return "".join([text async for text in stream.text_stream])

    assert "You wrote: “Hello”" in asyncio.run(said())


@pytest.mark.parametrize("chunk_bytes", [None, 1])
def test_a_stream_says_what_a_whole_answer_says(side: Side, chunk_bytes: int | None) -> None:
    pieces = {} if chunk_bytes is None else {"chunk_bytes": chunk_bytes}
    side.script(answer={"deltas": list(ODD)}, times=2, **pieces)

    whole, streamed = MESSAGES.whole(side), _stream(side)

    assert _text(whole) == streamed.said("text") == ODD
    ending = {name: whole[name] for name in ("stop_reason", "stop_sequence")}
    assert streamed.delta["delta"] == ending
    assert streamed.delta["usage"]["output_tokens"] == whole["usage"]["output_tokens"]


@pytest.mark.parametrize("model", ["claude-haiku-4-5-20251001", "Claude-Sonnet-4-6", "gpt-5.4"])
def test_the_model_is_echoed_as_it_was_asked(side: Side, model: str) -> None:
    assert MESSAGES.whole(side, model=model)["model"] == model
    assert _stream(side, model=model).message["model"] == model


def test_an_upstreams_own_counts_are_told(key: Side) -> None:
    details = {"cached_tokens": 5}
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 4,
        "total_tokens": 13,
        "prompt_tokens_details": details,
    }
    key.script(answer={"text": "Yes.", "usage": usage}, times=2)

    for found in (MESSAGES.whole(key)["usage"], _stream(key).delta["usage"]):
        assert (found["input_tokens"], found["cache_read_input_tokens"]) == (4, 5)
        assert found["output_tokens"] == 4


def test_a_conversation_reaches_the_upstream_in_order(side: Side) -> None:
    conversation: list[Any] = [
        {"role": "user", "content": [{"type": "text", "text": "One"}]},
        {"role": "assistant", "content": "Two"},
        {"role": "user", "content": "Three"},
    ]
    system = [
        {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
        {"type": "text", "text": "Speak French."},
    ]
    MESSAGES.whole(side, messages=conversation, system=system)

    [asked] = side.log()
    opening, *rest = [(each["role"], each["content"]) for each in asked["body"]["messages"]]
    assert rest == [("user", "One"), ("assistant", "Two"), ("user", "Three")]
    assert opening == ("system", "Be brief.\n\nSpeak French.")


def test_sdk_a_message_is_sent_back(side: Side) -> None:
    with anthropic_client(side) as client:
        asked: list[Any] = user("My name is Ada.")
        first = client.messages.create(model=CLAUDE, max_tokens=99, messages=asked)
        asked += [{"role": "assistant", "content": first.content}, *user("What is it?")]
        second: Any = client.messages.create(model=CLAUDE, max_tokens=99, messages=asked)

    assert "Earlier you wrote: “My name is Ada.”" in second.content[0].text


def _source(kind: str, data: str) -> dict[str, str]:
    return {"type": "base64", "media_type": kind, "data": data}


def test_sdk_images_and_documents(side: Side) -> None:
    parts: list[Any] = [
        {"type": "image", "source": _source("image/png", PNG)},
        {"type": "image", "source": _source("image/png", PNG)},
        {"type": "document", "source": _source("application/pdf", PDF), "title": "Report"},
        {
            "type": "document",
            "source": {"type": "text", "media_type": "text/plain", "data": "The fox is red."},
        },
        {"type": "text", "text": "Look."},
    ]
    with anthropic_client(side) as client:
        message: Any = client.messages.create(**{**HELLO, "messages": user(parts)})

    said = message.content[0].text
    assert "Images received: 2." in said
    assert "Files received: 1." in said
    assert "The fox is red." in said


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
        said, reason = _text(body), body["stop_reason"]

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


def test_what_had_no_effect_is_listed(side: Side) -> None:
    tools = [{"type": "bash_20250124", "name": "bash"}]
    reply = MESSAGES.ask(side, tools=tools, top_k=3, service_tier="auto")

    listed = reply.headers["x-genspark2api-ignored"].split(",")
    assert {"tools.bash_20250124", "top_k", "service_tier"} <= set(listed)


def test_sdk_tokens_are_counted_without_asking_anybody(side: Side) -> None:
    with anthropic_client(side) as client:
        short = client.messages.count_tokens(model=CLAUDE, messages=user("Hello"))
        beta: Any = client.beta.messages.count_tokens(model=CLAUDE, messages=user("Hello"))
        tool: Any = {"name": "ping", "description": "Ping. " * 50, "input_schema": {}}
        long = client.messages.count_tokens(
            model=CLAUDE, system="Be brief.", messages=user("Hello " * 100), tools=[tool]
        )

    assert 0 < short.input_tokens == beta.input_tokens < 20
    assert long.input_tokens > 200
    assert side.log() == []


def test_a_count_is_what_an_answers_usage_says(cookie: Side) -> None:
    asked = {"system": "Be brief.", "messages": user("How are you?"), "model": CLAUDE}
    counted = cookie.live.client.post("/v1/messages/count_tokens", json=asked).json()

    used = MESSAGES.whole(cookie, **asked)["usage"]["input_tokens"]
    begun = _stream(cookie, **asked).message["usage"]["input_tokens"]

    assert counted == {"input_tokens": used}
    assert begun == used


def test_sdk_keep_alive_comments_are_skipped(start: Start, route: str) -> None:
    side = start(route, first_event_patience=0.05)
    side.script(delay_s=0.2, answer={"text": "Late."}, times=2)

    with anthropic_client(side) as client, client.messages.stream(**HELLO) as stream:
        assert stream.get_final_text() == "Late."
    assert "ping" in _stream(side).comments


def test_few_frames_are_enough(side: Side) -> None:
    side.script(frames=told(side.name, ["All."]), times=2)

    assert _text(MESSAGES.whole(side)) == "All."
    assert _stream(side).said("text") == "All."


@pytest.mark.parametrize("base", ["", "/", "/v1", "/v1/"])
def test_sdk_bases_with_and_without_v1(side: Side, base: str) -> None:
    with anthropic_client(side, base_url=side.url + base) as client:
        assert client.messages.create(**HELLO).content
        assert client.messages.count_tokens(model=CLAUDE, messages=user("Hi")).input_tokens
        assert client.beta.messages.create(**HELLO).content


@pytest.mark.parametrize("credential", ["api_key", "auth_token"])
def test_sdk_both_kinds_of_credential(side: Side, credential: str) -> None:
    given: Any = {"api_key": None, credential: SECRET}

    with anthropic_client(side, **given) as client:
        assert client.messages.create(**HELLO).content


@pytest.mark.parametrize("stream", [False, True])
def test_sdk_a_picture_is_answered_as_markdown(side: Side, stream: bool) -> None:
    asked: Any = {**HELLO, "model": "nano-banana-pro", "messages": user("A cat")}

    with anthropic_client(side) as client:
        if stream:
            with client.messages.stream(**asked) as opened:
                final: Any = opened.get_final_message()
        else:
            final = client.messages.create(**asked)

    assert final.content[0].text.startswith("![A cat](http")
    assert final.model == "nano-banana-pro"


def test_both_routes_answer_in_the_same_shape(open_side: Start) -> None:
    bodies = []
    for name in (COOKIE, KEY):
        side = open_side(name)
        side.script(answer={"text": "Same."})
        bodies.append({**MESSAGES.whole(side), "id": "", "usage": None})

    assert bodies[0] == bodies[1]
