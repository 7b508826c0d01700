"""Baseline: the least a Python server can do for a file. The kernel copies it to the socket.

On asyncio's own loop, as uvloop has no ``sendfile``. Run as a program: port, folder.
"""

import asyncio
import sys
from pathlib import Path
from typing import cast

from bench.http1 import END_OF_HEAD
from bench.loops import listen


class Serving(asyncio.Protocol):
    """One connection, one request at a time, for a file of the folder by its name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._head = bytearray()
        self._transport: asyncio.Transport | None = None
        self._sending: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._head += data
        if self._head.endswith(END_OF_HEAD):
            name = Path(self._head.split(b" ", 2)[1].decode()).name
            self._head.clear()
            loop = asyncio.get_running_loop()
            self._sending = loop.create_task(self._send(name), name="send")

    async def _send(self, name: str) -> None:
        transport = self._transport
        assert transport is not None
        if name == "readyz":
            transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")
            return
        with (self._folder / name).open("rb") as file:
            size = (self._folder / name).stat().st_size
            transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
            try:
                await asyncio.get_running_loop().sendfile(transport, file, fallback=False)
            except OSError:
                # The client left.
                transport.abort()


async def _serve(port: int, folder: Path) -> None:
    async with await listen(lambda: Serving(folder), port) as server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), Path(sys.argv[2])))
