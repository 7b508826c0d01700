"""The table, the notes under it, and the same as JSON."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from bench.cells import Cell, cell, number, ratio
from bench.frames import Route
from bench.metrics import BUSY_LIMIT, HELD_P99_S, Metric
from bench.rounds import Results
from bench.schedule import Step

SUBJECT = "proxy"
# Width of the table where there is no terminal to ask.
WIDTH = 160


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is told about a finished run."""

    results: Results
    metrics: list[Metric]
    names: list[str]
    missing: dict[str, str]
    setting: str

    @property
    def baselines(self) -> list[str]:
        return [name for name in self.names if name != SUBJECT]

    @property
    def subject_broken(self) -> bool:
        return any(name == SUBJECT for name, _ in self.results.broken)

    def show(self, console: Console) -> None:
        for route in Route:
            console.print(self._table(route))
        for note in self._notes():
            console.print(note, highlight=False)

    def _table(self, route: Route) -> Table:
        title = Text(f"{route} route: median [min..max] of the rounds")
        shown = Table(title=title, title_justify="left")
        shown.add_column("", no_wrap=True)
        for heading in ("floor", SUBJECT, ""):
            shown.add_column(heading, justify="right")
        for name in self.baselines:
            shown.add_column(name, justify="right")
            shown.add_column(f"x {name}", justify="right")
        for metric in self.metrics:
            if any(self.results.of((name, route), metric.key) for name in self.names):
                shown.add_row(*self._row(route, metric))
        return shown

    def _row(self, route: Route, metric: Metric) -> list[str]:
        own = cell(self.results, (SUBJECT, route), metric)
        row = [f"{metric.title}, {metric.unit}".rstrip(", "), _floor(metric)]
        row += [str(own), _verdict(metric, own)]
        for name in self.baselines:
            other = cell(self.results, (name, route), metric)
            row += [str(other), number(ratio(own, other), "x")]
        return row

    def _notes(self) -> Iterable[str]:
        yield escape(self.setting)
        for name, reason in self.missing.items():
            yield f"{name}: {reason}"
        if self.results.controls:
            yield _control(self.results.controls)
        yield f"!: mock and load generator used over {BUSY_LIMIT:.0%} of their core"
        for (name, route), reason in self.results.broken.items():
            yield f"[bold red]BROKEN[/] {name} ({route}): {escape(reason)}"

    def write(self, path: Path) -> None:
        """All samples, for comparing runs."""
        series = {
            f"{name}/{route}": {
                "broken": self.results.broken.get((name, route)),
                "metrics": {
                    m.key: _json(cell(self.results, (name, route), m), m) for m in self.metrics
                },
            }
            for name in self.names
            for route in Route
        }
        whole = {"setting": self.setting, "missing": self.missing, "series": series}
        path.write_text(json.dumps(whole, indent=2) + "\n")


def _control(steps: list[Step]) -> str:
    delays = sorted(step.p99 for step in steps)
    busy = max(step.usage.load_busy for step in steps)
    spread = f"{number(delays[0] * 1000)}..{number(delays[-1] * 1000)} ms"
    disturbed = " DISTURBED: held says little." if delays[-1] >= HELD_P99_S else ""
    return (
        f"control: without any server, {steps[0].streams} paced streams have a p99 delay of "
        f"{spread} (limit {HELD_P99_S * 1000:.0f} ms), load core {busy:.0%} busy.{disturbed}"
    )


def _floor(metric: Metric) -> str:
    if metric.floor is None:
        return ""
    return f"{'≥' if metric.more_is_better else '≤'} {metric.floor:,g}"


def _verdict(metric: Metric, own: Cell) -> str:
    met = metric.met(own.spread.middle)
    if met is None:
        return ""
    return "[green]met[/]" if met else "[red]missed[/]"


def _json(shown: Cell, metric: Metric) -> dict[str, object]:
    spread = shown.spread
    return {
        "unit": metric.unit,
        "median": _finite(spread.middle),
        "min": _finite(spread.least),
        "max": _finite(spread.most),
        "samples": [_finite(value) for value in shown.values],
        "load_busy": round(shown.busy, 3),
        "floor": metric.floor,
        "met": metric.met(spread.middle),
    }


def _finite(value: float) -> float | None:
    """JSON has no NaN (not measured) and no infinity (overloaded)."""
    return value if math.isfinite(value) else None
