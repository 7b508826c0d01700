"""``python -m bench.sidecar`` as a whole: its exit status, and what it leaves running."""

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from bench_sidecar_stage import fake_command, started_in

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "bench.sidecar", "--quick", "--serve"]


def serve(behaviour: str) -> list[str]:
    return [*COMMAND, shlex.join(fake_command(behaviour))]


def test_a_sidecar_without_tokens_is_broken_with_status_1(tmp_path: Path) -> None:
    kept = tmp_path / "figures.json"
    command = [*serve("failing"), "--json", str(kept)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "BROKEN no token" in done.stdout
    assert "challenge page" in kept.read_text()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_stopped_leaves_nothing_behind(
    tmp_path: Path, number: signal.Signals
) -> None:
    null = subprocess.DEVNULL
    env = os.environ | {"TMPDIR": str(tmp_path)}
    with subprocess.Popen(serve("hanging"), cwd=ROOT, env=env, stdout=null, stderr=null) as run:
        assert until(lambda: list(tmp_path.rglob("asked")))
        assert len(started_in(tmp_path)) == 3, "the emulator, the sidecar and its browser"
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
