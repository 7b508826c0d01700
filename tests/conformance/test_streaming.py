"""Assertions 18 to 25 and 30: the event stream of a good answer."""

import time
from typing import Any

import pytest
from conformance.raw_http import AUTH, ask, chat_body, connected
from conformance.sides import COOKIE, Side, Start
from conformance.sse_reading import check_sequence, read_stream
from conformance.upstream_frames import key_call, key_chunk, told

from proxy.api import event_stream
from proxy.settings import Settings

CHAT = "/v1/chat/completions"
WITH_USAGE: dict[str, Any] = {"stream_options": {"include_usage": True}}

# Longer than any test may take: an upstream that never says a word.
FOREVER = 60.0


def test_c18_a_stream_is_200_and_an_event_stream(side: Side) -> None:
    reply = ask(side.url, "POST", CHAT, body=chat_body(stream=True))

    assert reply.status == 200
    assert reply.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reply.headers["cache-control"] == "no-cache"
    assert reply.headers["x-request-id"]


@pytest.mark.parametrize("silence", ["delay_s", "first_event_delay_s"])
def test_c18_headers_come_although_the_upstream_is_silent(
    start: Start, route: str, silence: str
) -> None:
    side = start(route, first_event_patience=0.2)
    side.script(**{silence: FOREVER})

    with connected(side.url) as connection:
        asked = time.monotonic()
        connection.send("POST", CHAT, AUTH, chat_body(stream=True))
        reply = connection.read_head()
        waited = time.monotonic() - asked
        first = connection.read_chunk()

    assert reply.status == 200
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.headers["x-accel-buffering"] == "no"
    assert reply.headers["access-control-allow-origin"]
    assert reply.headers["x-request-id"]
    assert 0.15 < waited < 5
    assert first == b": ping\n\n"


def test_c18_headers_come_while_every_account_is_busy(start: Start, route: str) -> None:
    side = start(route, first_event_patience=0.1)
    [seat] = side.live.application.services.desk.pool.seats()
    seat.busy = seat.account.limit

    with connected(side.url) as connection:
        connection.send("POST", CHAT, AUTH, chat_body(stream=True))
        assert connection.read_head().status == 200
        assert connection.read_chunk() == b": ping\n\n"


def test_c18_the_usual_patience_is_under_twenty_seconds() -> None:
    assert Settings.model_fields["first_event_patience"].default <= 15


def test_c18_an_answer_after_the_patience_is_complete(start: Start, route: str) -> None:
    side = start(route, first_event_patience=0.05)
    side.script(delay_s=0.3, answer={"text": "Late, but all of it."})

    reading = side.stream(**WITH_USAGE)

    assert reading.text() == "Late, but all of it."
    assert reading.comments[0] > 0
    check_sequence(reading)


VARIANTS: list[dict[str, Any]] = [
    {},
    {"answer": {"text": "Short."}},
    {"answer": {"deltas": ["a"]}},
    {"answer": {"deltas": ["a", "", "b", "\n\n", "c"]}},
    {"line_end": "\r\n"},
    {"line_end": "\r"},
    {"no_space": True},
    {"chunk_bytes": 3},
    {"pad_bytes": 200_000},
]
SCENARIOS = {
    "cookie": [
        "answered", "flat_result", "duplicate_full_field", "no_deltas", "finished_only",
        "no_terminator", "tool_frames", "notifications", "unknown_frames", "reasoning_fields",
        "answerthink", "set_cookie", "huge_result", "other_model", "window_warning",
    ],
    "key": ["answered", "other_model", "json_instead_of_stream", "two_tool_fragments_in_one_chunk"],
}  # fmt: skip


@pytest.mark.parametrize("rule", VARIANTS, ids=lambda rule: "-".join(rule) or "usual")
def test_c19_c20_c21_lines_and_chunks_are_in_order(side: Side, rule: dict[str, Any]) -> None:
    side.script(**rule)

    check_sequence(side.stream())


@pytest.mark.parametrize(
    ("name", "scenario"), [(name, each) for name in SCENARIOS for each in SCENARIOS[name]]
)
def test_c19_c20_c21_lines_and_chunks_are_in_order_for_every_way_of_answering(
    open_side: Start, name: str, scenario: str
) -> None:
    side = open_side(name)
    side.script(scenario=scenario)

    reading = side.stream(**WITH_USAGE)

    assert reading.errors == []
    check_sequence(reading)


def test_c19_c20_c21_hold_with_reasoning_tools_and_usage(key: Side) -> None:
    call = {"name": "f", "arguments": {"a": "b"}}
    key.script(answer={"text": "Text.", "reasoning": "Thought.", "tool_calls": [call]})

    reading = key.stream(**WITH_USAGE)

    check_sequence(reading)
    assert (reading.reasoning(), reading.text()) == ("Thought.", "Text.")
    assert reading.fragments()


