"""How much of the bench's cores went to somebody else, without which no number can be judged."""

import math
import os
import sys
import time
from pathlib import Path

from bench.cores import Cores

# Above this a median says more about the neighbours than about the server.
NOISY = 0.05


def _busy_seconds(cores: set[str]) -> float:
    """What the kernel counts as not idle on these cores, time stolen from this machine included."""
    total = 0
    for line in Path("/proc/stat").read_text().splitlines():
        name, *ticks = line.split()
        if name in cores:
            user, nice, system, _idle, _wait, irq, softirq, stolen, *_ = map(int, ticks)
            total += user + nice + system + irq + softirq + stolen
    return total / os.sysconf("SC_CLK_TCK")


def _own_seconds() -> float:
    """Of this process and of all children that have ended."""
    return sum(os.times()[:4])


class Neighbours:
    """Compares the cores' time with our own, from its creation on; children must have ended."""

    def __init__(self, cores: Cores) -> None:
        self._names = {f"cpu{core}" for core in (cores.server, cores.load) if core is not None}
        self._began, self._others = time.monotonic(), self._read()

    def _read(self) -> float:
        if not self._names or sys.platform != "linux":
            return math.nan
        return _busy_seconds(self._names) - _own_seconds()

    def share(self) -> float:
        """Share of the cores that others used; NaN (hence first in max) if unknown."""
        possible = (time.monotonic() - self._began) * max(1, len(self._names))
        return max(self._read() - self._others, 0.0) / possible

    def __str__(self) -> str:
        share = self.share()
        if math.isnan(share):
            return ""
        warning = ": NOISY, rely on the ratios" if share > NOISY else ""
        return f"; other processes used {share:.0%} of both cores{warning}"
