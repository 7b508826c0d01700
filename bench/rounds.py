"""Rounds: every server up, then each figure on A, B, C in turn, and all of it again."""

import contextlib
import gc
import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench import dialect
from bench.cores import Cores
from bench.figures import FIGURES, Context
from bench.frames import Route
from bench.guard import Guard
from bench.metrics import Sample
from bench.plan import Plan
from bench.processes import BrokenServerError, Place, tail
from bench.schedule import Step, paced_step
from bench.servers import Server, running, running_mock
from bench.targets import Target

Series = tuple[str, Route]
Tell = Callable[[str], None]


@dataclass(slots=True)
class Results:
    """Samples by target, route and metric, and why a series has none."""

    samples: dict[Series, list[Sample]] = field(default_factory=dict)
    broken: dict[Series, str] = field(default_factory=dict)
    # Each round's paced step with nothing between mock and load generator.
    controls: list[Step] = field(default_factory=list)

    def add(self, series: Series, samples: Iterable[Sample]) -> None:
        self.samples.setdefault(series, []).extend(samples)

    def of(self, series: Series, key: str) -> list[Sample]:
        return [sample for sample in self.samples.get(series, ()) if sample.key == key]


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the bench: what is measured, how much of it, where, and whom to tell."""

    plan: Plan
    targets: list[Target]
    figures: list[str]
    cores: Cores
    directory: Path
    guard: Guard
    tell: Tell

    def load_place(self) -> Place:
        return Place(self.cores.load, self.directory, self.guard)

    def server_place(self, number: int) -> Place:
        """Each round starts its servers in new directories."""
        return Place(self.cores.server, self.directory / str(number), self.guard)


async def measure(run: Run) -> Results:
    results = Results()
    gc.disable()  # A collection pause would be counted as the server's delay.
    try:
        async with running_mock(run.load_place()) as (port, pid):
            direct = {r: Server("direct", r, dialect.of_route(r), port) for r in Route}
            context = Context(run.plan, direct, pid)
            for number in range(1, run.plan.rounds + 1):
                await _round(run, context, port, number, results)
                if "paced" in run.figures:
                    results.controls.append(await _control(context))
    finally:
        gc.enable()
    return results


async def _control(context: Context) -> Step:
    server, plan = context.direct[Route.COOKIE], context.plan
    return await paced_step(server, plan.most_streams, plan.paced_s, context.mock_pid)


async def _round(run: Run, context: Context, mock_port: int, number: int, results: Results) -> None:
    label = f"round {number}/{run.plan.rounds}:"
    async with contextlib.AsyncExitStack() as stack:
        servers = []
        for target, route in itertools.product(run.targets, Route):
            # Once broken, always broken: its other numbers would be of no use to anybody.
            if (target.name, route) in results.broken:
                continue
            run.tell(f"{label} starting {target.name} ({route})")
            starting = running(target, route, mock_port, run.server_place(number))
            with _noting_failure(results, (target.name, route)):
                servers.append(await stack.enter_async_context(starting))
        for name, server in itertools.product(run.figures, servers):
            if (server.name, server.route) not in results.broken:
                run.tell(f"{label} {name} of {server.name} ({server.route})")
                await _figure(name, context, server, results)


async def _figure(name: str, context: Context, server: Server, results: Results) -> None:
    series = (server.name, server.route)
    gc.collect()
    with _noting_failure(results, series, server.log):
        results.add(series, await FIGURES[name](context, server))


@contextlib.contextmanager
def _noting_failure(results: Results, series: Series, log: Path | None = None) -> Iterator[None]:
    """Keeps the reason, and the end of the server's log, which is gone after the run."""
    try:
        yield
    except BrokenServerError as error:
        reason = str(error)
        if log is not None and (last := tail(log)):
            reason += f"; its log ends: {last}"
        results.broken.setdefault(series, reason)
