"""What the server supplies on the cookie route: tools, documents, ends, choices, repairs."""

import json
from itertools import pairwise
from typing import Any

import pytest
from conformance.dialects import PDF
from conformance.raw_http import AUTH, connected
from conformance.sides import eventually
from conformance.sse_reading import read_stream
from conftest import Serve, Upstream
from live import LiveServer

from proxy.api import event_stream

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}
FORMAT = {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}
GOOD = '<tool_call>{"name": "get_weather", "arguments": {"city": "Bern"}}</tool_call>'
BAD = '<tool_call>{"name": "get_weather", "arguments": {"city": 5}}</tool_call>'


def answers(upstream: Upstream, *texts: str) -> None:
    """What the model says to one ask after the other."""
    upstream.script(*({"flow": "chat", "answer": {"text": text}} for text in texts))


def asked(upstream: Upstream) -> list[list[str]]:
    """The texts of each ask's messages."""
    return [
        [message["content"] for message in entry["body"]["messages"]]
        for entry in upstream.log("chat")
    ]


def message(server: LiveServer, **fields: Any) -> dict[str, Any]:
    """The one choice of an answer."""
    reply = server.chat(**fields)
    assert reply.status_code == 200, reply.text
    [choice] = reply.json()["choices"]
    return {**choice["message"], "finish": choice["finish_reason"]}


def arguments(call: dict[str, Any]) -> Any:
    """A call's arguments, decoded."""
    return json.loads(call["function"]["arguments"])


def test_a_bad_call_is_repaired_by_a_second_ask(server: LiveServer, upstream: Upstream) -> None:
    answers(upstream, f"One moment.\n{BAD}", f"Sorry!\n{GOOD}")
    said = message(server, tools=[TOOL])

    assert said["finish"] == "tool_calls"
    assert [arguments(call) for call in said["tool_calls"]] == [{"city": "Bern"}]
    assert said["content"].strip() == "One moment."
    first, second = asked(upstream)
    assert second[: len(first)] == first
    assert BAD in second[-2]
    assert "city" in second[-1]


@pytest.mark.parametrize("stream", [False, True])
def test_a_call_that_stays_bad_is_told_as_text(
    server: LiveServer, upstream: Upstream, stream: bool
) -> None:
    answers(upstream, BAD, BAD)
    reply = server.chat(tools=[TOOL], stream=stream)

    if stream:
        reading = read_stream(reply.content)
        assert (reading.text(), reading.finishes(), reading.fragments()) == (BAD, ["stop"], [])
    else:
        [choice] = reply.json()["choices"]
        assert (choice["message"]["content"], choice["finish_reason"]) == (BAD, "stop")
    assert len(asked(upstream)) == 2


def test_a_repair_that_fails_leaves_the_first_answer(serve: Serve, upstream: Upstream) -> None:
    server = serve(max_attempts=1)
    answers(upstream, BAD)
    upstream.script({"flow": "chat", "scenario": "internal_error"})

    assert message(server, tools=[TOOL])["content"] == BAD


def test_a_repair_that_breaks_off_leaves_the_first_answer(
    server: LiveServer, upstream: Upstream
) -> None:
    answers(upstream, BAD)
    upstream.script({"flow": "chat", "answer": {"text": "word " * 50}, "cut_after_bytes": 900})

    said = message(server, tools=[TOOL])
    assert (said["content"], said["finish"]) == (BAD, "stop")


def test_the_seat_is_free_again_after_a_repair(server: LiveServer, upstream: Upstream) -> None:
    answers(upstream, BAD, GOOD)
    message(server, tools=[TOOL])
    pool = server.application.services.desk.pool
    eventually(lambda: all(seat.busy == 0 for seat in pool.seats()), 5)


def test_a_document_is_bare_and_checked(server: LiveServer, upstream: Upstream) -> None:
    answers(upstream, 'Here you are:\n```json\n{"city": "Bern"}\n```')
    said = message(server, response_format=FORMAT)
    assert (said["content"], said["finish"]) == ('{"city": "Bern"}', "stop")
    assert json.dumps("city") in "".join(asked(upstream)[0])


