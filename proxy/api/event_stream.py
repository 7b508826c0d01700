"""The streaming response: headers when there is something to see or when patience ends, comments
while the upstream is silent, and an end to everything when the caller goes away.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final

from starlette.types import Receive, Send

from proxy.api.context import Headers
from proxy.wire.openai_chunks import PING

# Proxies between us and the caller close silent connections after 30 to 60 s.
HEARTBEAT: Final = 10.0

STREAM_HEADERS: Final[Headers] = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]


class EventStream:
    """Writes one event stream. ``started`` means that HTTP 200 has been committed."""

    def __init__(self, send: Send, clock: Callable[[], float]) -> None:
        self._send = send
        self._clock = clock
        self._last = clock()
        # A keep-alive must not overtake the response's start or tear a write apart.
        self._turn = asyncio.Lock()
        self.started = False
        self.ended = False

    async def start(self, headers: Headers) -> None:
        """Commit to HTTP 200, once."""
        async with self._turn:
            if self.started:
                return
            self.started = True
            await self._send(
                {
                    "type": "http.response.start",
                    "status": 200,
                    "headers": [*STREAM_HEADERS, *headers],
                }
            )

    def claim(self) -> bool:
        """Take the response for a plain error instead; False once HTTP 200 is committed."""
        if self.started:
            return False
        self.started = self.ended = True
        return True

    async def write(self, data: bytes) -> None:
        """Send whole events."""
        async with self._turn:
            self._last = self._clock()
            await self._send({"type": "http.response.body", "body": data, "more_body": True})

    async def end(self, data: bytes) -> None:
        """Send the last events and close."""
        async with self._turn:
            self.ended = True
            await self._send({"type": "http.response.body", "body": data, "more_body": False})

    async def keep_alive(self) -> None:
        """A comment, which every client skips."""
        if self.started and not self.ended and not self._turn.locked():
            await self.write(PING)

    def silence(self) -> float:
        """Seconds since the last write."""
        return self._clock() - self._last


@contextlib.asynccontextmanager
async def watched(
    receive: Receive, stream: EventStream | None, patience: float
) -> AsyncIterator[None]:
    """Run the block; cancel it quietly when the caller goes away, keep the stream alive meanwhile.

    Without a stream (a plain JSON answer) only the caller's leaving is watched.
    """
    body = asyncio.current_task()
    assert body is not None
    gone = False

    def leave() -> None:
        nonlocal gone
        gone = True
        body.cancel()

    try:
        async with asyncio.TaskGroup() as tasks:
            watch = _watch(receive, stream, patience, leave)
            watcher = tasks.create_task(watch, name="caller-watch")
            try:
                yield
            finally:
                watcher.cancel()
    except asyncio.CancelledError:
        # Our own cancellation ends here; one from outside (shutdown) goes on.
        if not gone or body.uncancel() > 0:
            raise


async def _watch(
    receive: Receive, stream: EventStream | None, patience: float, leave: Callable[[], None]
) -> None:
    next_look = patience
    while True:
        try:
            async with asyncio.timeout(next_look if stream is not None else None):
                message = await receive()
        except TimeoutError:
            assert stream is not None
            await stream.start([])
            if stream.silence() >= HEARTBEAT - 0.05 or next_look == patience:
                await stream.keep_alive()
            next_look = max(0.05, HEARTBEAT - stream.silence())
            continue
        if message["type"] == "http.disconnect":
            leave()
            return
