"""``python -m bench``: measure, print the table, say with the exit status whether it works."""

import asyncio
import shlex
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench import cores, targets
from bench.figures import FIGURES
from bench.guard import guarding
from bench.loops import run
from bench.metrics import table
from bench.neighbours import Neighbours
from bench.plan import FULL, QUICK, Plan
from bench.report import WIDTH, Report
from bench.rounds import Run, measure

Only = Annotated[list[str] | None, typer.Option(help=f"Figures: {', '.join(FIGURES)}.")]
Names = Annotated[list[str] | None, typer.Option(help="Servers: proxy, raw, nginx.")]
Rounds = Annotated[int | None, typer.Option(min=1, max=20, help="Interleaved rounds.")]
Json = Annotated[Path | None, typer.Option("--json", help="Also write all samples here.")]
Serve = Annotated[str | None, typer.Option(help="Start the proxy with this command instead.")]
Quick = Annotated[bool, typer.Option("--quick", help="One short round.")]


# What a shell reports for a command that was stopped by Ctrl-C.
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Choice:
    """What the command line asked for."""

    plan: Plan
    figures: list[str]
    targets: list[targets.Target]
    missing: dict[str, str]


def chosen(wanted: list[str] | None, known: list[str], what: str) -> list[str]:
    """The wanted names in the order of the known ones; all when none is given."""
    unknown = set(wanted or ()) - set(known)
    if unknown:
        raise typer.BadParameter(f"no {what} {', '.join(sorted(unknown))}; there are {known}")
    return [name for name in known if not wanted or name in wanted]


def main(
    quick: Quick = False,
    only: Only = None,
    target: Names = None,
    rounds: Rounds = None,
    json: Json = None,
    serve: Serve = None,
) -> None:
    """Measure the proxy side by side with pass-through baselines, on loopback only."""
    plan = QUICK if quick else FULL
    everything = targets.everything(shlex.split(serve) if serve else None)
    names = chosen(target, [one.name for one in everything], "server")
    asked = [one for one in everything if one.name in names]
    choice = Choice(
        plan=replace(plan, rounds=rounds or plan.rounds),
        figures=chosen(only, list(FIGURES), "figure"),
        targets=[one for one in asked if not one.missing()],
        missing={one.name: one.missing() for one in asked if one.missing()},
    )
    try:
        report = bench(choice, Console(stderr=True))
    except asyncio.CancelledError:  # SIGTERM or SIGHUP; Ctrl-C says so by itself.
        raise typer.Exit(INTERRUPTED) from None
    console = Console()
    report.show(console if console.is_terminal else Console(width=WIDTH))
    if json is not None:
        report.write(json)
    raise typer.Exit(1 if report.subject_broken else 0)


def bench(choice: Choice, progress: Console) -> Report:
    """One run in a directory that is gone afterwards."""
    began, where = time.monotonic(), cores.choose()
    neighbours = Neighbours(where)
    cores.allow_open_files()
    with (
        tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as directory,
        guarding(Path(directory)) as guard,
        cores.on(where.load),
        progress.status("starting") as status,
    ):
        planned = Run(
            plan=choice.plan,
            targets=choice.targets,
            figures=choice.figures,
            cores=where,
            directory=Path(directory),
            guard=guard,
            tell=status.update,
        )
        results = run(measure(planned))
    rounds = "one round" if choice.plan.rounds == 1 else f"{choice.plan.rounds} interleaved rounds"
    took = f"{rounds} in {time.monotonic() - began:.0f} s; {where}{neighbours}"
    names = [target.name for target in choice.targets]
    return Report(results, table(choice.plan), names, choice.missing, took)


if __name__ == "__main__":
    typer.run(main)
