"""The running server: where it is, and what its errors mean to a person."""

import asyncio
from typing import Any

import pytest
from stub_server import stub

from proxy.generate.server import NoAnswer, Refused, Server, Stop, address
from proxy.settings import Settings
from proxy.upstreams.http import Http


def _asked(url: str, secret: str | None = "secret") -> Any:
    async def ask() -> Any:
        http = Http(None, 2, 5)
        try:
            return (await Server(url, secret, http).ask("GET", "/v1/jobs")).body
        finally:
            await http.aclose()

    return asyncio.run(ask())


def _said(status: int, body: Any, secret: str | None = "secret") -> str:
    with stub(status, body) as server:
        with pytest.raises(Refused) as found:
            _asked(server.url, secret)
        return str(found.value).replace(server.url, "URL")


@pytest.mark.parametrize(
    ("named", "url"),
    [
        ("http://host:7055", "http://host:7055"),
        ("http://host:7055/v1/", "http://host:7055"),
        (" host:7055 ", "http://host:7055"),
        ("https://host/api", "https://host/api"),
        ("http://[::1]:7055", "http://[::1]:7055"),
    ],
)
def test_a_named_address(named: str, url: str) -> None:
    assert address(Settings(), named) == url


@pytest.mark.parametrize("named", ["ftp://host", "http://:80", "http://host:port", "http://[::1"])
def test_what_is_no_address_is_told(named: str) -> None:
    with pytest.raises(Stop, match="GENSPARK2API_URL"):
        address(Settings(), named)


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:7055"),
        ("0.0.0.0", "http://127.0.0.1:7055"),
        ("::", "http://[::1]:7055"),
    ],
)
def test_without_a_name_the_settings_tell(host: str, url: str) -> None:
    assert address(Settings(host=host, port=7055, allow_anonymous=True), None) == url


def test_the_prefix_is_added_once() -> None:
    settings = Settings(route_prefix="/hub")
    assert address(settings, "http://host") == "http://host/hub"
    assert address(settings, "http://host/hub/v1") == "http://host/hub"


def test_the_key_is_sent_where_there_is_one() -> None:
    with stub(200, {"data": []}) as server:
        assert _asked(server.url) == _asked(server.url, None) == {"data": []}
    sent = [headers.get("authorization") for _, headers in server.asked]
    assert sent == ["Bearer secret", None]


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, {"error": {"message": "Too long."}}, "Too long."),
        (404, {"error": {"message": "No such job.", "code": "job_not_found"}}, "No such job."),
        (405, {"error": {"message": "Method not allowed."}}, "does not have this"),
        (404, b"<html>", "does not have this (HTTP 404)"),
        (502, b"<html>", "answers in an unknown way (HTTP 502)"),
        (200, b"[]", "answers in an unknown way (HTTP 200)"),
        (401, {}, "does not know this key"),
    ],
)
def test_errors_in_words(status: int, body: Any, words: str) -> None:
    assert words in _said(status, body)


def test_a_server_that_wants_a_key() -> None:
    assert "wants a key" in _said(401, {}, secret=None)


def test_nobody_there_was_sent_nothing() -> None:
    with pytest.raises(NoAnswer, match="No server answers") as found:
        _asked("http://127.0.0.1:1")
    assert not found.value.sent
