"""The sidecar's bench: what it measures of a real one, and that a wrong one is never fast."""

import asyncio
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench_sidecar_stage import fake_sidecar, real_sidecar, started_in

from bench.loops import run
from bench.processes import BrokenServerError
from bench.sidecar.asking import Caller, calling, open_contexts
from bench.sidecar.figures import one_core, opening, warm
from bench.sidecar.metrics import ROWS
from bench.sidecar.plan import DEFAULT_CONTEXTS
from bench.sidecar.tree import memory_mb, session_leaders, tree_cpu_seconds

LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
OF_THE_WARM_PAGE = {
    *("displacing_p50_ms", "contexts", "warm_p50_ms", "warm_p99_ms", "page_p50_ms"),
    *("over_p50_ms", "sequential", "sequential_cpu_ms"),
}


@pytest.fixture
def chromium() -> str:
    """CI must have one."""
    found = os.environ.get("CHROMIUM_PATH") or shutil.which("chromium")
    message = "no Chromium: set CHROMIUM_PATH or install chromium"
    if found is None and not os.environ.get("CI"):
        pytest.skip(message)
    assert found, message
    return found


@pytest.fixture
def short_path() -> Iterator[Path]:
    """Chromium has a socket below it, whose path may have 107 characters in all."""
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        yield Path(directory)


@pytest.mark.timeout(180)  # A dozen pages in a real browser, on whatever machine this is.
def test_a_real_sidecar_is_measured_beside_the_page_itself(chromium: str, short_path: Path) -> None:
    async def test() -> None:
        async with real_sidecar(short_path) as real:
            figures = {sample.key: sample.value for sample in await warm(real)}
            assert session_leaders(real.sidecar.pid), "a browser has a session of its own"
        assert figures.keys() >= OF_THE_WARM_PAGE
        assert figures["contexts"] == DEFAULT_CONTEXTS
        assert figures["cold_token_s"] > figures["ready_s"] > 0
        assert figures["page_p50_ms"] >= 5, "the page waits that long by itself"
        assert figures["over_p50_ms"] == figures["warm_p50_ms"] - figures["page_p50_ms"]
        assert figures["sequential_cpu_ms"] > 0

    run(test())
    assert not started_in(short_path)


def test_the_other_rows_are_measured_by_the_other_figures(tmp_path: Path) -> None:
    async def test() -> None:
        samples = []
        for figure in (opening, one_core):
            async with fake_sidecar(tmp_path / figure.__name__) as fake:
                samples += await figure(fake)
        assert not any(math.isnan(sample.value) for sample in samples)
        measured = {sample.key for sample in samples} | OF_THE_WARM_PAGE
        assert measured >= {metric.key for metric in ROWS}

    run(test())


@pytest.mark.parametrize(
    ("behaviour", "why"),
    [
        ("failing", "no token.*challenge page"),
        ("repeating", "handed out twice"),
        ("wordless", "no token"),
        ("cutting", "cut the connection"),
    ],
)
def test_what_is_no_fresh_token_breaks_the_measurement(
    tmp_path: Path, behaviour: str, why: str
) -> None:
    async def test() -> None:
        async with fake_sidecar(tmp_path, behaviour) as fake:
            with pytest.raises(BrokenServerError, match=why):
                await one_core(fake)

    run(test())


def test_a_connection_that_was_closed_between_two_tokens_is_opened_anew(tmp_path: Path) -> None:
    async def test() -> None:
        async with fake_sidecar(tmp_path, "closing") as fake:
            with calling(fake.sidecar) as caller:
                for _ in range(3):
                    assert await caller.token_seconds("alice") > 0
                    await told(caller)
            assert await open_contexts(fake.sidecar) == 1

    run(test())


async def told(caller: Caller) -> None:
    """Its connection is known to be closed."""
    for _ in range(1000):
        if caller.closed:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("the connection is still open")


def test_a_sidecar_that_does_not_start_says_why(tmp_path: Path) -> None:
    async def test() -> None:
        with pytest.raises(BrokenServerError, match=r"exited with 3.*no browser here"):
            async with fake_sidecar(tmp_path, "ending"):
                raise AssertionError("it must not be ready")

    run(test())


@LINUX_ONLY
def test_a_browser_that_its_sidecar_leaves_behind_is_ended(tmp_path: Path) -> None:
    async def test() -> None:
        async with fake_sidecar(tmp_path) as fake:
            [leader] = session_leaders(fake.sidecar.pid)
            assert leader in started_in(tmp_path)

    run(test())
    assert not started_in(tmp_path)


@LINUX_ONLY
def test_a_child_that_has_ended_keeps_its_cpu_time_in_the_tree() -> None:
    before = tree_cpu_seconds(os.getpid())
    work = "n = 0\nwhile __import__('time').process_time() < 0.2: n += 1"
    subprocess.run([sys.executable, "-c", work], check=True)
    # The kernel counts in hundredths of a second.
    assert tree_cpu_seconds(os.getpid()) >= before + 0.15


@LINUX_ONLY
def test_memory_is_that_of_the_whole_tree() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert memory_mb(os.getpid()) > memory_mb(child.pid) > 0
