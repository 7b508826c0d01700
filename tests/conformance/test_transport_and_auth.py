"""Assertions 1 to 8: paths, keys, bodies that are no request."""

import json
from typing import Any

import pytest
from conformance.error_objects import error_of
from conformance.raw_http import AUTH, RawReply, ask, chat_body, connected
from conformance.sides import COOKIE, SECRET_OF_CALLER, Side, Start
from conformance.sse_reading import read_stream
from live import SECRET

CHAT = "/v1/chat/completions"
CHAT_ALIASES = [
    "//v1/chat/completions",
    "/v1//chat/completions",
    "/v1/v1/chat/completions",
    "/chat/completions",
    "//v1//v1//chat/completions",
]
MODEL_ALIASES = ["//v1/models", "/v1//models", "/v1/v1/models", "/models"]
NO_KEYS: list[dict[str, str]] = [
    {},
    {"Authorization": "Bearer wrong"},
    {"Authorization": "Bearer "},
    {"Authorization": f"Basic {SECRET}"},
    {"Authorization": SECRET},
    {"Authorization": f"Bearer {SECRET}x"},
    {"x-api-key": "wrong"},
    {"api-key": ""},
]
GOOD_KEYS: list[dict[str, str]] = [
    {"Authorization": f"Bearer {SECRET}"},
    {"authorization": f"bearer {SECRET}"},
    {"Authorization": f"Bearer {SECRET_OF_CALLER}"},
    {"x-api-key": SECRET},
    {"Api-Key": SECRET_OF_CALLER},
]


def test_c01_a_chat_is_200_json_with_a_request_id(side: Side) -> None:
    reply = ask(side.url, "POST", CHAT, body=chat_body())

    assert reply.status == 200
    assert reply.headers["content-type"].split(";")[0] == "application/json"
    assert reply.headers["x-request-id"]
    assert reply.json()["choices"][0]["message"]["content"]


def test_c01_every_request_has_an_id_of_its_own(side: Side) -> None:
    targets = [CHAT, CHAT, "/v1/models", "/nowhere"]
    ids = {
        ask(side.url, "POST", path, body=chat_body()).headers["x-request-id"] for path in targets
    }

    assert len(ids) == len(targets)


@pytest.mark.parametrize("headers", NO_KEYS, ids=str)
@pytest.mark.parametrize(("method", "target"), [("POST", CHAT), ("GET", "/v1/models")])
def test_c02_a_missing_or_wrong_key_is_401(
    side: Side, method: str, target: str, headers: dict[str, str]
) -> None:
    reply = ask(side.url, method, target, headers, chat_body(stream=True))

    error = error_of(reply, 401)
    assert error["code"] == "invalid_api_key"
    assert error["type"] == "authentication_error"
    assert side.log() == []


@pytest.mark.parametrize("target", ["/v1/models/gpt-5.4", "/nowhere", "/v1/images/generations"])
def test_c02_nothing_is_told_about_paths_without_a_key(cookie: Side, target: str) -> None:
    assert error_of(ask(cookie.url, "POST", target, {}), 401)["code"] == "invalid_api_key"


@pytest.mark.parametrize("headers", GOOD_KEYS, ids=str)
def test_c02_every_configured_key_is_accepted_in_every_usual_header(
    cookie: Side, headers: dict[str, str]
) -> None:
    assert ask(cookie.url, "POST", CHAT, headers, chat_body()).status == 200


def test_c02_without_configured_keys_any_key_and_none_will_do(start: Start) -> None:
    open_to_all = start(COOKIE, api_secret=[])

    for headers in ({}, {"Authorization": "Bearer anything"}, {"Authorization": "Bearer "}):
        assert ask(open_to_all.url, "POST", CHAT, headers, chat_body()).status == 200


@pytest.mark.parametrize("target", CHAT_ALIASES)
def test_c03_other_spellings_of_the_chat_path_chat(side: Side, target: str) -> None:
    side.script(answer={"text": "the same"}, times=3)

    usual = ask(side.url, "POST", CHAT, body=chat_body())
    other = ask(side.url, "POST", target, body=chat_body())
    streamed = ask(side.url, "POST", target, body=chat_body(stream=True))

    assert (usual.status, other.status, streamed.status) == (200, 200, 200)
    assert other.json()["choices"] == usual.json()["choices"]
    assert read_stream(streamed.body).text() == "the same"


@pytest.mark.parametrize("target", MODEL_ALIASES)
def test_c03_other_spellings_of_the_models_path_list_models(side: Side, target: str) -> None:
    reply = ask(side.url, "GET", target)

    assert reply.status == 200
    assert reply.json() == ask(side.url, "GET", "/v1/models").json()


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", f"{CHAT}/"),
        ("POST", "/chat/completions/"),
        ("GET", "/v1/models/"),
        ("GET", "/"),
        ("GET", "/v1"),
        ("GET", "/v1/"),
        ("POST", "/v1/nothing"),
        ("PUT", "/v2/chat/completions"),
        ("GET", "/v1/chat"),
        ("POST", "/V1/chat/completions"),
        ("POST", "/v1/chat/completions%2F"),
    ],
)
def test_c04_unknown_paths_and_trailing_slashes_are_404(
    side: Side, method: str, target: str
) -> None:
    error_of(ask(side.url, method, target, body=chat_body()), 404)


