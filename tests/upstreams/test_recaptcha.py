"""The sidecar's client against the shared contract file, and against silence and nonsense."""

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest
from stub_server import stub

from proxy.core.accounts import Secret
from proxy.core.failures import Kind, UpstreamError
from proxy.core.products import Product
from proxy.upstreams.http import Http
from proxy.upstreams.recaptcha import Sidecar

CONTRACT = Path(__file__).parent.parent / "contracts" / "recaptcha.json"
EXCHANGES = [
    example
    for example in json.loads(CONTRACT.read_text())["exchanges"]
    if example["request"]["path"].startswith("/genspark?flow=")
]
PRODUCTS = {"chat": Product.CHAT, "video": Product.VIDEO}


def _token(url: str, product: Product, cookie: str = "session_id=alice", **given: Any) -> str:
    async def ask() -> str:
        http = Http(None, connect_timeout=2, idle_timeout=5)
        try:
            secret = given.get("secret")
            return await Sidecar(http, url, secret, given.get("seconds", 5)).token(cookie, product)
        finally:
            await http.aclose()

    return asyncio.run(ask())


@pytest.mark.parametrize("example", EXCHANGES, ids=lambda example: example["name"])
def test_the_client_keeps_the_contract(example: dict[str, Any]) -> None:
    product = PRODUCTS[example["request"]["path"].rpartition("=")[2]]
    cookie = example["request"]["headers"].get("Cookie", "")
    with stub(example["reply"]["status"], example["reply"]["body"]) as service:
        if example["reply"]["body"]["code"] == 200:
            assert _token(service.url, product, cookie) == example["reply"]["body"]["token"]
        else:
            with pytest.raises(UpstreamError) as caught:
                _token(service.url, product, cookie)
            assert caught.value.failure.kind is Kind.NO_TOKEN
    path, headers = service.asked[0]
    assert path == example["request"]["path"]
    assert headers.get("cookie", "") == cookie


def test_the_secret_is_sent_as_bearer() -> None:
    with stub(200, {"code": 200, "token": "t"}) as service:
        _token(service.url, Product.CHAT, secret=Secret("knock"))
    assert service.asked[0][1]["authorization"] == "Bearer knock"


@pytest.mark.parametrize(
    ("status", "body"),
    [(200, b"<html>"), (502, {"code": 200, "token": "t"}), (200, b""), (200, b"[" * 50_000)],
)
def test_nonsense_is_no_token(status: int, body: Any) -> None:
    with stub(status, body) as service, pytest.raises(UpstreamError) as caught:
        _token(service.url, Product.CHAT)
    assert caught.value.failure.kind is Kind.NO_TOKEN


def test_silence_ends_in_time_and_nobody_there_is_told() -> None:
    with stub(200, {}) as service:
        service.delay = threading.Event()
        with pytest.raises(UpstreamError, match="no token in time"):
            _token(service.url, Product.CHAT, seconds=0.1)
    with pytest.raises(UpstreamError) as caught:
        _token("http://127.0.0.1:9", Product.CHAT)
    assert caught.value.failure.kind is Kind.NO_TOKEN
