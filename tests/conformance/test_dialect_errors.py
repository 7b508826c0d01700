"""What goes wrong, in the words of each dialect: the SDKs raise their classes, on both routes."""

import json
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import anthropic
import openai
import pytest
from conformance.dialects import (
    BROKEN,
    COMPLETIONS,
    MESSAGES,
    PNG,
    RESPONSES,
    Door,
    anthropic_client,
    break_in_the_middle,
    openai_client,
    user,
)
from conformance.error_objects import TYPES, assert_discreet, assert_quiet
from conformance.raw_http import AUTH, ask, connected
from conformance.sides import COOKIE, Side, Start, eventually
from fixtures import messages_stream, responses_stream

DOORS = {"responses": RESPONSES, "completions": COMPLETIONS, "messages": MESSAGES}
MISTAKES: dict[str, dict[str, Any]] = {
    "responses": {"input": []},
    "completions": {"prompt": ""},
    "messages": {"messages": []},
}
ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    502: "api_error",
    503: "overloaded_error",
}
CLASSES = {
    400: "BadRequestError",
    401: "AuthenticationError",
    403: "PermissionDeniedError",
    404: "NotFoundError",
    429: "RateLimitError",
}
# A caller who has left is noticed at once; the rest is for a busy machine.
SOON = 10.0
ENDLESS = {"answer": {"deltas": ["word "] * 4000}, "frame_delay_s": 0.05, "chunk_bytes": 200}

Failure = openai.APIStatusError | anthropic.APIStatusError


@pytest.fixture(params=DOORS)
def dialect(request: pytest.FixtureRequest) -> str:
    """One dialect after the other."""
    name: str = request.param
    return name


def _ask(side: Side, dialect: str, **fields: Any) -> Any:
    """One request with the dialect's SDK; a stream is read to its end."""
    body: Any = DOORS[dialect].body(**fields)
    stream = body.get("stream")
    if dialect == "messages":
        with anthropic_client(side) as client:
            made = client.messages.create(**body)
            return list(made) if stream else made
    with openai_client(side) as client:
        made = getattr(client, dialect).create(**body)
        return list(made) if stream else made


def _raised(side: Side, dialect: str, **fields: Any) -> Failure:
    with pytest.raises((openai.APIStatusError, anthropic.APIStatusError)) as raised:
        _ask(side, dialect, **fields)
    error = raised.value
    assert isinstance(error, openai.APIStatusError | anthropic.APIStatusError)
    return error


def _check(side: Side, dialect: str, error: Failure, status: int) -> None:
    """The class, the shape and the words of an error."""
    assert error.status_code == status
    if status in CLASSES:
        assert type(error).__name__ == CLASSES[status]
    headers = error.response.headers
    assert headers["content-type"] == "application/json"
    body = error.response.json()
    if dialect == "messages":
        assert body.keys() == {"type", "error"}
        assert body["type"] == "error"
        assert body["error"].keys() == {"type", "message"}
        assert body["error"]["type"] == ANTHROPIC_TYPES[status]
        assert error.request_id == headers["request-id"]
    else:
        assert body["error"].keys() == {"message", "type", "param", "code"}
        assert body["error"]["type"] == TYPES[status]
        assert error.request_id
    assert headers["x-request-id"] == error.request_id
    assert_quiet(error.response.text)
    assert_discreet(error.response.text, side.upstream.url)


@pytest.mark.parametrize("stream", [False, True])
def test_sdk_a_mistake_is_a_400(side: Side, dialect: str, stream: bool) -> None:
    error = _raised(side, dialect, **MISTAKES[dialect], stream=stream)

    _check(side, dialect, error, 400)
    [field] = MISTAKES[dialect]
    assert f"'{field}'" in str(error)
    assert side.log() == []


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"model": 5}'])
def test_a_body_that_is_no_request_is_a_400(side: Side, dialect: str, body: bytes) -> None:
    reply = side.live.client.post(DOORS[dialect].path, content=body)

    assert reply.status_code == 400
    assert reply.json()["error"]["type"] == "invalid_request_error"
    assert ("type" in reply.json()) is (dialect == "messages")


SETTINGS: list[tuple[int, dict[str, Any], dict[str, Any]]] = [
    (401, {"api_secret": ["another"]}, {}),
    (403, {"ip_black_list": ["127.0.0.1"]}, {}),
    (404, {"unknown_model": "reject"}, {"model": "gpt-99"}),
    (413, {"max_body_mb": 1}, {"user": "x" * 1_500_000}),
]


@pytest.mark.parametrize(
    ("status", "settings", "fields"), SETTINGS, ids=lambda value: str(value)[:20]
)
def test_sdk_the_callers_own_mistakes(
    start: Start, status: int, settings: dict[str, Any], fields: dict[str, Any]
) -> None:
    side = start(COOKIE, **settings)

    for dialect in DOORS:
        given = fields
        if "user" in fields and dialect == "messages":
            given = {"system": fields["user"]}
        _check(side, dialect, _raised(side, dialect, **given), status)


