"""Task reports: every shape in which the upstream tells of a task, however it is cut."""

import json
from typing import Any

import pytest
from fixtures.genspark.hearing import bytewise
from fixtures.genspark.media.recordings import TASKS, Tasks, described, unlisted
from fixtures.genspark.properties import QUICK, cut, texts
from fixtures.genspark.reading import NOW
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.failures import Failure, Kind
from proxy.core.media import TaskReport, TaskState
from proxy.core.products import Product
from proxy.wire import genspark_tasks, sse
from proxy.wire.genspark_failures import Reply
from proxy.wire.genspark_tasks import TasksReader, is_policy, read_detail, read_task


def _heard(recording: Tasks, pieces: list[bytes]) -> dict[str, Any]:
    reader = TasksReader(recording.product)
    news = [report for piece in pieces for report in reader.feed(piece)]
    news += reader.close()
    return {
        "news": tuple(map(described, news)),
        "done": reader.done,
        "kind": reader.failure.kind.value if reader.failure else None,
        "whole": reader.whole,
    }


def _expected(recording: Tasks) -> dict[str, Any]:
    return {
        "news": recording.news,
        "done": recording.done,
        "kind": recording.kind,
        "whole": recording.body[: 64 * 1024],
    }


def test_every_recording_is_in_the_manifest() -> None:
    assert unlisted("tasks", TASKS) == set()


@pytest.mark.parametrize("recording", TASKS, ids=lambda r: r.file)
def test_a_stream_in_one_read_and_in_many(recording: Tasks) -> None:
    expected = _expected(recording)
    assert _heard(recording, [recording.body]) == expected
    assert _heard(recording, bytewise(recording.body)) == expected


def test_news_come_with_the_read_that_completes_them() -> None:
    reader = TasksReader(Product.VIDEO)
    assert reader.feed(b'data: {"tasks": {"t-1": {"status": "PICKED"}}}') == []
    assert reader.feed(b"\n\n") == [TaskReport(task_id="t-1", state=TaskState.PENDING)]
    assert reader.close() == []


def test_the_end_may_be_announced_without_news() -> None:
    reader = TasksReader(Product.VIDEO)
    assert reader.feed(b'data: {"type": "TASKS_STATUS_COMPLETE"}\n\n') == []
    assert reader.done
    assert reader.failure is None


def test_a_frame_beyond_the_cap_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(genspark_tasks, "Frames", lambda: sse.Frames(limit=100))
    reader = TasksReader(Product.VIDEO)
    assert reader.feed(b"data: " + b"x" * 200) == []
    assert reader.done
    assert reader.failure is not None
    assert reader.failure.kind is Kind.UNREADABLE
    assert reader.close() == []


def test_no_more_tasks_are_read_than_anybody_asks_for() -> None:
    frame = {"tasks": {f"t-{n}": {"status": "PENDING"} for n in range(1000)}}
    news = TasksReader(Product.VIDEO).feed(f"data: {json.dumps(frame)}\n\n".encode())
    assert len(news) == genspark_tasks.MOST_TASKS


def test_what_is_asked() -> None:
    assert json.loads(genspark_tasks.body(["t-1", "t-2"])) == {"task_ids": ["t-1", "t-2"]}
    assert genspark_tasks.PATHS == {
        Product.IMAGE: "/api/ig_tasks_status",
        Product.VIDEO: "/api/vg_tasks_status",
    }


# One task object.


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("SUCCESS", TaskState.DONE), ("COMPLETED", TaskState.DONE), ("Succeeded", TaskState.DONE),
        (" done ", TaskState.DONE), ("FAILED", TaskState.FAILED), ("failure", TaskState.FAILED),
        ("ERROR", TaskState.FAILED), ("canceled", TaskState.FAILED),
        ("CANCELLED", TaskState.FAILED), ("Rejected", TaskState.FAILED),
        ("timeout", TaskState.FAILED), ("PENDING", TaskState.PENDING),
        ("PICKED", TaskState.PENDING), ("never heard of", TaskState.PENDING),
        ("", TaskState.PENDING),
    ],
)  # fmt: skip
def test_a_status_is_a_state(status: str, state: TaskState) -> None:
    assert read_task({"task_id": "t-1", "status": status}, Product.VIDEO).state is state


@pytest.mark.parametrize(
    ("status", "state"),
    [(None, TaskState.DONE), ("", TaskState.DONE), (7, TaskState.DONE),
     ("PROCESSING", TaskState.PENDING), ("FAILED", TaskState.FAILED)],
)  # fmt: skip
def test_an_address_without_a_status_means_success(status: Any, state: TaskState) -> None:
    item = {"task_id": "t-1", "status": status, "video_urls": ["https://g/v"]}
    report = read_task(item, Product.VIDEO)
    assert (report.state, report.urls) == (state, ("https://g/v",))


