"""CPU time and memory of a server process and its children, and whether the load core was full."""

import contextlib
import math
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

LINUX = sys.platform == "linux"


def family(pid: int) -> list[int]:
    """The process and its living descendants (nginx has a worker, others may have)."""
    found = [pid]
    for member in found:
        for children in Path(f"/proc/{member}/task").glob("*/children"):
            # A thread or child may end while we look.
            with contextlib.suppress(OSError):
                found += map(int, children.read_text().split())
    return found


def cpu_seconds(pid: int) -> float:
    """User plus system time of the family so far, all threads; NaN when unknown."""
    if not LINUX:
        return _from_ps(pid, "time", _clock_text)
    return math.fsum(map(_linux_cpu, family(pid)))


def _linux_cpu(pid: int) -> float:
    # The process's CPU clock, numbered as glibc's clock_getcpuclockid() does: the sum of
    # utime and stime in /proc/<pid>/stat, in nanoseconds instead of ticks of 10 ms.
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def memory_kb(pid: int) -> float:
    """Memory of the family, shared pages counted once (PSS); resident size elsewhere."""
    if not LINUX:
        return _from_ps(pid, "rss", float)
    return math.fsum(map(_linux_pss, family(pid)))


def _linux_pss(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return math.nan
    return next((float(line.split()[1]) for line in lines if line.startswith("Pss:")), math.nan)


def _from_ps(pid: int, column: str, parse: Callable[[str], float]) -> float:
    try:
        shown = subprocess.run(
            ["ps", "-o", f"{column}=", "-p", str(pid)], capture_output=True, text=True, check=True
        )
        return parse(shown.stdout.strip())
    except (OSError, ValueError, subprocess.CalledProcessError):
        return math.nan


def _clock_text(shown: str) -> float:
    """Seconds in ps's [hours:]minutes:seconds."""
    seconds = 0.0
    for part in shown.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds


@dataclass(frozen=True, slots=True)
class Usage:
    """What was consumed between two moments."""

    server_cpu: float
    load_cpu: float
    wall: float

    @property
    def load_busy(self) -> float:
        """Share of their core that the mock and the load generator used."""
        return self.load_cpu / self.wall if self.wall > 0 else 0.0


class Meter:
    """Reads the server's and the load side's CPU clocks from its creation to ``read``."""

    def __init__(self, server_pid: int | None, load_pids: Iterable[int]) -> None:
        self._server_pid = server_pid
        self._load_pids = tuple(load_pids)
        self.started = time.monotonic()
        self._server, self._load = self._clocks()

    def _clocks(self) -> tuple[float, float]:
        server = math.nan if self._server_pid is None else cpu_seconds(self._server_pid)
        mine = time.process_time()
        return server, mine + math.fsum(map(cpu_seconds, self._load_pids))

    def read(self) -> Usage:
        server, load = self._clocks()
        wall = time.monotonic() - self.started
        return Usage(server - self._server, load - self._load, wall)
