"""Assertions 26 to 28: an answer that fails, before its first text and after it."""

from typing import Any

import openai
import pytest
from conformance.error_objects import (
    assert_discreet,
    assert_quiet,
    checked,
    error_of,
)
from conformance.raw_http import RawReply, ask, chat_body
from conformance.sides import COOKIE, KEY, Side, Start
from conformance.sse_reading import Reading, read_stream
from conformance.upstream_frames import as_text, begun, cookie_delta, key_chunk, wire_size
from live import SECRET

from genspark_emulator.scenarios.cookie_streams import COOKIE_STREAMS
from genspark_emulator.scenarios.key_streams import KEY_STREAMS
from proxy.services.chat_answer import ChatAnswer

CHAT = "/v1/chat/completions"
BROKEN = [
    *((COOKIE, name) for name in sorted(COOKIE_STREAMS) if name.endswith("_mid")),
    *((KEY, name) for name in sorted(KEY_STREAMS) if name.endswith("_mid")),
    (KEY, "no_done"),
]


def _streamed(side: Side) -> RawReply:
    return ask(side.url, "POST", CHAT, body=chat_body(stream=True))


def _check_honest_end(side: Side, reply: RawReply) -> Reading:
    """HTTP 200, some text, then one error event, then the end mark; no finish reason anywhere."""
    assert reply.status == 200
    reading = read_stream(reply.body)
    assert reading.text()
    assert reading.finishes() == [], "a broken answer looks like a finished one"
    assert len(reading.errors) == 1
    assert set(reading.chunks[-1]) == {"error"}, "the error event is not the last one"
    error = checked(reading.errors[0])
    assert isinstance(error["code"], str)
    assert error["type"] in ("server_error", "rate_limit_error")
    assert_quiet(error["message"])
    assert_discreet(reply.everything, side.upstream.url)
    return reading


def test_c26_an_error_before_any_text_is_an_http_error(side: Side) -> None:
    side.script(scenario="rate_limit_cf1")

    assert error_of(_streamed(side), 429)["code"] == "rate_limit_exceeded"


def test_c26_an_error_after_opening_frames_is_an_http_error(cookie: Side) -> None:
    cookie.script(scenario="daily_quota")

    error_of(_streamed(cookie), 429)


def test_c26_an_error_after_the_role_chunk_is_an_http_error(key: Side) -> None:
    key.script(scenario="error_in_stream")

    error_of(_streamed(key), 502)


def test_c26_a_break_before_any_text_is_an_http_error(side: Side) -> None:
    side.script(cut_after_bytes=60)

    error_of(_streamed(side), 502)


def test_c26_a_refusal_that_was_streamed_as_text_is_an_http_error(open_side: Start) -> None:
    cookie, key = open_side(COOKIE), open_side(KEY)
    cookie.script(scenario="canned_apology_streamed")
    key.script(scenario="soft_wall_exhausted_text")

    error_of(_streamed(cookie), 502)
    error_of(_streamed(key), 503)


def test_c27_an_error_after_the_patience_is_an_error_event(start: Start, route: str) -> None:
    side = start(route, first_event_patience=0.05)
    side.script(scenario="internal_error", delay_s=0.2, times=3)

    reply = _streamed(side)

    assert reply.status == 200
    reading = read_stream(reply.body)
    assert len(reading.chunks) == 1
    assert reading.comments[0] > 0
    checked(reading.errors[0], 502)
    assert_discreet(reply.everything, side.upstream.url)


@pytest.mark.parametrize(("name", "scenario"), BROKEN)
def test_c27_an_error_after_text_is_one_error_event(
    open_side: Start, name: str, scenario: str
) -> None:
    side = open_side(name)
    side.script(scenario=scenario)

    _check_honest_end(side, _streamed(side))


@pytest.mark.parametrize(("name", "scenario"), BROKEN)
def test_c27_the_same_failure_of_a_plain_answer_is_an_http_error(
    open_side: Start, name: str, scenario: str
) -> None:
    side = open_side(name)
    side.script(scenario=scenario)

    reply = ask(side.url, "POST", CHAT, body=chat_body())

    # Without streaming the key route answers in one document, which has no end mark to miss.
    if scenario != "no_done":
        error_of(reply, reply.status)
        assert reply.status in (429, 502, 503)


