"""Who is asked, how many at once, who is never asked, and what an operator can do about it."""

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from conformance.raw_http import AUTH, chat_body, connected
from conformance.sides import eventually
from conftest import Serve, Upstream
from live import LiveServer

from proxy.core.accounts import Lock
from proxy.core.products import Product

# Long enough that a test is done with it before it ends by itself; leaving cuts it short.
ENDLESS = {"answer": {"deltas": ["word "] * 2000}, "frame_delay_s": 0.05, "chunk_bytes": 200}
SOON = 5.0


def accounts_of(server: LiveServer) -> dict[str, dict[str, Any]]:
    """What ``/admin/accounts`` says, by label."""
    found = server.client.get("/admin/accounts").json()["accounts"]
    return {account["label"]: account for account in found}


def asked(upstream: Upstream, flow: str = "chat") -> list[str]:
    """The accounts that were asked, in order."""
    return [entry["account"] for entry in upstream.log(flow)]


def labels(server: LiveServer, times: int) -> list[str]:
    """Who answers, one request after the other."""
    answers = [server.chat() for _ in range(times)]
    assert [answer.status_code for answer in answers] == [200] * times
    return [answer.headers["x-genspark2api-account"] for answer in answers]


def rested(server: LiveServer, label: str, *, ago: float = 1.0) -> None:
    """Give an account a lock that has run out."""
    services = server.application.services
    seats = {seat.account.label: seat for seat in services.desk.pool.seats()}
    now = time.time()
    account = seats[label].account.id
    lock = Lock(account, Product.ALL, "rate_limited", now - 600 - ago, now - ago)
    server.call(services.desk.lock(lock))


@contextmanager
def streaming(server: LiveServer, text: str = "Hello") -> Iterator[httpx2.Response]:
    """A stream that has begun and goes on until the block ends."""
    messages = [{"role": "user", "content": text}]
    body = {"model": "gpt-5.4", "stream": True, "messages": messages}
    with server.client.stream("POST", "/v1/chat/completions", json=body) as reply:
        assert reply.status_code == 200
        lines = reply.iter_lines()
        next(lines)
        yield reply


# Attempts.


@pytest.mark.parametrize("most", [1, 2, 4])
def test_no_more_attempts_than_allowed_and_never_the_same_account_twice(
    serve: Serve, upstream: Upstream, most: int
) -> None:
    server = serve(gs_cookie="a\nb\nc\nd\ne\nf", max_attempts=most)
    upstream.script({"flow": "chat", "scenario": "rate_limit_cf1", "times": None})

    reply = server.chat()

    assert reply.status_code == 429
    assert reply.headers["x-genspark2api-attempts"] == str(most)
    assert len(asked(upstream)) == len(set(asked(upstream))) == most


def test_attempts_are_counted_over_both_routes(serve: Serve, upstream: Upstream) -> None:
    keys = [f"gsk-{name}" for name in "abc"]
    server = serve(gs_cookie="d\ne\nf", gsk_api_key=keys, max_attempts=4)
    upstream.script(
        {"flow": "key_chat", "scenario": "payment_402", "times": None},
        {"flow": "chat", "scenario": "rate_limit_cf1", "times": None},
    )

    reply = server.chat()

    assert reply.headers["x-genspark2api-attempts"] == "4"
    assert sorted(asked(upstream, "key_chat")) == keys
    assert len(asked(upstream)) == 1


def test_a_locked_account_is_never_asked(serve: Serve, upstream: Upstream) -> None:
    server = serve(gs_cookie="a\nb\nc")
    upstream.script({"account": "b", "scenario": "credits_exhausted"})
    while not accounts_of(server)["cookie-2"]["locks"]:
        assert server.chat().status_code == 200
    before = len(asked(upstream))

    for _ in range(12):
        assert server.chat().status_code == 200

    assert "b" not in asked(upstream)[before:]


def test_locks_outlive_the_server_that_made_them(serve: Serve, upstream: Upstream) -> None:
    upstream.script({"account": "a", "scenario": "daily_quota"})
    assert serve(gs_cookie="a").chat().status_code == 429

    reply = serve(gs_cookie="a").chat()

    assert reply.status_code == 429
    assert int(reply.headers["retry-after"]) > 86000
    assert asked(upstream) == ["a"]


# Trials: the rest is over, but nobody knows yet whether the account is well again.


