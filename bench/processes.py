"""Child processes on their core, each in a session of its own, stopped when left."""

import contextlib
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench import cores
from bench.guard import Guard, kill_session
from bench.targets import Launch, environment

STOP_LIMIT_S = 5.0
LOG, LOG_TAIL = "output.log", 800


class BrokenServerError(Exception):
    """A server that does not start, does not answer, or answers wrongly."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where children are started: on which core, below which directory, watched by whom."""

    core: int | None
    directory: Path
    guard: Guard

    def new_directory(self, name: str) -> Path:
        directory = self.directory / name
        directory.mkdir(parents=True)
        return directory


@contextlib.contextmanager
def process(launch: Launch, place: Place, directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child whose output goes into ``directory``."""
    with (directory / LOG).open("wb") as log, cores.on(place.core):
        child = _spawn(launch, directory, log)
    with place.guard.over(child.pid):
        try:
            yield child
        finally:
            _stop(child)


def _spawn(launch: Launch, directory: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(
            launch.command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=directory,
            env=environment(launch),
            start_new_session=True,
        )
    except OSError as error:
        raise BrokenServerError(f"cannot be started: {error}") from error


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        child.kill()
    finally:
        # Also reaches the children that it may have left behind.
        kill_session(child.pid)
        child.wait()


def tail(log: Path) -> str:
    """The end of what a child has written."""
    return log.read_text(errors="replace")[-LOG_TAIL:].strip()
