"""What the sidecar's table says about its numbers."""

import io
import json
from pathlib import Path

from rich.console import Console

from bench.metrics import Sample
from bench.sidecar.metrics import OTHERS
from bench.sidecar.report import Report
from bench.sidecar.rounds import Results


def shown(*samples: Sample, broken: str = "") -> str:
    """The report as text, without the space between its columns."""
    console = Console(file=io.StringIO(), width=120)
    Report(Results(list(samples), broken), "one round").show(console)
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().replace("│", " ").split())


def test_a_floor_is_met_or_missed_by_the_median_of_the_rounds() -> None:
    fast = shown(*(Sample("over_p50_ms", value) for value in (2.0, 3.0, 40.0)))
    assert "≤ 10 3 [2..40] met" in fast
    slow = shown(*(Sample("sequential", value) for value in (90.0, 99.0, 200.0)))
    assert "≥ 100 99 [90..200] missed" in slow


def test_what_was_not_measured_is_neither() -> None:
    table = shown(broken="exited with 1")
    assert "met" not in table.split()
    assert "missed" not in table.split()
    assert "BROKEN exited with 1" in table


def test_the_notes_say_when_the_numbers_are_not_to_be_relied_on() -> None:
    assert "other processes used up to 40% of this machine: NOISY" in shown(Sample(OTHERS, 0.4))
    assert "NOISY" not in shown(Sample(OTHERS, 0.01))


def test_the_page_alone_tells_the_most_that_any_sidecar_can_do_in_a_row() -> None:
    assert "one token after another: 125 tokens/s" in shown(Sample("page_p50_ms", 8.0))


def test_the_json_has_every_sample_and_no_number_for_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    Report(Results([Sample("sequential", 90.0), Sample("sequential", 110.0)]), "").write(file)
    rows = json.loads(file.read_text())["metrics"]
    assert rows["sequential"]["samples"] == [90.0, 110.0]
    assert rows["sequential"]["met"] is True
    assert rows["one_core"]["median"] is None
