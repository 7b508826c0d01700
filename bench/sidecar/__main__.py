"""``python -m bench.sidecar``: measure, print the table, say whether the sidecar works."""

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
from bench.cores import Cores
from bench.guard import guarding
from bench.loops import run
from bench.sidecar.plan import FULL, QUICK, Plan
from bench.sidecar.report import Report
from bench.sidecar.rounds import Run, measure

Rounds = Annotated[int | None, typer.Option(min=1, max=20, help="Rounds of fresh sidecars.")]
Json = Annotated[Path | None, typer.Option("--json", help="Also write all samples here.")]
Serve = Annotated[str | None, typer.Option(help="Start the sidecar with this command instead.")]
Quick = Annotated[bool, typer.Option("--quick", help="One short round.")]

# What a shell reports for a command that was stopped by Ctrl-C.
INTERRUPTED = 130
# Width of the table where there is no terminal to ask.
WIDTH = 120


def main(
    quick: Quick = False, rounds: Rounds = None, json: Json = None, serve: Serve = None
) -> None:
    """Measure the reCAPTCHA sidecar with a real Chromium on the emulator's page."""
    plan = QUICK if quick else FULL
    plan = replace(plan, rounds=rounds or plan.rounds)
    progress = Console(stderr=True)
    try:
        report = bench(plan, shlex.split(serve) if serve else None, progress)
    except asyncio.CancelledError:  # SIGTERM or SIGHUP; Ctrl-C says so by itself.
        progress.print("Stopped.")
        raise typer.Exit(INTERRUPTED) from None
    console = Console()
    report.show(console if console.is_terminal else Console(width=WIDTH))
    if json is not None:
        report.write(json)
    raise typer.Exit(1 if report.results.broken else 0)


def bench(plan: Plan, command: list[str] | None, progress: Console) -> Report:
    """One run in a directory that is gone afterwards."""
    began, where = time.monotonic(), cores.choose()
    with (
        tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as directory,
        guarding(Path(directory)) as guard,
        progress.status("starting") as status,
    ):
        planned = Run(plan, where, Path(directory), guard, status.update, command)
        results = run(measure(planned))
    rounds = "one round" if plan.rounds == 1 else f"{plan.rounds} rounds"
    return Report(results, f"{rounds} in {time.monotonic() - began:.0f} s; {_where(where)}")


def _where(where: Cores) -> str:
    if where.server is None:
        return "one core: not pinned (needs Linux and two cores)"
    return f"one core: sidecar and browser on {where.server}, emulator and load on {where.load}"


if __name__ == "__main__":
    typer.run(main)
