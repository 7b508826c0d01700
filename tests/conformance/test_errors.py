"""Assertions 36, 37, 39, 40, 41 and 57: every failure, told so that all clients understand it."""

from typing import Any

import pytest
from conformance.error_objects import (
    TYPES,
    assert_discreet,
    assert_quiet,
    checked,
    error_of,
)
from conformance.failure_table import ANSWERS, EXPECTED, ROWS, STREAMS
from conformance.raw_http import AUTH, RawReply, ask, chat_body, connected
from conformance.sides import (
    COOKIE,
    KEY,
    SECRET_KEY,
    SECRET_OF_CALLER,
    SECRET_SESSION,
    Side,
    Start,
    eventually,
)
from conformance.sse_reading import read_stream

from proxy.api import context

CHAT = "/v1/chat/completions"


def _asked(side: Side, **fields: Any) -> RawReply:
    return ask(side.url, "POST", CHAT, body=chat_body(**fields))


def test_c36_every_scenario_of_the_emulator_has_its_row() -> None:
    for name, streams in STREAMS.items():
        middles = {each for each in streams if each.endswith("_mid")}
        assert set(streams) <= set(EXPECTED[name]) | ANSWERS[name] | middles


@pytest.mark.parametrize(("name", "scenario", "status", "code"), ROWS)
def test_c36_c39_c40_c57_a_failure_is_told_in_the_right_words(
    open_side: Start, start: Start, name: str, scenario: str, status: int, code: str
) -> None:
    retired = code == "flow_retired"
    # A retired flow stays out of use for a while, so that row needs a server of its own.
    side = start(name, max_attempts=1) if retired else open_side(name)
    for stream in (False, True):
        side.script(scenario=scenario)
        reply = _asked(side, stream=stream)
        side.unlock()

        error = error_of(reply, status or reply.status)
        assert reply.status in TYPES
        assert reply.status != 401, "the caller's own key is not at fault"
        if code:
            assert error["code"] == code
        assert_quiet(error["message"])
        assert_discreet(reply.everything, side.upstream.url)
        _check_waiting(reply)


def _check_waiting(reply: RawReply) -> None:
    """A wait is a whole number of seconds; longer than a minute, SDKs are told not to retry."""
    wait = reply.headers.get("retry-after")
    if reply.status == 429:
        assert wait is not None, "a 429 says when to come back"
    if wait is not None:
        assert int(wait) >= 1
        assert int(wait) <= 60 or reply.headers["x-should-retry"] == "false"


def test_c36_statuses_of_the_callers_own_mistakes(start: Start) -> None:
    limited = start(COOKIE, request_rate_limit=1)
    refusing = start(COOKIE, ip_black_list=["127.0.0.0/8"])

    assert error_of(_asked(limited, messages=[]), 400)["param"] == "messages"
    assert error_of(_asked(limited), 429)["code"] == "rate_limit_exceeded"
    assert error_of(_asked(refusing), 403)["type"] == "permission_error"


