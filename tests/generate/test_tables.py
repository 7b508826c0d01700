"""Jobs as a person reads them."""

import io

import pytest
from generate.watchers import job
from rich.console import Console

from proxy.generate.tables import page, print_table

ID = "video_01a1fcc5d2b00844bfd05619959b8a70"
FAILED = job(
    "failed",
    id=ID,
    model="gemini/veo3.1",
    progress=81,
    created_at=1000,
    account="key-1",
    error={"code": "policy", "message": "The provider's content rules refused this prompt. " * 3},
)


def _drawn(*jobs: object, width: int, terminal: bool = True) -> list[str]:
    file = io.StringIO()
    console = Console(
        file=file, width=width, force_terminal=terminal, color_system=None, legacy_windows=False
    )
    print_table(jobs, 1000 + 7300, console)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def test_a_wide_terminal_has_a_column_for_everything() -> None:
    heading, row, *_ = _drawn(FAILED, width=160)
    assert heading.split() == [
        "id", "kind", "model", "state", "progress", "age", "account", "error"
    ]  # fmt: skip
    assert row.split()[:7] == [ID, "video", "gemini/veo3.1", "failed", "81%", "2h", "key-1"]


@pytest.mark.parametrize("width", [80, 100])
def test_on_a_narrow_one_the_id_stays_whole_and_details_go_below(width: int) -> None:
    lines = _drawn(FAILED, width=width)
    assert max(map(len, lines)) <= width
    assert lines[1].split() == [ID, "video", "failed", "81%", "2h"]
    assert lines[2].startswith("  gemini/veo3.1, key-1, The provider's")
    assert all(line.startswith("  ") for line in lines[2:])


def test_a_pipe_gets_one_line_for_each_job_without_blanks_at_its_end() -> None:
    file = io.StringIO()
    print_table([FAILED, job("queued", created_at=8000)], 8300, Console(file=file, width=80))
    lines = file.getvalue().splitlines()
    assert len(lines) == 3
    assert lines[1].endswith("(policy)")
    assert lines == [line.rstrip() for line in lines]


def test_markup_in_what_a_server_says_is_not_obeyed() -> None:
    odd = job("failed", id="[red]video", model="[/]", error={"message": "[link=x]no[/link]"})
    assert any("[link=x]no[/link]" in line for line in _drawn(odd, width=160))


def test_a_page_has_facts_links_and_history() -> None:
    shown = job(
        "completed",
        prompt="a cat",
        progress=100,
        elapsed_seconds=173,
        created_at=1000,
        account="key-1",
        route="key",
        attempts=2,
        task_ids=["t-1"],
        urls=["http://h/media/s/0-0.mp4"],
        files=[{"name": "0-0.mp4", "bytes": 19_257}],
        expires_at=90_000,
        history=[
            {"at": 1000.4, "event": "created", "state": "queued"},
            {"at": 1001, "event": "intent", "state": "submitting", "account": "key-1",
             "route": "key", "note": "the first try"},
        ],
    )  # fmt: skip
    text = "\n".join(page(shown, 1300))
    for fact in ("completed, 100%", "a cat", "2:53", "5m ago", "key-1 (key)", "t-1"):
        assert fact in text
    assert "http://h/media/s/0-0.mp4 (19.3 kB)" in text
    last = text.splitlines()[-1].split()
    assert last[2:] == ["intent", "submitting", "key-1", "key", "the", "first", "try"]