@pytest.mark.parametrize(
    ("value", "urls"),
    [
        (["https://a", "http://b", "/c"], ("https://a", "http://b", "/c")),
        ("https://a", ("https://a",)),
        ([{"url": "https://a"}, {"url": 7}, None, 7, []], ("https://a",)),
        (["gs://a", "data:image/png;base64,AAAA", "javascript:x", "", " https://b "],
         ("https://b",)),
        (["https://" + "a" * 9000], ()),
        ([f"/{n}" for n in range(99)], tuple(f"/{n}" for n in range(16))),
    ],
)  # fmt: skip
def test_addresses_are_those_that_can_be_fetched(value: Any, urls: tuple[str, ...]) -> None:
    assert read_task({"image_urls": value}, Product.IMAGE).urls == urls


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"error_message": "a", "failed_reason": "b", "message": "c"}, "a"),
        ({"failed_reason": "b", "failure_reason": "d", "message": "c"}, "b"),
        ({"failure_reason": "d", "message": "c"}, "d"),
        ({"message": "c", "error_code": "e"}, "c"),
        ({"error_code": "content_policy"}, "content_policy"),
        ({"message": "see https://g/secret?sig=1 or gsk-abc"}, "see … or …"),
        ({"message": "Traceback (most recent call last)"}, ""),
        ({"message": "x" * 9000}, "x" * 500),
        ({"message": {"a": 1}}, ""),
    ],
)
def test_a_failed_task_tells_its_reason_without_secrets(item: dict[str, Any], reason: str) -> None:
    assert read_task({"status": "FAILED", **item}, Product.VIDEO).reason == reason
    assert read_task({"status": "PENDING", **item}, Product.VIDEO).reason == ""


@pytest.mark.parametrize(
    ("progress", "told"),
    [
        (0, 0),
        (40.9, 40),
        ("55", 55),
        (100, 100),
        (101, None),
        (-1, None),
        (True, None),
        ("x", None),
    ],
)
def test_progress_is_a_percentage_or_nothing(progress: Any, told: int | None) -> None:
    assert read_task({"progress": progress}, Product.VIDEO).progress == told


@pytest.mark.parametrize(
    ("reason", "policy"),
    [
        ("Rejected by the safety system", True), ("MODERATION_BLOCKED", True),
        ("content policies", True), ("sensitive content", True), ("NSFW", True),
        ("This violates our rules", True), ("prohibited", True), ("内容审核未通过", True),
        ("提示词违规", True), ("包含敏感词", True), ("", False), ("timeout", False),
        ("police car could not be drawn", False),
    ],
)  # fmt: skip
def test_content_rules_are_told_from_accidents(reason: str, policy: bool) -> None:
    assert is_policy(reason) is policy


# The detail of one image task.


def _detail(body: Any, status: int = 200) -> TaskReport | Failure:
    return read_detail(Reply(status, {}, json.dumps(body).encode(), NOW), "t-1")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"status": "PROCESSING", "image_urls": []}, "t-1 pending"),
        ({"status": "SUCCESS", "image_urls": ["/m"], "image_urls_nowatermark": ["/p"]},
         "t-1 done /p"),
        ({"image_urls": ["/m"]}, "t-1 done /m"),
        ({"status": "ERROR", "failed_reason": "nsfw"}, "t-1 failed because:nsfw"),
        ({"status": "COMPLETED"}, "t-1 done"),
    ],
)  # fmt: skip
def test_a_detail_tells_of_its_task(data: dict[str, Any], said: str) -> None:
    for body in ({"status": 0, "message": "ok", "data": data}, data):
        report = _detail(body)
        assert isinstance(report, TaskReport)
        assert described(report) == said


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, {"status": -2, "message": "task not found"}, Kind.TASK_UNKNOWN),
        (200, {"status": -5, "message": "not login", "data": {}}, Kind.DEAD_CREDENTIAL),
        (200, {"status": 0, "data": {}}, Kind.UNREADABLE),
        (200, [], Kind.UNREADABLE),
        (429, {"data": {"status": "SUCCESS"}}, Kind.RATE_LIMITED),
    ],
)
def test_a_detail_may_be_refused(status: int, body: Any, kind: Kind) -> None:
    failure = _detail(body, status)
    assert isinstance(failure, Failure)
    assert failure.kind is kind


# Anything else.

names = st.sampled_from(
    ["tasks", "final_status", "data", "status", "task_id", "video_urls", "image_urls", "type",
     "message", "t-1"]
)  # fmt: skip
values = st.recursive(
    st.none() | st.integers(-9, 9) | texts | st.sampled_from(["SUCCESS", "FAILED", "/x", "[{}]"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


@QUICK
@given(st.data(), st.lists(values, max_size=4), st.sampled_from(["\n", "\r\n"]))
def test_any_frames_say_the_same_however_they_are_cut(
    data: st.DataObject, frames: list[Any], end: str
) -> None:
    body = "".join(f"data: {json.dumps(frame)}{end}{end}" for frame in frames).encode()
    recording = Tasks(file="", product=data.draw(st.sampled_from([Product.IMAGE, Product.VIDEO])))
    assert _heard(recording, data.draw(cut(body))) == _heard(recording, [body])


@QUICK
@given(st.data(), st.binary(max_size=100) | texts.map(str.encode))
def test_any_bytes_are_read_without_an_exception(data: st.DataObject, body: bytes) -> None:
    heard = _heard(Tasks(file=""), data.draw(cut(body)))
    assert heard == _heard(Tasks(file=""), [body])
    assert heard["whole"] == body


@QUICK
@given(values, st.sampled_from([200, 404, 500]))
def test_any_detail_is_a_report_or_a_failure(body: Any, status: int) -> None:
    assert isinstance(_detail(body, status), TaskReport | Failure)
