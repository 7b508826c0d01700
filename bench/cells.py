"""One metric of one series, as a number and as text."""

import math
from dataclasses import dataclass

from bench.metrics import BUSY_LIMIT, Metric
from bench.rounds import Results, Series
from bench.stats import Spread


@dataclass(frozen=True, slots=True)
class Cell:
    values: list[float]
    # The most that mock and load generator used of their core in any round.
    busy: float

    @property
    def spread(self) -> Spread:
        return Spread.of(self.values)

    def __str__(self) -> str:
        spread = self.spread
        if math.isnan(spread.middle):
            return "-"
        shown = number(spread.middle)
        if spread.least != spread.most:
            shown += f" \\[{number(spread.least)}..{number(spread.most)}]"
        return f"{shown} !" if self.busy > BUSY_LIMIT else shown


def cell(results: Results, series: Series, metric: Metric) -> Cell:
    samples = results.of(series, metric.key)
    busy = max((sample.busy for sample in samples), default=0.0)
    return Cell([sample.value for sample in samples], busy)


def ratio(own: Cell, other: Cell) -> float:
    """Own median over the baseline's; NaN where that says nothing."""
    mine, theirs = own.spread.middle, other.spread.middle
    if not (math.isfinite(mine) and math.isfinite(theirs)) or theirs <= 0:
        return math.nan
    return mine / theirs


def number(value: float, unit: str = "") -> str:
    """About three digits, thousands set apart, millions as such."""
    if math.isnan(value):
        return "-"
    if math.isinf(value):
        return "overload"
    if abs(value) >= 1e6:
        return f"{value / 1e6:.2f}M{unit}"
    digits = 0 if abs(value) >= 100 or value == int(value) else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}{unit}"
