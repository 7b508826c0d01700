"""Closed loops, idle streams and single requests: the loads without a schedule."""

import asyncio
import contextlib
import itertools
import os
import time
from dataclasses import dataclass

from bench.asking import ANSWER_LIMIT_S, ask, check, connections, together
from bench.client import Connection
from bench.mode import IDLE, Mode, burst
from bench.processes import BrokenServerError
from bench.servers import Server
from bench.usage import Meter, Usage, memory_kb

# Every so many replies one is read frame by frame, however right it looks.
READ_EVERY = 16
# At low load a request comes this long after the previous reply.
PAUSE_S = 0.001
LOW_LOAD = burst(4)
# Streams opened at once while piling up idle ones: below any listen backlog.
OPENING = 50
SETTLE_S = 0.3


@dataclass(frozen=True, slots=True)
class Closed:
    completed: int
    usage: Usage


@dataclass(frozen=True, slots=True)
class Load:
    """A closed loop: each of ``concurrency`` connections asks again once answered."""

    mode: Mode
    stream: bool
    concurrency: int
    seconds: float


async def closed_loop(server: Server, load: Load, mock_pid: int) -> Closed:
    async with connections(server, load.concurrency) as opened:
        for connection in opened:
            await ask(server, connection, load.mode, load.stream)
        meter = Meter(server.pid, [mock_pid])
        until = meter.started + load.seconds
        workers = [_repeat(server, load, connection, until) for connection in opened]
        try:
            counts = await together(workers, load.seconds + ANSWER_LIMIT_S)
        except TimeoutError:
            raise BrokenServerError(f"{load.mode.words}: replies stopped coming") from None
        return Closed(sum(counts), meter.read())


async def _repeat(server: Server, load: Load, connection: Connection, until: float) -> int:
    request = server.dialect.request(load.mode, load.stream)
    for completed in itertools.count(1):
        reply = await connection.exchange(request)
        check(server, reply, load.mode, thoroughly=completed % READ_EVERY == 0)
        if time.monotonic() >= until:
            break
    return completed


async def times_to_text(servers: list[Server], count: int) -> list[list[float]]:
    """Seconds to the first text, request by request in turn: all see the same noise."""
    times: list[list[float]] = [[] for _ in servers]
    async with contextlib.AsyncExitStack() as stack:
        opened = [
            (await stack.enter_async_context(connections(server, 1)))[0] for server in servers
        ]
        for server, connection in zip(servers, opened, strict=True):
            await ask(server, connection, LOW_LOAD)
        for _ in range(count):
            for server, connection, kept in zip(servers, opened, times, strict=True):
                reply = await ask(server, connection, LOW_LOAD)
                kept.append(reply.first_text - reply.sent)
                await asyncio.sleep(PAUSE_S)
    return times


async def idle_memory_kb(server: Server, count: int) -> float:
    """Growth of the server's memory per open stream that has begun and then says nothing."""
    pid = server.pid or os.getpid()
    async with connections(server, OPENING) as warm:
        await together([ask(server, one, LOW_LOAD) for one in warm], 2 * ANSWER_LIMIT_S)
    before = memory_kb(pid)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(0, count, OPENING):
            opened = await stack.enter_async_context(connections(server, OPENING))
            await together([_begin_idle(server, one) for one in opened], 2 * ANSWER_LIMIT_S)
        await asyncio.sleep(SETTLE_S)
        return (memory_kb(pid) - before) / count


async def _begin_idle(server: Server, connection: Connection) -> None:
    request = server.dialect.request(IDLE, True)
    try:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            reply = await connection.until_text(request)
    except TimeoutError:
        raise BrokenServerError("idle: the first text never came") from None
    if not reply.first_text:
        raise BrokenServerError(f"idle: {reply.failed or 'ended without its text'}")
