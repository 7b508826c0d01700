"""How much of a process is in memory, and how much it was at most since a moment."""

import math
from pathlib import Path
from typing import Final

from bench.usage import LINUX, memory_kb

# Written to clear_refs this sets the peak to what is in memory now (proc(5), since Linux 4.0).
RESET_PEAK: Final = "5"


def resident_mb(pid: int) -> float:
    """Resident size; files that the kernel keeps in memory by itself are not part of it."""
    return _status_mb(pid, "VmRSS") if LINUX else memory_kb(pid) / 1024


def _status_mb(pid: int, name: str) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return math.nan
    sizes = [float(line.split()[1]) / 1024 for line in lines if line.startswith(name + ":")]
    return sizes[0] if sizes else math.nan


class Growth:
    """The most that a process had in memory since now, beyond what it has now; NaN if unknown."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._before = resident_mb(pid)
        self._known = _reset_peak(pid)

    def read_mb(self) -> float:
        """In MB; what came and went between two looks is in it."""
        if not self._known:
            return math.nan
        return max(0.0, _status_mb(self._pid, "VmHWM") - self._before)


def _reset_peak(pid: int) -> bool:
    try:
        Path(f"/proc/{pid}/clear_refs").write_text(RESET_PEAK)
    except OSError:
        return False
    return True
