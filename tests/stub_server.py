"""A server that answers what it is told, and remembers what it was asked."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Stub:
    """``reply`` is sent to everybody; ``asked`` holds (path, headers) in order."""

    url: str = ""
    status: int = 200
    body: Any = None
    delay: threading.Event | None = None
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)


@contextmanager
def stub(status: int = 200, body: Any = None) -> Iterator[Stub]:
    """Serve until the block ends."""
    state = Stub(status=status, body=body)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            state.asked.append((self.path, headers))
            if state.delay is not None:
                state.delay.wait(10)
            content = (
                state.body if isinstance(state.body, bytes) else json.dumps(state.body).encode()
            )
            self.send_response(state.status)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            """Tests read ``asked`` instead."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield state
    finally:
        if state.delay is not None:
            state.delay.set()
        server.shutdown()
        server.server_close()
        thread.join(5)
