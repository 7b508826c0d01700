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

from bench.cells import Cell, number
from bench.metrics import BUSY_LIMIT, Metric
from bench.neighbours import NOISY
from bench.sidecar.metrics import OTHERS, OWN_TIME, ROWS
from bench.sidecar.rounds import Results


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that is told about a finished run."""

    results: Results
    setting: str

    def _cell(self, key: str) -> Cell:
        samples = self.results.of(key)
        busy = max((sample.busy for sample in samples), default=0.0)
        return Cell([sample.value for sample in samples], busy)

    def show(self, console: Console) -> None:
        title = Text("reCAPTCHA sidecar: median [min..max] of the rounds")
        table = Table(title=title, title_justify="left")
        table.add_column("", no_wrap=True)
        for heading in ("floor", "sidecar", ""):
            table.add_column(heading, justify="right", no_wrap=True)
        for metric in ROWS:
            own = self._cell(metric.key)
            floor = "" if metric.floor is None else f"{_sign(metric)} {metric.floor:,g}"
            title = Text(f"{metric.title}, {metric.unit}".rstrip(", "))
            table.add_row(title, floor, str(own), _verdict(metric, own))
        console.print(table)
        for note in self._notes():
            console.print(note, highlight=False, soft_wrap=True)

    def _notes(self) -> Iterator[str]:
        yield escape(self.setting)
        others = self._cell(OTHERS).spread.most
        if not math.isnan(others):
            noisy = ": NOISY, run it again" if others > NOISY else ""
            yield f"other processes used up to {others:.0%} of this machine{noisy}"
        own = self._cell(OWN_TIME).spread.middle
        if own > 0:
            yield f"the page by itself, one token after another: {number(1000 / own)} tokens/s"
        yield f"!: emulator and load generator used over {BUSY_LIMIT:.0%} of a core"
        if self.results.broken:
            yield f"[bold red]BROKEN[/] {escape(self.results.broken)}"

    def write(self, path: Path) -> None:
        """All samples, for comparing runs."""
        rows = {metric.key: _json(metric, self._cell(metric.key)) for metric in ROWS}
        whole = {"setting": self.setting, "broken": self.results.broken or None, "metrics": rows}
        path.write_text(json.dumps(whole, indent=2) + "\n")


def _sign(metric: Metric) -> str:
    return "≥" if metric.more_is_better else "≤"


def _verdict(metric: Metric, own: Cell) -> str:
    met = metric.met(own.spread.middle)
    if met is None:
        return ""
    return "[green]met[/]" if met else "[red]missed[/]"


def _json(metric: Metric, own: Cell) -> dict[str, object]:
    middle = own.spread.middle
    return {
        "unit": metric.unit,
        "median": None if math.isnan(middle) else middle,
        "samples": own.values,
        "floor": metric.floor,
        "met": metric.met(middle),
    }
