"""Every known way in which Genspark fails a chat: locks, further asks, and what the caller is told.

Three accounts stand behind the server. Either each of them meets the failure, or only the first
that is asked; the tables say what becomes of both.
"""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from conformance.sse_reading import Reading, read_stream
from conftest import KEPT, Serve, Upstream
from live import LiveServer, live, settings_for

from genspark_emulator.serving import RunningEmulator
from proxy.settings import Settings

COOKIES: dict[str, Any] = {"gs_cookie": "ann\nbob\ncyd", "account_policy": "round_robin"}
KEYS: dict[str, Any] = {
    "gs_cookie": None,
    "gsk_api_key": ["gsk-ann", "gsk-bob", "gsk-cyd"],
    "account_policy": "round_robin",
}
BOTH: dict[str, Any] = {"gs_cookie": "ann", "gsk_api_key": ["gsk-ann"]}
FLOWS = {"cookie": "chat", "key": "key_chat"}
MINUTE, HOUR, DAY = 60, 3600, 86400
# Between an upstream's word and the test's look pass some seconds on a busy machine.
SLACK = 15
ALL_COOKIES = "All cookies are temporarily unavailable."
CHALLENGE = "Detected Cloudflare Challenge Page"
OUTAGE = "Genspark Service Unavailable"
Locks = set[tuple[str, str, str]]


@dataclass(frozen=True)
class Told:
    """What the caller gets."""

    status: int
    code: str
    says: str
    type: str = "server_error"
    wait: int | None = None


@dataclass(frozen=True)
class Rest:
    """The lock an account gets; ``seconds`` None has no end."""

    reason: str
    seconds: int | None
    product: str = "all"


@dataclass(frozen=True)
class Row:
    """``asks``: how many of three struck accounts are asked. ``rested``: how many get the lock."""

    id: str
    script: dict[str, Any]
    told: Told
    asks: int
    rest: Rest | None = None
    rested: int | None = None
    route: str = "cookie"
    also: list[dict[str, Any]] = field(default_factory=list)


def limited(wait: int) -> Told:
    """A wait that ends by itself."""
    return Told(429, "rate_limit_exceeded", ALL_COOKIES, "rate_limit_error", wait)


UNUSABLE = Told(503, "no_upstream_available", ALL_COOKIES)
CHALLENGED = Told(503, "upstream_challenge", CHALLENGE)
EMPTY = Told(502, "empty_response", "Genspark gave an empty answer.")
NOT_OURS = Told(502, "bad_upstream_response", "Genspark refused the request without a reason.")
FRAME = Told(502, "upstream_error", "Genspark reported an error while answering.")
RETIRED = Told(501, "flow_retired", "Genspark has retired this way of chatting.")

RATE = Rest("rate_limited", 10 * MINUTE)
DAILY = Rest("daily_quota", DAY, "chat")
WINDOW = Rest("window_quota", 90 * MINUTE, "chat")
FUNDS = Rest("funds", HOUR)
PLAN = Rest("plan_required", HOUR)
ODD = Rest("dead_credential", MINUTE)
EDGE = Rest("challenge", 10 * MINUTE)

DEAD_LOGIN = {"flow": "login", "scenario": "not_login", "times": None}
NO_LOGIN_ANSWER = {"flow": "login", "reply": {"status": 502, "body": "oh"}, "times": None}


def _cookie_row(number: str, scenario: str, told: Told, asks: int, rest: Rest | None) -> Row:
    return Row(f"{number}-{scenario}", {"scenario": scenario}, told, asks, rest)