def test_a_rest_ends_by_itself(serve: Serve, upstream: Upstream) -> None:
    server = serve(gs_cookie="a", rate_limit_cookie_lock_duration=1)
    upstream.script({"flow": "chat", "scenario": "rate_limit_cf1"})
    refused = server.chat()
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")

    eventually(lambda: accounts_of(server)["cookie-1"]["locks"][0]["on_trial"], SOON)

    assert server.chat().status_code == 200
    assert accounts_of(server)["cookie-1"]["locks"] == []


def test_a_rested_account_serves_one_request_until_it_has_succeeded(
    serve: Serve, upstream: Upstream
) -> None:
    server = serve(gs_cookie="a", cookie_concurrency=4, account_wait=0)
    rested(server, "cookie-1")
    upstream.script({"flow": "chat", "first_event_delay_s": 60})

    with connected(server.url) as trial:
        trial.send("POST", "/v1/chat/completions", AUTH, chat_body())
        eventually(lambda: len(asked(upstream)) == 1, SOON)
        second = server.chat("second")

    assert second.status_code == 503
    assert second.json()["error"]["code"] == "no_upstream_available"
    assert asked(upstream) == ["a"]


def test_once_the_trial_has_succeeded_the_account_takes_its_full_share(
    serve: Serve, upstream: Upstream
) -> None:
    server = serve(gs_cookie="a", cookie_concurrency=2, account_wait=0)
    rested(server, "cookie-1")
    upstream.script({"flow": "chat", **ENDLESS})

    with streaming(server):
        assert accounts_of(server)["cookie-1"]["locks"] == []
        assert server.chat().status_code == 200


def test_who_waits_for_a_trial_is_served_once_it_has_succeeded(
    serve: Serve, upstream: Upstream
) -> None:
    server = serve(gs_cookie="a", cookie_concurrency=2, account_wait=60)
    rested(server, "cookie-1")
    upstream.script({"flow": "chat", "first_event_delay_s": 0.3, **ENDLESS})
    health = server.application.services.health

    def ask_meanwhile() -> int:
        eventually(lambda: health.in_flight == 1, SOON)
        return server.chat().status_code

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask_meanwhile)
        with streaming(server):
            # Well before the accounts are next compared with the store, which would help too.
            assert waiting.result(2) == 200


def test_a_trial_that_fails_is_the_next_rest(serve: Serve, upstream: Upstream) -> None:
    server = serve(gs_cookie="a\nb", account_policy="round_robin")
    rested(server, "cookie-2")
    upstream.script({"account": "b", "scenario": "too_many_requests", "retry_after": 300})

    # The rested account is tried first, or the whole ones would hide it for ever.
    assert labels(server, 3) == ["cookie-1"] * 3

    assert asked(upstream) == ["b", "a", "a", "a"]
    [lock] = accounts_of(server)["cookie-2"]["locks"]
    assert not lock["on_trial"]
    assert 280 < lock["until"] - time.time() <= 300


# Policies.


def test_round_robin_goes_round(serve: Serve) -> None:
    server = serve(gs_cookie="a\nb\nc", account_policy="round_robin", cookie_concurrency=9)

    assert labels(server, 6) == ["cookie-1", "cookie-2", "cookie-3"] * 2


def test_looking_for_the_soonest_end_passes_nobodys_turn(serve: Serve, upstream: Upstream) -> None:
    server = serve(gs_cookie="a\nb\nc", account_policy="round_robin", max_attempts=1)
    upstream.script({"flow": "chat", "scenario": "rate_limit_cf1"})

    server.chat()
    server.chat()

    assert asked(upstream) == ["a", "b"]


def test_least_busy_avoids_who_is_busy(serve: Serve, upstream: Upstream) -> None:
    server = serve(gs_cookie="a\nb", cookie_concurrency=4, account_policy="least_busy")
    upstream.script({"flow": "chat", **ENDLESS})

    with streaming(server) as reply:
        busy = reply.headers["x-genspark2api-account"]
        for _ in range(5):
            # An answer's own seat is given back a moment after its last byte.
            eventually(lambda: sum(a["busy"] for a in accounts_of(server).values()) == 1, SOON)
            assert labels(server, 1) != [busy]


@pytest.mark.parametrize("policy", ["least_busy", "random"])
def test_load_is_spread_over_all(serve: Serve, policy: str) -> None:
    server = serve(gs_cookie="a\nb\nc", account_policy=policy)

    # Three accounts miss one in 60 draws with a chance of one in 10^10.
    assert set(labels(server, 60)) == {"cookie-1", "cookie-2", "cookie-3"}


# Limits and waiting.


