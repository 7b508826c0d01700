"""Asking how far tasks are."""

import threading
import time
from typing import Any

import httpx2
import pytest
from emulator_client import EmulatorClient, eventually, frames_of
from emulator_media import (
    DETAIL,
    IMAGE_TOOL,
    KEY_HEADERS,
    POLLS,
    SESSION_HEADERS,
    START,
    Clock,
    Media,
)

NOT_FOUND = {"status": -2, "message": "task not found"}
BERT = {"cookie": "session_id=session-of-bert"}


@pytest.fixture
def media(emulator: EmulatorClient) -> Media:
    return Media(emulator)


class OpenPoll:
    """A poll that waits in another thread."""

    def __init__(self, media: Media, kind: str, *ids: str) -> None:
        self._entries = media.emulator.emulator.state.journal
        self._before = len(self._entries.since())
        self._text: list[str] = []
        self._thread = threading.Thread(
            target=lambda: self._text.append(media.poll(kind, *ids).text)
        )
        self._thread.start()
        self.sent_more_than(0)

    def sent_more_than(self, size: int) -> int:
        """Wait for more bytes; how many there are."""

        def sent() -> int:
            entries = self._entries.since()[self._before :]
            return entries[0].bytes_sent if entries else 0

        assert eventually(lambda: sent() > size)
        return sent()

    def frames(self) -> list[dict[str, Any]]:
        """Everything told, once it is over."""
        self._thread.join(5)
        return frames_of(self._text[0])


def test_a_stream_tells_every_change_and_then_the_result(
    media: Media, emulator: EmulatorClient
) -> None:
    clock = Clock(emulator)
    task = media.asked("video")["task_id"]
    poll = OpenPoll(media, "video", task)
    sent = poll.sent_more_than(0)
    for share in (0.1, 0.3):
        clock.now = START + 2.0 * share
        sent = poll.sent_more_than(sent)
    clock.now = START + 2.0
    *running, last = poll.frames()
    told = [{"tasks": {task: {"status": s}}} for s in ("PENDING", "PICKED", "PROCESSING")]
    assert running == told
    assert last["type"] == "TASKS_STATUS_COMPLETE"
    assert last["final_status"][task]["status"] == "SUCCESS"
    assert last["final_status"][task]["video_urls"][0].startswith("http://")


def test_a_stream_repeats_itself_so_that_it_is_known_to_live(
    media: Media, emulator: EmulatorClient
) -> None:
    clock = Clock(emulator)
    emulator.script(flow="video", scenario="endless", task_seconds=1)
    task = media.asked("video")["task_id"]
    clock.now += 10
    body = {"task_ids": [task]}
    with media.http.stream("POST", POLLS["video"], json=body, headers=SESSION_HEADERS) as response:
        chunks = response.iter_text()
        first = next(chunks)
        clock.now += 5
        assert next(chunks) == first
        assert "PROCESSING" in first
    assert eventually(lambda: emulator.log()[-1]["cancelled"])


def test_a_final_task_is_told_at_once(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="image", task_seconds=0)
    task = media.asked("image")["task_id"]
    [frame] = frames_of(media.poll("image", task).text)
    assert frame["type"] == "TASKS_STATUS_COMPLETE"
    assert frame["final_status"][task]["image_urls_nowatermark"]


@pytest.mark.parametrize("kind", ["image", "video"])
def test_failures_are_final_and_have_a_reason(
    media: Media, emulator: EmulatorClient, kind: str
) -> None:
    emulator.script(flow=kind, scenario="moderation", task_seconds=0)
    final = media.final(kind, media.asked(kind)["task_id"])
    assert final["status"] == "FAILED"
    assert "moderation" in final["failure_reason" if kind == "video" else "error_message"]
    assert not any(name.endswith("urls") for name in final)


def test_success_without_files(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="video", scenario="no_url", task_seconds=0)
    final = media.final("video", media.asked("video")["task_id"])
    assert (final["status"], final["video_urls"]) == ("SUCCESS", [])


def test_completion_waits_for_the_slowest(media: Media, emulator: EmulatorClient) -> None:
    clock = Clock(emulator)
    for seconds in (1, 1, 100):
        emulator.script(flow="video", task_seconds=seconds)
    *quick, slow = (media.asked("video")["task_id"] for _ in range(3))
    clock.now += 50
    poll = OpenPoll(media, "video", *quick, slow)
    poll.sent_more_than(0)
    clock.now += 50
    first, last = poll.frames()
    assert [first["tasks"][task] for task in quick] == [{"status": "SUCCESS"}] * 2
    assert first["tasks"][slow] == {"status": "PROCESSING"}
    assert {entry["status"] for entry in last["final_status"].values()} == {"SUCCESS"}


def test_details_of_early_ones_if_wanted(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="video", task_seconds=0)
    emulator.script(flow="video", scenario="endless")
    emulator.script(flow="tasks", scenario="poll_details", end_after_bytes=10_000)
    quick, endless = (media.asked("video")["task_id"] for _ in range(2))
    body = {"task_ids": [quick, endless]}
    with media.http.stream("POST", POLLS["video"], json=body, headers=SESSION_HEADERS) as response:
        [frame] = frames_of(next(response.iter_text()))
    assert frame["tasks"][quick]["video_urls"]
    assert set(frame["tasks"][endless]) == {"status"}