COOKIE_ROWS = [
    *(
        _cookie_row("1", name, limited(600), 3, RATE)
        for name in ("rate_limit_cf1", "rate_limit_cf1_200", "rate_limit_cf2")
    ),
    _cookie_row("2", "too_many_requests", limited(600), 3, RATE),
    _cookie_row("2", "too_quickly", limited(600), 3, RATE),
    Row(
        "2-retry-after",
        {"scenario": "too_many_requests", "retry_after": 90},
        limited(90),
        3,
        Rest("rate_limited", 90),
    ),
    *(
        _cookie_row("3-5", name, UNUSABLE, 3, ODD)
        for name in (
            "not_login", "not_login_401", "user_not_found", "bad_request_cf",
            "session_rejected_401", "session_rejected_419",
        )
    ),
    Row(
        "3-login-dead",
        {"scenario": "not_login"},
        UNUSABLE,
        3,
        Rest("dead_credential", None),
        also=[DEAD_LOGIN],
    ),
    Row(
        "3-login-unknown",
        {"scenario": "not_login"},
        UNUSABLE,
        3,
        Rest("dead_credential", 5 * MINUTE),
        also=[NO_LOGIN_ANSWER],
    ),
    _cookie_row("6", "forbidden_json", NOT_OURS, 2, None),
    *(
        _cookie_row("7", name, CHALLENGED, 2, EDGE)
        for name in ("challenge_page", "challenge_page_200", "challenge_page_503")
    ),
    Row(
        "8-edge-block",
        {"scenario": "edge_block"},
        CHALLENGED,
        1,
        Rest("edge_block", 10 * MINUTE),
        rested=3,
    ),
    _cookie_row("9", "bot_check_418", CHALLENGED, 2, EDGE),
    *(
        _cookie_row("10", name, Told(503, "upstream_unavailable", OUTAGE, wait=10), 2, None)
        for name in ("outage_page", "outage_page_200")
    ),
    _cookie_row(
        "11",
        "internal_error",
        Told(502, "upstream_error", "Genspark failed to answer the request."),
        2,
        None,
    ),
    _cookie_row(
        "12",
        "validation_failed",
        Told(400, "invalid_value", "body.messages", "invalid_request_error"),
        1,
        None,
    ),
    _cookie_row(
        "13", "server_overloaded", Told(503, "upstream_unavailable", OUTAGE, wait=5), 2, None
    ),
    _cookie_row("14", "daily_quota", limited(DAY), 3, DAILY),
    *(
        _cookie_row("15-17", name, UNUSABLE, 3, FUNDS)
        for name in (
            "credits_exhausted", "credits_exhausted_beside", "credits_exhausted_localised",
            "negative_balance", "out_of_credits",
        )
    ),
    _cookie_row("18", "window_limit", limited(90 * MINUTE), 3, WINDOW),
    _cookie_row("18", "window_limit_object", limited(90 * MINUTE), 3, WINDOW),
    _cookie_row(
        "21",
        "data_retention",
        Told(503, "account_setting_required", "AI Data Retention"),
        3,
        None,
    ),
    *(
        _cookie_row("22-26", name, EMPTY, 2, None)
        for name in (
            "empty_stream", "empty_content", "no_frames", "canned_apology",
            "canned_apology_streamed",
        )
    ),
    _cookie_row(
        "23", "task_failed", Told(502, "generation_failed", "The generation failed."), 1, None
    ),
    _cookie_row(
        "24", "task_not_found", Told(502, "task_not_found", "does not know the task"), 1, None
    ),
    _cookie_row("25", "error_frame", FRAME, 2, None),
    _cookie_row("25", "error_frame_nested", FRAME, 2, None),
    *(
        Row(f"4xx-{status}", {"reply": {"status": status, "body": {"no": 1}}}, NOT_OURS, 2)
        for status in (400, 404, 409, 451)
    ),
]  # fmt: skip


def _key_row(number: str, scenario: str, told: Told, asks: int, rest: Rest | None) -> Row:
    return Row(f"{number}-{scenario}", {"scenario": scenario}, told, asks, rest, route="key")


