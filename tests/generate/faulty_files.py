"""A server of one result, with ranges, that breaks off, lies or redirects as it is told."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Files:
    """``cuts``: after how many bytes each answer ends (None: whole), in order; then all whole.

    ``statuses`` are given instead of the file, in order; ``begin`` is where ranges really begin.
    ``redirect`` is where ``/media/`` leads. ``job`` answers everything under ``/v1``.
    """

    content: bytes
    url: str = ""
    cuts: list[int | None] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    begin: int | None = None
    ranges: bool = True
    redirect: str | None = None
    job: bytes = b"{}"
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def ranged(self) -> list[str | None]:
        """The range of each request for the file, in order."""
        return [headers.get("range") for path, headers in self.asked if "/v1/" not in path]


class _Handler(BaseHTTPRequestHandler):
    files: Files

    def do_GET(self) -> None:
        files = self.files
        headers = {name.lower(): value for name, value in self.headers.items()}
        files.asked.append((self.path, headers))
        if self.path.startswith("/v1/"):
            self._answer(200, files.job)
        elif files.statuses:
            self._answer(files.statuses.pop(0), b'{"error":{"message":"Not now."}}')
        elif files.redirect and self.path.startswith("/media/"):
            self._answer(302, b"", location=files.redirect)
        else:
            self._file(headers.get("range"))

    def _file(self, wanted: str | None) -> None:
        files, whole = self.files, len(self.files.content)
        match = re.fullmatch(r"bytes=(\d+)-", wanted or "")
        if match is None or not files.ranges:
            self._answer(200, files.content)
            return
        begin = int(match[1]) if files.begin is None else files.begin
        if begin >= whole:
            self._answer(416, b"", **{"content-range": f"bytes */{whole}"})
            return
        told = f"bytes {begin}-{whole - 1}/{whole}"
        self._answer(206, files.content[begin:], **{"content-range": told})

    def _answer(self, status: int, content: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        of_file = status in (200, 206) and not self.path.startswith("/v1/")
        cut = self.files.cuts.pop(0) if self.files.cuts and of_file else None
        if cut is not None:
            content, self.close_connection = content[:cut], True
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Tests read ``asked`` instead."""


@contextmanager
def files(content: bytes) -> Iterator[Files]:
    """Serve until the block ends."""
    state = Files(content)
    handler = type("Handler", (_Handler,), {"files": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
