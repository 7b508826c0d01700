"""What the jobs' table says about its numbers, and what a stopped run leaves behind."""

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from bench_sidecar_stage import started_in
from rich.console import Console

from bench.jobs.metrics import SERVER, rows
from bench.jobs.plan import FULL, QUICK, Plan
from bench.jobs.report import Report
from bench.jobs.rounds import Results
from bench.metrics import Sample

ROOT = Path(__file__).resolve().parents[2]


def shown(results: Results) -> str:
    """The report as text, without the space between its columns."""
    console = Console(file=io.StringIO(), width=200)
    Report(results, FULL, "3 s").show(console)
    assert isinstance(console.file, io.StringIO)
    return " ".join(console.file.getvalue().replace("│", " ").split())


def of(name: str, key: str, *values: float, busy: float = 0.0) -> Results:
    """Results with nothing but these samples."""
    return Results({name: [Sample(key, value, busy) for value in values]})


def test_a_floor_is_met_or_missed_by_the_median() -> None:
    assert "≤ 3 2 [1..9] met" in shown(of(SERVER, "job_cpu_ms", 1.0, 2.0, 9.0))
    assert "≤ 1,000 2,000 missed" in shown(of(SERVER, "claim_p99_ms", 2000.0))


@pytest.mark.parametrize(("plan", "floor"), [(FULL, 3), (QUICK, None)])
def test_a_jobs_share_of_the_cpu_has_a_floor_where_there_are_many(
    plan: Plan, floor: float | None
) -> None:
    assert [row.floor for row in rows(plan) if row.key == "job_cpu_ms"] == [floor]


def test_a_baseline_is_compared_with_only_where_it_was_measured() -> None:
    results = of(SERVER, "mb_per_s", 500.0)
    results.add("sendfile", [Sample("mb_per_s", 1000.0, 0.99)])
    assert "MB/s 500 1,000 ! 0.50x" in shown(results)


def test_what_is_broken_is_said_and_a_baseline_alone_does_not_count() -> None:
    broken = Results(broken={SERVER: "a job was lost [x]"})
    assert "BROKEN server: a job was lost [x]" in shown(broken)
    assert "met" not in shown(broken).split()
    assert Report(broken, FULL, "").broken
    assert not Report(Results(broken={"nginx": "exited with 1"}), FULL, "").broken


def test_the_json_has_every_sample_and_no_number_for_what_is_missing(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    Report(of(SERVER, "looks", 12.0, 10.0), FULL, "").write(file)
    metrics = json.loads(file.read_text())["metrics"]
    assert metrics["looks"][SERVER]["samples"] == [12.0, 10.0]
    assert metrics["claim_p99_ms"][SERVER]["median"] is None


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_stopped_leaves_nothing_behind(
    tmp_path: Path, number: signal.Signals
) -> None:
    null, command = subprocess.DEVNULL, [sys.executable, "-m", "bench.jobs", "--quick"]
    env = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=null, stderr=null) as run:
        assert until(lambda: list(tmp_path.rglob("*.db"))), "the server has started"
        assert len(started_in(tmp_path)) == 2, "the emulator and the server"
        run.send_signal(number)
        assert run.wait(20) != 0
    assert until(lambda: not started_in(tmp_path))
    assert until(lambda: not list(tmp_path.iterdir()))


def until(true: Callable[[], object]) -> bool:
    """Whether it becomes true within twenty seconds."""
    for _ in range(2000):
        if true():
            return True
        time.sleep(0.01)
    return False