BANNED = Rest("account_forbidden", DAY)
KEY_LIMIT = Rest("rate_limited", 30)
KEY_ROWS = [
    *(
        _key_row("27", name, UNUSABLE, 3, PLAN)
        for name in ("soft_wall_free_plan", "soft_wall_free_plan_text", "tool_free_plan")
    ),
    *(
        _key_row("27", name, UNUSABLE, 3, FUNDS)
        for name in ("soft_wall_header", "soft_wall_exhausted_text", "soft_wall_exhausted_json")
    ),
    _key_row("27", "soft_wall_banned", UNUSABLE, 3, BANNED),
    _key_row("28", "payment_402", UNUSABLE, 3, FUNDS),
    _key_row("28", "forbidden_403", UNUSABLE, 3, BANNED),
    _key_row("28", "bad_key_401", UNUSABLE, 3, ODD),
    Row(
        "28-key-dead",
        {"scenario": "bad_key_401"},
        UNUSABLE,
        3,
        Rest("dead_credential", None),
        route="key",
        also=[{"flow": "me", "scenario": "bad_key_401", "times": None}],
    ),
    _key_row("29", "key_rate_limited", limited(30), 3, KEY_LIMIT),
    _key_row("29", "key_rate_limited_header", limited(30), 3, KEY_LIMIT),
    _key_row("29", "rate_limit_cf1", limited(600), 3, RATE),
    _key_row(
        "30",
        "allowed_models",
        Told(
            404,
            "model_not_found",
            "Allowed models: gpt-5.4, claude-opus-4-7",
            "invalid_request_error",
        ),
        1,
        None,
    ),
    _key_row(
        "31",
        "litellm_401",
        Told(502, "upstream_error", "provider behind this model is failing"),
        1,
        None,
    ),
    # Without a stream this failure has no frame; it is an HTTP 500 of its own.
    _key_row("25", "error_in_stream", Told(502, "upstream_error", "Genspark"), 2, None),
    _key_row(
        "12", "validation_failed",
        Told(400, "invalid_value", "body.messages", "invalid_request_error"), 1, None,
    ),
]  # fmt: skip

ROWS = [*COOKIE_ROWS, *KEY_ROWS]


@pytest.fixture(scope="module")
def standing(
    _emulator: RunningEmulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, LiveServer]]:
    """One server per route for all rows; starting one costs more than a row takes."""
    with pytest.MonkeyPatch.context() as patch:
        # Module fixtures come before the one that clears the environment for each test.
        for name in {name.upper() for name in Settings.model_fields} - KEPT & os.environ.keys():
            patch.delenv(name, raising=False)
        settings = {
            route: settings_for(_emulator.url, tmp_path_factory.mktemp(route), **accounts)
            for route, accounts in (("cookie", COOKIES), ("key", KEYS), ("both", BOTH))
        }
    with ExitStack() as stack:
        yield {route: stack.enter_context(live(chosen)) for route, chosen in settings.items()}


@pytest.fixture
def servers(standing: dict[str, LiveServer], upstream: Upstream) -> Iterator[dict[str, LiveServer]]:
    """Both routes' servers, with every lock lifted afterwards."""
    yield standing
    for server in standing.values():
        for account in accounts_of(server):
            if account["locks"]:
                path = f"/admin/accounts/{account['label']}/unlock"
                assert server.client.post(path).status_code == 200


def accounts_of(server: LiveServer) -> list[dict[str, Any]]:
    """What ``/admin/accounts`` says."""
    found: list[dict[str, Any]] = server.client.get("/admin/accounts").json()["accounts"]
    return found


def locks_of(server: LiveServer) -> dict[str, list[dict[str, Any]]]:
    """The locks of every account that has any, by the name the emulator knows it by."""
    names = ("ann", "bob", "cyd")
    return {
        names[number % 3]: account["locks"]
        for number, account in enumerate(accounts_of(server))
        if account["locks"]
    }


def asked(upstream: Upstream, route: str = "cookie") -> list[str]:
    """The accounts that were asked, in order."""
    return [entry["account"].removeprefix("gsk-") for entry in upstream.log(FLOWS[route])]