def test_a_document_that_does_not_fit_is_asked_for_again(
    server: LiveServer, upstream: Upstream
) -> None:
    answers(upstream, '{"town": "Bern"}', '{"city": "Bern"}')
    assert message(server, response_format=FORMAT)["content"] == '{"city": "Bern"}'
    assert len(asked(upstream)) == 2


@pytest.mark.parametrize("stream", [False, True])
def test_what_never_fits_is_a_refusal(server: LiveServer, upstream: Upstream, stream: bool) -> None:
    answers(upstream, "I will not.", "I said no.")
    reply = server.chat(response_format=FORMAT, stream=stream)

    if stream:
        deltas = [chunk["choices"][0]["delta"] for chunk in read_stream(reply.content).chunks]
        assert "".join(delta.get("refusal") or "" for delta in deltas) == "I said no."
        assert "".join(delta.get("content") or "" for delta in deltas) == ""
    else:
        said = reply.json()["choices"][0]["message"]
        assert (said["content"], said["refusal"]) == (None, "I said no.")


def test_functions_of_old_are_answered_in_the_old_shape(
    server: LiveServer, upstream: Upstream
) -> None:
    answers(upstream, GOOD, GOOD)
    old = {"functions": [TOOL["function"]]}
    said = message(server, **old)
    assert said["finish"] == "function_call"
    assert said["function_call"]["name"] == "get_weather"
    assert "tool_calls" not in said
    reading = read_stream(server.chat(**old, stream=True).content)
    assert reading.finishes() == ["function_call"]


@pytest.mark.parametrize("stream", [False, True])
def test_a_stop_sequence_ends_answer_and_upstream(
    server: LiveServer, upstream: Upstream, stream: bool
) -> None:
    words = {"answer": {"deltas": ["one ", "two EN", "D three ", *["more "] * 400]}}
    upstream.script({"flow": "chat", **words, "frame_delay_s": 0.02})
    reply = server.chat(stop=["END"], stream=stream)

    text = (
        read_stream(reply.content).text()
        if stream
        else reply.json()["choices"][0]["message"]["content"]
    )
    assert text == "one two "
    eventually(lambda: upstream.log("chat")[0]["cancelled"] is True, 5)
    eventually(lambda: len(upstream.log("abort")) == 1, 5)


def test_a_limit_of_tokens_is_kept(server: LiveServer, upstream: Upstream) -> None:
    answers(upstream, "word " * 100)
    reply = server.chat(max_completion_tokens=7).json()
    [choice] = reply["choices"]
    assert choice["finish_reason"] == "length"
    assert choice["message"]["content"].split() == ["word"] * 7
    assert reply["usage"]["completion_tokens"] <= 8


@pytest.mark.parametrize("stream", [False, True])
def test_several_choices_are_several_asks(
    server: LiveServer, upstream: Upstream, stream: bool
) -> None:
    texts = ["first", "second", "third"]
    answers(upstream, *texts)
    reply = server.chat(n=3, stream=stream)

    if stream:
        chunks = read_stream(reply.content).chunks
        said = {
            number: "".join(
                choice["delta"].get("content") or ""
                for chunk in chunks
                for choice in chunk["choices"]
                if choice["index"] == number
            )
            for number in range(3)
        }
        assert sorted(said.values()) == sorted(texts)
    else:
        choices = reply.json()["choices"]
        assert [choice["index"] for choice in choices] == [0, 1, 2]
        assert sorted(choice["message"]["content"] for choice in choices) == sorted(texts)
    assert len(asked(upstream)) == 3


def test_one_choice_that_cannot_be_had_is_none_at_all(serve: Serve, upstream: Upstream) -> None:
    server = serve(max_attempts=1)
    answers(upstream, "first")
    upstream.script({"flow": "chat", "scenario": "internal_error", "times": None})

    reply = server.chat(n=2)
    assert reply.status_code == 502
    assert reply.headers["x-genspark2api-attempts"] == "2"
    pool = server.application.services.desk.pool
    eventually(lambda: all(seat.busy == 0 for seat in pool.seats()), 5)


def test_one_choice_that_breaks_off_ends_the_stream_honestly(
    server: LiveServer, upstream: Upstream
) -> None:
    answers(upstream, "first")
    upstream.script({"flow": "chat", "answer": {"text": "word " * 90}, "cut_after_bytes": 1200})
    reply = server.chat(n=2, stream=True)

    assert b'"error"' in reply.content
    assert reply.content.endswith(b"data: [DONE]\n\n")


