"""Baseline: the least a Python proxy can do. Bytes in, the same bytes out, no parsing."""

import asyncio
import sys
from collections.abc import Callable
from typing import cast

from bench.loops import LOOPBACK, run, serve


class Pipe(asyncio.Protocol):
    """One side of a connection pair; what it receives its peer sends."""

    def __init__(self) -> None:
        self.peer: Pipe | None = None
        self.transport: asyncio.Transport | None = None
        self.closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        if self.peer is not None and self.peer.transport is not None:
            self.peer.transport.write(data)

    def pause_writing(self) -> None:
        if self.peer is not None and self.peer.transport is not None:
            self.peer.transport.pause_reading()

    def resume_writing(self) -> None:
        peer = self.peer
        if peer is not None and peer.transport is not None and not peer.closed:
            peer.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        if self.peer is not None and self.peer.transport is not None:
            self.peer.transport.close()


class Accepted(Pipe):
    """The client's side; dials the upstream once the client is there."""

    def __init__(self, upstream_port: int) -> None:
        super().__init__()
        self._upstream_port = upstream_port
        # What the client sends before the upstream connection stands: one request.
        self._early = bytearray()
        self._dialling: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._dialling = asyncio.get_running_loop().create_task(self._dial(), name="dial")

    def data_received(self, data: bytes) -> None:
        if self.peer is None:
            self._early += data
        else:
            super().data_received(data)

    async def _dial(self) -> None:
        upstream = Pipe()
        upstream.peer = self
        loop = asyncio.get_running_loop()
        try:
            dialled, _ = await loop.create_connection(
                lambda: upstream, LOOPBACK, self._upstream_port
            )
        except OSError:
            if self.transport is not None:
                self.transport.abort()
            return
        self.peer = upstream
        if self.closed:
            dialled.close()
        elif self._early:
            dialled.write(bytes(self._early))


def protocol_factory(upstream_port: int) -> Callable[[], Accepted]:
    return lambda: Accepted(upstream_port)


if __name__ == "__main__":
    run(serve(protocol_factory(int(sys.argv[2])), int(sys.argv[1])))
