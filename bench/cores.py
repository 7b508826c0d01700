"""Which core runs what: the server alone on one, mock and load generator on another."""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass

# 1,000 streams are 2,000 sockets in a pass-through, and the default limit is often 1,024.
OPEN_FILES = 16_384


@dataclass(frozen=True, slots=True)
class Cores:
    server: int | None
    load: int | None

    def __str__(self) -> str:
        if self.server is None:
            return "not pinned (needs Linux and two cores)"
        return f"server on core {self.server}, mock and load generator on core {self.load}"


def choose() -> Cores:
    if sys.platform != "linux":
        return Cores(None, None)
    available = sorted(os.sched_getaffinity(0))
    if len(available) < 2:
        return Cores(None, None)
    return Cores(server=available[-1], load=available[0])


@contextlib.contextmanager
def on(core: int | None) -> Iterator[None]:
    """Run here, and start children here, on ``core`` until left."""
    if core is None or sys.platform != "linux":
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def allow_open_files() -> None:
    """Raise the soft limit on open files; children inherit it."""
    try:
        import resource
    except ImportError:  # Windows has no such limit to raise.
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
