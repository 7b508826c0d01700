"""The one speaker of HTTP: proxies, TLS, closing, and foreign exceptions as failures."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import tiny_proxies
import trustme
from conftest import Serve, Upstream

from proxy.core.failures import Kind, UpstreamError
from proxy.upstreams.http import Http

T = TypeVar("T")


def _run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


async def _get(url: str, proxy: str | None = None, own: str | None = None) -> tuple[int, bytes]:
    http = Http(proxy, connect_timeout=2, idle_timeout=2)
    try:
        exchange = await http.send("GET", url, {"User-Agent": "test"}, proxy=own)
        try:
            return exchange.status, await exchange.read_all()
        finally:
            await exchange.aclose()
    finally:
        await http.aclose()


@pytest.mark.parametrize("scheme", ["socks5", "socks5h", "http"])
def test_traffic_goes_through_the_proxy_with_its_login(scheme: str, upstream: Upstream) -> None:
    handler = tiny_proxies.http if scheme == "http" else tiny_proxies.socks5
    with tiny_proxies.serving(handler) as proxy:
        url = f"{scheme}://user:pass@127.0.0.1:{proxy.port}"
        status, body = _run(_get(f"{upstream.url}/api/moa_models_config", url))
    assert status == 200
    assert b"models" in body
    assert proxy.targets == [upstream.url.removeprefix("http://")]
    assert proxy.logins == ["user:pass"]


def test_an_accounts_own_proxy_wins(upstream: Upstream) -> None:
    with tiny_proxies.serving(tiny_proxies.http) as own:
        proxies = ("http://127.0.0.1:9", f"http://127.0.0.1:{own.port}")
        status, _ = _run(_get(f"{upstream.url}/api/moa_models_config", *proxies))
    assert status == 200
    assert len(own.targets) == 1


@pytest.fixture
def tls_upstream(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """A TLS server that answers one line; its authority is trusted by this process."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_answer_tls, args=(listener, context), daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        thread.join(5)


def _answer_tls(listener: socket.socket, context: ssl.SSLContext) -> None:
    with contextlib.suppress(OSError):
        while True:
            plain, _ = listener.accept()
            with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as tls:
                tls.recv(65536)
                tls.sendall(
                    b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\nconnection: close\r\n\r\nsafe"
                )


def test_tls_goes_through_a_connect_tunnel(tls_upstream: str) -> None:
    with tiny_proxies.serving(tiny_proxies.http) as proxy:
        url = f"http://user:pass@127.0.0.1:{proxy.port}"
        assert _run(_get(tls_upstream, url)) == (200, b"safe")
    assert proxy.targets == [tls_upstream.removeprefix("https://")]
    assert proxy.logins == ["user:pass"]


def test_tls_goes_through_socks(tls_upstream: str) -> None:
    with tiny_proxies.serving(tiny_proxies.socks5) as proxy:
        url = f"socks5://127.0.0.1:{proxy.port}"
        assert _run(_get(tls_upstream, url)) == (200, b"safe")


def test_an_untrusted_certificate_is_refused(
    tls_upstream: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "other.pem"))
    with pytest.raises(UpstreamError) as caught:
        _run(_get(tls_upstream))
    assert caught.value.failure.kind is Kind.UNREACHABLE


@pytest.mark.parametrize("proxy", [None, "http://user:SECRET@127.0.0.1:9"])
def test_nobody_there_is_unreachable_and_tells_no_password(proxy: str | None) -> None:
    with pytest.raises(UpstreamError) as caught:
        _run(_get("http://127.0.0.1:9/", proxy))
    assert caught.value.failure.kind is Kind.UNREACHABLE
    assert "SECRET" not in str(caught.value)


async def _read(url: str, patience: float) -> bytes:
    http = Http(None, connect_timeout=2, idle_timeout=patience)
    try:
        exchange = await http.send("GET", url, {"User-Agent": "x"})
        try:
            return await exchange.read_all()
        finally:
            await exchange.aclose()
    finally:
        await http.aclose()


def test_silence_is_a_timeout(upstream: Upstream) -> None:
    upstream.script({"flow": "models", "delay_s": 0.5})
    with pytest.raises(UpstreamError) as caught:
        _run(_read(f"{upstream.url}/api/moa_models_config", 0.1))
    assert caught.value.failure.kind is Kind.TIMEOUT


def test_a_cut_transfer_is_a_broken_stream(upstream: Upstream) -> None:
    upstream.script({"flow": "models", "cut_after_bytes": 10})
    with pytest.raises(UpstreamError) as caught:
        _run(_read(f"{upstream.url}/api/moa_models_config", 2))
    assert caught.value.failure.kind is Kind.BROKEN_STREAM


async def _post(url: str) -> None:
    http = Http(None, connect_timeout=2, idle_timeout=5)
    try:
        await http.send("POST", url, {"User-Agent": "test"}, b"buy")
    finally:
        await http.aclose()


@pytest.mark.parametrize("reply", [b"", b"HTTP/1.1 200 OK\r\nx-cut: "], ids=["nothing", "a-part"])
def test_who_hangs_up_before_the_answer_may_have_got_the_request(reply: bytes) -> None:
    """A request that may have arrived is not one that was never sent: it can have cost something.

    httpx-aiohttp calls this a ConnectTimeout. (A GET is simply sent again by aiohttp.)
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        requests: list[bytes] = []

        def hang_up() -> None:
            taken, _ = listener.accept()
            with taken:
                requests.append(taken.recv(65536))
                taken.sendall(reply)

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        with pytest.raises(UpstreamError) as caught:
            _run(_post(f"http://127.0.0.1:{listener.getsockname()[1]}/"))
        thread.join(5)
    assert requests[0].startswith(b"POST / ")
    assert caught.value.failure.kind is Kind.BROKEN_STREAM


def test_proxy_settings_of_a_server_reach_the_upstream(serve: Serve, upstream: Upstream) -> None:
    with tiny_proxies.serving(tiny_proxies.socks5) as proxy:
        server = serve(proxy_url=f"socks5://127.0.0.1:{proxy.port}")
        assert server.chat().status_code == 200
        assert server.chat(stream=True).text.endswith("data: [DONE]\n\n")
    assert len(proxy.targets) >= 1
