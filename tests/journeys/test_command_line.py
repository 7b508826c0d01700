"""The command line, with a running server and without one."""

import json
from pathlib import Path

from conftest import Serve, Upstream
from live import SECRET, LiveServer
from program import free_port, program, run, typed

from proxy import __version__


def _accounts(folder: Path, **given: str) -> dict[str, dict]:
    listed = typed(folder, "accounts", "list", "--json", **given)
    assert listed.returncode == 0, listed.stderr
    return {row["label"]: row for row in json.loads(listed.stdout)["accounts"]}


def test_version(tmp_path: Path) -> None:
    assert run(tmp_path, "version").stdout.startswith(f"genspark2api {__version__}")


def test_locking_through_a_running_server_counts_at_once(serve: Serve, tmp_path: Path) -> None:
    server = serve(gs_cookie="alice\nbob")
    given = {"GENSPARK2API_URL": f"{server.url}/v1", "API_SECRET": SECRET}

    locked = typed(tmp_path, "accounts", "lock", "cookie-1", "--seconds", "60", **given)

    assert locked.returncode == 0, locked.stderr
    accounts = _accounts(tmp_path, **given)
    assert [lock["reason"] for lock in accounts["cookie-1"]["locks"]] == ["operator"]
    assert accounts["cookie-2"]["locks"] == []
    assert server.chat().headers["x-genspark2api-account"] == "cookie-2"
    assert typed(tmp_path, "accounts", "unlock", "cookie-1", **given).returncode == 0
    assert _accounts(tmp_path, **given)["cookie-1"]["locks"] == []


def test_only_the_first_api_secret_is_the_operators(serve: Serve, tmp_path: Path) -> None:
    server = serve(api_secret=[SECRET, "a-callers-key"])
    given = {"GENSPARK2API_URL": server.url, "API_SECRET": "a-callers-key"}
    listed = typed(tmp_path, "accounts", "list", **given)
    assert listed.returncode == 1
    assert "Incorrect API key" in listed.stderr


def test_without_a_server_the_database_is_changed(tmp_path: Path, upstream: Upstream) -> None:
    given = {"GS_COOKIE": "alice\nbob", "PORT": str(free_port())}
    assert typed(tmp_path, "accounts", "lock", "cookie-2", **given).returncode == 0
    assert _accounts(tmp_path, **given)["cookie-2"]["locks"][0]["until"] is None

    with program(tmp_path, GENSPARK_BASE_URL=upstream.url, **given) as server:
        accounts = {server.chat().headers["x-genspark2api-account"] for _ in range(4)}
    assert accounts == {"cookie-1"}


def test_an_unknown_label_is_named_with_the_known_ones(tmp_path: Path) -> None:
    given = {"GS_COOKIE": "alice", "PORT": str(free_port())}
    ended = typed(tmp_path, "accounts", "lock", "carol", **given)
    assert ended.returncode == 1
    assert "There is no account 'carol'; there are: cookie-1." in ended.stderr


def test_a_wrong_product_or_time_is_refused(tmp_path: Path) -> None:
    given = {"GS_COOKIE": "alice", "PORT": str(free_port())}
    wrong = typed(tmp_path, "accounts", "lock", "cookie-1", "--product", "cake", **given)
    assert wrong.returncode == 1
    assert "'product' must be one of" in wrong.stderr
    assert (
        typed(tmp_path, "accounts", "lock", "cookie-1", "--seconds", "0", **given).returncode == 1
    )


def test_check_tells_good_from_dead_and_revives(tmp_path: Path, upstream: Upstream) -> None:
    given = {
        "GS_COOKIE": "alice\nbob",
        "GSK_API_KEY": "gsk-carol",
        "GENSPARK_BASE_URL": upstream.url,
        "PORT": str(free_port()),
    }
    upstream.script({"flow": "login", "account": "bob", "scenario": "not_login", "times": None})
    checked = typed(tmp_path, "accounts", "check", **given)
    assert checked.returncode == 1
    assert "ok   key-1" in checked.stdout
    assert "ok   cookie-1: logged in" in checked.stdout
    assert "FAIL cookie-2: not logged in" in checked.stdout


def test_doctor_makes_no_billable_call_and_finds_a_dead_key(
    tmp_path: Path, upstream: Upstream
) -> None:
    given = {"GSK_API_KEY": "gsk-carol", "GS_COOKIE": "alice", "GENSPARK_BASE_URL": upstream.url}
    healthy = typed(tmp_path, "doctor", **given)
    assert healthy.returncode == 0, healthy.stdout
    for subject in ("database", "clock", "key key-1", "models key-1", "cookie cookie-1", "sidecar"):
        assert subject in healthy.stdout
    assert {entry["flow"] for entry in upstream.log()} <= {"me", "models", "login"}

    upstream.script({"flow": "me", "scenario": "bad_key_401", "times": None})
    ill = typed(tmp_path, "doctor", **given)
    assert ill.returncode == 1
    assert "FAIL key key-1: refused with HTTP 401" in ill.stdout
    assert "fix: make a new key" in ill.stdout


def test_doctor_without_a_network_says_what_to_check(tmp_path: Path) -> None:
    given = {"GS_COOKIE": "alice", "GENSPARK_BASE_URL": f"http://127.0.0.1:{free_port()}"}
    ended = typed(tmp_path, "doctor", RECAPTCHA_PROXY_URL=f"127.0.0.1:{free_port()}", **given)
    assert ended.returncode == 1
    assert "cannot be reached" in ended.stdout
    assert "sidecar: not reachable" in ended.stdout
    assert "Traceback" not in ended.stderr


def test_admin_is_not_for_anonymous_callers(server: LiveServer) -> None:
    reply = server.client.get("/admin/accounts", headers={"Authorization": ""})
    assert reply.status_code == 401
