"""What a stranger may send before a request is known."""

import json
import socket

import pytest
from live import LiveServer

from proxy import protocol


def _connect(server: LiveServer) -> socket.socket:
    host, _, port = server.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=10)


def _all(sock: socket.socket) -> bytes:
    received = b""
    while data := sock.recv(65536):
        received += data
    return received


def test_a_head_without_end_is_refused(server: LiveServer) -> None:
    with _connect(server) as sock:
        # One byte too many, all at once: what is sent after the refusal could reset the reply.
        start = b"GET /healthz HTTP/1.1\r\nx-filler: "
        sock.sendall(start + b"a" * (protocol.HEAD_LIMIT + 1 - len(start)))
        head, _, body = _all(sock).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 431 ")
    assert json.loads(body)["error"]["code"] == "request_head_too_large"


def test_nonsense_is_refused_with_an_error_object(server: LiveServer) -> None:
    with _connect(server) as sock:
        sock.sendall(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
        head, _, body = _all(sock).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert json.loads(body)["error"]["code"] == "invalid_http"


def test_a_silent_connection_is_closed(server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.05)
    with _connect(server) as sock:
        assert _all(sock) == b""


def test_a_large_body_does_not_count_as_head(server: LiveServer) -> None:
    content = "x" * 300_000
    assert server.chat(content).status_code == 200
    assert server.chat(content).status_code == 200


def test_many_requests_on_one_connection_do_not_add_up(server: LiveServer) -> None:
    with _connect(server) as sock:
        for _ in range(100):
            sock.sendall(
                b"GET /healthz HTTP/1.1\r\nhost: x\r\nx-fill: " + b"a" * 1000 + b"\r\n\r\n"
            )
            assert sock.recv(65536).startswith(b"HTTP/1.1 200")