def test_c20_each_of_several_choices_starts_and_ends_once(key: Side) -> None:
    frames = [
        key_chunk({"role": "assistant", "content": ""}, choice=1),
        key_chunk({"content": "one "}, choice=0),
        key_chunk({"content": "two "}, choice=1),
        key_chunk({"content": "1"}, choice=0),
        key_chunk({}, "stop", choice=0),
        key_chunk({"content": "2"}, choice=1),
        key_chunk({}, "length", choice=1),
        "[DONE]",
    ]
    key.script(frames=frames)

    reading = key.stream(n=2)

    check_sequence(reading, choices=2)
    assert (reading.text(0), reading.text(1)) == ("one 1", "two 2")
    assert (reading.finishes(0), reading.finishes(1)) == (["stop"], ["length"])


def test_c20_what_an_upstream_says_after_its_finish_reason_is_not_passed_on(key: Side) -> None:
    last = [key_chunk({}, "stop"), key_chunk({"content": "late"}), key_chunk({}, "stop"), "[DONE]"]
    key.script(frames=[key_chunk({"content": "Done."}), *last])

    reading = key.stream()

    check_sequence(reading)
    assert reading.text() == "Done."


def test_c20_a_finish_reason_beside_the_last_text_comes_in_a_chunk_of_its_own(key: Side) -> None:
    key.script(frames=[key_chunk({"content": "All in one."}, "stop"), "[DONE]"])

    reading = key.stream()

    check_sequence(reading)
    assert reading.text() == "All in one."


@pytest.mark.parametrize(
    "options", [None, {}, {"include_usage": False}, {"include_usage": None}], ids=str
)
def test_c22_without_being_asked_no_chunk_is_without_choices(side: Side, options: Any) -> None:
    reading = side.stream(stream_options=options)

    assert all(chunk["choices"] for chunk in reading.chunks)
    assert reading.usages == []


def test_c22_usage_that_comes_with_the_last_choice_is_held_back_too(key: Side) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
    last = key_chunk({}, "stop")
    assert isinstance(last, dict)
    frames = [key_chunk({"content": "Hi."}), {**last, "usage": usage}, "[DONE]"]
    key.script(frames=frames, times=2)

    assert key.stream().usages == []
    reading = key.stream(**WITH_USAGE)
    assert reading.usages == [usage]
    assert reading.chunks[-1]["choices"] == []


def test_c22_asked_for_usage_is_one_chunk_and_the_last(side: Side) -> None:
    reading = side.stream(**WITH_USAGE)

    without = [n for n, chunk in enumerate(reading.chunks) if not chunk["choices"]]
    assert without == [len(reading.chunks) - 1]
    usage = reading.chunks[-1]["usage"]
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"] > 0


TEXTS = {
    "plain": ["Hello ", "world"],
    "emoji": ["🦊", "👩‍👩‍👧‍👦", " flags 🇩🇪🇫🇷", "é"],
    "cjk": ["你好，", "世界！", "こんにちは\n", "안녕"],
    "newlines": ["\n", "one\r\n", "two\n\n", "\tthree\r", "\n"],
    "separators": ["a\u2028b", "\u2029", "c\u0085d", "\u000be\u000cf"],
    "odd characters": ["\u0000", "\u0007", "\\", '"', "\ufeff", "\u200b", "\U0010ffff"],
    "looks like sse": ["data: ", "data: [DONE]\n\n", ": ping\n\n", "event: error\n"],
    "looks like json": ['{"error": {"message": "no"}}', "```json\n{}\n```", "</script>"],
    "begins like a refusal": ["You", "'ve ", "reached", " the summit."],
    "one character at a time": list("Genspark says: ünïcödé 漢字 🦊."),
    "spaces": ["  ", "leading and trailing", "   "],
    "think tags": ["<think>", "not ours", "</think>", "text"],
}


@pytest.mark.parametrize("deltas", TEXTS.values(), ids=TEXTS.keys())
@pytest.mark.parametrize("chunk_bytes", [None, 1])
def test_c23_the_deltas_are_the_whole_text(
    side: Side, deltas: list[str], chunk_bytes: int | None
) -> None:
    shape = {"chunk_bytes": chunk_bytes} if chunk_bytes else {}
    side.script(answer={"deltas": deltas}, times=2, **shape)

    streamed = side.stream()
    whole = side.whole()

    assert streamed.text() == whole["choices"][0]["message"]["content"] == "".join(deltas)
    assert streamed.finishes() == [whole["choices"][0]["finish_reason"]]
    check_sequence(streamed)


