"""Server, sidecar, a real Chromium and the emulator together: a chat that needs a token."""

import asyncio
import os
import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest
from conftest import Serve, Upstream
from stub_server import stub

from proxy.serving import bind
from recaptcha_sidecar.serving import open_sidecar, server_for
from recaptcha_sidecar.settings import Settings


def _browser() -> str:
    found = os.environ.get("CHROMIUM_PATH") or shutil.which("chromium")
    if found is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium: set CHROMIUM_PATH or install chromium")
        pytest.skip("no Chromium")
    return found


@dataclass
class LiveSidecar:
    """A sidecar on a real socket."""

    url: str


@contextmanager
def _live_sidecar(origin: str, **given: Any) -> Iterator[LiveSidecar]:
    settings = Settings(_env_file=None, genspark_base_url=origin, chromium_path=_browser(), **given)
    sock = bind("127.0.0.1", 0)
    started: Future[Any] = Future()

    async def serve() -> None:
        async with open_sidecar(settings) as sidecar:
            server = server_for(sidecar, settings)
            started.set_result(server)
            await server._serve(sockets=[sock])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    server = started.result(20)
    try:
        yield LiveSidecar(f"http://127.0.0.1:{sock.getsockname()[1]}")
    finally:
        server.should_exit = True
        thread.join(20)


@pytest.fixture(scope="module")
def _sidecar_of(_emulator: Any) -> Iterator[LiveSidecar]:
    with _live_sidecar(_emulator.url, sidecar_secret="knock") as sidecar:
        yield sidecar


@pytest.fixture
def sidecar(_sidecar_of: LiveSidecar, upstream: Upstream) -> LiveSidecar:
    """One sidecar for all stories; the emulator is fresh for each."""
    return _sidecar_of


def _require(upstream: Upstream, wish: Any = True) -> None:
    reply = httpx2.post(f"{upstream.url}/__emulator__/recaptcha", json={"require": {"chat": wish}})
    assert reply.status_code == 200, reply.text


def _verdicts(upstream: Upstream) -> list[str]:
    return [entry["recaptcha"] for entry in upstream.log("chat")]


def test_auto_asks_for_a_token_only_after_genspark_wanted_one(
    serve: Serve, upstream: Upstream, sidecar: LiveSidecar
) -> None:
    server = serve(recaptcha_proxy_url=sidecar.url, sidecar_secret="knock")
    assert server.chat().status_code == 200
    _require(upstream, {"action": "copilot"})
    assert server.chat().status_code == 200
    assert server.chat(stream=True).text.endswith("data: [DONE]\n\n")
    # Once without, then the refusal is met with a token, and later asks bring theirs along.
    assert _verdicts(upstream) == ["absent", "absent", "ok", "ok"]


def test_each_attempt_has_a_token_of_its_own_account(
    serve: Serve, upstream: Upstream, sidecar: LiveSidecar
) -> None:
    server = serve(
        gs_cookie="alice\nbob",
        recaptcha_proxy_url=sidecar.url,
        sidecar_secret="knock",
        recaptcha_chat="always",
    )
    _require(upstream)
    upstream.script({"flow": "chat", "scenario": "daily_quota"})
    reply = server.chat()
    assert reply.status_code == 200
    assert reply.headers["x-genspark2api-attempts"] == "2"
    asks = upstream.log("chat")
    assert {ask["account"] for ask in asks} == {"alice", "bob"}
    assert [ask["recaptcha"] for ask in asks] == ["ok", "ok"]
    tokens = [ask["body"]["g_recaptcha_token"] for ask in asks]
    assert tokens[0] != tokens[1]


def test_never_means_never(serve: Serve, upstream: Upstream, sidecar: LiveSidecar) -> None:
    server = serve(recaptcha_proxy_url=sidecar.url, sidecar_secret="knock", recaptcha_chat="never")
    _require(upstream)
    assert server.chat().status_code == 502
    assert upstream.log("page") == []


def test_a_token_of_the_wrong_account_or_of_yesterday_is_refused_upstream(
    serve: Serve, upstream: Upstream, emulator_state: Any
) -> None:
    _require(upstream)
    token = _mint(upstream, "mallory")
    with stub(200, {"code": 200, "token": token}) as foreign:
        server = serve(recaptcha_proxy_url=foreign.url, recaptcha_chat="always")
        assert server.chat().status_code == 502
        assert _verdicts(upstream) == ["wrong_account"]
        foreign.body = {"code": 200, "token": _mint(upstream, "alice")}
        now = emulator_state.clock()
        emulator_state.clock = lambda: now + 121
        assert server.chat().status_code == 502
        assert _verdicts(upstream)[-1] == "expired"
        assert token not in server.client.get("/metrics").text


def _mint(upstream: Upstream, account: str) -> str:
    wish = {"site_key": "6Leq7KYqAAAAAGdd1NaUBJF9dHTPAKP7DcnaRc66", "action": "copilot"}
    reply = httpx2.post(
        f"{upstream.url}/recaptcha/token",
        json={**wish, "variant": "v3"},
        headers={"Cookie": f"session_id={account}", "User-Agent": "test"},
    )
    token: str = reply.json()["token"]
    return token


def test_when_the_sidecar_fails_a_chat_goes_on_without_a_token(
    serve: Serve, upstream: Upstream
) -> None:
    with stub(200, {"code": 500, "message": "no browser"}) as broken:
        server = serve(recaptcha_proxy_url=broken.url, recaptcha_chat="always")
        for _ in range(8):
            assert server.chat().status_code == 200
        # After five failures in a row the sidecar is left alone.
        assert len(broken.asked) == 5
    assert set(_verdicts(upstream)) == {"absent"}
    metrics = server.client.get("/metrics").text
    assert 'genspark2api_recaptcha_failures_total{product="chat"} 8.0' in metrics


def test_a_bare_address_and_a_wrong_secret(
    serve: Serve, upstream: Upstream, sidecar: LiveSidecar, capfd: pytest.CaptureFixture[str]
) -> None:
    server = serve(
        recaptcha_proxy_url=sidecar.url.removeprefix("http://"),
        sidecar_secret="wrong",
        recaptcha_chat="always",
    )
    assert server.chat().status_code == 200
    assert _verdicts(upstream) == ["absent"]
    assert "HTTP 401 without a token" in capfd.readouterr().out


def test_no_token_and_no_cookie_reaches_the_logs(
    serve: Serve, upstream: Upstream, sidecar: LiveSidecar, capfd: pytest.CaptureFixture[str]
) -> None:
    server = serve(
        gs_cookie="session_id=TOPSECRET",
        recaptcha_proxy_url=sidecar.url,
        sidecar_secret="knock",
        recaptcha_chat="always",
    )
    assert server.chat().status_code == 200
    token = upstream.log("chat")[0]["body"]["g_recaptcha_token"]
    assert len(token) > 100
    printed = "".join(capfd.readouterr())
    assert "mint" in printed
    assert "TOPSECRET" not in printed
    assert token not in printed
