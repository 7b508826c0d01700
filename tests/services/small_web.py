"""A web server of a test's own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

HERE = "127.0.0.1"
Answer = Callable[[str, str], Awaitable[bytes]]


@dataclass
class Web:
    """``answer`` makes a reply of method and path; ``asked`` are those that came."""

    answer: Answer
    url: str = ""
    asked: list[str] = field(default_factory=list)
    busy: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.busy.add(task)
        try:
            # Ends quietly when the test is over or the client has gone.
            with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._serve_one(reader, writer)
        finally:
            writer.transport.abort()

    async def _serve_one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, path, *_ = head.split()
        self.asked.append(f"{method} {path}")
        writer.write(await self.answer(method, path))
        await writer.drain()
        writer.close()
        await writer.wait_closed()


def reply(body: bytes, status: str = "200 OK") -> bytes:
    """A whole answer."""
    head = f"HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


def pages(**bodies: bytes) -> Answer:
    """Answers ``/name`` with its body, anything else with 404."""

    async def answer(_: str, path: str) -> bytes:
        found = bodies.get(path.strip("/"))
        return reply(b"", "404 Not Found") if found is None else reply(found)

    return answer


async def never(_: str, __: str) -> bytes:
    """An answer that does not come."""
    await asyncio.Event().wait()
    return b""


@asynccontextmanager
async def serving(answer: Answer) -> AsyncIterator[Web]:
    """Serve until the block ends."""
    web = Web(answer)
    server = await asyncio.start_server(web.serve, HERE, 0)
    web.url = f"http://{HERE}:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield web
        for task in web.busy:
            task.cancel()
        await asyncio.gather(*web.busy)


async def unfinished() -> list[str]:
    """Running tasks but this one and the server's; those that were cancelled may end first."""
    for _ in range(5):
        await asyncio.sleep(0)
    others = asyncio.all_tasks() - {asyncio.current_task()}
    return [repr(task) for task in others if not _serves(task)]


def _serves(task: asyncio.Task[Any]) -> bool:
    return "Web.serve" in repr(task.get_coro())
