"""``python -m bench`` as a whole: its exit status, its table, and what it leaves running."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

NULL = subprocess.DEVNULL
ROOT = Path(__file__).resolve().parents[2]
CUTTING_SERVER = """
import http.server, os, pathlib, socketserver, time
pathlib.Path(__file__).with_name(f"{os.getpid()}.pid").touch()
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        self.send_response(200); self.send_header("content-length", "0"); self.end_headers()
    def do_POST(self):
        self.send_response(200); self.send_header("content-length", "99"); self.end_headers()
        self.close_connection = True
socketserver.TCPServer.request_queue_size = 128
socketserver.ThreadingTCPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"""


def bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bench", "--quick", *arguments]
    return subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=40, check=False
    )


def test_a_measured_baseline_ends_with_status_0(tmp_path: Path) -> None:
    kept = tmp_path / "figures.json"
    done = bench("--target", "raw", "--only", "startup", "--json", str(kept))
    assert done.returncode == 0, done.stderr
    assert "start-up to ready" in done.stdout
    assert "BROKEN" not in done.stdout
    figures = json.loads(kept.read_text())["series"]["raw/cookie"]["metrics"]
    assert figures["startup_s"]["median"] > 0


def test_a_server_that_cuts_replies_ends_with_status_1(tmp_path: Path) -> None:
    script = tmp_path / "cutting.py"
    script.write_text(CUTTING_SERVER)
    done = bench("--target", "proxy", "--only", "short", "--serve", f"{sys.executable} {script}")
    assert done.returncode == 1, done.stderr
    assert "BROKEN proxy (cookie): short: the server cut the connection" in done.stdout


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_run_that_is_stopped_leaves_no_server_behind(
    tmp_path: Path, number: signal.Signals
) -> None:
    script = tmp_path / "idling.py"
    script.write_text(CUTTING_SERVER.replace("self.send_response(200)", "time.sleep(9)"))
    serve = f"{sys.executable} {script}"
    command = [sys.executable, "-m", "bench", "--target", "proxy", "--serve", serve]
    runs = tmp_path / "runs"
    runs.mkdir()
    env = os.environ | {"TMPDIR": str(runs)}
    with subprocess.Popen(command, cwd=ROOT, env=env, stdout=NULL, stderr=NULL) as run:
        started = wait_for_pid(tmp_path)
        time.sleep(0.1)  # The guard is told of a server just after its start.
        run.send_signal(number)
        assert run.wait(15) != 0
    assert until(lambda: ended(started))
    assert until(lambda: not list(runs.iterdir()))


def ended(pid: int) -> bool:
    """It need not be a child of ours, and nobody may have waited for it yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].startswith("Z")
    except OSError:
        return True


def until(true: Callable[[], bool]) -> bool:
    """Whether it becomes true within ten seconds."""
    for _ in range(1000):
        if true():
            return True
        time.sleep(0.01)
    return False


def wait_for_pid(directory: Path) -> int:
    """The process id of the server, which writes it as the name of a file."""
    for _ in range(1000):
        for named in directory.glob("*.pid"):
            return int(named.stem)
        time.sleep(0.01)
    raise AssertionError("the server was not started")


def test_a_server_that_does_not_start_ends_with_status_1() -> None:
    done = bench("--target", "proxy", "--only", "startup", "--serve", f"{sys.executable} -c 1/0")
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stdout


def test_an_unknown_figure_is_refused() -> None:
    done = bench("--only", "everything")
    assert done.returncode == 2
    assert "no figure everything" in done.stderr
