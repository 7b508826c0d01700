"""The table, the notes under it, and the same as JSON."""

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bench.cells import Cell, number, ratio
from bench.jobs.metrics import SERVER, rows
from bench.jobs.plan import Plan
from bench.jobs.rounds import Results
from bench.jobs.services import BASELINES
from bench.metrics import BUSY_LIMIT, Metric


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is told about a finished run."""

    results: Results
    plan: Plan
    setting: str

    @property
    def broken(self) -> bool:
        """Whether the server is; a baseline that fails is only a missing column."""
        return SERVER in self.results.broken

    def _cell(self, name: str, key: str) -> Cell:
        samples = self.results.of(name, key)
        busy = max((sample.busy for sample in samples), default=0.0)
        return Cell([sample.value for sample in samples], busy)

    def show(self, console: Console) -> None:
        title = Text("jobs: median [min..max] of windows and rounds")
        table = Table(title=title, title_justify="left")
        table.add_column("", no_wrap=True)
        for heading in ("floor", SERVER, ""):
            table.add_column(heading, justify="right", no_wrap=True)
        for baseline in BASELINES:
            table.add_column(baseline.name, justify="right", no_wrap=True)
            table.add_column(f"x {baseline.name}", justify="right", no_wrap=True)
        for metric in rows(self.plan):
            table.add_row(*self._row(metric))
        console.print(table)
        for note in self._notes():
            console.print(note, highlight=False, soft_wrap=True)

    def _row(self, metric: Metric) -> list[str | Text]:
        own = self._cell(SERVER, metric.key)
        row: list[str | Text] = [Text(f"{metric.title}, {metric.unit}".rstrip(", "))]
        row += [_floor(metric), str(own), _verdict(metric, own)]
        for baseline in BASELINES:
            other = self._cell(baseline.name, metric.key)
            measured = not math.isnan(other.spread.middle)
            row += [str(other), number(ratio(own, other), "x")] if measured else ["", ""]
        return row

    def _notes(self) -> Iterator[str]:
        yield escape(self.setting)
        for baseline in BASELINES:
            if reason := baseline.missing():
                yield f"{baseline.name}: {reason}"
        yield f"!: emulator and load generator used over {BUSY_LIMIT:.0%} of their core"
        for name, reason in self.results.broken.items():
            yield f"[bold red]BROKEN[/] {name}: {escape(reason)}"

    def write(self, path: Path) -> None:
        """All samples, for comparing runs."""
        names = [SERVER, *(baseline.name for baseline in BASELINES)]
        metrics = {
            metric.key: {name: _json(metric, self._cell(name, metric.key)) for name in names}
            for metric in rows(self.plan)
        }
        whole = {"setting": self.setting, "broken": self.results.broken, "metrics": metrics}
        path.write_text(json.dumps(whole, indent=2) + "\n")


def _floor(metric: Metric) -> str:
    if metric.floor is None:
        return ""
    return f"{'≥' if metric.more_is_better else '≤'} {metric.floor:,g}"


def _verdict(metric: Metric, own: Cell) -> str:
    met = metric.met(own.spread.middle)
    if met is None:
        return ""
    return "[green]met[/]" if met else "[red]missed[/]"


def _json(metric: Metric, shown: Cell) -> dict[str, object]:
    middle = shown.spread.middle
    known = [value for value in shown.values if math.isfinite(value)]
    return {
        "unit": metric.unit,
        "median": None if math.isnan(middle) else middle,
        "samples": known,
        "load_busy": round(shown.busy, 3),
        "floor": metric.floor,
        "met": metric.met(middle),
    }
