"""Servers beside the one under test: a host of pictures, and a reCAPTCHA service."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
from conformance.video_clients.doors import PNG

PICTURES: dict[str, tuple[int, bytes]] = {
    "png": (200, PNG),
    "html": (200, b"<html>no</html>"),
    "empty": (200, b""),
    "gone": (404, b""),
}


@dataclass
class Pictures:
    """``url``/png, /html, /empty and /gone are what they say; /to/ADDRESS leads there. ``asked``
    holds paths and headers.
    """

    url: str = ""
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@contextmanager
def host_of_pictures() -> Iterator[Pictures]:
    """Serve until the block ends."""
    found = Pictures()

    class Handler(_Handler):
        def do_GET(self) -> None:
            found.asked.append((self.path, dict(self.headers.items())))
            kind, _, rest = self.path[1:].partition("/")
            if kind == "to":
                self.answer(302, b"", location=rest)
            else:
                self.answer(*PICTURES[kind])

    with _serving(Handler) as found.url:
        yield found


@dataclass
class Sidecar:
    """A service with the sidecar's contract. ``asked`` holds paths and cookies."""

    url: str = ""
    works: bool = True
    asked: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def sidecar_of(upstream: str) -> Iterator[Sidecar]:
    """Serve until the block ends; the tokens are good ones of this emulator's."""
    found = Sidecar()

    class Handler(_Handler):
        def do_GET(self) -> None:
            cookie = self.headers.get("Cookie", "")
            found.asked.append((self.path, cookie))
            body: dict[str, Any] = {"code": 500, "message": "no browser"}
            if found.works:
                body = {"code": 200, "token": _token(upstream, cookie)}
            self.answer(200, json.dumps(body).encode())

    with _serving(Handler) as found.url:
        yield found


def _token(upstream: str, cookie: str) -> str:
    asked = {"site_key": "k", "action": "a", "variant": "v3"}
    reply = httpx2.post(f"{upstream}/recaptcha/token", json=asked, headers={"Cookie": cookie})
    return str(reply.json()["token"])


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        """A whole reply."""
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Tests read ``asked`` instead."""


@contextmanager
def _serving(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
