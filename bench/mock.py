"""A mock of Genspark that is faster than anything measured in front of it."""

import asyncio
import json
import re
import sys
from collections.abc import Callable
from typing import cast

from bench import frames
from bench.frames import COOKIE_PATH, KEY_PATH, Route
from bench.http1 import (
    LAST_CHUNK,
    MalformedHttpError,
    chunk,
    read_body,
    read_head,
    response,
)
from bench.loops import run, serve
from bench.mode import TOKEN, Kind, Mode, asked_for
from bench.pacer import Pacer

ROUTES = {COOKIE_PATH: Route.COOKIE, KEY_PATH: Route.KEY}
_STREAMED = re.compile(rb'"stream"\s*:\s*true')
_SMALL = {
    "/api/is_login": {"status": 0, "data": {"is_login": True}},
    "/api/moa_models_config": {"models": []},
    "/api/llm_proxy/v1/models": {"object": "list", "data": []},
}
_SMALL_REPLIES = {path: response(json.dumps(reply).encode()) for path, reply in _SMALL.items()}
_ANYTHING = response(b'{"status":0,"data":{}}')
_BAD_REQUEST = response(b'{"error":"not HTTP"}', "400 Bad Request")
# An idle stream that nobody closes ends by itself, cut like a dead upstream.
IDLE_LIMIT_S = 60.0


def stamp(first_due_ms: int) -> str:
    """First text of a paced reply: when (monotonic clock) its first token frame is due."""
    return f"at={first_due_ms / 1000:.3f} "


class Paced:
    """A stream that sends one token frame per period."""

    def __init__(self, route: Route, mode: Mode, begin: str, write: Callable[[bytes], None]):
        self.period_ms = mode.period_ms
        self.cancelled = False
        self._left = mode.frames
        self._frame = frames.TOKEN_CHUNKS[route]
        self._write = write
        text = begin + TOKEN * mode.frames
        self._end = chunk(frames.closing(route, text, mode.frames)) + LAST_CHUNK

    def emit(self) -> bool:
        if self.cancelled:
            return False
        self._left -= 1
        if self._left > 0:
            self._write(self._frame)
            return True
        self._write(self._frame + self._end)
        return False


class MockProtocol(asyncio.Protocol):
    """One keep-alive connection to the mock."""

    serial = 0

    def __init__(self, pacer: Pacer) -> None:
        self._pacer = pacer
        self._buffer = bytearray()
        self._paced: Paced | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        # Replies are bounded (MAX_FRAMES), so there is no need to stop writing half-way.
        self._transport.set_write_buffer_limits(high=1 << 24)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._paced is not None:
            self._paced.cancelled = True

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        try:
            while self._take_request():
                pass
        except MalformedHttpError:
            self._transport.write(_BAD_REQUEST)
            self._transport.close()

    def _take_request(self) -> bool:
        head = read_head(self._buffer)
        found = head and read_body(self._buffer, head)
        if not (head and found):
            return False
        body, end = found
        del self._buffer[:end]
        path = head.line.split(b" ")[1].partition(b"?")[0].decode("latin-1")
        self._answer(path, body)
        return bool(self._buffer)

    def _answer(self, path: str, body: bytes) -> None:
        route = ROUTES.get(path)
        if route is None:
            self._transport.write(_SMALL_REPLIES.get(path, _ANYTHING))
            return
        mode = asked_for(body)
        if route is Route.KEY and not _STREAMED.search(body):
            self._transport.write(frames.whole_completion(mode.frames))
        else:
            self._stream(route, mode)

    def _stream(self, route: Route, mode: Mode) -> None:
        MockProtocol.serial += 1
        serial = MockProtocol.serial
        if mode.kind is Kind.PACED:
            self._pace(route, mode, serial)
        elif mode.kind is Kind.IDLE:
            self._transport.write(frames.first_write(route, serial, TOKEN))
            asyncio.get_running_loop().call_later(IDLE_LIMIT_S, self._transport.close)
        else:
            self._transport.write(frames.first_write(route, serial))
            self._transport.writelines(frames.burst_rest(route, mode.frames))

    def _pace(self, route: Route, mode: Mode, serial: int) -> None:
        due = self._pacer.first_due(mode.period_ms)
        begin = stamp(due)
        self._paced = Paced(route, mode, begin, self._transport.write)
        self._transport.write(frames.first_write(route, serial, begin))
        self._pacer.join(self._paced, due)


def protocol_factory() -> Callable[[], MockProtocol]:
    pacer = Pacer()
    return lambda: MockProtocol(pacer)


if __name__ == "__main__":
    run(serve(protocol_factory(), int(sys.argv[1])))