def check_rest(locks: list[dict[str, Any]], rest: Rest) -> None:
    """One lock, of this product, for about this long."""
    [lock] = locks
    assert (lock["product"], lock["reason"]) == (rest.product, rest.reason)
    if rest.seconds is None:
        assert lock["until"] is None
    else:
        assert rest.seconds - SLACK <= lock["until"] - time.time() <= rest.seconds + 1


def check_told(reply: httpx2.Response, told: Told) -> None:
    """Status, error object and ``Retry-After``."""
    assert reply.status_code == told.status, reply.text
    error = reply.json()["error"]
    assert set(error) == {"message", "type", "param", "code"}
    assert (error["type"], error["code"]) == (told.type, told.code)
    assert told.says in error["message"]
    wait = reply.headers.get("retry-after")
    if told.wait is None:
        assert wait is None
    else:
        assert told.wait - SLACK <= int(wait) <= told.wait
        assert (reply.headers.get("x-should-retry") == "false") == (int(wait) > 60)


@pytest.mark.parametrize("row", ROWS, ids=[f"{row.route}-{row.id}" for row in ROWS])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_failure_that_every_account_meets(
    servers: dict[str, LiveServer], upstream: Upstream, row: Row, stream: bool
) -> None:
    server = servers[row.route]
    upstream.script(*row.also, {"flow": FLOWS[row.route], "times": None, **row.script})

    reply = server.chat(stream=stream)

    check_told(reply, row.told)
    struck = asked(upstream, row.route)
    assert len(struck) == row.asks
    assert len(set(struck)) == len(struck), "no account is asked twice"
    assert reply.headers["x-genspark2api-attempts"] == str(row.asks)
    locks = locks_of(server)
    if row.rest is None:
        assert locks == {}
        return
    if row.rested is None:
        assert set(locks) == set(struck)
    else:
        assert len(locks) == row.rested
    for found in locks.values():
        check_rest(found, row.rest)


SWITCHING = [row for row in ROWS if row.asks > 1]


@pytest.mark.parametrize("row", SWITCHING, ids=[f"{row.route}-{row.id}" for row in SWITCHING])
def test_a_failure_that_one_account_meets_is_answered_by_the_next(
    servers: dict[str, LiveServer], upstream: Upstream, row: Row
) -> None:
    server = servers[row.route]
    upstream.script(*row.also, {"flow": FLOWS[row.route], **row.script})

    reply = server.chat("switch me")

    assert reply.status_code == 200, reply.text
    assert "switch me" in reply.json()["choices"][0]["message"]["content"]
    assert reply.headers["x-genspark2api-attempts"] == "2"
    first, second = asked(upstream, row.route)
    assert first != second
    locks = locks_of(server)
    assert set(locks) == ({first} if row.rest else set())
    if row.rest is not None:
        check_rest(locks[first], row.rest)


# Failures after visible text: nothing can be taken back, so nobody else is asked.

MIDDLES: list[tuple[str, Told, Rest | None]] = [
    ("server_overloaded", Told(503, "upstream_unavailable", OUTAGE), None),
    ("daily_quota", limited(0), DAILY),
    ("credits_exhausted", UNUSABLE, FUNDS),
    ("credits_exhausted_localised", UNUSABLE, FUNDS),
    ("negative_balance", UNUSABLE, FUNDS),
    ("data_retention", Told(503, "account_setting_required", "AI Data Retention"), None),
    ("canned_apology", EMPTY, None),
    ("error_frame", FRAME, None),
    ("error_frame_nested", FRAME, None),
    ("window_limit", limited(0), WINDOW),
    ("window_limit_object", limited(0), WINDOW),
]


