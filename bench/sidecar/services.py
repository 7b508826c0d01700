"""The emulator and the sidecar as processes, ready to be asked, and everything gone afterwards."""

import asyncio
import contextlib
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench.client import Reply, connect
from bench.guard import kill_session
from bench.http1 import request
from bench.loops import LOOPBACK
from bench.processes import LOG, BrokenServerError, Place, process, tail
from bench.servers import free_port
from bench.sidecar.tree import session_leaders
from bench.targets import Launch, beside_python

START_LIMIT_S: Final = 30.0
POLL_S: Final = 0.005
POLL_LIMIT_S: Final = 5.0
# Which browser to run is the machine's business, unlike all other configuration.
KEPT: Final = ("CHROMIUM_PATH", "PLAYWRIGHT_BROWSERS_PATH")


@dataclass(frozen=True, slots=True)
class Emulator:
    port: int
    pid: int

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A sidecar that is ready; ``began`` is when its process was started, by our clock."""

    port: int
    pid: int
    began: float
    ready_s: float
    tokens: set[str] = field(default_factory=set)


@contextlib.asynccontextmanager
async def running_emulator(place: Place) -> AsyncIterator[Emulator]:
    port, directory = free_port(), place.new_directory("emulator")
    command = [beside_python("genspark2api"), "emulator", "--port", str(port)]
    with process(Launch(command), place, directory) as child:
        await _wait_for(child, port, "/__emulator__/", directory / LOG)
        yield Emulator(port, child.pid)


@contextlib.asynccontextmanager
async def running_sidecar(
    emulator: Emulator, max_contexts: int | None, place: Place, command: list[str] | None = None
) -> AsyncIterator[Sidecar]:
    """A fresh sidecar, as its users start it; without a number it keeps its default."""
    # A short name: the browser has a socket below it, whose path may have 107 characters in all.
    port, directory = free_port(), place.new_directory("s")
    env = {name: os.environ[name] for name in KEPT if name in os.environ} | {
        "HOST": LOOPBACK,
        "PORT": str(port),
        "GENSPARK_BASE_URL": emulator.url,
        # The browser's profile goes where everything of this run is removed at its end.
        "TMPDIR": str(directory),
        **({} if max_contexts is None else {"MAX_CONTEXTS": str(max_contexts)}),
    }
    launch = Launch(command or [beside_python("genspark2api-sidecar")], env)
    began, log = time.monotonic(), directory / LOG
    with contextlib.ExitStack() as stack:
        leaders = stack.enter_context(_browsers())
        child = stack.enter_context(process(launch, place, directory))
        stack.callback(lambda: leaders.update(session_leaders(child.pid)))
        await _wait_for(child, port, "/readyz", log)
        ready = time.monotonic() - began
        for leader in session_leaders(child.pid):
            leaders.add(leader)
            stack.enter_context(place.guard.over(leader))
        with _log_in_failure(log):
            yield Sidecar(port, child.pid, began, ready)


@contextlib.contextmanager
def _browsers() -> Iterator[set[int]]:
    """Sessions that a sidecar opened for its browsers; it closes them, or this does."""
    leaders: set[int] = set()
    try:
        yield leaders
    finally:
        for leader in leaders:
            kill_session(leader)


@contextlib.contextmanager
def _log_in_failure(log: Path) -> Iterator[None]:
    """The log is gone after the run."""
    try:
        yield
    except BrokenServerError as error:
        raise BrokenServerError(f"{error}; its log ends: {tail(log)}") from error


async def _wait_for(child: subprocess.Popen[bytes], port: int, path: str, log: Path) -> None:
    """Until a GET says 200."""
    until = time.monotonic() + START_LIMIT_S
    while (await get(port, path)).failed:
        if child.poll() is not None:
            raise BrokenServerError(f"exited with {child.returncode}: {tail(log)}")
        if time.monotonic() > until:
            raise BrokenServerError(f"not ready in {START_LIMIT_S:.0f} s: {tail(log)}")
        await asyncio.sleep(POLL_S)


async def get(port: int, path: str) -> Reply:
    """One request on a connection of its own; what goes wrong is in the reply."""
    began = time.monotonic()
    try:
        connection = await connect(port)
    except OSError as error:
        return Reply(began, error=str(error))
    try:
        async with asyncio.timeout(POLL_LIMIT_S):
            return await connection.exchange(request("GET", path, {}))
    except TimeoutError:
        return Reply(began, error=f"no reply in {POLL_LIMIT_S:.0f} s")
    finally:
        connection.close()
