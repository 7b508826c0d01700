"""How numbers become cells, ratios, verdicts and notes."""

import io
import math

import pytest
from rich.console import Console

from bench.cells import Cell, number, ratio
from bench.frames import Route
from bench.metrics import Sample, table
from bench.plan import FULL
from bench.report import Report
from bench.rounds import Results

METRICS = {metric.key: metric for metric in table(FULL)}


def shown(results: Results, missing: dict[str, str]) -> str:
    console = Console(file=io.StringIO(), width=160)
    report = Report(results, list(METRICS.values()), ["proxy", "raw"], missing, "here")
    report.show(console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_cell_is_the_median_with_least_and_most() -> None:
    assert str(Cell([3.0, 1.0, 200.0], 0.5)) == "3 \\[1..200]"


def test_a_full_load_core_is_flagged() -> None:
    assert str(Cell([2.0], 0.95)) == "2 !"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (math.nan, "-"),
        (math.inf, "overload"),
        (0.123, "0.12"),
        (12.34, "12.3"),
        (1234.5, "1,234"),
        (2_500_000.0, "2.50M"),
    ],
)
def test_numbers_keep_about_three_digits(value: float, text: str) -> None:
    assert number(value) == text


def test_a_ratio_needs_two_finite_numbers() -> None:
    assert ratio(Cell([4.0], 0), Cell([2.0], 0)) == 2.0
    assert math.isnan(ratio(Cell([4.0], 0), Cell([], 0)))
    assert math.isnan(ratio(Cell([4.0], 0), Cell([0.0], 0)))


def test_floors_look_the_right_way() -> None:
    assert METRICS["burst_per_cpu_s"].met(1000)
    assert not METRICS["burst_per_cpu_s"].met(999)
    assert METRICS["idle_kb"].met(60)
    assert not METRICS["idle_kb"].met(61)
    assert METRICS["idle_kb"].met(math.nan) is None
    assert METRICS["burst_frames_per_cpu_s"].met(1) is None


def test_the_table_shows_floors_baselines_and_what_is_missing() -> None:
    results = Results()
    results.add(("proxy", Route.KEY), [Sample("short_per_cpu_s", 3000.0)])
    results.add(("raw", Route.KEY), [Sample("short_per_cpu_s", 6000.0)])
    text = shown(results, {"nginx": "not installed"})
    row = next(line for line in text.splitlines() if "short answers" in line)
    assert [part.strip() for part in row.split("│")[2:-1]] == [
        "≥ 2,500",
        "3,000",
        "met",
        "6,000",
        "0.50x",
    ]
    assert "nginx: not installed" in text


def test_a_broken_server_is_named_with_its_reason() -> None:
    results = Results()
    results.broken["proxy", Route.KEY] = "status 500: b'[oops]'"
    assert "BROKEN proxy (key): status 500: b'[oops]'" in shown(results, {})