@pytest.mark.parametrize(("scenario", "told", "rest"), MIDDLES, ids=[row[0] for row in MIDDLES])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_failure_after_text_rests_the_account_and_is_told_honestly(
    servers: dict[str, LiveServer],
    upstream: Upstream,
    scenario: str,
    told: Told,
    rest: Rest | None,
    stream: bool,
) -> None:
    server = servers["cookie"]
    upstream.script({"flow": "chat", "scenario": f"{scenario}_mid"})

    reply = server.chat(stream=stream)

    if stream:
        assert reply.status_code == 200
        error = _error_after_text(read_stream(reply.content))
    else:
        assert reply.status_code == told.status
        error = reply.json()["error"]
    assert (error["type"], error["code"]) == (told.type, told.code)
    assert told.says in error["message"]
    [struck] = asked(upstream)
    locks = locks_of(server)
    assert set(locks) == ({struck} if rest else set())
    if rest is not None:
        check_rest(locks[struck], rest)


def _error_after_text(reading: Reading) -> dict[str, Any]:
    assert reading.text().startswith("This is the Genspark emulator")
    assert reading.finishes() == []
    [error] = reading.errors
    assert reading.chunks[-1] == {"error": error}
    found: dict[str, Any] = error
    return found


def test_a_broken_key_stream_after_text_is_an_error_event(
    servers: dict[str, LiveServer], upstream: Upstream
) -> None:
    upstream.script({"flow": "key_chat", "scenario": "error_in_stream_mid"})

    reading = read_stream(servers["key"].chat(stream=True).content)

    assert _error_after_text(reading)["code"] == "upstream_error"
    assert len(asked(upstream, "key")) == 1
    assert locks_of(servers["key"]) == {}


@pytest.mark.parametrize("route", ["cookie", "key"])
def test_a_transfer_that_breaks_off_after_text_is_an_error_event(
    servers: dict[str, LiveServer], upstream: Upstream, route: str
) -> None:
    upstream.script({"flow": FLOWS[route], "cut_after_bytes": 1800})

    reading = read_stream(servers[route].chat(stream=True).content)

    assert _error_after_text(reading)["code"] == "bad_upstream_response"
    assert len(asked(upstream, route)) == 1
    assert locks_of(servers[route]) == {}


# Rows that are about more than one request.


def test_a_warning_about_a_window_is_only_a_warning(
    servers: dict[str, LiveServer], upstream: Upstream
) -> None:
    upstream.script({"flow": "chat", "scenario": "window_warning"})

    assert servers["cookie"].chat().status_code == 200
    assert len(asked(upstream)) == 1
    assert locks_of(servers["cookie"]) == {}


def test_a_limit_for_images_rests_images_only_while_chat_goes_on(
    serve: Serve, upstream: Upstream
) -> None:
    server = serve(gs_cookie="ann")
    upstream.script({"flow": "chat", "scenario": "window_limit_mid", "product": "AI Image"})

    answers = [server.chat(), server.chat()]

    assert [answer.status_code for answer in answers] == [200, 200]
    assert asked(upstream) == ["ann", "ann"]
    check_rest(locks_of(server)["ann"], Rest("window_quota", 90 * MINUTE, "image"))


def test_a_window_that_moves_far_ahead_is_capped_at_six_hours(
    serve: Serve, upstream: Upstream
) -> None:
    server = serve(gs_cookie="ann")
    upstream.script({"scenario": "window_limit", "epoch": int(time.time()) + 2 * DAY})

    check_told(server.chat(), limited(6 * HOUR))
    check_rest(locks_of(server)["ann"], Rest("window_quota", 6 * HOUR, "chat"))


def test_all_limited_is_told_with_the_soonest_end_and_without_another_ask(
    serve: Serve, upstream: Upstream
) -> None:
    server = serve(**COOKIES)
    for account, wait in (("ann", 500), ("bob", 120), ("cyd", 900)):
        rule = {"scenario": "too_many_requests", "retry_after": wait}
        upstream.script({"flow": "chat", "account": account, **rule})

    check_told(server.chat(), limited(120))
    check_told(server.chat(), limited(120))
    check_told(server.chat(stream=True), limited(120))

    assert asked(upstream) == ["ann", "bob", "cyd"]


