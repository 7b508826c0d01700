"""Many large files at once, their bytes counted and thrown away; and one copied from upstream."""

import asyncio
import hashlib
import time
from dataclasses import dataclass
from typing import Any, Final, cast
from urllib.parse import urlsplit

from bench.asking import together
from bench.client import connect
from bench.http1 import MalformedHttpError, read_head, request
from bench.jobs.caller import calling, control, moment
from bench.jobs.memory import Growth
from bench.jobs.plan import Plan
from bench.jobs.services import Server
from bench.loops import LOOPBACK
from bench.metrics import Sample
from bench.processes import BrokenServerError
from bench.sidecar.services import Emulator
from bench.stats import quantile
from bench.usage import Meter, Usage

MIB: Final = 1024 * 1024
# One for all connections: what is read is not looked at.
_BUFFER: Final = memoryview(bytearray(MIB))
COPY_LIMIT_S: Final = 120.0
DOWNLOAD_LIMIT_S: Final = 300.0


class Counting(asyncio.BufferedProtocol):
    """Counts the bytes of one reply. ``done`` says what was wrong with it; nothing, if it is."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._left: int | None = None
        self.done: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        return _BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        if self._left is None:
            self._head += _BUFFER[:nbytes]
            self._begin()
        else:
            self._left -= nbytes
        if self._left is not None and self._left <= 0:
            self._finish("" if self._left == 0 else "more bytes than announced")

    def _begin(self) -> None:
        """The head, once it is complete, says how much is to come."""
        try:
            head = read_head(self._head)
            if head is None:
                return
            if head.status != 200 or head.length is None:
                self._finish(f"status {head.status}: {bytes(self._head[head.end :][:160])!r}")
                return
        except MalformedHttpError as error:
            self._finish(f"malformed HTTP: {error}")
            return
        self._left = head.length - (len(self._head) - head.end)

    def connection_lost(self, exc: Exception | None) -> None:
        self._finish("the connection was cut within a file")

    def close(self) -> None:
        """Also in the middle of a reply."""
        if self.transport is not None:
            self.transport.abort()

    def _finish(self, error: str) -> None:
        if not self.done.done():
            self.done.set_result(error)


async def _fetch(one: Counting, path: str) -> float:
    """How long a whole file took."""
    began = time.monotonic()
    assert one.transport is not None
    one.transport.write(request("GET", path, {}))
    if error := await one.done:
        raise BrokenServerError(f"{path}: {error}")
    return time.monotonic() - began


async def downloads(server: Server, path: str, plan: Plan, load_pids: list[int]) -> list[Sample]:
    """All at once, of the same file."""
    loop = asyncio.get_running_loop()
    opened: list[Counting] = []
    try:
        for _ in range(plan.downloads):
            opened.append((await loop.create_connection(Counting, LOOPBACK, server.port))[1])
        growth, meter = Growth(server.pid), Meter(server.pid, load_pids)
        times = await together([_fetch(one, path) for one in opened], DOWNLOAD_LIMIT_S)
        return _figures(plan, times, meter.read(), growth)
    finally:
        for one in opened:
            one.close()
        # One turn of the loop, in which the aborted connections are let go.
        await asyncio.sleep(0)


def _figures(plan: Plan, times: list[float], used: Usage, growth: Growth) -> list[Sample]:
    megabytes, busy = plan.downloads * plan.file_mib * MIB / 1e6, used.load_busy
    return [
        Sample("mb_per_s", megabytes / used.wall, busy),
        Sample("gb_cpu_s", used.server_cpu / megabytes * 1000, busy),
        Sample("slowest", max(times) / quantile(times, 0.5), busy),
        Sample("growth_mb", growth.read_mb()),
    ]


@dataclass(frozen=True, slots=True)
class Copied:
    """A large result in the server's media folder: its file's name and its signed address."""

    name: str
    path: str
    samples: list[Sample]


async def copied(server: Server, emulator: Emulator, plan: Plan) -> Copied:
    """Have a large video made, after a small one that warms everything up."""
    async with asyncio.timeout(COPY_LIMIT_S):
        await _made(server, 0)
        rule = {"flow": "video", "file_mb": plan.file_mib}
        await control(emulator.port, "POST", "script", rule)
        growth = Growth(server.pid)
        job = await _made(server, 1)
    seconds = moment(job, "stored") - moment(job, "delivered")
    samples = [Sample("copy_s", seconds), Sample("copy_growth_mb", growth.read_mb())]
    file, path = job["files"][0], urlsplit(job["urls"][0]).path
    await _compare(server, path, file, plan.file_mib * MIB)
    return Copied(file["name"], path, samples)


async def _made(server: Server, number: int) -> dict[str, Any]:
    async with calling(server.port) as [caller]:
        job_id = await caller.create(number)
        while (job := await caller.job(job_id))["state"] != "completed":
            if job["error"] is not None:
                raise BrokenServerError(f"a job ended as {job['state']}: {job['error']}")
            await asyncio.sleep(0.1)
    return job


async def _compare(server: Server, path: str, file: dict[str, Any], size: int) -> None:
    """One whole download, byte by byte: fast nonsense is worth nothing."""
    connection = await connect(server.port)
    try:
        reply = await connection.exchange(request("GET", path, {}))
    finally:
        connection.close()
    if reply.failed:
        raise BrokenServerError(f"{path}: {reply.failed}")
    if len(reply.body) != size or hashlib.sha256(reply.body).hexdigest() != file["sha256"]:
        raise BrokenServerError(f"{len(reply.body)} bytes came, which are not the result's")
