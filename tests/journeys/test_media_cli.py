"""``genspark2api video|image|jobs`` as a person types them, against a server on a real socket."""

import signal
import subprocess
from pathlib import Path

import pytest
from conftest import Serve, Upstream
from live import SECRET, LiveServer
from program import PROGRAM, environment, run, typed

KEY = {"gs_cookie": None, "gsk_api_key": ["gsk-alice"], "video_poll_interval": 0.02}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """How often a command asks is tested with a clock."""
    monkeypatch.setattr("proxy.generate.watching.FIRST_PAUSE", 0.05)


@pytest.fixture
def server(serve: Serve) -> LiveServer:
    """A server with one official key."""
    return serve(**KEY)


def _known(server: LiveServer) -> dict[str, str]:
    return {"GENSPARK2API_URL": server.url, "API_SECRET": SECRET}


def _typed(
    server: LiveServer, folder: Path, *words: str, **more: str
) -> subprocess.CompletedProcess[str]:
    return typed(folder, *words, **{**_known(server), **more})


def test_a_video_is_made_and_saved(server: LiveServer, upstream: Upstream, tmp_path: Path) -> None:
    upstream.script({"flow": "key_video", "task_seconds": 0.1})
    words = ("video", "a cat", "-m", "gemini/veo3.1", "-o", "cat.mp4")
    said = run(tmp_path, *words, **_known(server))
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("cat.mp4 (")
    assert (tmp_path / "cat.mp4").read_bytes()[4:8] == b"ftyp"
    assert "completed 100%" in said.stderr
    assert not list(tmp_path.glob("*.part"))


def test_images_are_numbered_and_nothing_is_overwritten(
    server: LiveServer, upstream: Upstream, tmp_path: Path
) -> None:
    said = _typed(server, tmp_path, "image", "a cat", "-n", "2", "-o", "cat.png")
    assert said.returncode == 0, said.stderr
    assert {path.name for path in tmp_path.glob("cat*")} == {"cat-1.png", "cat-2.png"}
    before = len(upstream.log("key_image"))
    again = _typed(server, tmp_path, "image", "a cat", "-n", "2", "-o", "cat.png")
    assert (again.returncode, "exists already" in again.stderr) == (1, True)
    # It is known before anything is paid.
    assert len(upstream.log("key_image")) == before


def test_a_picture_from_disk_reaches_the_upstream(
    server: LiveServer, upstream: Upstream, tmp_path: Path
) -> None:
    picture = Path("genspark_emulator/assets/result.png").read_bytes()
    (tmp_path / "in.png").write_bytes(picture)
    said = _typed(server, tmp_path, "image", "bluer", "--image", "in.png", "-o", "out.png")
    assert said.returncode == 0, said.stderr
    assert [entry["status"] for entry in upstream.log("blob")] == [201]


def test_a_mistake_is_told_in_the_servers_words(server: LiveServer, tmp_path: Path) -> None:
    said = _typed(server, tmp_path, "video", "a cat", "-m", "gemini/veo3.1", "--seconds", "3")
    assert said.returncode == 1
    assert "takes 4, 6 or 8 seconds; 3 was asked for" in said.stderr


def test_no_server_and_a_wrong_key_are_told_apart(server: LiveServer, tmp_path: Path) -> None:
    nobody = _typed(server, tmp_path, "jobs", "list", GENSPARK2API_URL="http://127.0.0.1:1")
    assert nobody.returncode == 1
    assert "genspark2api" in nobody.stderr
    wrong = _typed(server, tmp_path, "jobs", "list", API_SECRET="another")
    assert (wrong.returncode, "API_SECRET" in wrong.stderr) == (1, True)


def test_jobs_are_listed_shown_and_cancelled(
    server: LiveServer, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.script({"flow": "key_video", "task_seconds": 600})
    made = _typed(server, tmp_path, "video", "a slow cat", "--no-wait")
    job = made.stdout.strip()
    assert job.startswith("video_"), made.stderr
    listed = _typed(server, tmp_path, "jobs", "list").stdout
    assert job in listed
    shown = _typed(server, tmp_path, "jobs", "show", job).stdout
    assert "a slow cat" in shown
    assert "created" in shown
    cancelled = _typed(server, tmp_path, "jobs", "cancel", job)
    assert cancelled.stdout == f"{job} is cancelled.\n", cancelled.stderr
    assert _typed(server, tmp_path, "jobs", "watch", job).returncode == 1
    upstream.reset()


def test_after_ctrl_c_the_job_is_fetched_by_its_id(
    server: LiveServer, upstream: Upstream, tmp_path: Path
) -> None:
    upstream.script({"flow": "key_video", "task_seconds": 1.5})
    running = subprocess.Popen(
        [PROGRAM, "video", "a cat", "-o", "cat.mp4"],
        cwd=tmp_path,
        env=environment(tmp_path, **_known(server)),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert running.stderr is not None
    # The command knows its job once it tells of it.
    assert "video_" in running.stderr.readline()
    running.send_signal(signal.SIGINT)
    _, told = running.communicate(timeout=20)
    assert running.returncode == 130, told
    line = next(line for line in told.splitlines() if "jobs watch" in line)
    words = line.split()[1:]
    assert words[-2:] == ["-o", "cat.mp4"]
    fetched = _typed(server, tmp_path, *words)
    assert fetched.returncode == 0, fetched.stderr
    assert (tmp_path / "cat.mp4").exists()
    assert len(upstream.log("key_video")) == 1
