"""Addresses behind proxies, the blacklist and the rate limit."""

import pytest
from conftest import Serve

from proxy.api.limits import Networks, caller_address


@pytest.mark.parametrize(
    ("peer", "forwarded", "trusted", "expected"),
    [
        ("1.2.3.4", "", [], "1.2.3.4"),
        ("1.2.3.4", "9.9.9.9", [], "1.2.3.4"),
        ("10.0.0.1", "9.9.9.9", ["10.0.0.0/8"], "9.9.9.9"),
        ("10.0.0.1", "6.6.6.6, 9.9.9.9", ["10.0.0.0/8"], "9.9.9.9"),
        ("10.0.0.1", "9.9.9.9, 10.0.0.2", ["10.0.0.0/8"], "9.9.9.9"),
        ("10.0.0.1", "10.0.0.3,10.0.0.2", ["10.0.0.0/8"], "10.0.0.3"),
        ("::1", "2001:db8::7", ["::1"], "2001:db8::7"),
        ("::ffff:10.0.0.1", "9.9.9.9", ["10.0.0.0/8"], "9.9.9.9"),
        ("10.0.0.1", " , ", ["10.0.0.0/8"], "10.0.0.1"),
    ],
)
def test_the_last_untrusted_hop_is_the_caller(
    peer: str, forwarded: str, trusted: list[str], expected: str
) -> None:
    assert caller_address(peer, forwarded, Networks(trusted)) == expected


def test_networks_hold_addresses_ranges_and_mapped_addresses() -> None:
    networks = Networks(["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"])
    assert "10.1.2.3" in networks
    assert "::ffff:10.1.2.3" in networks
    assert "2001:db8::1" in networks
    assert "192.0.2.7" in networks
    assert "192.0.2.8" not in networks
    assert "unix" not in networks


def test_the_limit_counts_per_address_and_says_when_to_come_back(serve: Serve) -> None:
    server = serve(request_rate_limit=2, forwarded_allow_ips=["127.0.0.1"])
    statuses = [
        server.client.get("/v1/models", headers={"X-Forwarded-For": "7.7.7.7"}).status_code
        for _ in range(2)
    ]
    third = server.client.get("/v1/models", headers={"X-Forwarded-For": "7.7.7.7"})
    other = server.client.get("/v1/models", headers={"X-Forwarded-For": "8.8.8.8"})

    assert statuses == [200, 200]
    assert third.status_code == 429
    assert third.json()["error"]["code"] == "rate_limit_exceeded"
    assert 1 <= int(third.headers["retry-after"]) <= 60
    assert other.status_code == 200


def test_a_forged_header_buys_nothing_from_an_untrusted_peer(serve: Serve) -> None:
    server = serve(request_rate_limit=1)
    first = server.client.get("/v1/models", headers={"X-Forwarded-For": "7.7.7.7"})
    second = server.client.get("/v1/models", headers={"X-Forwarded-For": "8.8.8.8"})
    assert (first.status_code, second.status_code) == (200, 429)


def test_health_and_metrics_are_exempt_from_limit_blacklist_and_key(serve: Serve) -> None:
    server = serve(request_rate_limit=1, ip_black_list=["127.0.0.0/8"])
    for path in ("/healthz", "/readyz", "/metrics"):
        for _ in range(3):
            reply = server.client.get(path, headers={"Authorization": ""})
            assert reply.status_code == 200
    refused = server.client.get("/v1/models")
    assert refused.status_code == 403
    assert refused.json()["error"]["code"] == "address_refused"


def test_metrics_can_have_a_token_of_their_own(serve: Serve) -> None:
    server = serve(metrics_token="scraper")
    assert server.client.get("/metrics").status_code == 401
    headers = {"Authorization": "Bearer scraper"}
    assert b"genspark2api_requests" in server.client.get("/metrics", headers=headers).content


def test_callers_are_counted_here_while_redis_is_out_of_reach(serve: Serve) -> None:
    server = serve(request_rate_limit=2, redis_url="redis://127.0.0.1:9")
    statuses = [server.client.get("/v1/models").status_code for _ in range(3)]
    assert statuses == [200, 200, 429]
