"""The streaming response: headers when there is something to see or when patience ends, comments
while the upstream is silent, and an end to everything when the caller goes away.
"""

import asyncio
from collections.abc import Callable
from typing import Final

from starlette.types import Receive, Send

from proxy.api.context import Headers
from proxy.telemetry import log
from proxy.wire.openai_chunks import PING

# Proxies between us and the caller close silent connections after 30 to 60 s.
HEARTBEAT: Final = 10.0

# A caller that leaves is noticed after this many seconds at the latest; most short answers are
# over by then and need no task that watches.
LATER: Final = 0.05

STREAM_HEADERS: Final[Headers] = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]


class EventStream:
    """Writes one event stream. ``started`` means that HTTP 200 has been committed."""

    def __init__(self, send: Send, clock: Callable[[], float], early: Headers) -> None:
        self._send = send
        self._early = early
        self._clock = clock
        self._last = clock()
        # A keep-alive must not overtake the response's start or tear a write apart.
        self._turn = asyncio.Lock()
        self.started = False
        self.ended = False

    @property
    def is_open(self) -> bool:
        """Begun and not ended: one that merely stops would be taken for a finished one."""
        return self.started and not self.ended

    async def start(self, headers: Headers | None = None) -> bool:
        """Commit to HTTP 200, once; says whether this was the time.

        Without headers it is an early start, which knows only what was planned.
        """
        async with self._turn:
            if self.started:
                return False
            self.started = True
            await self._send(
                {
                    "type": "http.response.start",
                    "status": 200,
                    "headers": [*STREAM_HEADERS, *(self._early if headers is None else headers)],
                }
            )
            return True

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
        if self.is_open and not self._turn.locked():
            await self.write(PING)

    def silence(self) -> float:
        """Seconds since the last write."""
        return self._clock() - self._last


class Watched:
    """Runs the block; cancels it quietly when the caller goes away, keeps its stream alive.

    Without a stream (a plain JSON answer) only the caller's leaving is watched. The watching task
    belongs to the application's task group and ends with the block; answers faster than
    ``LATER`` never need one.
    """

    __slots__ = ("_body", "_gone", "_patience", "_receive", "_stream", "_task", "_tasks", "_timer")

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        receive: Receive,
        stream: EventStream | None = None,
        patience: float = HEARTBEAT,
    ) -> None:
        self._tasks = tasks
        self._receive = receive
        self._stream = stream
        self._patience = patience
        self._gone = False
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        self._body = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(LATER, self._begin)

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()
        assert self._body is not None
        # Our own cancellation ends here; one from outside (shutdown) goes on.
        ours = self._gone and kind is not None and issubclass(kind, asyncio.CancelledError)
        return ours and self._body.uncancel() == 0

    def _begin(self) -> None:
        self._task = self._tasks.create_task(self._watch(), name="caller-watch")

    async def _watch(self) -> None:
        try:
            await self._until_gone()
        except Exception as error:
            # The group's other tasks must not fall with one caller's broken connection.
            log.info("caller_watch.failed", error=type(error).__name__)
        self._gone = True
        assert self._body is not None
        self._body.cancel()

    async def _until_gone(self) -> None:
        next_look = max(0.01, self._patience - LATER)
        while True:
            try:
                async with asyncio.timeout(None if self._stream is None else next_look):
                    message = await self._receive()
            except TimeoutError:
                next_look = await self._keep_alive()
                continue
            if message["type"] == "http.disconnect":
                return

    async def _keep_alive(self) -> float:
        """Open a silent stream, or comment on its silence; returns when to look again."""
        stream = self._stream
        assert stream is not None
        fresh = await stream.start()
        if fresh or stream.silence() >= HEARTBEAT:
            await stream.keep_alive()
        return max(0.05, HEARTBEAT - stream.silence())
