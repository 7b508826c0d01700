"""One keep-alive connection of the load generator."""

import asyncio
import time
from dataclasses import dataclass, field
from typing import cast

from bench.http1 import LAST_CHUNK, Head, MalformedHttpError, read_body, read_head
from bench.loops import LOOPBACK
from bench.mode import TOKEN

_TOKEN = TOKEN.encode()
# Bytes carried over from one read to the next, to find a token that two reads share.
_OVERLAP = len(_TOKEN) - 1


@dataclass(slots=True)
class Reply:
    """One response, or the ``error`` that ended it. Times are of the monotonic clock."""

    sent: float
    status: int = 0
    body: bytes = b""
    error: str = ""
    # When the first token of text arrived: a proxy may send headers and an opening of its own
    # before its upstream has said anything, which is not what a user waits for.
    first_text: float = 0.0
    # For watched replies, after each read that brought text: when, and tokens so far.
    marks: list[tuple[float, int]] = field(default_factory=list)

    @property
    def failed(self) -> str:
        """Why this is not a complete 200 response; empty when it is."""
        if self.error:
            return self.error
        return "" if self.status == 200 else f"status {self.status}: {self.body[:160]!r}"


class Connection(asyncio.Protocol):
    """Sends one request at a time and collects its response."""

    def __init__(self) -> None:
        self.closed = False
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[Reply] | None = None
        self._reply: Reply | None = None
        self._began: asyncio.Event | None = None
        self._reset(watch=False)

    def _reset(self, watch: bool) -> None:
        self._buffer = bytearray()
        self._head: Head | None = None
        self._watch = watch
        self._tokens = 0
        self._tail = b""

    def exchange(self, request: bytes, watch: bool = False) -> asyncio.Future[Reply]:
        """Resolves to the reply, never raises; ``watch`` times every token of it."""
        self._reset(watch)
        waiter = self._waiter = asyncio.get_running_loop().create_future()
        self._reply = Reply(sent=time.monotonic())
        if self._transport is None or self.closed:
            self._finish("the connection is closed")
        else:
            self._transport.write(request)
        return waiter

    async def until_text(self, request: bytes) -> Reply:
        """The unfinished reply, as soon as its first token (or its end) has arrived."""
        self._began = asyncio.Event()
        self.exchange(request, watch=True)
        reply = cast("Reply", self._reply)
        if not reply.error:
            await self._began.wait()
        return reply

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        self._finish("the server cut the connection within a reply")

    def data_received(self, data: bytes) -> None:
        if self._reply is None:
            # Nothing was asked: the next exchange finds the connection closed and says so.
            self.close()
            return
        self._buffer += data
        try:
            self._read(self._reply, data, time.monotonic())
        except MalformedHttpError as error:
            self._finish(f"malformed HTTP: {error}")
            self.close()

    def _read(self, reply: Reply, data: bytes, now: float) -> None:
        if self._head is None:
            self._head = read_head(self._buffer)
            if self._head is None:
                return
            reply.status = self._head.status
        if self._watch or not reply.first_text:
            self._count(reply, data, now)
        # Decoding chunks costs, so a stream is decoded once, when it looks finished.
        if self._head.length is None and not self._buffer.endswith(LAST_CHUNK):
            return
        found = read_body(self._buffer, self._head)
        if found is not None:
            reply.body, end = found
            self._finish("" if end == len(self._buffer) else "bytes after the end of the reply")

    def _count(self, reply: Reply, data: bytes, now: float) -> None:
        fresh = self._tail + data
        found = fresh.count(_TOKEN)
        self._tail = fresh[-_OVERLAP:]
        if not found:
            return
        reply.first_text = reply.first_text or now
        self._tokens += found
        reply.marks.append((now, self._tokens))
        if self._began is not None:
            self._began.set()

    def _finish(self, error: str) -> None:
        reply, waiter = self._reply, self._waiter
        self._reply = self._waiter = None
        if reply is not None and waiter is not None and not waiter.done():
            reply.error = error
            waiter.set_result(reply)
        if self._began is not None:
            self._began.set()


async def connect(port: int) -> Connection:
    loop = asyncio.get_running_loop()
    _, connection = await loop.create_connection(Connection, LOOPBACK, port)
    return connection
