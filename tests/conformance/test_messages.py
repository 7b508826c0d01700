"""Anthropic's Messages dialect with its SDK, on both routes: questions, answers, counts."""

import asyncio
from typing import Any

import anthropic
import pytest
from conformance.dialects import (
    CLAUDE,
    MESSAGES,
    ODD,
    PDF,
    PNG,
    anthropic_client,
    paint_quickly,
    user,
)
from conformance.sides import COOKIE, KEY, Side, Start
from conformance.upstream_frames import told
from fixtures.messages_stream import Reading, read
from live import SECRET

HELLO: Any = {"model": CLAUDE, "max_tokens": 900, "messages": user("Hello")}


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


def test_sdk_models_are_listed(side: Side) -> None:
    with anthropic_client(side) as client:
        assert CLAUDE in [model.id for model in client.models.list(limit=1000)]
        assert client.models.retrieve(CLAUDE).id == CLAUDE


@pytest.mark.parametrize("credential", ["api_key", "auth_token"])
def test_sdk_both_kinds_of_credential(side: Side, credential: str) -> None:
    given: Any = {"api_key": None, credential: SECRET}

    with anthropic_client(side, **given) as client:
        assert client.messages.create(**HELLO).content


@pytest.mark.parametrize("stream", [False, True])
def test_sdk_a_picture_is_answered_as_markdown(side: Side, stream: bool) -> None:
    paint_quickly(side)
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
