"""The stages: a server with jobs in flight, then a fresh one and baselines with downloads."""

import contextlib
import gc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.cores import Cores
from bench.guard import Guard
from bench.jobs.downloads import Copied, copied, downloads
from bench.jobs.flight import Subject, flight
from bench.jobs.metrics import SERVER
from bench.jobs.plan import Plan
from bench.jobs.services import BASELINES, Server, running_baseline, running_server
from bench.metrics import Sample
from bench.processes import BrokenServerError, Place, tail
from bench.sidecar.services import Emulator, running_emulator


@dataclass(slots=True)
class Results:
    """Samples by server, and why one has no more."""

    samples: dict[str, list[Sample]] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, samples: list[Sample]) -> None:
        self.samples.setdefault(name, []).extend(samples)

    def of(self, name: str, key: str) -> list[Sample]:
        return [sample for sample in self.samples.get(name, ()) if sample.key == key]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the bench: how much of it, where, and whom to tell."""

    plan: Plan
    cores: Cores
    directory: Path
    guard: Guard
    tell: Callable[[str], None]
    command: list[str] | None = None

    def load_place(self, stage: str) -> Place:
        return Place(self.cores.load, self.directory / stage, self.guard)

    def server_place(self, stage: str) -> Place:
        return Place(self.cores.server, self.directory / stage, self.guard)


async def measure(run: Run) -> Results:
    """A stage that is broken ends; the other is measured all the same."""
    results = Results()
    with _no_collection():
        for stage in (_in_flight, _downloading):
            with _noting_failure(results, SERVER):
                await stage(run, results)
    return results


async def _in_flight(run: Run, results: Results) -> None:
    run.tell(f"{run.plan.jobs:,} jobs in flight")
    async with (
        running_emulator(run.load_place("flight")) as emulator,
        running_server(emulator, run.plan, run.server_place("flight"), run.command) as server,
    ):
        with _noting_failure(results, SERVER, server.log):
            results.add(SERVER, await flight(Subject(run.plan, server, emulator)))


async def _downloading(run: Run, results: Results) -> None:
    run.tell("copying a large result")
    place = run.server_place("downloads")
    async with contextlib.AsyncExitStack() as stack:
        starting = running_emulator(run.load_place("downloads"))
        emulator = await stack.enter_async_context(starting)
        starting_server = running_server(emulator, run.plan, place, run.command)
        server = await stack.enter_async_context(starting_server)
        stack.enter_context(_noting_failure(results, SERVER, server.log))
        copy = await copied(server, emulator, run.plan)
        results.add(SERVER, copy.samples)
        others = await _baselines(stack, server, place, results)
        for number in range(1, run.plan.rounds + 1):
            run.tell(f"downloads, round {number}/{run.plan.rounds}")
            results.add(SERVER, await downloads(server, copy.path, run.plan, [emulator.pid]))
            await _others(run, others, copy, emulator, results)


async def _baselines(
    stack: contextlib.AsyncExitStack, server: Server, place: Place, results: Results
) -> dict[str, Server]:
    """Those that can be had here, over the server's own folder."""
    found = {}
    for one in BASELINES:
        if not one.missing():
            with _noting_failure(results, one.name):
                starting = running_baseline(one, server.media, place)
                found[one.name] = await stack.enter_async_context(starting)
    return found


async def _others(
    run: Run, others: dict[str, Server], copy: Copied, emulator: Emulator, results: Results
) -> None:
    for name, server in others.items():
        gc.collect()
        with _noting_failure(results, name, server.log):
            path = f"/{copy.name}"
            results.add(name, await downloads(server, path, run.plan, [emulator.pid]))


@contextlib.contextmanager
def _noting_failure(results: Results, name: str, log: Path | None = None) -> Iterator[None]:
    """Keeps the reason, and the end of the server's log, which is gone after the run."""
    try:
        yield
    except (TimeoutError, BrokenServerError) as error:
        reason = str(error) or "it took far too long"
        if log is not None and (last := tail(log)):
            reason += f"; its log ends: {last}"
        results.broken.setdefault(name, reason)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """A collection's pause would be counted as the server's."""
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