@pytest.mark.parametrize("target", [CHAT, "/chat/completions", "/v1/v1/chat/completions"])
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
def test_c04_the_wrong_method_is_405(cookie: Side, method: str, target: str) -> None:
    reply = ask(cookie.url, method, target)

    assert error_of(reply, 405)["code"] == "method_not_allowed"
    assert reply.headers["allow"] == "POST"


@pytest.mark.parametrize("target", ["/v1/models", "/models", "/v1/models/gpt-5.4"])
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_c04_models_cannot_be_changed(cookie: Side, method: str, target: str) -> None:
    reply = ask(cookie.url, method, target)

    assert error_of(reply, 405)["code"] == "method_not_allowed"
    assert "GET" in reply.headers["allow"]


@pytest.mark.parametrize("accept", ["application/json", "text/event-stream", "*/*", "text/html"])
def test_c05_only_the_body_decides_about_streaming(side: Side, accept: str) -> None:
    headers = {**AUTH, "Accept": accept, "Content-Type": "application/json"}

    streamed = ask(side.url, "POST", CHAT, headers, chat_body(stream=True))
    whole = ask(side.url, "POST", CHAT, headers, chat_body(stream=False))

    assert streamed.headers["content-type"].startswith("text/event-stream")
    assert read_stream(streamed.body).text()
    assert whole.headers["content-type"].startswith("application/json")
    assert whole.json()["object"] == "chat.completion"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"   ",
        b"{",
        b"not json",
        b"[]",
        b'"text"',
        b"null",
        b"17",
        b'{"model": NaN}',
        b"\xff\xfe{}",
        b"[" * 5000,
        b'{"a":' * 5000,
        b"model=gpt-5.4&messages=hello",
    ],
    ids=lambda body: repr(body[:12]),
)
def test_c06_what_is_no_json_object_is_400(side: Side, body: bytes) -> None:
    reply = ask(side.url, "POST", CHAT, body=body)

    assert error_of(reply, 400)["type"] == "invalid_request_error"
    assert "detail" not in reply.json()
    assert side.log() == []


@pytest.mark.parametrize("content_type", ["text/plain", "application/octet-stream", ""])
def test_c06_a_good_body_needs_no_content_type(side: Side, content_type: str) -> None:
    headers = {**AUTH, "Content-Type": content_type}

    assert ask(side.url, "POST", CHAT, headers, chat_body()).status == 200


def _sent_in_pieces(side: Side, body: bytes) -> RawReply:
    with connected(side.url) as connection:
        connection.send("POST", CHAT, {**AUTH, "Transfer-Encoding": "chunked"})
        for piece in (body[n : n + 50_000] for n in range(0, len(body), 50_000)):
            connection.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.write(b"0\r\n\r\n")
        return connection.read_reply()


def test_c07_a_body_over_the_limit_is_413(start: Start) -> None:
    small = start(COOKIE, max_body_mb=1)
    body = chat_body("x" * 1_000_001)

    replies = [ask(small.url, "POST", CHAT, body=body), _sent_in_pieces(small, body)]

    for reply in replies:
        error = error_of(reply, 413)
        assert (error["type"], error["code"]) == ("invalid_request_error", "request_too_large")
    assert small.log() == []


def test_c07_an_announced_body_over_the_limit_is_refused_before_it_is_sent(start: Start) -> None:
    small = start(COOKIE, max_body_mb=1)

    with connected(small.url) as connection:
        connection.send("POST", CHAT, {**AUTH, "Content-Length": "50000000"})
        error_of(connection.read_reply(), 413)


def test_c07_a_body_of_31_megabytes_is_within_the_usual_limit(cookie: Side) -> None:
    body = chat_body("x" * 31_000_000)

    reply = ask(cookie.url, "POST", CHAT, body=body)

    assert reply.status == 200
    assert len(cookie.log()[0]["body"]["messages"][0]["content"]) == 31_000_000


def test_c07_a_body_in_pieces_within_the_limit_is_served(side: Side) -> None:
    reply = _sent_in_pieces(side, chat_body("y" * 300_000))

    assert reply.status == 200


@pytest.mark.parametrize("target", ["gemini%2Fveo3%2Ffast", "gemini/veo3/fast"])
def test_c08_a_model_path_may_have_slashes(start: Start, route: str, target: str) -> None:
    aliased = start(route, model_aliases={"gemini/veo3/fast": "gpt-5.4"})

    found: dict[str, Any] = ask(aliased.url, "GET", f"/v1/models/{target}").json()

    assert found["id"] == "gemini/veo3/fast"
    listed = ask(aliased.url, "GET", "/v1/models").json()["data"]
    assert found in listed
    assert json.loads(ask(aliased.url, "GET", f"/models/{target}").body) == found