MEGABYTE = {
    "ascii": "x" * 1_000_000,
    "quotes": '"' * 1_000_000,
    "control characters": "\u0001" * 400_000,
    "cjk": "漢" * 400_000,
    "emoji": "🦊" * 300_000,
    "inline image": "![x](data:image/png;base64," + "iVBORw0K" * 125_000 + ")",
}


@pytest.mark.parametrize("text", MEGABYTE.values(), ids=MEGABYTE.keys())
def test_c24_no_line_is_too_long_for_a_gateway(side: Side, text: str) -> None:
    side.script(answer={"deltas": [text]})

    # read_stream refuses longer lines.
    assert side.stream(model="claude-opus-4-7").text() == text


def test_c24_holds_for_reasoning_and_tool_arguments(key: Side) -> None:
    thought, document = "思" * 100_000, '{"a": "' + "\\u0001" * 50_000 + '"}'
    frames = [
        key_chunk({"reasoning_content": thought}),
        key_call(0, "f", document, "call_1"),
        key_chunk({}, "tool_calls"),
        "[DONE]",
    ]
    key.script(frames=frames)

    reading = key.stream()

    assert reading.reasoning() == thought
    assert "".join(part["function"]["arguments"] for part in reading.fragments()) == document


def test_c24_holds_for_an_image_in_a_field_of_its_own(key: Side) -> None:
    url = "data:image/png;base64," + "iVBORw0K" * 20_000
    image = {"index": 0, "type": "image_url", "image_url": {"url": url}}
    frames = [key_chunk({"content": "Here."}), key_chunk({"images": [image]})]
    key.script(frames=[*frames, key_chunk({}, "stop"), "[DONE]"])

    assert key.stream().text().startswith("Here.")


def test_c24_holds_for_the_longest_model_name(start: Start) -> None:
    name = "漢" * 200
    side = start(COOKIE, model_aliases={name: "gpt-5.4"})
    side.script(answer={"deltas": ["\u0001" * 20_000]})

    assert side.stream(model=name).text() == "\u0001" * 20_000


def test_c25_a_pause_in_the_answer_is_filled_with_comments(
    start: Start, route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT", 0.1)
    side = start(route, first_event_patience=0.1)
    side.script(frames=told(route, ["Well,", " yes."]), frame_delay_s=0.35)

    reading = side.stream()

    assert reading.text() == "Well, yes."
    # Between the text's two deltas, not only before the first.
    second = next(n for n, chunk in enumerate(reading.chunks) if " yes." in str(chunk))
    assert reading.comments[second] >= 1
    check_sequence(reading)


def test_c25_comments_go_on_while_nothing_comes(
    start: Start, route: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_stream, "HEARTBEAT", 0.1)
    side = start(route, first_event_patience=0.1)
    side.script(delay_s=FOREVER)

    with connected(side.url) as connection:
        connection.send("POST", CHAT, AUTH, chat_body(stream=True))
        connection.read_head()
        pings = [connection.read_chunk() for _ in range(4)]

    assert pings == [b": ping\n\n"] * 4


def test_c25_a_busy_stream_has_no_comments(side: Side) -> None:
    reading = side.stream()

    assert sum(reading.comments) == 0


def test_c25_the_usual_heartbeat_is_within_fifteen_seconds() -> None:
    assert event_stream.HEARTBEAT <= 15


@pytest.mark.parametrize("encoding", ["gzip, deflate, br, zstd", "gzip", "identity", "*"])
def test_c30_streams_are_neither_compressed_nor_buffered(side: Side, encoding: str) -> None:
    headers = {**AUTH, "Accept-Encoding": encoding}

    reply = ask(side.url, "POST", CHAT, headers, chat_body(stream=True))

    assert "content-encoding" not in reply.headers
    assert reply.headers["x-accel-buffering"] == "no"
    assert reply.headers["transfer-encoding"] == "chunked"
    assert read_stream(reply.body).text()


def test_c30_a_delta_is_sent_when_it_comes_and_not_at_the_end(side: Side) -> None:
    side.script(frames=told(side.name, ["At once,", " and later."]), frame_delay_s=0.2)

    with connected(side.url) as connection:
        connection.send("POST", CHAT, AUTH, chat_body(stream=True))
        connection.read_head()
        seen = connection.read_until(b"At once,")
        first = time.monotonic()
        rest = connection.read_until(b"[DONE]")

    assert b"and later" not in seen
    assert read_stream(seen + rest).text() == "At once, and later."
    # Two frames of the upstream follow the first text, 0.2 s apart.
    assert time.monotonic() - first > 0.1
