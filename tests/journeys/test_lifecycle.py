"""Start, drain, crash and restart of the real program."""

import json
import signal
import stat
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from conformance.sides import eventually
from conftest import Upstream
from program import program, run

COOKIES = "session_id=alice\nsession_id=bob"


def test_production_start_without_credentials_is_a_clear_error(tmp_path: Path) -> None:
    ended = run(tmp_path, "serve")
    assert ended.returncode == 1
    assert "No Genspark credential is configured" in ended.stderr
    assert "GSK_API_KEY" in ended.stderr
    assert "genspark2api demo" in ended.stderr


def test_an_open_door_to_others_is_refused(tmp_path: Path) -> None:
    ended = run(tmp_path, "serve", HOST="0.0.0.0", GS_COOKIE="session_id=TOPSECRET")
    assert ended.returncode == 1
    assert "API_SECRET" in ended.stderr
    assert "TOPSECRET" not in ended.stderr


def test_wrong_settings_are_listed_without_their_values(tmp_path: Path) -> None:
    ended = run(tmp_path, "serve", PORT="many", API_SECRET="TOPSECRET", UNKNOWN_MODEL="guess")
    assert ended.returncode == 1
    assert "PORT" in ended.stderr
    assert "UNKNOWN_MODEL" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "TOPSECRET" not in ended.stderr


def test_a_taken_port_is_a_clear_error(tmp_path: Path, upstream: Upstream) -> None:
    with program(tmp_path, GS_COOKIE="a", GENSPARK_BASE_URL=upstream.url) as first:
        port = first.url.rpartition(":")[2]
        ended = run(tmp_path, "serve", GS_COOKIE="a", PORT=port)
    assert ended.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{port}" in ended.stderr


def test_a_broken_accounts_file_is_a_clear_error(tmp_path: Path) -> None:
    book = tmp_path / "accounts.toml"
    book.write_text('[[accounts]]\nlabel = "x"\ncookie = "session_id=TOPSECRET"\ncolour = 1\n')
    ended = run(tmp_path, "serve", ACCOUNTS_FILE=str(book), PORT="0")
    assert ended.returncode == 1
    assert "account 1: colour" in ended.stderr
    assert "TOPSECRET" not in ended.stderr + ended.stdout


def test_the_demo_says_so_and_its_curl_line_works(tmp_path: Path) -> None:
    with program(tmp_path, "serve", "--demo-without-credentials") as demo:
        assert demo.client.get("/healthz").json()["demo"] is True
        reply = demo.chat()
        assert reply.headers["x-genspark2api-demo"] == "1"
        text = demo.output()
        assert "DEMO" in text
        curl = next(line.strip() for line in text.splitlines() if line.strip().startswith("curl"))
        pasted = subprocess.run(
            ["sh", "-c", curl], capture_output=True, text=True, timeout=20, check=True
        )
        assert pasted.stdout.rstrip().endswith("data: [DONE]")


def test_sigterm_lets_running_streams_finish_and_refuses_new_work(
    tmp_path: Path, upstream: Upstream
) -> None:
    upstream.script({"flow": "chat", "answer": {"deltas": ["a"] * 40}, "frame_delay_s": 0.05})
    with program(tmp_path, GS_COOKIE="alice", GENSPARK_BASE_URL=upstream.url) as server:
        body = {"model": "gpt-5.4", "stream": True, "messages": [{"role": "user", "content": "x"}]}
        with server.client.stream("POST", "/v1/chat/completions", json=body) as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("data: ")
            server.signal(signal.SIGTERM)
            _until_draining(server.client)
            refused = server.chat()
            assert refused.status_code == 503
            assert refused.json()["error"]["code"] == "shutting_down"
            rest = [line for line in lines if line]
        assert rest[-1] == "data: [DONE]"
        assert sum('"content":"a"' in line for line in rest) >= 39
        assert server.wait() == 0


def _until_draining(client: object) -> None:
    for _ in range(500):
        reply = client.get("/readyz")  # type: ignore[attr-defined]
        if reply.status_code == 503:
            assert reply.json()["problems"] == ["shutting down"]
            return
    raise AssertionError("/readyz never said 503")


