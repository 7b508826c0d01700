"""The raw pass-through baseline: the same bytes, and the same ends of connections."""

import asyncio
import contextlib
import random
from typing import cast

from bench_serving import RunOn, serving

from bench import passthrough
from bench.asking import ask, connections
from bench.mode import burst
from bench.servers import free_port

NOISE = random.Random(7).randbytes(3_000_000)


class Echo(asyncio.Protocol):
    """Sends back what it receives, and ends the connection when it says so."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:

        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(data)
        if data.endswith(b"bye"):
            self._transport.close()


def test_bytes_pass_unchanged_and_the_end_passes_too(run_on: RunOn) -> None:
    async def test() -> None:
        async with (
            serving(Echo) as upstream,
            serving(passthrough.protocol_factory(upstream.port)) as raw,
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", raw.port)
            writer.write(NOISE + b"bye")
            assert await reader.read(-1) == NOISE + b"bye"
            writer.close()

    run_on(test())


def test_a_whole_stream_passes(run_on: RunOn) -> None:
    async def test() -> None:
        async with (
            serving() as upstream,
            serving(passthrough.protocol_factory(upstream.port)) as raw,
            connections(raw, 2) as opened,
        ):
            for connection in opened * 2:
                await ask(raw, connection, burst(300))

    run_on(test())


def test_without_an_upstream_the_client_is_let_go(run_on: RunOn) -> None:
    async def test() -> None:
        async with serving(passthrough.protocol_factory(free_port())) as raw:
            reader, writer = await asyncio.open_connection("127.0.0.1", raw.port)
            with contextlib.suppress(ConnectionResetError):
                assert await reader.read() == b""
            writer.close()

    run_on(test())
