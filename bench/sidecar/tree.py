"""CPU time of a tree of processes whose members come and go, and who else used the machine."""

import math
import os
import time
from dataclasses import dataclass
from pathlib import Path

from bench.usage import LINUX, cpu_seconds, family, memory_kb


def tree_cpu_seconds(pid: int) -> float:
    """CPU time of the tree so far, never less than before: a renderer that ended has used its."""
    members = family(pid) if LINUX else []
    return math.fsum([cpu_seconds(pid), *map(_ended_children, members)])


def _stat(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat from the third on: a name before them may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()


def _ended_children(pid: int) -> float:
    """cutime and cstime: what children that were waited for had used, with theirs."""
    try:
        fields = _stat(pid)
    except OSError:
        return 0.0
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def memory_mb(pid: int) -> float:
    """Memory of the tree, shared pages counted once (PSS); a member that just ended has none."""
    sizes = [memory_kb(pid)] if not LINUX else [_pss_kb(member) for member in family(pid)]
    return math.fsum(sizes) / 1024


def _pss_kb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((float(line.split()[1]) for line in lines if line.startswith("Pss:")), 0.0)


def session_leaders(pid: int) -> list[int]:
    """Members of the tree, other than its root, that have left its session, as a browser does."""
    leaders = []
    for member in family(pid)[1:]:
        try:
            leads = int(_stat(member)[2]) == member
        except OSError:
            continue
        if leads:
            leaders.append(member)
    return leaders


def _machine_seconds() -> float:
    """All that the kernel counts as not idle, time stolen from this machine included."""
    if not LINUX:
        return math.nan
    total = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _idle, _wait, irq, softirq, stolen, *_ = map(int, total)
    return (user + nice + system + irq + softirq + stolen) / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Used:
    """What was used between two moments. ``others`` and ``load_busy`` are shares of all cores."""

    sidecar_cpu: float
    load_busy: float
    others: float
    wall: float


class Meter:
    """Compares CPU clocks from its creation to ``read``; everything measured is our descendant."""

    def __init__(self, sidecar_pid: int, load_pid: int) -> None:
        self._sidecar_pid, self._load_pid = sidecar_pid, load_pid
        self._began = time.monotonic()
        self._before = self._clocks()

    def _clocks(self) -> tuple[float, float, float]:
        """Of the sidecar, of what loads it, of all others."""
        sidecar = tree_cpu_seconds(self._sidecar_pid)
        load = time.process_time() + tree_cpu_seconds(self._load_pid)
        return sidecar, load, _machine_seconds() - tree_cpu_seconds(os.getpid())

    def read(self) -> Used:
        wall = time.monotonic() - self._began
        pairs = zip(self._clocks(), self._before, strict=True)
        sidecar, load, others = (now - before for now, before in pairs)
        share = others / (wall * (os.cpu_count() or 1))
        return Used(sidecar, load / wall, share if math.isnan(share) else max(share, 0.0), wall)