def test_the_drain_ends_in_time_and_even_then_honestly(tmp_path: Path, upstream: Upstream) -> None:
    upstream.script({"flow": "chat", "answer": {"deltas": ["a"] * 500}, "frame_delay_s": 0.1})
    given = {"GS_COOKIE": "alice", "GENSPARK_BASE_URL": upstream.url, "DRAIN_SECONDS": "0.3"}
    with program(tmp_path, **given) as server:
        body = {"model": "gpt-5.4", "stream": True, "messages": [{"role": "user", "content": "x"}]}
        with server.client.stream("POST", "/v1/chat/completions", json=body) as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("data: ")
            server.signal(signal.SIGTERM)
            rest = [line for line in lines if line]
        assert json.loads(rest[-2][6:])["error"]["code"] == "shutting_down"
        assert rest[-1] == "data: [DONE]"
        assert server.wait() == 0


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages"])
def test_who_still_waits_when_the_drain_ends_is_told(
    tmp_path: Path, upstream: Upstream, path: str
) -> None:
    upstream.script({"flow": "chat", "delay_s": 30})
    given = {"GS_COOKIE": "alice", "GENSPARK_BASE_URL": upstream.url, "DRAIN_SECONDS": "0.3"}
    body = {"model": "gpt-5.4", "messages": [{"role": "user", "content": "x"}]}
    with program(tmp_path, **given) as server, ThreadPoolExecutor(1) as other:
        waiting = other.submit(server.client.post, path, json=body)
        eventually(lambda: len(upstream.log("chat")) == 1, 10)
        server.signal(signal.SIGTERM)
        reply = waiting.result(20)
        assert server.wait() == 0

    assert (reply.status_code, reply.headers["content-type"]) == (503, "application/json")
    assert "shutting down" in reply.json()["error"]["message"]
    assert (reply.json().get("type") == "error") == (path == "/v1/messages")


def test_a_lock_survives_kill_minus_nine(tmp_path: Path, upstream: Upstream) -> None:
    given = {"GS_COOKIE": "alice", "GENSPARK_BASE_URL": upstream.url}
    upstream.script({"flow": "chat", "scenario": "daily_quota"})
    with program(tmp_path, **given) as server:
        first = server.chat()
        assert first.status_code == 429
        server.process.kill()
        server.wait()
    asked = len(upstream.log("chat"))

    with program(tmp_path, **given) as server:
        again = server.chat()
        assert again.status_code == 429
        assert again.json()["error"]["message"] == "All cookies are temporarily unavailable."
        assert int(again.headers["retry-after"]) > 86_000
        assert again.headers["x-should-retry"] == "false"
    assert len(upstream.log("chat")) == asked


def test_sighup_reloads_accounts_without_dropping_streams(
    tmp_path: Path, upstream: Upstream
) -> None:
    book = tmp_path / "accounts.toml"
    book.write_text('[[accounts]]\nlabel = "first"\ncookie = "alice"\n')
    upstream.script({"flow": "chat", "answer": {"deltas": ["a"] * 20}, "frame_delay_s": 0.05})
    given = {"ACCOUNTS_FILE": str(book), "GENSPARK_BASE_URL": upstream.url}
    with program(tmp_path, **given) as server:
        body = {"model": "gpt-5.4", "stream": True, "messages": [{"role": "user", "content": "x"}]}
        with server.client.stream("POST", "/v1/chat/completions", json=body) as stream:
            lines = stream.iter_lines()
            assert next(lines).startswith("data: ")
            book.write_text('[[accounts]]\nlabel = "second"\ncookie = "bob"\n')
            server.signal(signal.SIGHUP)
            rest = [line for line in lines if line]
        assert rest[-1] == "data: [DONE]"
        assert sum('"content":"a"' in line for line in rest) >= 19
        assert server.chat().headers["x-genspark2api-account"] == "second"