@pytest.mark.parametrize("stream", [False, True])
def test_sdk_a_limit_of_the_upstream_is_a_429(side: Side, dialect: str, stream: bool) -> None:
    side.script(scenario="too_quickly", retry_after=40)

    error = _raised(side, dialect, stream=stream)

    _check(side, dialect, error, 429)
    assert 30 <= int(error.response.headers["retry-after"]) <= 40
    assert "x-should-retry" not in error.response.headers


@pytest.mark.parametrize("stream", [False, True])
def test_sdk_an_outage_is_a_503(side: Side, dialect: str, stream: bool) -> None:
    side.script(scenario="outage_page")

    error = _raised(side, dialect, stream=stream)

    _check(side, dialect, error, 503)
    assert error.response.headers["retry-after"] == "10"


@pytest.mark.parametrize(
    ("scenario", "status"), [("internal_error", 502), ("validation_failed", 400)]
)
def test_sdk_other_failures_of_the_upstream(
    side: Side, dialect: str, scenario: str, status: int
) -> None:
    side.script(scenario=scenario)

    _check(side, dialect, _raised(side, dialect), status)


@pytest.mark.parametrize(
    ("scenario", "sent", "waits"),
    [("outage_page", 3, [10, 10]), ("rate_limit_cf1", 1, []), ("validation_failed", 1, [])],
)
def test_sdk_anthropics_asks_again_only_where_it_helps(
    side: Side, monkeypatch: pytest.MonkeyPatch, scenario: str, sent: int, waits: list[int]
) -> None:
    slept: list[float] = []
    clock = SimpleNamespace(**{**vars(time), "sleep": slept.append})
    monkeypatch.setattr("anthropic._base_client.time", clock)
    side.script(scenario=scenario, times=sent)

    with (
        anthropic_client(side, max_retries=2) as client,
        pytest.raises(anthropic.APIStatusError) as raised,
    ):
        client.messages.create(**MESSAGES.body())

    assert len(side.log()) == sent
    assert slept == waits
    assert raised.value.request_id


def _begun(side: Side, dialect: str) -> Iterator[str]:
    """The texts of a stream, by the SDK's own helper where it has one."""
    body: Any = DOORS[dialect].body()
    if dialect == "messages":
        with anthropic_client(side) as other, other.messages.stream(**body) as stream:
            yield from stream.text_stream
            stream.get_final_message()
        return
    with openai_client(side) as client:
        if dialect == "completions":
            for chunk in client.completions.create(**body, stream=True):
                yield chunk.choices[0].text
            return
        with client.responses.stream(**body) as opened:
            for event in opened:
                if event.type == "response.output_text.delta":
                    yield event.delta
            opened.get_final_response()


def _fails_in_the_middle(side: Side, dialect: str) -> Exception:
    said: list[str] = []
    with pytest.raises((openai.APIError, anthropic.APIError)) as raised:
        said.extend(_begun(side, dialect))
    assert "".join(said)
    return raised.value


def test_sdk_an_error_in_the_middle_of_a_stream_raises(side: Side, dialect: str) -> None:
    break_in_the_middle(side)

    error = _fails_in_the_middle(side, dialect)

    assert BROKEN in str(error)
    if isinstance(error, openai.APIError):
        assert (error.code, error.type) == ("upstream_error", "server_error")
    else:
        assert isinstance(error, anthropic.APIStatusError)
        assert error.type == "api_error"


def test_sdk_a_broken_transfer_raises(side: Side, dialect: str) -> None:
    side.script(answer={"text": "word " * 90}, cut_after_bytes=3000)

    assert "broke off" in str(_fails_in_the_middle(side, dialect))


def _ends_badly(dialect: str, data: bytes) -> None:
    """Whatever a client looks at, this is no complete answer."""
    if dialect == "responses":
        reading = responses_stream.read(data)
        assert reading.kinds[-2:] == ["error", "failed"]
        assert reading.response["status"] == "failed"
        assert reading.response["error"]["message"]
        assert reading.response["usage"] is None
    elif dialect == "messages":
        told = messages_stream.read(data)
        assert told.error["type"] == "api_error"
        assert told.delta == {}
        assert "message_stop" not in told.names
    else:
        *chunks, last, done = data.decode().rstrip("\n").split("\n\n")
        assert done == "data: [DONE]"
        assert json.loads(last[6:])["error"]["message"]
        assert not any('"finish_reason":"' in chunk for chunk in chunks)


def test_a_broken_stream_never_looks_complete(side: Side, dialect: str) -> None:
    break_in_the_middle(side)

    _ends_badly(dialect, DOORS[dialect].stream(side))


def test_a_failure_after_the_patience_is_in_the_stream(
    start: Start, route: str, dialect: str
) -> None:
    side = start(route, first_event_patience=0.05, max_attempts=1)
    side.script(scenario="internal_error", delay_s=0.2)

    data = DOORS[dialect].stream(side)

    assert data.startswith(b": ping\n\n")
    _ends_badly(dialect, data)


def _cut(side: Side, door: Door) -> None:
    with connected(side.url) as connection:
        connection.send("POST", door.path, AUTH, json.dumps(door.body(stream=True)).encode())
        connection.read_head()
        connection.read_until(b"word")


