"""Checked exchanges: whatever a measurement sends goes through here, or is checked by it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Coroutine, Iterable
from typing import Any, TypeVar

from bench.client import Connection, Reply, connect
from bench.mode import Mode
from bench.processes import BrokenServerError
from bench.servers import Server

T = TypeVar("T")
# How long after its planned end a measurement still waits for replies under way.
ANSWER_LIMIT_S = 10.0


def check(server: Server, reply: Reply, mode: Mode, thoroughly: bool = True) -> None:
    """Raises unless the reply is the complete answer to ``mode``.

    Not thoroughly means: tokens are counted first, and frames read only if the count is off.
    """
    problem = reply.failed
    if not problem and (thoroughly or not server.dialect.looks_right(reply.body, mode)):
        problem = server.dialect.problem(reply.body, mode)
    if problem:
        raise BrokenServerError(f"{mode.words}: {problem}")


async def ask(server: Server, connection: Connection, mode: Mode, stream: bool = True) -> Reply:
    """One exchange, read thoroughly."""
    try:
        async with asyncio.timeout(ANSWER_LIMIT_S):
            reply = await connection.exchange(server.dialect.request(mode, stream))
    except TimeoutError:
        raise BrokenServerError(f"{mode.words}: no reply in {ANSWER_LIMIT_S:.0f} s") from None
    check(server, reply, mode)
    return reply


@contextlib.asynccontextmanager
async def connections(server: Server, count: int) -> AsyncIterator[list[Connection]]:
    """Keep-alive connections, aborted when left."""
    opened: list[Connection] = []
    try:
        for _ in range(count):
            opened.append(await dial(server))
        yield opened
    finally:
        for connection in opened:
            connection.close()
        # One turn of the loop, in which the aborted connections are let go.
        await asyncio.sleep(0)


async def dial(server: Server) -> Connection:
    try:
        return await connect(server.port)
    except OSError as error:
        raise BrokenServerError(f"refused a connection: {error}") from error


async def together(workers: Iterable[Coroutine[Any, Any, T]], limit_s: float) -> list[T]:
    """Results of all, or the first failure; none is left running, none runs past the limit."""
    try:
        async with asyncio.timeout(limit_s), asyncio.TaskGroup() as group:
            tasks = [group.create_task(worker, name="load") for worker in workers]
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]
