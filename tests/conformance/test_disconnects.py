"""Assertion 29: a caller who leaves ends the work behind the answer."""

from collections.abc import Callable
from typing import Any

import openai
import pytest
from conformance.raw_http import AUTH, chat_body, connected
from conformance.sides import COOKIE, Side, Start, eventually
from live import SECRET

CHAT = "/v1/chat/completions"
SOON = 2.0
ENDLESS = {"answer": {"deltas": ["word "] * 2000}, "frame_delay_s": 0.05, "chunk_bytes": 200}

Leave = Callable[[Side], None]


def _openai_style(side: Side) -> None:
    with openai.OpenAI(base_url=f"{side.url}/v1", api_key=SECRET, max_retries=0) as client:
        stream = client.chat.completions.create(
            model="gpt-5.4", messages=[{"role": "user", "content": "Hi"}], stream=True
        )
        for chunk in stream:
            if chunk.choices[0].delta.content:
                break
        stream.close()


def _cutting_a_stream(side: Side) -> None:
    with connected(side.url) as connection:
        connection.send("POST", CHAT, AUTH, chat_body(stream=True))
        connection.read_head()
        connection.read_until(b"word")


def _not_waiting_for_a_whole_answer(side: Side) -> None:
    with connected(side.url) as connection:
        connection.send("POST", CHAT, AUTH, chat_body())
        eventually(lambda: bool(side.log()) and side.log()[0]["bytes_sent"] > 1500, SOON)


def _cancelled(side: Side) -> bool:
    entries = side.log()
    return len(entries) == 1 and bool(entries[0]["cancelled"])


def _aborted(side: Side) -> list[dict[str, Any]]:
    return side.upstream.log("abort")


@pytest.mark.parametrize(
    "leave", [_openai_style, _cutting_a_stream, _not_waiting_for_a_whole_answer]
)
def test_c29_leaving_in_the_middle_cancels_the_upstream(side: Side, leave: Leave) -> None:
    side.script(**ENDLESS)

    leave(side)

    eventually(lambda: _cancelled(side), SOON)
    if side.name == COOKIE:
        eventually(lambda: bool(_aborted(side)), SOON)
        [project] = side.upstream.projects()
        assert [entry["query"] for entry in _aborted(side)] == [{"project_id": project["id"]}]


@pytest.mark.parametrize("silence", ["delay_s", "first_event_delay_s"])
@pytest.mark.parametrize("stream", [False, True])
def test_c29_leaving_before_the_first_word_cancels_the_upstream(
    side: Side, silence: str, stream: bool
) -> None:
    side.script(**{silence: 60})

    with connected(side.url) as connection:
        connection.send("POST", CHAT, AUTH, chat_body(stream=stream))
        eventually(lambda: bool(side.log()), SOON)

    eventually(lambda: _cancelled(side), SOON)


def test_c29_leaving_a_stream_that_opened_out_of_patience_cancels_the_upstream(
    start: Start, route: str
) -> None:
    side = start(route, first_event_patience=0.05)
    side.script(delay_s=60)

    with connected(side.url) as connection:
        connection.send("POST", CHAT, AUTH, chat_body(stream=True))
        connection.read_head()
        connection.read_until(b": ping")
        # Patience may end before the upstream is asked; who leaves then has nothing cancelled.
        eventually(lambda: bool(side.log()), SOON)

    eventually(lambda: _cancelled(side), SOON)


@pytest.mark.parametrize("stream", [False, True])
def test_c29_leaving_while_every_account_is_busy_asks_no_upstream(
    start: Start, route: str, stream: bool
) -> None:
    side = start(route)
    [seat] = side.live.application.services.desk.pool.seats()
    seat.busy = seat.account.limit
    health = side.live.application.services.health

    with connected(side.url) as connection:
        connection.send("POST", CHAT, AUTH, chat_body(stream=stream))
        eventually(lambda: health.in_flight == 1, SOON)
    eventually(lambda: health.in_flight == 0, SOON)
    side.live.loop.call_soon_threadsafe(side.live.application.services.desk.give_back, seat)

    assert side.chat().status_code == 200
    assert len(side.log()) == 1


def test_c29_leaving_between_opening_and_first_word_aborts_the_run(cookie: Side) -> None:
    cookie.script(frames=[{"type": "project_start", "id": "p1"}, ": never"], frame_delay_s=60)

    with connected(cookie.url) as connection:
        connection.send("POST", CHAT, AUTH, chat_body(stream=True))
        eventually(lambda: bool(cookie.log()) and cookie.log()[0]["bytes_sent"] > 0, SOON)

    eventually(lambda: _cancelled(cookie), SOON)
    eventually(lambda: bool(_aborted(cookie)), SOON)
    assert _aborted(cookie)[0]["query"] == {"project_id": "p1"}


def test_c29_leaving_frees_the_account(start: Start, route: str) -> None:
    side = start(route, cookie_concurrency=1, key_concurrency=1, account_wait=SOON)
    side.script(**ENDLESS)

    _cutting_a_stream(side)

    assert side.chat().status_code == 200


def test_c29_an_answer_read_to_its_end_is_not_aborted(side: Side) -> None:
    side.stream()

    assert side.chat().status_code == 200
    assert [entry["cancelled"] for entry in side.log()] == [False, False]
    assert _aborted(side) == []
