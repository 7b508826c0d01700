"""A sidecar, real or not, started as the bench does it."""

import os
import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from bench.guard import guarding
from bench.processes import Place
from bench.sidecar.figures import Subject
from bench.sidecar.plan import Plan
from bench.sidecar.services import Emulator, running_emulator, running_sidecar

FAKE: Final = Path(__file__).with_name("fake_sidecar.py")
TINY: Final = Plan(rounds=1, warm_tokens=3, displacing=1, loop_s=0.05, settle_s=0)


def fake_command(behaviour: str) -> list[str]:
    """The command that starts the fake."""
    return [sys.executable, str(FAKE), behaviour]


@asynccontextmanager
async def real_sidecar(directory: Path) -> AsyncIterator[Subject]:
    """With the emulator."""
    async with (
        _place(directory) as place,
        running_emulator(place) as emulator,
        running_sidecar(emulator, None, place) as sidecar,
    ):
        yield Subject(TINY, sidecar, emulator)


@asynccontextmanager
async def fake_sidecar(directory: Path, behaviour: str = "right") -> AsyncIterator[Subject]:
    """Without a page behind it."""
    emulator = Emulator(port=0, pid=os.getpid())
    async with (
        _place(directory) as place,
        running_sidecar(emulator, None, place, fake_command(behaviour)) as sidecar,
    ):
        yield Subject(TINY, sidecar, emulator)


@asynccontextmanager
async def _place(directory: Path) -> AsyncIterator[Place]:
    runs = directory / "runs"
    with guarding(runs) as guard:
        yield Place(None, runs, guard)
    shutil.rmtree(runs, ignore_errors=True)


def started_in(directory: Path) -> set[int]:
    """Living processes that work below this directory, as all do that the bench starts."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            where = (process / "cwd").readlink()
        except OSError:
            continue
        if where.is_relative_to(directory):
            found.add(int(process.name))
    return found
