"""Rounds: three fresh sidecars one after another, each for what it is set up for."""

import contextlib
import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from bench import cores
from bench.cores import Cores
from bench.guard import Guard
from bench.metrics import Sample
from bench.processes import BrokenServerError, Place
from bench.sidecar.figures import Figure, Subject, one_core, opening, warm
from bench.sidecar.plan import OPEN, PARALLEL, Plan
from bench.sidecar.services import running_emulator, running_sidecar


@dataclass(frozen=True, slots=True)
class Stage:
    """One sidecar's life. Without ``max_contexts`` it keeps its default."""

    words: str
    figure: Figure
    max_contexts: int | None
    on_one_core: bool = False


STAGES: Final = (
    Stage("new accounts and memory", opening, max(OPEN)),
    Stage("a warm page", warm, None),
    Stage(f"{PARALLEL} accounts on one core", one_core, PARALLEL, on_one_core=True),
)


@dataclass(slots=True)
class Results:
    """Samples of all rounds, and why there are no more."""

    samples: list[Sample] = field(default_factory=list)
    broken: str = ""

    def of(self, key: str) -> list[Sample]:
        return [sample for sample in self.samples if sample.key == key]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the bench: how much of it, where, and whom to tell."""

    plan: Plan
    cores: Cores
    directory: Path
    guard: Guard
    tell: Callable[[str], None]
    command: list[str] | None = None


async def measure(run: Run) -> Results:
    """Ends at the first thing that is broken: no number after that would be of use."""
    results = Results()
    try:
        with _no_collection():
            for number in range(1, run.plan.rounds + 1):
                for stage in STAGES:
                    run.tell(f"round {number}/{run.plan.rounds}: {stage.words}")
                    results.samples += await _stage(run, stage, number)
    except BrokenServerError as error:
        results.broken = str(error)
    return results


async def _stage(run: Run, stage: Stage, number: int) -> list[Sample]:
    own, load = (run.cores.server, run.cores.load) if stage.on_one_core else (None, None)
    # Short names, for the browser's sake: see ``running_sidecar``.
    directory = run.directory / f"{number}-{stage.max_contexts}"
    gc.collect()
    with cores.on(load):
        async with (
            running_emulator(Place(load, directory, run.guard)) as emulator,
            running_sidecar(
                emulator, stage.max_contexts, Place(own, directory, run.guard), run.command
            ) as sidecar,
        ):
            return await stage.figure(Subject(run.plan, sidecar, emulator))


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """A collection's pause would be counted as the sidecar's."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