def test_one_account_that_recovers_is_worth_waiting_for(serve: Serve, upstream: Upstream) -> None:
    server = serve(gs_cookie="ann\nbob", account_policy="round_robin")
    upstream.script(
        {"account": "ann", "scenario": "too_many_requests", "retry_after": 40},
        {"account": "bob", "scenario": "credits_exhausted"},
    )

    check_told(server.chat(), limited(40))
    check_told(server.chat(), limited(40))


def test_a_limit_after_text_is_told_with_its_end(serve: Serve, upstream: Upstream) -> None:
    server = serve(gs_cookie="ann")
    upstream.script({"flow": "chat", "scenario": "daily_quota_mid"})

    check_told(server.chat(), limited(DAY))
    check_told(server.chat(), limited(DAY))


def test_an_edge_block_rests_cookies_but_not_keys(serve: Serve, upstream: Upstream) -> None:
    server = serve(gs_cookie="ann\nbob", gsk_api_key=["gsk-cyd"], route_order=["cookie", "key"])
    upstream.script({"flow": "chat", "scenario": "edge_block"})

    reply = server.chat()

    assert reply.status_code == 200
    assert reply.headers["x-genspark2api-route"] == "key"
    assert len(upstream.log("chat")) == 1
    locked = {a["label"]: [lock["reason"] for lock in a["locks"]] for a in accounts_of(server)}
    assert locked == {"cookie-1": ["edge_block"], "cookie-2": ["edge_block"], "key-1": []}


def test_after_an_edge_block_no_cookie_is_asked_again(serve: Serve, upstream: Upstream) -> None:
    server = serve(**COOKIES)
    upstream.script({"flow": "chat", "scenario": "edge_block"})

    server.chat()
    check_told(server.chat(), Told(503, "upstream_challenge", CHALLENGE, wait=600))

    assert len(asked(upstream)) == 1


def test_an_account_alone_is_asked_once_more_when_the_upstream_is_down(
    serve: Serve, upstream: Upstream
) -> None:
    server = serve(gs_cookie="ann")
    upstream.script({"flow": "chat", "scenario": "outage_page"})

    reply = server.chat()

    assert reply.status_code == 200
    assert reply.headers["x-genspark2api-attempts"] == "2"
    assert asked(upstream) == ["ann", "ann"]


def test_an_upstream_that_stays_down_is_asked_twice_in_all(
    serve: Serve, upstream: Upstream
) -> None:
    server = serve(gs_cookie="ann")
    upstream.script({"flow": "chat", "scenario": "server_overloaded", "times": None})

    check_told(server.chat(), Told(503, "upstream_unavailable", OUTAGE, wait=5))
    assert asked(upstream) == ["ann", "ann"]
    assert locks_of(server) == {}


def test_a_key_alone_waits_a_short_wait_out(serve: Serve, upstream: Upstream) -> None:
    server = serve(gs_cookie=None, gsk_api_key=["gsk-ann"])
    upstream.script({"flow": "key_chat", "scenario": "key_rate_limited", "retry_after": 0.05})

    reply = server.chat()

    assert reply.status_code == 200
    assert asked(upstream, "key") == ["ann", "ann"]


@pytest.mark.parametrize("name", ["stale", "foreign"])
def test_a_project_that_is_gone_is_dropped_and_the_same_account_asked_without_one(
    serve: Serve, upstream: Upstream, name: str
) -> None:
    project = "deleted-long-ago"
    if name == "foreign":
        assert serve(gs_cookie="cyd").chat().status_code == 200
        [project] = [found["id"] for found in upstream.projects()]
    server = serve(gs_cookie="ann", model_chat_map={"gpt-5.4": project})
    before = len(upstream.log("chat"))

    reply = server.chat()

    assert reply.status_code == 200
    entries = upstream.log("chat")[before:]
    assert [entry["body"]["project_id"] for entry in entries] == [project, None]
    assert [entry["account"] for entry in entries] == ["ann", "ann"]
    assert locks_of(server) == {}