def test_c36_a_body_that_does_not_arrive_is_408(
    cookie: Side, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(context, "BODY_SECONDS", 0.1)

    with connected(cookie.url) as connection:
        connection.send("POST", CHAT, {**AUTH, "Content-Length": "100"}, b'{"model":')
        reply = connection.read_reply()

    assert error_of(reply, 408)["code"] == "request_timeout"


def test_c36_no_account_at_all_is_503(start: Start) -> None:
    bare = start(COOKIE, gs_cookie=None)

    for stream in (False, True):
        error = error_of(_asked(bare, stream=stream), 503)
        assert error["code"] == "no_upstream_available"


def test_c36_an_unreachable_upstream_is_502(start: Start, route: str) -> None:
    side = start(route, genspark_base_url="http://127.0.0.1:9", max_attempts=1)

    for stream in (False, True):
        reply = _asked(side, stream=stream)
        assert error_of(reply, 502)["code"] == "upstream_unreachable"
        assert_discreet(reply.everything, "http://127.0.0.1:9")


def test_c36_an_upstream_that_stays_silent_is_504(start: Start, route: str) -> None:
    side = start(route, idle_timeout=0.1, max_attempts=1)

    for silence in ("delay_s", "first_event_delay_s"):
        for stream in (False, True):
            side.script(**{silence: 60})
            assert error_of(_asked(side, stream=stream), 504)["code"] == "upstream_timeout"


def test_c36_busy_accounts_are_503(start: Start, route: str) -> None:
    side = start(route, cookie_concurrency=1, key_concurrency=1, account_wait=0)
    [seat] = side.live.application.services.desk.pool.seats()
    seat.busy += 1

    reply = _asked(side)

    assert error_of(reply, 503)["code"] == "no_upstream_available"
    _check_waiting(reply)


def test_c36_a_server_that_shuts_down_is_503(start: Start) -> None:
    side = start(COOKIE)
    health = side.live.application.services.health
    # What is under way for somebody else keeps it from ending before this is answered.
    health.in_flight += 1
    side.live.drain()
    eventually(lambda: health.draining, 2)

    reply = _asked(side, stream=True)

    assert error_of(reply, 503)["code"] == "shutting_down"
    assert 1 <= int(reply.headers["retry-after"]) <= 60


@pytest.mark.parametrize("status", [400, 404, 409, 413, 415, 422, 451, 500, 502, 504, 520, 599])
def test_c36_any_other_status_becomes_one_of_ours(side: Side, status: int) -> None:
    odd: list[Any] = ["oh no", "", {"error": {"message": 7, "code": 7}}, "<html>x", {"detail": []}]
    for body in odd:
        side.script(reply={"status": status, "body": body})
        reply = _asked(side)

        error_of(reply, reply.status)
        assert reply.status in (400, 404, 502, 503, 504), body


def test_c37_a_short_wait_is_passed_on(side: Side) -> None:
    side.script(scenario="too_quickly", retry_after=42)

    reply = _asked(side)

    error_of(reply, 429)
    assert 35 <= int(reply.headers["retry-after"]) <= 42
    assert "x-should-retry" not in reply.headers


def test_c37_a_second_caller_hears_the_same(side: Side) -> None:
    side.script(scenario="too_quickly", retry_after=42)

    _asked(side)
    reply = _asked(side, stream=True)

    error_of(reply, 429)
    assert 30 <= int(reply.headers["retry-after"]) <= 42
    assert len(side.log()) == 1


@pytest.mark.parametrize("again", [False, True])
def test_c37_a_long_wait_stops_the_sdks_retries(side: Side, again: bool) -> None:
    side.script(scenario="too_many_requests", retry_after=3000)
    if again:
        _asked(side)

    reply = _asked(side)

    error_of(reply, 429)
    assert 2900 <= int(reply.headers["retry-after"]) <= 3000
    assert reply.headers["x-should-retry"] == "false"


@pytest.mark.parametrize("wait", ["0", "-5", "soon", "Wed, 21 Oct 2015 07:28:00 GMT", ""])
def test_c37_an_odd_wait_of_the_upstream_is_not_passed_on(side: Side, wait: str) -> None:
    side.script(reply={"status": 429, "headers": {"retry-after": wait}, "body": "Too many"})

    reply = _asked(side)

    error_of(reply, 429)
    _check_waiting(reply)


def test_c37_our_own_limit_says_when_to_come_back(start: Start) -> None:
    side = start(COOKIE, request_rate_limit=1)
    assert _asked(side).status == 200

    reply = _asked(side)

    error_of(reply, 429)
    assert 1 <= int(reply.headers["retry-after"]) <= 60
    assert "x-should-retry" not in reply.headers


LEAKS = (
    f"Key {SECRET_KEY} of session_id={SECRET_SESSION} was refused at"
    " https://llm-17.internal.genspark.ai/api/llm_proxy/v1 for ops@genspark.ai:"
    ' Traceback (most recent call last): File "/srv/app/main.py", line 7, in call'
)
WORDS = (
    "Your credit balance is too low to access the API",
    "PERMISSION DENIED for this organization",
    "Your access was terminated",
    "您的账户已欠费",
)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422, 500])
@pytest.mark.parametrize("shape", ["text", "detail", "error"])
def test_c39_c40_an_upstreams_text_is_filtered(side: Side, status: int, shape: str) -> None:
    for said in (LEAKS, *WORDS):
        body: Any = {
            "text": said,
            "detail": {"detail": said},
            "error": {"error": {"message": said}},
        }
        side.script(
            reply={"status": status, "body": body[shape], "headers": {"x-debug": LEAKS[:60]}}
        )
        told = _asked(side)
        side.unlock()

        error = error_of(told, told.status)
        assert_quiet(error["message"])
        assert_discreet(told.everything, side.upstream.url)


@pytest.mark.parametrize("said", [LEAKS, *WORDS])
@pytest.mark.parametrize("after_text", [False, True])
def test_c39_c40_an_error_frames_text_is_filtered(side: Side, said: str, after_text: bool) -> None:
    side.script(frames=_with_error(side, said, after_text=after_text))

    told = _asked(side, stream=True)

    error = checked(read_stream(told.body).errors[0]) if after_text else told.json()["error"]
    assert_quiet(error["message"])
    assert_discreet(told.everything, side.upstream.url)