def _not_waiting(side: Side, door: Door) -> None:
    with connected(side.url) as connection:
        connection.send("POST", door.path, AUTH, json.dumps(door.body()).encode())
        eventually(lambda: bool(side.log()) and side.log()[0]["bytes_sent"] > 1000, SOON)


@pytest.mark.parametrize("leave", [_cut, _not_waiting])
def test_leaving_cancels_the_upstream(
    side: Side, dialect: str, leave: Callable[[Side, Door], None]
) -> None:
    side.script(**ENDLESS)

    leave(side, DOORS[dialect])

    eventually(lambda: bool(side.log()[0]["cancelled"]), SOON)
    if side.name == COOKIE:
        eventually(lambda: len(side.upstream.log("abort")) == 1, SOON)


def test_sdk_leaving_a_helper_cancels_the_upstream(side: Side) -> None:
    side.script(**ENDLESS, times=2)

    with openai_client(side) as client, client.responses.stream(**RESPONSES.body()) as opened:
        next(event for event in opened if event.type == "response.output_text.delta")
    with anthropic_client(side) as other, other.messages.stream(**MESSAGES.body()) as stream:
        next(iter(stream.text_stream))

    eventually(lambda: [entry["cancelled"] for entry in side.log()] == [True, True], SOON)


def test_what_the_services_refuse_is_told_in_the_callers_words(cookie: Side) -> None:
    url = "https://10.0.0.1/x.png"
    schema = {"type": "json_schema", "name": "x", "schema": {"type": 5}}
    picture = {"type": "input_image", "image_url": url}
    block = {"type": "image", "source": {"type": "url", "url": url}}
    refused = [
        (RESPONSES, {"instructions": "Be brief.", "input": user([picture])}, "'input.0.content.0'"),
        (RESPONSES, {"text": {"format": schema}}, "text.format "),
        (MESSAGES, {"system": "Be brief.", "messages": user([block])}, "'messages.0.content'"),
        (MESSAGES, {"output_config": {"format": schema}}, "output_config.format "),
        (MESSAGES, {"max_tokens": 10**12}, "'max_tokens'"),
    ]
    for door, fields, words in refused:
        reply = door.ask(cookie, **fields)
        assert reply.status_code == 400
        assert words in reply.json()["error"]["message"]


def test_a_picture_without_words_is_refused_in_the_callers_words(side: Side) -> None:
    picture = {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}"}
    reply = RESPONSES.ask(side, model="nano-banana-pro", input=user([picture]))

    assert (reply.status_code, reply.json()["error"]["param"]) == (400, "input")


@pytest.mark.parametrize(
    "path", [*(door.path for door in DOORS.values()), "/v1/messages/count_tokens"]
)
def test_other_methods_are_told_which_one_is_right(cookie: Side, path: str) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH"):
        reply = cookie.live.client.request(method, path)
        assert (reply.status_code, reply.headers["allow"]) == (405, "POST")
        assert reply.json()["error"]["type"] == "invalid_request_error"
        assert ("type" in reply.json()) is ("/messages" in path)


@pytest.mark.parametrize(
    "target",
    [*("/v1/responses", "/responses", "/v1/responses/resp_1", "/v1/completions", "/completions"),
     *("/v1/messages", "/messages", "/v1/messages/count_tokens", "/v1/messages?beta=true")],
)  # fmt: skip
def test_c54_a_preflight_needs_no_key(side: Side, target: str) -> None:
    wanted = "x-api-key,anthropic-version,anthropic-dangerous-direct-browser-access,content-type"
    headers = {
        "Origin": "https://chat.example.com",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": wanted,
    }
    reply = ask(side.url, "OPTIONS", target, headers)

    assert reply.status == 204
    assert reply.headers["access-control-allow-headers"] == wanted
    assert "POST" in reply.headers["access-control-allow-methods"]


def test_c55_browsers_can_read_every_reply(side: Side, dialect: str) -> None:
    door, origin = DOORS[dialect], {"Origin": "https://chat.example.com"}
    replies = [
        side.live.client.post(door.path, json=door.body(), headers=origin),
        side.live.client.post(door.path, json=door.body(stream=True), headers=origin),
        side.live.client.post(door.path, content=b"{", headers=origin),
    ]
    assert [reply.status_code for reply in replies] == [200, 200, 400]
    for reply in replies:
        assert reply.headers["access-control-allow-origin"] in ("*", origin["Origin"])
        exposed = reply.headers["access-control-expose-headers"].split(", ")
        assert {"request-id", "x-request-id", "x-genspark2api-ignored"} <= set(exposed)


@pytest.mark.parametrize("alias", ["/responses", "/completions", "/messages", "/v1/v1/messages"])
def test_paths_without_v1(side: Side, alias: str) -> None:
    door = DOORS[alias.rsplit("/", 1)[1]]
    reply = side.live.client.post(alias, json=door.body())

    assert reply.status_code == 200
    assert ("request-id" in reply.headers) is (door is MESSAGES)