def test_c27_a_crash_of_our_own_after_text_is_an_error_event(
    side: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_on, reads = ChatAnswer.next_events, 0

    async def crash(answer: ChatAnswer) -> Any:
        nonlocal reads
        reads += 1
        if reads > 2:
            raise RuntimeError("session_id=a-secret")
        return await read_on(answer)

    monkeypatch.setattr(ChatAnswer, "next_events", crash)
    side.script(frames=begun(side.name, ["Half ", "of ", "the ", "answer"]), frame_delay_s=0.03)

    reading = _check_honest_end(side, _streamed(side))

    assert reading.errors[0]["code"] == "internal_error"


def test_c27_errors_can_be_said_in_the_answer_instead(start: Start, route: str) -> None:
    side = start(route, errors_as_content=True)
    side.script(scenario="error_frame_mid" if route == COOKIE else "error_in_stream_mid")

    reading = read_stream(_streamed(side).body)

    assert reading.errors == []
    assert "Genspark reported an error while answering." in reading.text()
    assert reading.finishes() == ["stop"]


@pytest.mark.parametrize("scenario", ["error_in_stream_mid", "no_done"])
def test_c27_openai_python_raises_in_the_middle(key: Side, scenario: str) -> None:
    key.script(scenario=scenario)

    _check_sdk_raises(key)


@pytest.mark.parametrize("scenario", ["error_frame_mid", "daily_quota_mid"])
def test_c27_openai_python_raises_in_the_middle_of_a_cookie_answer(
    cookie: Side, scenario: str
) -> None:
    cookie.script(scenario=scenario)

    _check_sdk_raises(cookie)


def _check_sdk_raises(side: Side) -> None:
    said: list[str] = []
    with openai.OpenAI(base_url=f"{side.url}/v1", api_key=SECRET, max_retries=0) as client:
        stream = client.chat.completions.create(
            model="gpt-5.4", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        with pytest.raises(openai.APIError) as raised:
            said.extend(chunk.choices[0].delta.content or "" for chunk in stream)
    assert "".join(said)
    assert raised.value.message
    assert raised.value.code in ("upstream_error", "bad_upstream_response", "rate_limit_exceeded")


def test_c28_a_broken_transfer_after_text_is_an_error_event(side: Side) -> None:
    frames = as_text(begun(side.name, ["Half of ", "the answer"]))
    side.script(frames=frames, cut_after_bytes=wire_size(frames))

    _check_honest_end(side, _streamed(side))


def test_c28_an_end_in_the_middle_of_a_frame_is_an_error_event(side: Side) -> None:
    frames = as_text(begun(side.name, ["Half of ", "the answer"]))
    side.script(frames=frames, end_after_bytes=wire_size(frames) - 10)

    _check_honest_end(side, _streamed(side))


def test_c28_a_missing_finish_reason_is_an_error_event_on_the_key_route(key: Side) -> None:
    frames = [key_chunk({"content": "Half of"}), key_chunk({"content": " it"})]
    for end in ([], ["[DONE]"]):
        key.script(frames=[*frames, *end])
        _check_honest_end(key, _streamed(key))


def test_c28_one_of_two_choices_without_finish_reason_is_an_error_event(key: Side) -> None:
    frames = [
        key_chunk({"content": "one"}, choice=0),
        key_chunk({"content": "two"}, choice=1),
        key_chunk({}, "stop", choice=0),
        "[DONE]",
    ]
    key.script(frames=frames)

    reading = key.stream(n=2)

    assert reading.finishes(1) == []
    assert len(reading.errors) == 1


def test_c28_a_tool_call_that_breaks_off_is_an_error_event(key: Side) -> None:
    call = {"name": "f", "arguments": {"text": "x" * 400}}
    key.script(answer={"tool_calls": [call]}, cut_after_bytes=2500)

    reading = read_stream(_streamed(key).body)

    assert reading.fragments()
    assert reading.finishes() == []
    assert len(reading.errors) == 1


def test_c28_a_clean_end_after_text_is_an_end_on_the_cookie_route(start: Start) -> None:
    side = start(COOKIE)
    frames = [{"type": "project_start", "id": "p1"}, cookie_delta("All "), cookie_delta("of it.")]
    side.script(frames=frames)
    side.script(scenario="no_terminator")

    reading = side.stream()
    side.stream()

    assert (reading.text(), reading.finishes(), reading.errors) == ("All of it.", ["stop"], [])
    metrics = side.live.client.get("/metrics").text
    assert 'genspark2api_upstream_oddities_total{what="end_without_mark"} 2.0' in metrics


@pytest.mark.parametrize("rule", [{"cut_after_bytes": 700}, {"end_after_bytes": 700}], ids=str)
def test_c28_a_plain_answer_that_breaks_off_is_an_http_error(
    side: Side, rule: dict[str, Any]
) -> None:
    side.script(answer={"text": "word " * 500}, **rule)

    error_of(ask(side.url, "POST", CHAT, body=chat_body()), 502)