def _with_error(side: Side, said: str, *, after_text: bool) -> list[Any]:
    if side.name == COOKIE:
        delta = {"type": "message_field_delta", "message_id": "m", "field_name": "content"}
        text: list[Any] = [{**delta, "delta": "Half"}] if after_text else []
        return [*text, {"type": "error", "message": said}]
    choice = {"index": 0, "delta": {"content": "Half"}, "finish_reason": None}
    text = [{"choices": [choice]}] if after_text else []
    return [*text, {"error": {"message": said, "type": "insufficient_quota", "code": "x"}}]


def test_c39_a_model_name_cannot_put_forbidden_words_into_an_error(
    start: Start, route: str
) -> None:
    side = start(route, unknown_model="reject")

    for model in ("credit-balance", "Permission Denied"):
        replies = [
            _asked(side, model=model),
            ask(side.url, "GET", f"/v1/models/{model.replace(' ', '%20')}"),
        ]
        for reply in replies:
            assert_quiet(error_of(reply, 404)["message"])


def test_c40_the_callers_wrong_key_is_not_repeated(cookie: Side) -> None:
    wrong = {"Authorization": f"Bearer {SECRET_OF_CALLER}x"}

    reply = ask(cookie.url, "POST", CHAT, wrong, chat_body())

    error_of(reply, 401)
    assert SECRET_OF_CALLER not in reply.everything


def test_c40_a_good_answer_carries_nothing_of_the_inside_either(side: Side) -> None:
    # The cookie route's scenario sets a refreshed session cookie.
    side.script(scenario="set_cookie" if side.name == COOKIE else "answered", times=2)

    for stream in (False, True):
        reply = _asked(side, stream=stream)
        assert reply.status == 200
        assert "set-cookie" not in reply.headers
        assert_discreet(reply.everything, side.upstream.url)


def test_c40_an_upstreams_own_headers_stay_inside(key: Side) -> None:
    message = {"role": "assistant", "content": "Yes."}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    headers = {"x-upstream": "llm-17.internal", "set-cookie": ["a=b", "c=d"], "server": "uvicorn"}
    key.script(reply={"body": body, "headers": headers})

    reply = _asked(key)

    assert reply.status == 200
    assert not {"x-upstream", "set-cookie", "server"} & set(reply.headers)


@pytest.mark.parametrize("stream", [False, True])
def test_c40_c41_a_crash_is_500_without_its_story(
    start: Start, monkeypatch: pytest.MonkeyPatch, stream: bool
) -> None:
    side = start(KEY)

    async def crash(_ask: Any) -> None:
        raise RuntimeError(LEAKS)

    monkeypatch.setattr(type(side.live.application.services.chat), "open", lambda _, a: crash(a))

    reply = _asked(side, stream=stream)

    error = error_of(reply, 500)
    assert error["code"] == "internal_error"
    assert_discreet(reply.everything, side.upstream.url)
    assert reply.headers["access-control-allow-origin"]


@pytest.mark.parametrize(
    ("method", "target", "body", "status"),
    [
        ("GET", "/v1/nothing", b"", 404),
        ("POST", "/", b"", 404),
        ("GET", CHAT, b"", 405),
        ("DELETE", "/v1/models", b"", 405),
        ("POST", CHAT, b"{", 400),
        ("POST", CHAT, b'{"model":"gpt-5.4","messages":"x"}', 400),
    ],
)
def test_c41_the_frameworks_errors_are_error_objects_with_cors(
    side: Side, method: str, target: str, body: bytes, status: int
) -> None:
    headers = {**AUTH, "Origin": "https://app.example.com"}

    reply = ask(side.url, method, target, headers, body)

    error_of(reply, status)
    assert reply.headers["access-control-allow-origin"] in ("*", "https://app.example.com")
    assert "x-request-id" in reply.headers["access-control-expose-headers"]


def test_c41_what_is_no_http_gets_an_error_object_too(cookie: Side) -> None:
    with connected(cookie.url) as connection:
        connection.write(b"NONSENSE\r\n\r\n")
        reply = connection.read_reply()

    assert reply.status == 400
    assert reply.headers["content-type"].split(";")[0] == "application/json"
    checked(reply.json()["error"], 400)


def test_c57_a_stream_is_never_answered_with_a_json_document(key: Side) -> None:
    key.script(scenario="json_instead_of_stream")

    assert key.stream().text()
