"""Two replicas on one PostgreSQL and one Redis.

Optional: set TEST_DATABASE_URL and TEST_REDIS_URL to empty servers of your own.
"""

import os
import time

import pytest
from conftest import Serve, Upstream
from live import SECRET

DATABASE = os.environ.get("TEST_DATABASE_URL")
REDIS = os.environ.get("TEST_REDIS_URL")


@pytest.mark.optional
@pytest.mark.skipif(not DATABASE, reason="TEST_DATABASE_URL is not set")
def test_a_lock_of_one_replica_holds_in_the_other(
    serve: Serve, upstream: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.app.SYNC_SECONDS", 0.05)
    shared = {"database_url": DATABASE, "secret_key": f"shared-{time.time_ns()}"}
    first, second = serve(**shared), serve(**shared)
    upstream.script({"flow": "chat", "scenario": "daily_quota"})
    assert first.chat().status_code == 429

    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and second.chat().status_code != 429:
        pass
    assert second.chat().status_code == 429

    unlock = first.client.post("/admin/accounts/cookie-1/unlock")
    assert unlock.json()["locks"] == []
    assert first.chat().status_code == 200


@pytest.mark.optional
@pytest.mark.skipif(not REDIS, reason="TEST_REDIS_URL is not set")
def test_replicas_count_a_caller_together(serve: Serve) -> None:
    shared = {"redis_url": REDIS, "request_rate_limit": 3, "forwarded_allow_ips": ["127.0.0.1"]}
    first, second = serve(**shared), serve(**shared)
    headers = {
        "Authorization": f"Bearer {SECRET}",
        "X-Forwarded-For": f"2001:db8::{time.time_ns() % 65536:x}",
    }
    statuses = [
        server.client.get("/v1/models", headers=headers).status_code
        for server in (first, second, first, second)
    ]
    assert statuses == [200, 200, 200, 429]