@pytest.mark.parametrize("kind", ["image", "video"])
def test_unknown_foreign_and_unfitting_tasks(media: Media, kind: str) -> None:
    task = media.asked(kind)["task_id"]
    other = {"image": "video", "video": "image"}[kind]
    assert media.poll(kind, task, "t-1").json() == NOT_FOUND
    assert media.poll(kind, task, headers=BERT).json() == NOT_FOUND
    assert media.poll(kind, task, headers=KEY_HEADERS).json() == NOT_FOUND
    assert media.poll(other, task).json() == NOT_FOUND


def test_a_key_asks_for_its_own_tasks(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="key_image", task_seconds=0)
    task = media.made(IMAGE_TOOL, query="a cat")["task_id"]
    assert media.final("image", task, KEY_HEADERS)["status"] == "SUCCESS"
    assert media.poll("image", task).json() == NOT_FOUND


def test_a_refreshed_session_keeps_its_tasks(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="image", task_seconds=0)
    task = media.asked("image")["task_id"]
    session = emulator.emulator.state.accounts.refresh("session-of-anna")
    headers = {"cookie": f"session_id={session}"}
    assert media.final("image", task, headers)["status"] == "SUCCESS"


def test_nobody_asks_in_vain(media: Media) -> None:
    response = media.http.post(POLLS["video"], json={"task_ids": ["t-1"]})
    assert response.json()["message"] == "not login"


@pytest.mark.parametrize("ids", [None, [], "t-1", [7], ["t"] * 1001])
def test_ids_must_be_a_list_of_texts(emulator: EmulatorClient, ids: Any) -> None:
    assert emulator.post(POLLS["video"], {"task_ids": ids}).status_code == 422


def test_a_stream_that_ends_without_completion(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="image", task_seconds=0)
    task = media.asked("image")["task_id"]
    emulator.script(flow="tasks", scenario="poll_no_complete")
    assert frames_of(media.poll("image", task).text) == [{"tasks": {task: {"status": "SUCCESS"}}}]
    assert media.final("image", task)["status"] == "SUCCESS"


def test_a_silent_stream(media: Media, emulator: EmulatorClient) -> None:
    task = media.asked("image")["task_id"]
    emulator.script(flow="tasks", scenario="poll_silent")
    request = media.http.build_request(
        *("POST", POLLS["image"]),
        json={"task_ids": [task]},
        headers=SESSION_HEADERS,
        timeout=httpx2.Timeout(5, read=0.1),
    )
    response = media.http.send(request, stream=True)
    assert response.status_code == 200
    with pytest.raises(httpx2.ReadTimeout):
        response.read()
    response.close()


def test_refusals(media: Media, emulator: EmulatorClient) -> None:
    task = media.asked("image")["task_id"]
    for name in ("row1", "row3", "row24", "challenge_page"):
        emulator.script(flow="tasks", scenario=name)
    responses = [media.poll("image", task) for _ in range(4)]
    assert [response.status_code for response in responses] == [429, 200, 200, 403]
    assert responses[2].json() == NOT_FOUND


def detail(media: Media, task: str, **headers: Any) -> dict[str, Any]:
    return dict(media.http.get(DETAIL, params={"task_id": task}, **headers).json())


def test_the_detail_of_one_image(media: Media, emulator: EmulatorClient) -> None:
    clock = Clock(emulator)
    task = media.asked("image")["task_id"]
    statuses = []
    for share in (0.0, 0.1, 0.3, 1.0):
        clock.now = START + 0.5 * share
        body = detail(media, task, headers=SESSION_HEADERS)
        statuses.append(body["data"]["status"])
    assert statuses == ["PENDING", "PROCESSING", "PROCESSING", "SUCCESS"]
    assert body["status"] == 0
    assert body["data"]["image_urls"][0].startswith("/api/files/s/")
    assert (body["data"]["model"], body["data"]["prompt"]) == ("gpt-image-2", "a cat")
    assert detail(media, task, headers=BERT) == NOT_FOUND
    assert detail(media, "t-1", headers=SESSION_HEADERS) == NOT_FOUND
    assert detail(media, task)["message"] == "not login"


def test_the_detail_of_a_failure(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="image", scenario="task_fails", failure_reason="No.", task_seconds=0)
    task = media.asked("image")["task_id"]
    data = detail(media, task, headers=SESSION_HEADERS)["data"]
    assert (data["status"], data["failed_reason"], data["image_urls"]) == ("FAILED", "No.", [])


def test_thousands_of_tasks_run_without_timers(media: Media, emulator: EmulatorClient) -> None:
    clock = Clock(emulator)
    before = threading.active_count()
    emulator.emulator.state.tasks.seconds["video"] = 300.0
    params = {"type": "video", "model": "sora-2", "duration": "8", "generation_count": 4}
    for _ in range(500):
        media.ask("video", model_params=params)
    assert threading.active_count() == before
    ids = [task.id for task in emulator.emulator.state.tasks]
    assert len(emulator.emulator.state.tasks) == 2000
    clock.now += 300
    started = time.monotonic()
    for start in (0, 1000):
        [frame] = frames_of(media.poll("video", *ids[start : start + 1000]).text)
        assert len(frame["final_status"]) == 1000
    assert time.monotonic() - started < 5
