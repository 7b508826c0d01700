"""What callers and the emulator's script send, each reply checked and decoded."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any, Final

from bench.client import Connection, connect
from bench.dialect import SECRET
from bench.http1 import request
from bench.processes import BrokenServerError

ANSWER_LIMIT_S: Final = 60.0
# A model of the cookie route that needs no picture.
MODEL: Final = "kling/v3"
MOST_LISTED: Final = 200


class Caller:
    """One kept connection; asks one thing at a time."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def ask(self, method: str, path: str, fields: dict[str, Any] | None = None) -> Any:
        """The JSON of a reply. Raises ``BrokenServerError`` unless it is a complete 200."""
        body = b"" if fields is None else json.dumps(fields).encode()
        headers = {"authorization": f"Bearer {SECRET}", "content-type": "application/json"}
        try:
            async with asyncio.timeout(ANSWER_LIMIT_S):
                reply = await self._connection.exchange(request(method, path, headers, body))
        except TimeoutError:
            raise BrokenServerError(f"{path}: no reply in {ANSWER_LIMIT_S:.0f} s") from None
        if reply.failed:
            raise BrokenServerError(f"{method} {path}: {reply.failed}")
        return json.loads(reply.body)

    async def create(self, number: int) -> str:
        """A new video job's id."""
        fields = {"model": MODEL, "prompt": f"a cat plays with yarn, take {number}"}
        created: str = (await self.ask("POST", "/v1/videos", fields))["id"]
        return created

    async def job(self, job_id: str) -> dict[str, Any]:
        """A job with its history."""
        shown: dict[str, Any] = await self.ask("GET", f"/v1/jobs/{job_id}")
        return shown

    async def states(self) -> list[str]:
        """The state of every job, the newest first."""
        states, after = [], ""
        while True:
            page = await self.ask("GET", f"/v1/jobs?limit={MOST_LISTED}{after}")
            states += [job["state"] for job in page["data"]]
            if not page["has_more"]:
                return states
            after = f"&after={page['data'][-1]['id']}"


@contextlib.asynccontextmanager
async def calling(port: int, count: int = 1) -> AsyncIterator[list[Caller]]:
    """Callers on connections that are closed when left."""
    connections: list[Connection] = []
    try:
        for _ in range(count):
            connections.append(await _dial(port))
        yield [Caller(connection) for connection in connections]
    finally:
        for connection in connections:
            connection.close()


async def _dial(port: int) -> Connection:
    try:
        return await connect(port)
    except OSError as error:
        raise BrokenServerError(f"refused a connection: {error}") from error


async def control(port: int, method: str, path: str, fields: dict[str, Any] | None = None) -> Any:
    """One call of the emulator's control interface."""
    async with calling(port) as [caller]:
        return await caller.ask(method, f"/__emulator__/{path}", fields)


def moment(job: dict[str, Any], event: str) -> float:
    """When it first happened to a job, in epoch seconds."""
    for line in job["history"]:
        if line["event"] == event:
            at: float = line["at"]
            return at
    raise BrokenServerError(f"a job that is {job['state']} was never {event}: {job['error']}")