def test_switched_off_tools_are_passed_over(serve: Serve, upstream: Upstream) -> None:
    server = serve(tool_calling_enabled=False)
    answers(upstream, GOOD)
    assert message(server, tools=[TOOL])["content"] == GOOD
    assert asked(upstream) == [["Hello"]]


def test_search_is_asked_for_and_its_sources_are_named(
    server: LiveServer, upstream: Upstream
) -> None:
    upstream.script({"flow": "chat", "scenario": "search_sources", "times": 2})
    said = message(server, web_search_options={})
    found = [note["url_citation"]["url"] for note in said["annotations"]]
    assert found
    assert all(url.startswith("http") for url in found)
    assert upstream.log("chat")[0]["body"]["ai_chat_enable_search"] is True
    suffixed = message(server, model="gpt-5.4-search")
    assert [note["url_citation"]["url"] for note in suffixed["annotations"]] == found


def test_effort_is_a_variant_where_the_route_has_one(
    server: LiveServer, upstream: Upstream
) -> None:
    reply = server.chat(model="gpt-5.1", reasoning_effort="high")
    assert "x-genspark2api-ignored" not in reply.headers
    reply = server.chat(model="gpt-5.4", reasoning_effort="high")
    assert reply.headers["x-genspark2api-ignored"] == "reasoning_effort"
    models = [entry["body"]["ai_chat_model"] for entry in upstream.log("chat")]
    assert models == ["gpt-5.1-high", "gpt-5.4"]


@pytest.mark.parametrize("style", ["field", "think", "both"])
def test_reasoning_stands_where_the_operator_wants_it(
    serve: Serve, upstream: Upstream, style: str
) -> None:
    server = serve(reasoning_style=style)
    upstream.script({"flow": "chat", "scenario": "answerthink", "times": 2})
    whole = server.chat().json()["choices"][0]["message"]
    reading = read_stream(server.chat(stream=True).content)

    assert ("reasoning_content" in whole) == bool(reading.reasoning()) == (style != "think")
    for text in (whole["content"], reading.text()):
        assert text.startswith("<think>") == (style != "field")
        assert ("</think>" in text) == (style != "field")


def test_a_schema_that_is_none_is_a_clear_400(server: LiveServer, upstream: Upstream) -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "strange"}}}
    reply = server.chat(tools=[tool])
    assert reply.status_code == 400
    assert reply.json()["error"]["code"] == "invalid_schema"
    assert asked(upstream) == []


def test_a_repair_asks_no_route_that_would_answer_in_its_own_way(
    serve: Serve, upstream: Upstream
) -> None:
    server = serve(gsk_api_key=["gsk-a"], route_order=["cookie", "key"])
    answers(upstream, BAD)
    upstream.script({"flow": "chat", "scenario": "rate_limit_cf1", "times": None})

    said = message(server, tools=[TOOL], tool_choice="required")
    assert (said["content"], said["finish"]) == (BAD, "stop")
    assert upstream.log("key_chat") == []


def test_beside_tools_a_document_is_repaired_too(server: LiveServer, upstream: Upstream) -> None:
    answers(upstream, '{"city": 5}', '{"city": "Bern"}')
    said = message(server, tools=[TOOL], response_format=FORMAT)
    assert (said["content"], said["finish"]) == ('{"city": "Bern"}', "stop")


@pytest.mark.parametrize("stream", [False, True])
def test_choices_wait_for_each_other_where_there_is_one_seat(
    serve: Serve, upstream: Upstream, stream: bool
) -> None:
    """Each answer takes longer than anybody waits for a seat."""
    server = serve(cookie_concurrency=1, account_wait=0.05)
    texts = ["first word", "second word", "third word", "fourth word"]
    rules = [{"flow": "chat", "answer": {"text": each}, "frame_delay_s": 0.02} for each in texts]
    upstream.script(*rules)
    reply = server.chat(n=4, stream=stream)

    assert reply.status_code == 200
    for text in texts:
        assert text.partition(" ")[0] in reply.text
    starts = [entry["started"] for entry in upstream.log("chat")]
    assert len(starts) == 4
    assert all(later - earlier > 0.05 for earlier, later in pairwise(starts))