def test_no_more_requests_at_once_than_allowed(serve: Serve, upstream: Upstream) -> None:
    server = serve(gs_cookie="a\nb", cookie_concurrency=2, account_wait=0)
    upstream.script({"flow": "chat", "times": 4, **ENDLESS})

    with streaming(server), streaming(server), streaming(server), streaming(server):
        assert [account["busy"] for account in accounts_of(server).values()] == [2, 2]
        reply = server.chat()
        assert Counter(asked(upstream)) == {"a": 2, "b": 2}

    assert reply.status_code == 503
    error = reply.json()["error"]
    assert (error["type"], error["code"]) == ("server_error", "no_upstream_available")
    assert "busy" in error["message"]
    assert reply.headers["retry-after"] == "5"


def test_the_limits_of_cookies_and_keys_are_separate(serve: Serve, upstream: Upstream) -> None:
    server = serve(gs_cookie="a", gsk_api_key=["gsk-b"], key_concurrency=1, account_wait=0)
    upstream.script({"flow": "key_chat", **ENDLESS})

    with streaming(server) as reply:
        assert reply.headers["x-genspark2api-route"] == "key"
        assert server.chat().headers["x-genspark2api-route"] == "cookie"


def test_who_waits_is_served_when_a_seat_is_free(serve: Serve, upstream: Upstream) -> None:
    server = serve(gs_cookie="a", cookie_concurrency=1, account_wait=SOON)
    upstream.script({"flow": "chat", **ENDLESS})
    health = server.application.services.health

    with ThreadPoolExecutor(1) as pool:
        with streaming(server):
            waiting = pool.submit(server.chat, "me next")
            eventually(lambda: health.in_flight == 2, SOON)
            assert len(asked(upstream)) == 1
            assert not waiting.done()
        reply = waiting.result(SOON)

    assert reply.status_code == 200
    assert "me next" in reply.json()["choices"][0]["message"]["content"]


def test_the_wait_is_bounded(serve: Serve, upstream: Upstream) -> None:
    server = serve(gs_cookie="a", cookie_concurrency=1, account_wait=0.2)
    upstream.script({"flow": "chat", **ENDLESS})

    with streaming(server):
        began = time.monotonic()
        reply = server.chat()
        took = time.monotonic() - began
        assert len(asked(upstream)) == 1

    assert reply.status_code == 503
    assert reply.json()["error"]["code"] == "no_upstream_available"
    assert 0.2 <= took < SOON


def test_a_lock_on_the_only_account_ends_the_wait(serve: Serve, upstream: Upstream) -> None:
    server = serve(gs_cookie="a", cookie_concurrency=1, account_wait=60)
    upstream.script({"flow": "chat", **ENDLESS})
    health = server.application.services.health

    with ThreadPoolExecutor(1) as pool, streaming(server):
        waiting = pool.submit(server.chat)
        eventually(lambda: health.in_flight == 2, SOON)
        assert server.client.post("/admin/accounts/cookie-1/lock").status_code == 200
        reply = waiting.result(SOON)

    assert reply.status_code == 503
    assert len(asked(upstream)) == 1


# ACCOUNTS_FILE.


def _book(folder: Path, text: str) -> Path:
    path = folder / "accounts.toml"
    path.write_text(text, "utf-8")
    return path


def test_weights_share_the_load_out(serve: Serve, tmp_path: Path) -> None:
    book = _book(
        tmp_path,
        """
        [[accounts]]
        label = "big"
        cookie = "a"
        weight = 3
        [[accounts]]
        label = "small"
        cookie = "b"
        """,
    )
    server = serve(
        gs_cookie=None,
        accounts_file=book,
        account_policy="round_robin",
        cookie_concurrency=9,
    )

    assert Counter(labels(server, 12)) == {"big": 9, "small": 3}


def test_a_disabled_account_is_shown_and_never_asked(
    serve: Serve, upstream: Upstream, tmp_path: Path
) -> None:
    book = _book(
        tmp_path,
        """
        [[accounts]]
        label = "off"
        cookie = "a"
        disabled = true
        [[accounts]]
        label = "on"
        cookie = "b"
        """,
    )
    server = serve(gs_cookie=None, accounts_file=book)
    upstream.script({"flow": "chat", "scenario": "rate_limit_cf1"})

    assert server.chat().status_code == 429
    assert asked(upstream) == ["b"]
    assert accounts_of(server)["off"]["disabled"] is True


