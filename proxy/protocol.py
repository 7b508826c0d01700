"""uvicorn's HTTP protocol with limits on what a stranger may send before a request is known.

The parser itself has none: a head without end would grow in memory, a silent connection would stay.
What is refused here is refused with an error object, like everything else.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from proxy.wire.openai_errors import ErrorReply

HEAD_LIMIT: Final = 64 * 1024
HEAD_SECONDS: Final = 30.0

TOO_LARGE: Final = ErrorReply(
    431,
    "The request head is larger than 64 KiB.",
    "invalid_request_error",
    "request_head_too_large",
)
MALFORMED: Final = ErrorReply(
    400, "This is not a valid HTTP request.", "invalid_request_error", "invalid_http"
)


class GuardedProtocol(HttpToolsProtocol):
    """Bounds the size and the time of a request's head."""

    _head_size = 0
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Give the first request's head its time."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(HEAD_SECONDS, transport.close)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count bytes until a head is complete (a body is counted where it is read)."""
        self._head_size += len(data)
        super().data_received(data)
        if self._head_size > HEAD_LIMIT and not self.transport.is_closing():
            self._refuse(TOO_LARGE)

    def on_headers_complete(self) -> None:
        """The head is over; what follows is not its size."""
        self._stop_timer()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Body bytes came in the same reads."""
        self._head_size = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The next head starts from nothing."""
        self._head_size = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """uvicorn would answer in plain text."""
        self._refuse(MALFORMED)

    def _refuse(self, reply: ErrorReply) -> None:
        body = reply.encoded()
        head = (
            f"HTTP/1.1 {reply.status} Refused\r\ncontent-type: application/json\r\n"
            f"connection: close\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self.transport.write(head.encode() + body)
        self.transport.close()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
