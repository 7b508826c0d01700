"""Genspark over sockets: recordings mean the same here, and each account keeps to itself."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest
from conftest import Upstream
from fixtures.genspark.hearing import Heard
from fixtures.genspark.reading import NOW, ROWS, STREAMS, Row, Stream

from proxy.core.accounts import Account, Secret
from proxy.core.catalogue import Candidate
from proxy.core.events import Failed
from proxy.core.failures import Kind, UpstreamError
from proxy.core.products import Credential, Route
from proxy.upstreams.genspark import Genspark
from proxy.upstreams.http import Http
from proxy.wire.genspark_cookie_ask import WebTerms
from proxy.wire.openai_request import read_chat

T = TypeVar("T")

ASK = read_chat(b'{"model": "m", "stream": true, "messages": [{"role": "user", "content": "Hi"}]}')
FLOWS = {"cookie": "chat", "legacy": "legacy", "key": "key_chat"}
MODELS = {Route.COOKIE: "gpt-5.4", Route.LEGACY: "gpt-5.2", Route.KEY: "gpt-5.4"}


def _account(name: str, kind: Credential = Credential.COOKIE) -> Account:
    secret = f"gsk-{name}" if kind is Credential.KEY else f"session_id={name}; c1=first"
    return Account(name, name, kind, Secret(secret))


ALICE, BOB = _account("alice"), _account("bob")
KEY = _account("key", Credential.KEY)


Run = Callable[[Callable[[Genspark], Awaitable[T]]], T]


@pytest.fixture(scope="module")
def engine() -> Iterator[tuple[asyncio.Runner, Http]]:
    """One event loop and one client for all tests here: a TLS context each would cost most."""
    with asyncio.Runner() as runner:
        http = Http(None, connect_timeout=5, idle_timeout=5)
        yield runner, http
        runner.run(http.aclose())


@pytest.fixture
def run(engine: tuple[asyncio.Runner, Http], upstream: Upstream) -> Run[Any]:
    """Do something with a fresh ``Genspark`` in front of the emulator."""
    runner, http = engine

    def run_(work: Callable[[Genspark], Awaitable[T]]) -> T:
        async def story() -> T:
            return await work(Genspark(http, upstream.url, "test-agent", lambda: NOW))

        return runner.run(story())

    return run_


async def _chat(
    genspark: Genspark, account: Account = ALICE, route: Route = Route.COOKIE,
    project: str | None = None,
) -> Heard:  # fmt: skip
    """A whole chat, with a refusal as its only event."""
    heard = Heard()
    try:
        stream = await genspark.open_chat(
            account, ASK, Candidate(route, MODELS[route]), WebTerms(project)
        )
    except UpstreamError as error:
        return Heard([Failed(error.failure)])
    try:
        while (events := await stream.next_events()) is not None:
            heard.events += events
    finally:
        await stream.aclose()
    return heard


def _route_and_account(name: str) -> tuple[Route, Account]:
    return Route(name), KEY if name == "key" else ALICE


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.file)
def test_a_recorded_refusal_means_the_same_over_a_socket(
    row: Row, upstream: Upstream, run: Run[Any]
) -> None:
    headers = {"content-type": row.content_type, **row.headers}
    reply = {"status": row.status, "headers": headers, "body": row.body.decode()}
    upstream.script({"flow": FLOWS[row.route], "reply": reply})
    route, account = _route_and_account(row.route)
    # The emulator itself answers an unknown project as the recording does.
    project = "stale" if row.sent_project else None

    heard = run(lambda genspark: _chat(genspark, account, route, project))

    assert heard.text == row.text
    failure = heard.failure
    assert (failure.kind if failure else None) == row.kind
    if failure is not None:
        assert (failure.retry_after, failure.until) == (row.retry_after, row.until)
        assert (failure.product or None) == row.product


@pytest.mark.parametrize(
    "stream", [stream for stream in STREAMS if stream.clean], ids=lambda stream: stream.file
)
def test_a_recorded_stream_says_the_same_over_a_socket(
    stream: Stream, upstream: Upstream, run: Run[Any]
) -> None:
    reply = {"headers": {"content-type": "text/event-stream"}, "body": stream.body.decode()}
    size = 64 * 1024 if stream.padding else 11
    upstream.script({"flow": FLOWS[stream.reader], "reply": reply, "chunk_bytes": size})
    route, account = _route_and_account(stream.reader)

    heard = run(lambda genspark: _chat(genspark, account, route))

    assert (heard.text, heard.finish) == (stream.text, stream.finish)
    assert (heard.failure.kind if heard.failure else None) == stream.kind


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
def test_a_stream_is_known_by_its_first_bytes_when_its_type_is_wrong(
    content_type: str, upstream: Upstream, run: Run[Any]
) -> None:
    upstream.script({"flow": "chat", "answer": {"text": "Hello"}, "content_type": content_type})
    assert run(_chat).text == "Hello"


@pytest.mark.parametrize(
    "flow_and_route", [("chat", Route.COOKIE), ("key_chat", Route.KEY)], ids=["cookie", "key"]
)
def test_a_transfer_that_breaks_off_is_a_broken_stream(
    flow_and_route: tuple[str, Route], upstream: Upstream, run: Run[Any]
) -> None:
    flow, route = flow_and_route
    answer = {"deltas": ["¶ one ", "two ", "three"]}
    upstream.script({"flow": flow, "answer": answer, "cut_after_bytes": 900})
    account = _route_and_account(route.value)[1]
    heard = run(lambda genspark: _chat(genspark, account, route))
    assert heard.failure is not None
    assert heard.failure.kind is Kind.BROKEN_STREAM


def test_a_refreshed_cookie_is_used_by_its_own_account_only(
    upstream: Upstream, run: Run[Any]
) -> None:
    async def work(genspark: Genspark) -> None:
        for account in (ALICE, BOB, ALICE, BOB):
            assert (await _chat(genspark, account)).failure is None

    upstream.script({"account": "alice", "flow": "chat", "scenario": "set_cookie"})
    run(work)

    sent = [entry["headers"]["cookie"] for entry in upstream.log("chat")]
    assert sent[0] == "session_id=alice; c1=first"
    assert sent[2] == "session_id=alice-refreshed-1; c1=refreshed"
    assert sent[1] == sent[3] == "session_id=bob; c1=first"


def test_a_refreshed_cookie_is_used_for_every_call_of_the_account(
    upstream: Upstream, run: Run[Any]
) -> None:
    async def work(genspark: Genspark) -> None:
        await _chat(genspark, ALICE)
        await genspark.is_alive(ALICE)
        await genspark.delete_project(ALICE, "p")
        await genspark.abort(ALICE, "p")

    upstream.script({"flow": "chat", "scenario": "set_cookie"})
    run(work)
    sent = [entry["headers"]["cookie"] for entry in upstream.log()]
    assert len(sent) == 4
    assert set(sent[1:]) == {"session_id=alice-refreshed-1; c1=refreshed"}


@pytest.mark.parametrize(
    ("reply", "alive"),
    [
        ({"body": {"status": 0, "data": {"is_login": True}}}, True),
        ({"body": {"is_login": False}}, False),
        ({"body": {"status": -5, "message": "not login"}}, False),
        ({"status": 500, "body": "Internal Server Error"}, None),
        ({"status": 403, "body": "<html>Just a moment...</html>"}, None),
    ],
)
def test_a_login_check_by_cookie(
    reply: dict[str, Any], alive: bool | None, upstream: Upstream, run: Run[Any]
) -> None:
    upstream.script({"flow": "login", "reply": reply})
    assert run(lambda genspark: genspark.is_alive(ALICE)) is alive


@pytest.mark.parametrize(("status", "alive"), [(200, True), (401, False), (403, None), (500, None)])
def test_a_login_check_by_key(
    status: int, alive: bool | None, upstream: Upstream, run: Run[Any]
) -> None:
    upstream.script({"flow": "me", "reply": {"status": status, "body": {}}})
    assert run(lambda genspark: genspark.is_alive(KEY)) is alive


def test_a_key_never_travels_with_a_cookie_nor_a_cookie_with_a_key(
    upstream: Upstream, run: Run[Any]
) -> None:
    async def work(genspark: Genspark) -> None:
        await _chat(genspark, KEY, Route.KEY)
        await _chat(genspark, ALICE)
        for account in (KEY, ALICE):
            await genspark.is_alive(account)
            await genspark.chat_models(account)

    run(work)
    for entry in upstream.log():
        headers = entry["headers"]
        by_key = entry["flow"] in ("key_chat", "me") or "llm_proxy" in entry["path"]
        assert ("cookie" in headers) is not by_key
        assert ("authorization" in headers or "x-api-key" in headers) is by_key
        assert "alice" not in json.dumps(headers) if by_key else "gsk-" not in json.dumps(headers)


def test_an_upstream_that_is_not_there_is_unreachable(
    engine: tuple[asyncio.Runner, Http],
) -> None:
    runner, http = engine
    genspark = Genspark(http, "http://127.0.0.1:9", "test-agent", lambda: NOW)
    failure = runner.run(_chat(genspark)).failure
    assert failure is not None
    assert failure.kind is Kind.UNREACHABLE
