"""A job as the server describes it."""

from typing import Any

import pytest
from fixtures.genspark.properties import QUICK
from fixtures.media_fields import json_values
from generate.watchers import job
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from proxy.generate.job_news import read_job
from proxy.generate.tables import page, print_table

LINK = "http://h/media/abc-def/0123-0.mp4"
NAMES = [
    "id", "kind", "model", "state", "progress", "expected_seconds", "elapsed_seconds", "created_at",
    "expires_at", "account", "route", "attempts", "task_ids", "error", "urls", "files", "history",
    "prompt",
]  # fmt: skip
odd = st.sampled_from([["http://[", 1], [{"name": 3}], {"code": []}, [[]], -(10**18), "nan"])


def test_a_completed_job() -> None:
    files = [
        {"name": "0123-1.mp4", "bytes": 5, "sha256": "ff"},
        {"name": "0123-0.mp4", "bytes": 7, "sha256": "aa"},
    ]
    news = read_job(job("completed", urls=[LINK, "http://h/other.mp4"], files=files, progress=100))
    assert (news.link, news.size, news.sha256, news.suffix) == (LINK, 7, "aa", ".mp4")
    assert news.good
    assert news.ended


def test_without_a_copy_nothing_is_known_of_the_file() -> None:
    news = read_job(job("completed", urls=[LINK], files=[]))
    assert (news.size, news.sha256, news.good) == (None, "", True)


def test_a_completed_job_whose_result_is_gone_is_not_good() -> None:
    assert not read_job(job("completed", urls=[])).good


@pytest.mark.parametrize(
    ("error", "text"),
    [
        ({"code": "policy", "message": "No cats."}, "No cats. (policy)"),
        ({"message": "No cats."}, "No cats."),
        (None, ""),
    ],
)
def test_the_error_of_a_failed_job(error: Any, text: str) -> None:
    assert read_job(job("failed", error=error)).error == text


def test_a_cancelled_job_has_no_error_beside_its_state() -> None:
    told = {"code": "cancelled", "message": "The job was cancelled."}
    assert read_job(job("cancelled", error=told)).error == ""


@pytest.mark.parametrize("state", ["submitting", "running"])
def test_an_open_request_and_a_running_task_are_one_to_people(state: str) -> None:
    assert read_job(job(state)).doing == "running"


@QUICK
@given(st.dictionaries(st.sampled_from(NAMES), json_values | odd, max_size=10) | json_values)
def test_whatever_a_server_says_is_read_and_drawn(shown: Any) -> None:
    news = read_job(shown)
    assert 0 <= news.progress <= 100
    assert news.elapsed >= 0
    for width in (20, 80, 200):
        console = Console(width=width, force_terminal=True, file=_Nowhere())
        print_table([shown], 1e9, console)
    assert all(isinstance(line, str) for line in page(shown, 1e9))


class _Nowhere:
    encoding = "utf-8"

    def write(self, text: str) -> int:
        return len(text)

    def flush(self) -> None:
        """Nothing is kept."""

    def isatty(self) -> bool:
        return True