def test_a_stale_project_is_not_tried_again_on_the_next_account(
    serve: Serve, upstream: Upstream
) -> None:
    server = serve(**COOKIES, model_chat_map={"gpt-5.4": "deleted-long-ago"})
    upstream.script({"flow": "chat", "account": "ann", "scenario": "rate_limit_cf1"})

    assert server.chat().status_code == 200
    assert asked(upstream) == ["ann", "ann", "bob"]
    assert [e["body"]["project_id"] for e in upstream.log("chat")][1:] == [None, None]


def test_a_dead_cookie_stays_out_and_comes_back_once_a_check_passes(
    serve: Serve, upstream: Upstream
) -> None:
    server = serve(**COOKIES)
    struck = {"account": "ann", "scenario": "not_login"}
    upstream.script({"flow": "chat", **struck}, {"flow": "login", **struck})

    for _ in range(4):
        assert server.chat().status_code == 200
    assert asked(upstream) == ["ann", "bob", "cyd", "bob", "cyd"]
    check_rest(locks_of(server)["ann"], Rest("dead_credential", None))

    server.call(server.application.services.desk.recheck_dead())

    assert locks_of(server) == {}


@pytest.mark.parametrize("scenario", ["retired", "retired_json"])
def test_a_retired_cookie_flow_is_not_asked_again_for_a_while(
    serve: Serve, upstream: Upstream, scenario: str
) -> None:
    server = serve(**COOKIES)
    upstream.script({"flow": "chat", "scenario": scenario})

    check_told(server.chat(), RETIRED)
    check_told(server.chat(stream=True), RETIRED)

    assert len(asked(upstream)) == 1
    assert locks_of(server) == {}


def test_a_retired_legacy_wire_takes_only_itself_out_of_use(
    serve: Serve, upstream: Upstream
) -> None:
    server = serve(gs_cookie="ann\nbob", enable_legacy_copilot=True)
    upstream.script({"flow": "legacy", "scenario": "answered"})

    answered = server.chat(model="o3-pro")
    retired = server.chat(model="o3-pro")
    afterwards = server.chat(model="o3-pro")
    usual = server.chat()

    assert answered.headers["x-genspark2api-route"] == "legacy"
    check_told(retired, RETIRED)
    # Without the wire nobody knows the model: the mixture answers, and says so.
    assert afterwards.headers["x-genspark2api-route"] == "cookie"
    assert "claude-sonnet-4-6" in afterwards.headers["x-genspark2api-served-model"]
    assert usual.headers["x-genspark2api-route"] == "cookie"
    assert len(upstream.log("legacy")) == 2
    assert locks_of(server) == {}


@pytest.mark.parametrize(
    "scenario",
    [
        "soft_wall_free_plan", "soft_wall_header", "soft_wall_exhausted_text", "soft_wall_banned",
        "payment_402", "bad_key_401", "forbidden_403", "key_rate_limited", "allowed_models",
        "litellm_401", "error_in_stream",
    ],
)  # fmt: skip
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_where_a_key_fails_a_cookie_answers(
    servers: dict[str, LiveServer], upstream: Upstream, scenario: str, stream: bool
) -> None:
    server = servers["both"]
    upstream.script({"flow": "key_chat", "scenario": scenario, "times": None})

    reply = server.chat("instead", stream=stream)

    assert reply.status_code == 200, reply.text
    assert reply.headers["x-genspark2api-route"] == "cookie"
    assert reply.headers["x-genspark2api-account"] == "cookie-1"
    assert reply.headers["x-genspark2api-attempts"] == str(len(upstream.log("key_chat")) + 1)
    assert asked(upstream) == ["ann"]
    cookie = accounts_of(server)[1]
    assert (cookie["label"], cookie["locks"]) == ("cookie-1", [])
