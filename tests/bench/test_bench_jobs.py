"""The jobs' bench: what it measures of a real server, and that a wrong one is never fast."""

import asyncio
import contextlib
import math
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from bench_serving import RunOn

from bench.cores import Cores
from bench.guard import guarding
from bench.jobs.caller import Caller, calling, control, moment
from bench.jobs.downloads import downloads
from bench.jobs.flight import Subject, flight
from bench.jobs.memory import Growth
from bench.jobs.metrics import SERVER, rows
from bench.jobs.plan import Plan
from bench.jobs.rounds import Results, Run, measure
from bench.jobs.services import (
    BASELINES,
    Baseline,
    Server,
    accounts_file,
    running_baseline,
    running_server,
)
from bench.loops import listen, port_of, run
from bench.processes import BrokenServerError, Place
from bench.sidecar.services import get, running_emulator

LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
TINY = Plan(
    jobs=6,
    accounts=3,
    callers=2,
    settle_s=0,
    windows=1,
    window_s=0.2,
    probes=2,
    probe_pause_s=0,
    probe_task_s=0.1,
    downloads=3,
    file_mib=1,
    rounds=1,
)


@contextlib.contextmanager
def planned(directory: Path, command: list[str] | None = None) -> Iterator[Run]:
    """A tiny run below this directory."""
    runs = directory / "runs"
    with guarding(runs) as guard:
        yield Run(TINY, Cores(None, None), runs, guard, lambda _: None, command)
    shutil.rmtree(runs, ignore_errors=True)


def measured(directory: Path, command: list[str] | None = None) -> Results:
    """The results of a tiny run."""
    with planned(directory, command) as tiny:
        return run(measure(tiny))


@contextlib.asynccontextmanager
async def staged(directory: Path) -> AsyncIterator[Subject]:
    """A real server with the emulator."""
    with planned(directory) as tiny:
        place: Place = tiny.load_place("stage")
        async with (
            running_emulator(place) as emulator,
            running_server(emulator, TINY, place) as server,
        ):
            yield Subject(TINY, server, emulator)


@LINUX_ONLY
def test_a_real_server_is_measured_beside_the_baselines(tmp_path: Path) -> None:
    results = measured(tmp_path)
    assert not results.broken
    for metric in rows(TINY):
        values = [sample.value for sample in results.of(SERVER, metric.key)]
        assert values, metric.key
        assert not any(map(math.isnan, values)), metric.key
    for baseline in BASELINES:
        count = 0 if baseline.missing() else TINY.rounds
        assert len(results.of(baseline.name, "mb_per_s")) == count
    [claim] = results.of(SERVER, "claim_p50_ms")
    assert 0 < claim.value < 30_000


def test_a_job_that_fails_breaks_the_measurement(tmp_path: Path) -> None:
    async def test() -> None:
        async with staged(tmp_path) as subject:
            rule = {"flow": "video", "scenario": "task_fails", "task_seconds": 0}
            await control(subject.emulator.port, "POST", "script", rule)
            with pytest.raises(BrokenServerError, match=r"failed"):
                await flight(subject)

    run(test())


def test_a_job_that_nobody_claimed_has_no_latency() -> None:
    waiting = {"state": "queued", "error": None, "history": [{"event": "created", "at": 5.0}]}
    assert moment(waiting, "created") == 5.0
    with pytest.raises(BrokenServerError, match="queued was never intent"):
        moment(waiting, "intent")


def test_every_account_has_a_cookie_of_its_own() -> None:
    tables = tomllib.loads(accounts_file(30))["accounts"]
    assert len({table["cookie"] for table in tables}) == 30
    assert len({table["label"] for table in tables}) == 30


def test_a_server_that_does_not_start_is_broken_with_status_1(tmp_path: Path) -> None:
    kept = tmp_path / "figures.json"
    serve = shlex.join([sys.executable, "-c", "1/0"])
    command = [sys.executable, "-m", "bench.jobs", "--quick", "--serve", serve]
    done = subprocess.run(
        [*command, "--json", str(kept)],
        cwd=Path(__file__).resolve().parents[2],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "BROKEN server" in done.stdout
    assert "ZeroDivisionError" in kept.read_text()


@dataclass
class Answering(asyncio.Protocol):
    """Answers every request with these bytes, then closes the connection."""

    reply: bytes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.transport.write(self.reply)
        self.transport.close()


@contextlib.asynccontextmanager
async def answering(reply: bytes) -> AsyncIterator[Server]:
    """A server, in the test's own process, that knows only one answer."""
    listener = await listen(lambda: Answering(reply))
    try:
        yield Server(port_of(listener), 0, Path())
    finally:
        listener.close()
        # Lets the transports of connections that were just closed finish.
        await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("reply", "why"),
    [
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\n\r\nwrong", "status 404: b'wrong'"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nshort", "cut within a file"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nlonger", "more bytes than announced"),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", "malformed"),
        (b"", "cut within a file"),
    ],
)
def test_what_is_no_whole_file_breaks_the_measurement(
    run_on: RunOn, reply: bytes, why: str
) -> None:
    async def test() -> None:
        async with answering(reply) as server:
            with pytest.raises(BrokenServerError, match=why):
                await downloads(server, "/file", TINY, [])

    run_on(test())


def test_a_whole_file_is_counted_to_its_last_byte(run_on: RunOn) -> None:
    body = b"x" * 3_000_000

    async def test() -> None:
        async with answering(
            b"HTTP/1.1 200 OK\r\ncontent-length: 3000000\r\n\r\n" + body
        ) as server:
            figures = {s.key: s.value for s in await downloads(server, "/file", TINY, [])}
        assert figures["mb_per_s"] > 0
        assert figures["slowest"] >= 1

    run_on(test())


def test_a_reply_that_is_no_success_breaks_the_measurement(run_on: RunOn) -> None:
    reply = b"HTTP/1.1 429 Too Many\r\ncontent-length: 4\r\n\r\nfull"

    async def test() -> None:
        async with answering(reply) as server, calling(server.port) as [caller]:
            assert isinstance(caller, Caller)
            with pytest.raises(BrokenServerError, match="POST /v1/videos: status 429: b'full'"):
                await caller.create(1)

    run_on(test())


@pytest.mark.parametrize("baseline", BASELINES, ids=lambda baseline: baseline.name)
def test_a_baseline_serves_the_folders_own_bytes(tmp_path: Path, baseline: Baseline) -> None:
    if baseline.missing():
        pytest.skip(baseline.missing())
    files = tmp_path / "files"
    files.mkdir()
    content = bytes(range(256)) * 5000
    (files / "some-0.mp4").write_bytes(content)

    async def test() -> None:
        with planned(tmp_path) as tiny:
            async with running_baseline(baseline, files, tiny.load_place("stage")) as server:
                replies = [await get(server.port, "/some-0.mp4") for _ in range(2)]
        assert [(reply.failed, reply.body == content) for reply in replies] == [("", True)] * 2

    run(test())


@LINUX_ONLY
def test_growth_is_that_of_the_peak_though_it_is_over() -> None:
    work = "input(); x = bytearray(80_000_000); del x; print('done', flush=True); input()"
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", work], stdin=pipe, stdout=pipe) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        growth = Growth(child.pid)
        child.stdin.write(b"\n")
        child.stdin.flush()
        assert child.stdout.readline() == b"done\n"
        assert 70 < growth.read_mb() < 120
        assert Growth(child.pid).read_mb() < 10, "an older peak does not count"


def test_a_process_that_is_gone_has_no_growth() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as child:
        pass
    assert math.isnan(Growth(child.pid).read_mb())
