"""The sidecar as a process: refusals at start, SIGTERM, the original's curl line, chaos."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx2
import pytest
from conftest import Upstream
from program import free_port

# Nobody pauses between two requests, so a browser never starts in peace.
CALLERS = 2
PROGRAM = str(Path(sys.executable).with_name("genspark2api-sidecar"))


def _environment(port: int, **given: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "PORT": str(port), "LOG_FORMAT": "json", **given}


def _children(pid: int) -> set[int]:
    """Every process below this one."""
    found: set[int] = set()
    for child in _direct_children(pid):
        found |= {child, *_children(child)}
    return found


def _direct_children(pid: int) -> list[int]:
    path = Path(f"/proc/{pid}/task/{pid}/children")
    try:
        return [int(child) for child in path.read_text().split()]
    except OSError:
        return []


def _browsers(pid: int) -> list[int]:
    """The main Chromium processes below this one."""
    return [child for child in _children(pid) if _is_browser(child)]


def _is_browser(pid: int) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
    return b"chromium" in command and b"--type=" not in command and b"--headless" in command


@contextmanager
def _sidecar(upstream: Upstream, browser: str, **given: str) -> Iterator[tuple[int, str]]:
    port = free_port()
    environment = _environment(port, GENSPARK_BASE_URL=upstream.url, CHROMIUM_PATH=browser, **given)
    process = subprocess.Popen([PROGRAM], env=environment, stdout=subprocess.DEVNULL)
    try:
        _until_ready(f"http://127.0.0.1:{port}", process)
        yield process.pid, f"http://127.0.0.1:{port}"
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(30)


def _until_ready(url: str, process: subprocess.Popen[bytes]) -> None:
    for _ in range(1500):
        assert process.poll() is None, "the sidecar ended early"
        try:
            if httpx2.get(f"{url}/readyz").status_code == 200:
                return
        except httpx2.TransportError:
            pass
        time.sleep(0.02)
    raise AssertionError("the sidecar did not become ready")


def test_a_public_address_needs_a_secret() -> None:
    ended = subprocess.run(
        [PROGRAM],
        env=_environment(0, HOST="0.0.0.0", PROXY_URL="http://u:TOPSECRET@p:1"),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert "set SIDECAR_SECRET" in ended.stderr
    assert "TOPSECRET" not in ended.stderr


def test_a_taken_port_is_a_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [PROGRAM],
            env=_environment(port),
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert ended.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in ended.stderr


def test_the_originals_curl_line_and_an_end_without_orphans(
    upstream: Upstream, browser_path: str
) -> None:
    with _sidecar(upstream, browser_path) as (pid, url):
        curl = ["curl", "-s", "-H", "Cookie: session_id=x", f"{url}/genspark"]
        said = subprocess.run(curl, capture_output=True, text=True, timeout=30, check=True)
        assert '"code": 200' in said.stdout
        assert '"token": "' in said.stdout
        family = _children(pid)
        assert any(_is_browser(child) for child in family)
    left = [child for child in family if Path(f"/proc/{child}").exists()]
    for child in left:
        # A zombie is gone; its parent has not looked yet.
        state = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[0]
        assert state == "Z", f"process {child} still runs"


def test_sigterm_lets_a_running_mint_finish_and_refuses_new_ones(
    upstream: Upstream, browser_path: str
) -> None:
    upstream.script({"flow": "page", "scenario": "page_v3", "execute_ms": 1500, "times": None})
    with (
        _sidecar(upstream, browser_path) as (pid, url),
        ThreadPoolExecutor() as pool,
        httpx2.Client(base_url=url, timeout=30) as client,
    ):
        running = pool.submit(httpx2.post, f"{url}/token", json={"cookie": "alice"}, timeout=30)
        _until(lambda: upstream.log("page"))
        os.kill(pid, signal.SIGTERM)
        _until(lambda: client.get("/readyz").status_code == 503)
        refused = client.post("/token", json={"cookie": "bob"})
        assert refused.status_code == 503
        assert refused.json()["error"]["code"] == "shutting_down"
        assert running.result(30).status_code == 200


def _until(happened: Callable[[], object]) -> None:
    for _ in range(1000):
        if happened():
            return
        time.sleep(0.01)
    raise AssertionError("it never happened")


@pytest.mark.timeout(300)
def test_killing_the_browser_twenty_times_under_load_leaves_no_request_unanswered(
    upstream: Upstream, browser_path: str
) -> None:
    """Every request gets a token or a clear error, within its time."""
    kills = 20

    async def story(pid: int, url: str) -> tuple[list[tuple[int, float]], int]:
        answers: list[tuple[int, float]] = []
        killed = 0
        over = asyncio.Event()

        async def ask(client: httpx2.AsyncClient, account: int) -> None:
            while not over.is_set():
                started = time.monotonic()
                reply = await client.post("/token", json={"cookie": f"account-{account}"})
                answers.append((reply.status_code, time.monotonic() - started))
                body = reply.json()
                assert body.get("token") or body["error"]["message"]

        async def chaos() -> None:
            nonlocal killed
            while killed < kills:
                await asyncio.to_thread(_until_another_token, answers)
                for browser in await asyncio.to_thread(_browsers, pid):
                    os.kill(browser, signal.SIGKILL)
                    killed += 1
            over.set()

        async with httpx2.AsyncClient(base_url=url, timeout=40) as client:
            async with asyncio.TaskGroup() as tasks:
                for account in range(CALLERS):
                    tasks.create_task(ask(client, account))
                tasks.create_task(chaos())
            last = await client.post("/token", json={"cookie": "afterwards"})
            assert last.status_code == 200
        return answers, killed

    limits = {"SIDECAR_TIMEOUT": "20", "PAGE_TIMEOUT": "5", "MINT_TIMEOUT": "5"}
    with _sidecar(upstream, browser_path, **limits) as (pid, url):
        answers, killed = asyncio.run(story(pid, url))
    assert killed >= kills
    assert {status for status, _ in answers} <= {200, 502, 503, 504}
    assert sum(status == 200 for status, _ in answers) >= kills
    assert max(seconds for _, seconds in answers) < 21


def _until_another_token(answers: list[tuple[int, float]]) -> None:
    """The kill meets the other callers in the middle of theirs."""
    before = len(answers)
    _until(lambda: any(status == 200 for status, _ in answers[before:]))


@pytest.mark.parametrize("victim", ["renderer", "driver"])
def test_a_dead_renderer_or_driver_costs_one_request_at_most(
    upstream: Upstream, browser_path: str, victim: str
) -> None:
    def matches(pid: int) -> bool:
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False
        wanted = b"--type=renderer" if victim == "renderer" else b"playwright/driver"
        return wanted in command and (victim == "renderer" or b"chromium" not in command)

    patience = {"PAGE_TIMEOUT": "5", "MINT_TIMEOUT": "5"}
    with (
        _sidecar(upstream, browser_path, **patience) as (pid, url),
        httpx2.Client(base_url=url, timeout=60) as client,
    ):
        assert client.post("/token", json={"cookie": "a"}).status_code == 200
        victims = [child for child in _children(pid) if matches(child)]
        assert victims
        for child in victims:
            os.kill(child, signal.SIGKILL)
        statuses = [client.post("/token", json={"cookie": "a"}).status_code for _ in range(3)]
    assert statuses[1:] == [200, 200]
    assert statuses[0] in (200, 502, 504)


def test_a_browser_that_died_while_nobody_asked_comes_back_by_itself(
    upstream: Upstream, browser_path: str
) -> None:
    """A balancer sends nobody to a sidecar that is not ready, so no request would heal it."""
    with _sidecar(upstream, browser_path) as (pid, url):
        for browser in _browsers(pid):
            os.kill(browser, signal.SIGKILL)
        _until(lambda: httpx2.get(f"{url}/readyz").status_code == 503)
        _until(lambda: httpx2.get(f"{url}/readyz").status_code == 200)


@pytest.mark.parametrize(
    ("proxy", "said"),
    [
        ("nonsense", "must be http://"),
        ("http://host", "must be http://"),
        ("socks5://u:TOPSECRET@h:1", "no SOCKS5 logins"),
    ],
)
def test_a_proxy_that_chromium_cannot_use_is_refused_at_the_start(proxy: str, said: str) -> None:
    ended = subprocess.run(
        [PROGRAM],
        env=_environment(0, PROXY_URL=proxy),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "TOPSECRET" not in ended.stderr


def test_replies_are_not_held_back_by_the_network_stack() -> None:
    """asyncio sets TCP_NODELAY only on sockets whose protocol is named."""
    from recaptcha_sidecar.serving import bind

    with bind("127.0.0.1", 0) as sock:
        assert sock.proto == socket.IPPROTO_TCP
