"""Ends what the bench started, should the bench itself be killed without a word.

A child that outlives it: it is told what runs, and acts when the pipe from the bench closes.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class Guard:
    """The bench's end of the pipe."""

    def __init__(self, watcher: subprocess.Popen[str]) -> None:
        self._watcher = watcher

    def _tell(self, sign: str, pid: int) -> None:
        # A watcher that is gone cannot help, but must not stop the measurement either.
        with contextlib.suppress(OSError):
            print(sign, pid, file=self._watcher.stdin, flush=True)

    @contextlib.contextmanager
    def over(self, pid: int) -> Iterator[None]:
        """Watches a session of which ``pid`` is the leader, until left."""
        self._tell("+", pid)
        try:
            yield
        finally:
            self._tell("-", pid)


@contextlib.contextmanager
def guarding(directory: Path) -> Iterator[Guard]:
    """A watcher over what is started from here on, and over the run's own directory."""
    watcher = subprocess.Popen(
        [sys.executable, "-m", "bench.guard", str(directory)],
        stdin=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,
    )
    # Leaving closes the pipe and waits for the watcher, which then has nothing to end.
    with watcher:
        yield Guard(watcher)


def kill_session(leader: int) -> None:
    """Ends whatever is left of a session that we started; nothing else is in it."""
    if sys.platform != "win32":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)


def watch(told: Iterable[str]) -> None:
    """Reads "+ pid" and "- pid" until the end, then ends what is left."""
    running: set[int] = set()
    for line in told:
        sign, pid = line.split()
        (running.add if sign == "+" else running.discard)(int(pid))
    for leader in running:
        kill_session(leader)


if __name__ == "__main__":
    watch(sys.stdin)
    shutil.rmtree(sys.argv[1], ignore_errors=True)