def test_an_account_has_a_limit_of_its_own_and_both_credentials(
    serve: Serve, upstream: Upstream, tmp_path: Path
) -> None:
    book = _book(
        tmp_path,
        """
        [[accounts]]
        label = "me"
        cookie = "a"
        key = "gsk-a"
        concurrency = 1
        """,
    )
    server = serve(gs_cookie=None, accounts_file=book, account_wait=0)
    upstream.script({"flow": "key_chat", **ENDLESS}, {"flow": "chat", **ENDLESS})

    assert {name: a["limit"] for name, a in accounts_of(server).items()} == {
        "me/key": 1,
        "me/cookie": 1,
    }
    with streaming(server) as first, streaming(server) as second:
        assert first.headers["x-genspark2api-account"] == "me/key"
        assert second.headers["x-genspark2api-account"] == "me/cookie"
        assert server.chat().status_code == 503


# The operator.


def test_an_operators_lock_holds_until_it_is_lifted(serve: Serve, upstream: Upstream) -> None:
    server = serve(gs_cookie="a\nb")
    locked = server.client.post("/admin/accounts/cookie-1/lock")
    [lock] = locked.json()["locks"]
    assert (lock["product"], lock["reason"], lock["until"]) == ("all", "operator", None)

    assert labels(server, 6) == ["cookie-2"] * 6

    assert server.client.post("/admin/accounts/cookie-1/unlock").json()["locks"] == []
    server.client.post("/admin/accounts/cookie-2/lock", json={"seconds": 60})
    assert labels(server, 2) == ["cookie-1"] * 2


def test_an_operators_lock_may_be_about_one_product(serve: Serve) -> None:
    server = serve(gs_cookie="a")

    server.client.post("/admin/accounts/cookie-1/lock", json={"product": "video"})
    assert server.chat().status_code == 200

    server.client.post("/admin/accounts/cookie-1/lock", json={"product": "chat", "seconds": 60})
    assert server.chat().status_code == 503


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("nobody/lock", {}, 404),
        ("cookie-1/lock", {"seconds": 0}, 400),
        ("cookie-1/lock", {"product": "songs"}, 400),
    ],
)
def test_an_operators_mistake_changes_nothing(
    server: LiveServer, path: str, body: dict[str, Any], status: int
) -> None:
    reply = server.client.post(f"/admin/accounts/{path}", json=body)

    assert reply.status_code == status
    assert reply.json()["error"]["type"] == "invalid_request_error"
    assert accounts_of(server)["cookie-1"]["locks"] == []


def test_accounts_are_for_the_first_secret_only(serve: Serve) -> None:
    server = serve(api_secret=["first", "second"])

    def look(secret: str) -> int:
        headers = {"Authorization": f"Bearer {secret}"}
        return server.client.get("/admin/accounts", headers=headers).status_code

    assert (look("first"), look("second"), look("third")) == (200, 401, 401)


def test_readiness_is_degraded_while_every_account_rests(serve: Serve) -> None:
    server = serve(gs_cookie="a\nb")

    def ready() -> tuple[int, str]:
        reply = server.client.get("/readyz")
        return reply.status_code, reply.json()["status"]

    assert ready() == (200, "ready")
    server.client.post("/admin/accounts/cookie-1/lock")
    assert ready() == (200, "ready")
    server.client.post("/admin/accounts/cookie-2/lock")
    assert ready() == (200, "degraded")
    server.client.post("/admin/accounts/cookie-1/unlock")
    assert ready() == (200, "ready")


# Routes.


@pytest.mark.parametrize(
    ("order", "route"), [(["key", "cookie"], "key"), (["cookie", "key"], "cookie")]
)
def test_the_order_of_the_routes_can_be_turned_round(
    serve: Serve, upstream: Upstream, order: list[str], route: str
) -> None:
    server = serve(gs_cookie="a", gsk_api_key=["gsk-b"], route_order=order)
    other = {"key": "cookie", "cookie": "key"}[route]

    assert server.chat().headers["x-genspark2api-route"] == route
    flow = {"key": "key_chat", "cookie": "chat"}[route]
    upstream.script({"flow": flow, "scenario": "rate_limit_cf1"})

    assert server.chat().headers["x-genspark2api-route"] == other


def test_a_route_that_is_not_in_the_order_is_not_asked(serve: Serve, upstream: Upstream) -> None:
    server = serve(gs_cookie="a", gsk_api_key=["gsk-b"], route_order=["key"])
    upstream.script({"flow": "key_chat", "scenario": "payment_402"})

    assert server.chat().status_code == 503
    assert asked(upstream) == []
