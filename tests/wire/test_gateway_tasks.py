"""What gateways say of a task."""

from typing import Any

import pytest
from fixtures.genspark.properties import QUICK
from fixtures.provider_rows import ANY_JSON
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.media import TaskState
from proxy.wire.gateway_tasks import links, task_report

LINK = "https://a.example/1.mp4"


@pytest.mark.parametrize(
    ("word", "state"),
    [("queued", TaskState.PENDING), ("submitted", TaskState.PENDING), ("", TaskState.PENDING),
     ("NOT_START", TaskState.PENDING), ("UNKNOWN", TaskState.PENDING),
     ("completed", TaskState.DONE), ("SUCCESS", TaskState.DONE), ("succeeded", TaskState.DONE),
     ("failed", TaskState.FAILED), ("FAILURE", TaskState.FAILED), ("error", TaskState.FAILED),
     ("cancelled", TaskState.FAILED), ("canceled", TaskState.FAILED)],
)  # fmt: skip
def test_every_gateways_word_for_a_state(word: str, state: TaskState) -> None:
    report = task_report({"status": word, "progress": 5, "error": "why"}, "t", (LINK,), (LINK,))
    assert (report.task_id, report.state) == ("t", state)
    assert report.urls == report.posters == ((LINK,) if state is TaskState.DONE else ())
    assert (report.progress is not None) is (state is TaskState.PENDING)
    assert bool(report.reason) is (state is TaskState.FAILED)


@pytest.mark.parametrize(
    ("said", "progress"),
    [(0, 0), (30, 30), (30.9, 30), ("30", 30), ("30%", 30), (100, 99), (101, None), (-1, None),
     (None, None), ("half", None), (True, None), ([], None), (float("inf"), None)],
)  # fmt: skip
def test_progress_in_any_form(said: Any, progress: int | None) -> None:
    assert task_report({"status": "running", "progress": said}, "t", ()).progress == progress


def test_links_are_found_in_texts_lists_and_objects() -> None:
    other = "http://127.0.0.1:8000/2.mp4"
    assert links(LINK) == (LINK,)
    assert links([{"url": [LINK, other]}, other]) == (LINK, other, other)
    assert links(None, 7, {"url": None}, "ftp://x", "/relative", LINK) == (LINK,)
    assert len(links([LINK] * 40)) == 16
    assert links("https://" + "a" * 9000) == ()
    assert links([[[[LINK]]]]) == ()


@QUICK
@given(ANY_JSON, st.sampled_from(["failed", "completed", "queued"]))
def test_no_object_raises(value: Any, status: str) -> None:
    item = {"status": status, "error": value, "progress": value, "message": value, "model": value}
    assert task_report(item, "t", links(value)).task_id == "t"
    assert task_report(value, "t", links(value)).task_id == "t"