@pytest.mark.parametrize("number", [2, 4])
def test_calls_of_all_choices_have_names_of_their_own(
    server: LiveServer, upstream: Upstream, number: int
) -> None:
    answers(upstream, *[f"{GOOD}\n{GOOD}"] * number)
    choices = server.chat(tools=[TOOL], n=number).json()["choices"]
    ids = [call["id"] for choice in choices for call in choice["message"]["tool_calls"]]
    assert len(set(ids)) == len(ids) == 2 * number
    assert max(map(len, ids)) <= 40, "OpenAI's own limit when they are sent back"


@pytest.mark.parametrize("fields", [{"n": 4}, {"tools": [TOOL]}], ids=["choices", "repair"])
def test_a_file_is_uploaded_once_however_often_it_is_asked_about(
    server: LiveServer, upstream: Upstream, fields: dict[str, Any]
) -> None:
    upstream.script({"flow": "chat", "answer": {"text": BAD}, "times": None})
    file = {"type": "file", "file": {"filename": "a.pdf", "file_data": f"data:;base64,{PDF}"}}
    reply = server.chat(messages=[{"role": "user", "content": [file]}], **fields)

    assert reply.status_code == 200
    parts = [
        part["private_file"]["private_storage_url"]
        for entry in upstream.log("chat")
        for message in entry["body"]["messages"]
        if isinstance(message["content"], list)
        for part in message["content"]
    ]
    assert len(parts) > 1
    assert len(set(parts)) == 1
    assert len(upstream.log("blob")) == 1


LEAVERS: dict[str, dict[str, Any]] = {
    "choices": {"n": 4},
    "a document": {"response_format": FORMAT},
    "a call": {"tools": [TOOL], "tool_choice": "required"},
}


@pytest.mark.parametrize("fields", LEAVERS.values(), ids=LEAVERS)
@pytest.mark.parametrize("where", ["first", "later"])
def test_who_leaves_leaves_nothing_behind(
    serve: Serve, upstream: Upstream, fields: dict[str, Any], where: str
) -> None:
    """In the first ask, or when choices and repairs are on their way."""
    server = serve(cookie_concurrency=2)
    if where == "later":
        answers(upstream, "I will not.")
    upstream.script({"answer": {"deltas": ["word "] * 400}, "frame_delay_s": 0.05, "times": None})
    asks = 1 if where == "first" else 2
    body = {"model": "gpt-5.4", "messages": [{"role": "user", "content": "Hi"}], **fields}
    with connected(server.url) as connection:
        connection.send("POST", "/v1/chat/completions", AUTH, json.dumps(body).encode())
        eventually(lambda: len(upstream.log("chat")) >= asks, 5)

    services = server.application.services
    eventually(lambda: services.health.in_flight == 0, 5)
    eventually(lambda: all(seat.busy == 0 for seat in services.desk.pool.seats()), 5)
    eventually(lambda: all(entry["ended"] is not None for entry in upstream.log("chat")), 5)


def test_a_held_back_answer_is_seen_when_it_is_told(server: LiveServer, upstream: Upstream) -> None:
    deltas = ['{"city": ', '"Bern"', "}", *[" "] * 20]
    upstream.script({"flow": "chat", "answer": {"deltas": deltas}, "frame_delay_s": 0.02})
    reply = server.chat(response_format=FORMAT, stream=True)
    assert read_stream(reply.content).text().strip() == '{"city": "Bern"}'
    services = server.application.services
    eventually(lambda: services.health.in_flight == 0, 5)
    registry = services.metrics.registry
    total = registry.get_sample_value("genspark2api_request_seconds_sum")
    first = registry.get_sample_value("genspark2api_first_token_seconds_sum")
    assert first is not None
    assert total is not None
    assert first > total / 2


def test_a_silent_stream_is_kept_alive_while_a_document_is_held_back(
    serve: Serve, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT", 0.1)
    server = serve(first_event_patience=0.1)
    deltas = ['{"city": ', '"Bern"', "}", *[" "] * 20]
    upstream.script({"flow": "chat", "answer": {"deltas": deltas}, "frame_delay_s": 0.04})
    reply = server.chat(response_format=FORMAT, stream=True)
    assert reply.content.count(b": ping\n\n") >= 2
    assert reply.content.endswith(b"data: [DONE]\n\n")
