"""What a person sees: plain lines for logs, bars on a terminal."""

import io

from generate.watchers import Time, job
from rich.console import Console

from proxy.generate.job_news import read_job
from proxy.generate.showing import SILENCE, Lines, showing


def _lines() -> tuple[list[str], Lines, Time]:
    said: list[str] = []
    time = Time()
    return said, Lines(said.append, time.clock), time


def test_a_line_for_each_state_and_each_tenth() -> None:
    said, lines, _ = _lines()
    for state, progress in [
        ("queued", 0), ("queued", 0), ("running", 1), ("running", 5), ("running", 11),
        ("running", 12), ("completed", 100), ("completed", 100),
    ]:  # fmt: skip
        lines.job(read_job(job(state, progress=progress, elapsed_seconds=progress)))
    assert said == [
        "video_1 queued 0%, 0:00",
        "video_1 running 1%, 0:01",
        "video_1 running 11%, 0:11",
        "video_1 completed 100%, 1:40",
    ]


def test_a_line_now_and_then_when_nothing_moves() -> None:
    said, lines, time = _lines()
    for _ in range(3):
        lines.job(read_job(job("running", progress=95, elapsed_seconds=18, expected_seconds=180)))
        time.now += SILENCE / 2
    assert said == ["video_1 running 95%, 0:18 of about 3:00"] * 2


def test_several_jobs_do_not_hide_each_other() -> None:
    said, lines, _ = _lines()
    for name in ("video_1", "video_2", "video_1"):
        lines.job(read_job(job("queued", id=name)))
    assert [line.split()[0] for line in said] == ["video_1", "video_2"]


def test_a_download_is_one_line() -> None:
    said, lines, _ = _lines()
    for have in (0, 10, 20):
        lines.file("cat.mp4", have, 20_000)
    assert said == ["downloading cat.mp4 (20.0 kB)"]


def _console(terminal: bool) -> Console:
    return Console(
        file=io.StringIO(), force_terminal=terminal, width=80, color_system=None, _environ={}
    )


def test_bars_name_the_job_and_end_full() -> None:
    err = _console(True)
    with showing(_console(True), err) as show:
        show.job(read_job(job("submitting", progress=43, elapsed_seconds=78, expected_seconds=180)))
        show.trouble("The server does not answer; waiting for it.")
        show.job(read_job(job("completed", progress=100, elapsed_seconds=173)))
        show.file("cat.mp4", 500, 1000)
        show.file("cat.mp4", 1000, 1000)
    text = err.file.getvalue()
    assert "video_1  m\n" in text
    assert "waiting for it." in text
    assert "running" in text
    assert " 43% 1:18 of about 3:00" in text
    assert "100% 2:53" in text
    assert "100% 1.0 kB" in text


def test_a_long_name_leaves_room_for_the_bar() -> None:
    err = _console(True)
    with showing(_console(True), err) as show:
        show.file("video_01a1fcc5d2b00844bfd05619959b8a70.mp4", 500, 1000)
    assert "video_01a1fcc…8a70.mp4 " in err.file.getvalue()


def test_no_bars_where_the_output_or_the_errors_go_to_a_file() -> None:
    for out, err in [(False, True), (True, False)]:
        console = _console(err)
        with showing(_console(out), console) as show:
            show.job(read_job(job("queued")))
        assert console.file.getvalue() == "video_1 queued 0%, 0:00\n"
