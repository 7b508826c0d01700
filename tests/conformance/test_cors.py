"""Assertions 54 and 55: browsers may call every route and read every reply."""

import pytest
from conformance.raw_http import AUTH, RawReply, ask, chat_body, connected
from conformance.sides import COOKIE, Side, Start

CHAT = "/v1/chat/completions"
ORIGIN = "https://chat.example.com"
OPENAI_NODE = (
    "authorization,content-type,x-stainless-arch,x-stainless-lang,x-stainless-os,"
    "x-stainless-package-version,x-stainless-retry-count,x-stainless-runtime,"
    "x-stainless-runtime-version"
)
EXPOSED = {
    "x-request-id", "retry-after", "retry-after-ms", "openai-poll-after-ms",
    "x-ratelimit-limit-requests", "x-ratelimit-remaining-requests", "x-ratelimit-reset-requests",
}  # fmt: skip


def _preflight(side: Side, target: str, **more: str) -> RawReply:
    headers = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": OPENAI_NODE,
        **more,
    }
    return ask(side.url, "OPTIONS", target, headers)


@pytest.mark.parametrize(
    "target",
    [
        *(CHAT, "/v1/models", "/v1/models/gemini%2Fveo3", "/chat/completions", "//v1/models"),
        *("/v1/v1/chat/completions", "/v1/images/generations", "/v1/videos", "/v1/unknown", "/"),
        *("/v1/dashboard/billing/usage", "/healthz", "*"),
    ],
)
def test_c54_a_preflight_needs_no_key(side: Side, target: str) -> None:
    reply = _preflight(side, target)

    assert reply.status == 204
    assert reply.headers["access-control-allow-origin"] in ("*", ORIGIN)
    assert reply.headers["access-control-allow-headers"] == OPENAI_NODE
    methods = reply.headers["access-control-allow-methods"].replace(" ", "").split(",")
    assert {"GET", "POST", "DELETE", "OPTIONS"} <= set(methods)
    assert int(reply.headers["access-control-max-age"]) == 86400


def test_c54_a_preflight_reply_has_no_body_and_says_so_correctly(cookie: Side) -> None:
    with connected(cookie.url) as connection:
        connection.send("OPTIONS", CHAT, {"Origin": ORIGIN})
        first = connection.read_reply()
        # The connection is still in step: nothing followed the head.
        connection.send("GET", "/v1/models", AUTH)
        assert connection.read_reply("GET").status == 200

    # RFC 9110 8.6: neither belongs to a 204.
    assert not {"content-length", "transfer-encoding"} & set(first.headers)


def test_c54_other_headers_are_echoed_too(cookie: Side) -> None:
    asked = {"Access-Control-Request-Headers": "X-Odd-One, authorization"}

    reply = _preflight(cookie, CHAT, **asked)

    assert reply.headers["access-control-allow-headers"] == "X-Odd-One, authorization"


def test_c54_private_networks_are_allowed_when_asked(cookie: Side) -> None:
    asked = _preflight(cookie, CHAT, **{"Access-Control-Request-Private-Network": "true"})

    assert asked.headers["access-control-allow-private-network"] == "true"
    assert "access-control-allow-private-network" not in _preflight(cookie, CHAT).headers


def test_c54_a_preflight_is_no_use_of_the_rate_limit(start: Start) -> None:
    limited = start(COOKIE, request_rate_limit=1)

    assert {_preflight(limited, CHAT).status for _ in range(3)} == {204}
    assert ask(limited.url, "POST", CHAT, body=chat_body()).status == 200


def _check_open(reply: RawReply, status: int) -> None:
    assert reply.status == status
    origin = reply.headers["access-control-allow-origin"]
    assert origin in ("*", ORIGIN)
    assert origin == "*" or "origin" in reply.headers["vary"].lower()
    if reply.headers.get("access-control-allow-credentials"):
        assert origin != "*"
    listed = reply.headers["access-control-expose-headers"].lower().replace(" ", "").split(",")
    assert set(listed) >= EXPOSED, "a bare * covers nothing once a request carries a key"


@pytest.mark.parametrize("origin", [{"Origin": ORIGIN}, {}], ids=["browser", "no origin"])
def test_c55_every_kind_of_reply_is_open_to_browsers(side: Side, origin: dict[str, str]) -> None:
    known = {**AUTH, **origin}

    _check_open(ask(side.url, "POST", CHAT, known, chat_body()), 200)
    _check_open(ask(side.url, "POST", CHAT, known, chat_body(stream=True)), 200)
    _check_open(ask(side.url, "GET", "/v1/models", known), 200)
    _check_open(ask(side.url, "POST", CHAT, known, b"{"), 400)
    _check_open(ask(side.url, "POST", CHAT, origin, chat_body()), 401)
    _check_open(ask(side.url, "GET", "/nowhere", known), 404)
    _check_open(ask(side.url, "GET", CHAT, known), 405)
    too_long = {**known, "Content-Length": "99000000"}
    _check_open(ask(side.url, "POST", CHAT, too_long), 413)
    side.script(scenario="rate_limit_cf1")
    _check_open(ask(side.url, "POST", CHAT, known, chat_body()), 429)
    side.unlock()
    side.script(scenario="internal_error")
    _check_open(ask(side.url, "POST", CHAT, known, chat_body(stream=True)), 502)


def test_c55_refused_addresses_and_limited_callers_can_be_read_too(start: Start) -> None:
    known = {**AUTH, "Origin": ORIGIN}
    refusing = start(COOKIE, ip_black_list=["127.0.0.1"])
    limited = start(COOKIE, request_rate_limit=1)

    _check_open(ask(refusing.url, "POST", CHAT, known, chat_body()), 403)
    _check_open(ask(limited.url, "POST", CHAT, known, chat_body()), 200)
    _check_open(ask(limited.url, "POST", CHAT, known, chat_body()), 429)


def test_c55_a_stream_that_opened_out_of_patience_is_open_too(start: Start, route: str) -> None:
    side = start(route, first_event_patience=0.05)
    side.script(delay_s=0.2)

    reply = ask(side.url, "POST", CHAT, {**AUTH, "Origin": ORIGIN}, chat_body(stream=True))

    _check_open(reply, 200)