def test_an_edited_accounts_file_counts_without_a_signal(
    tmp_path: Path, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.app.SYNC_SECONDS", 0.02)
    from live import live, settings_for

    book = tmp_path / "accounts.toml"
    book.write_text('[[accounts]]\nlabel = "first"\ncookie = "alice"\n')
    settings = settings_for(upstream.url, tmp_path, gs_cookie=None, accounts_file=book)
    with live(settings) as server:
        assert server.chat().headers["x-genspark2api-account"] == "first"
        book.write_text('[[accounts]]\nlabel = "renamed"\ncookie = "alice"\n')
        for _ in range(200):
            if server.chat().headers["x-genspark2api-account"] == "renamed":
                break
        else:
            pytest.fail("the edit was not noticed")
        book.write_text("not toml [")
        assert server.chat().status_code == 200


def test_the_hash_key_is_private_and_the_database_holds_no_credential(
    tmp_path: Path, upstream: Upstream
) -> None:
    given = {"GS_COOKIE": "session_id=TOPSECRET", "GENSPARK_BASE_URL": upstream.url}
    upstream.script({"flow": "chat", "scenario": "daily_quota"})
    with program(tmp_path, **given) as server:
        server.chat()
    key = tmp_path / "data" / "secret.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    stored = b"".join(path.read_bytes() for path in (tmp_path / "data").glob("genspark2api.db*"))
    assert b"daily_quota" in stored
    assert b"TOPSECRET" not in stored


def test_two_first_starts_at_once_agree_on_the_hash_key(tmp_path: Path) -> None:
    from proxy.credentials import AccountBook
    from proxy.settings import Settings

    settings = Settings(_env_file=None, data_dir=tmp_path, gs_cookie="alice")
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda: found.append(AccountBook(settings).read()[0].id))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(found)) == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"DATABASE_URL": "nonsense"}, "The database cannot be opened"),
        ({"DATABASE_URL": "sqlite:////proc/nowhere/x.db"}, "The database cannot be opened"),
        ({"GS_COOKIE": '["a"'}, "GS_COOKIE: is not a valid JSON array"),
        ({"PROXY_URL": "SECRETproxy:1"}, "PROXY_URL: must be http://"),
        ({"RECAPTCHA_PROXY_URL": "http://tokens.example.com"}, "RECAPTCHA_PROXY_URL: account"),
        ({"ROUTE_ORDER": "key,key"}, "ROUTE_ORDER"),
        ({"PRE_MESSAGES_JSON": "{}"}, "PRE_MESSAGES_JSON"),
    ],
)
def test_each_wrong_setting_is_named_with_what_it_must_be(
    given: dict[str, str], said: str, tmp_path: Path
) -> None:
    ended = run(tmp_path, "serve", **{"GS_COOKIE": "alice", "PORT": "0", **given})
    assert ended.returncode == 1
    assert said in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "SECRET" not in ended.stderr


def test_every_variable_of_genspark2api_is_accepted(tmp_path: Path, upstream: Upstream) -> None:
    old = {
        "GS_COOKIE": "session_id=alice",
        "API_SECRET": "knock",
        "REQUEST_RATE_LIMIT": "60",
        "RATE_LIMIT_COOKIE_LOCK_DURATION": "600",
        "RECAPTCHA_PROXY_URL": "127.0.0.1:7022",
        "ROUTE_PREFIX": "",
        "AUTO_DEL_CHAT": "1",
        "AUTO_MODEL_CHAT_MAP_TYPE": "1",
        "MODEL_CHAT_MAP": "gpt-5.4=project-1",
        "REASONING_HIDE": "0",
        "PRE_MESSAGES_JSON": "[]",
        "IP_BLACK_LIST": "10.9.8.7",
        "TOOL_CALLING_ENABLED": "1",
        "DEBUG": "true",
        "TZ": "Asia/Shanghai",
    }
    with program(tmp_path, GENSPARK_BASE_URL=upstream.url, **old) as server:
        server.client.headers["Authorization"] = "Bearer knock"
        assert server.chat().status_code == 200


def test_a_log_reader_that_went_away_does_not_fail_requests(
    tmp_path: Path, upstream: Upstream
) -> None:
    from program import PROGRAM, environment, free_port

    port = str(free_port())
    given = {"GS_COOKIE": "alice", "GENSPARK_BASE_URL": upstream.url, "PORT": port}
    process = subprocess.Popen(
        ["sh", "-c", f"{PROGRAM} serve | true"], cwd=tmp_path, env=environment(tmp_path, **given)
    )
    try:
        client = httpx2.Client(base_url=f"http://127.0.0.1:{port}")
        _until_alive(client)
        body = {"model": "gpt-5.4", "messages": [{"role": "user", "content": "x"}]}
        assert [client.post("/v1/chat/completions", json=body).status_code for _ in range(3)] == [
            200
        ] * 3
        client.close()
    finally:
        subprocess.run(["pkill", "-P", str(process.pid)], check=False)
        process.wait(10)


def _until_alive(client: httpx2.Client) -> None:
    for _ in range(500):
        try:
            client.get("/healthz")
        except httpx2.TransportError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("the program did not start")
