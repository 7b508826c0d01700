"""Running servers: the mock, and one of a target on a route, ready to be asked."""

import asyncio
import contextlib
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

from bench.client import connect
from bench.dialect import Dialect
from bench.frames import Route
from bench.http1 import request
from bench.loops import LOOPBACK
from bench.processes import LOG, BrokenServerError, Place, process, tail
from bench.targets import Site, Target, python_module

START_LIMIT_S = 20.0
POLL_S = 0.005
POLL_LIMIT_S = 2.0


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server is and how to talk to it; without ``pid`` it is the mock itself."""

    name: str
    route: Route
    dialect: Dialect
    port: int
    pid: int | None = None
    startup_s: float = 0.0
    log: Path | None = None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


async def _ready(port: int) -> bool:
    try:
        connection = await connect(port)
    except OSError:
        return False
    try:
        async with asyncio.timeout(POLL_LIMIT_S):
            return (await connection.exchange(request("GET", "/readyz", {}))).status == 200
    except TimeoutError:
        return False
    finally:
        connection.close()


async def wait_ready(child: subprocess.Popen[bytes], port: int, log: Path) -> float:
    """Seconds until GET /readyz says 200."""
    began = time.monotonic()
    while not await _ready(port):
        if child.poll() is not None:
            raise BrokenServerError(f"exited with {child.returncode}: {tail(log)}")
        if time.monotonic() - began > START_LIMIT_S:
            raise BrokenServerError(f"not ready in {START_LIMIT_S:.0f} s: {tail(log)}")
        await asyncio.sleep(POLL_S)
    return time.monotonic() - began


@contextlib.asynccontextmanager
async def running_mock(place: Place) -> AsyncIterator[tuple[int, int]]:
    """The mock upstream's port and process id."""
    port, directory = free_port(), place.new_directory("mock")
    with process(python_module("bench.mock", port), place, directory) as child:
        await wait_ready(child, port, directory / LOG)
        yield port, child.pid


@contextlib.asynccontextmanager
async def running(
    target: Target, route: Route, mock_port: int, place: Place
) -> AsyncIterator[Server]:
    """A fresh server with an empty directory: every start is a first start."""
    directory = place.new_directory(f"{target.name}-{route}")
    site, log = Site(free_port(), mock_port, route, directory), directory / LOG
    with process(target.launch(site), place, directory) as child:
        startup = await wait_ready(child, site.port, log)
        spoken = target.dialect(route)
        yield Server(target.name, route, spoken, site.port, child.pid, startup, log)
