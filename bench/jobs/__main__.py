"""``python -m bench.jobs``: measure, print the table, say whether the server works."""

import asyncio
import shlex
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from bench import cores
from bench.guard import guarding
from bench.jobs.plan import FULL, QUICK, Plan
from bench.jobs.report import Report
from bench.jobs.rounds import Run, measure
from bench.loops import run
from bench.neighbours import Neighbours

Jobs = Annotated[int | None, typer.Option(min=1, max=100_000, help="Jobs in flight.")]
Rounds = Annotated[int | None, typer.Option(min=1, max=20, help="Rounds of downloads.")]
Json = Annotated[Path | None, typer.Option("--json", help="Also write all samples here.")]
Serve = Annotated[str | None, typer.Option(help="Start the server with this command instead.")]
Quick = Annotated[bool, typer.Option("--quick", help="Small numbers, one round.")]

# What a shell reports for a command that was stopped by Ctrl-C.
INTERRUPTED = 130
# Width of the table where there is no terminal to ask.
WIDTH = 160


def main(
    quick: Quick = False,
    jobs: Jobs = None,
    rounds: Rounds = None,
    json: Json = None,
    serve: Serve = None,
) -> None:
    """Measure video jobs in flight, and large results on their way to callers."""
    plan = QUICK if quick else FULL
    plan = replace(plan, jobs=jobs or plan.jobs, rounds=rounds or plan.rounds)
    try:
        report = bench(plan, shlex.split(serve) if serve else None, Console(stderr=True))
    except asyncio.CancelledError:  # SIGTERM or SIGHUP; Ctrl-C says so by itself.
        raise typer.Exit(INTERRUPTED) from None
    console = Console()
    report.show(console if console.is_terminal else Console(width=WIDTH))
    if json is not None:
        report.write(json)
    raise typer.Exit(1 if report.broken else 0)


def bench(plan: Plan, command: list[str] | None, progress: Console) -> Report:
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
        planned = Run(plan, where, Path(directory), guard, status.update, command)
        results = run(measure(planned))
    return Report(results, plan, f"{time.monotonic() - began:.0f} s; {where}{neighbours}")


if __name__ == "__main__":
    typer.run(main)
