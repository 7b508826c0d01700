"""The life of a task, and the list of all of them."""

import math

import pytest
from emulator_client import EmulatorClient
from emulator_media import Clock, Media
from hypothesis import given
from hypothesis import strategies as st

from genspark_emulator.tasks import FINAL, KEPT_BODY_BYTES, Fate, Order, Task, Tasks, new_task_id

USUAL = Fate()
ORDER = ["PENDING", "PICKED", "PROCESSING", "FINAL"]
CONTROL = "/__emulator__/tasks"

fates = st.builds(
    Fate, failure=st.sampled_from(["", "No."]), ends=st.booleans(), has_files=st.booleans()
)
seconds = st.floats(min_value=0, max_value=1e6)


def task_of(fate: Fate = USUAL, life: float = 10.0, project: str | None = None) -> Task:
    order = Order("video", "sora-2", "a cat")
    return Task(new_task_id(), order, "anna", "video", 1000.0, life, fate, project)


@given(fate=fates, life=seconds, ages=st.lists(seconds, min_size=2))
def test_a_task_never_goes_back(fate: Fate, life: float, ages: list[float]) -> None:
    task = task_of(fate, life)
    told = [task.status(1000.0 + age) for age in sorted(ages)]
    ranks = [ORDER.index("FINAL" if status in FINAL else status) for status in told]
    assert ranks == sorted(ranks)
    assert all(status == told[-1] for status in told if status in FINAL)


@given(fate=fates, life=seconds, age=seconds)
def test_the_next_change_is_a_change(fate: Fate, life: float, age: float) -> None:
    task, now = task_of(fate, life), 1000.0 + age
    change = task.next_change(now)
    assert change > now
    assert task.is_final(now) is (task.status(now) in FINAL)
    if math.isinf(change):
        assert task.status(now) == task.status(now + 1e9)
    else:
        assert task.status(math.nextafter(change, -math.inf)) == task.status(now)
        assert task.status(change) != task.status(now)


@given(fate=fates, life=seconds, age=seconds)
def test_files_exist_only_for_success(fate: Fate, life: float, age: float) -> None:
    task = task_of(fate, life)
    if task.has_files(1000.0 + age):
        assert task.status(1000.0 + age) == "SUCCESS"
        assert fate.has_files


@given(fate=fates, life=seconds, age=seconds, later=seconds)
def test_cancelling_is_final_but_changes_no_end(
    fate: Fate, life: float, age: float, later: float
) -> None:
    tasks, task = Tasks(), task_of(fate, life, project="p")
    tasks.add(task, 0)
    before = task.status(1000.0 + age)
    tasks.cancel("p", 1000.0 + age)
    after = task.status(1000.0 + age + later)
    assert after == (before if before in FINAL else "CANCELLED")


def test_stages() -> None:
    task = task_of(life=10.0)
    told = [task.status(1000.0 + age) for age in (0, 0.9, 1, 2.9, 3, 9.9, 10)]
    assert told == [
        *("PENDING", "PENDING", "PICKED", "PICKED"),
        *("PROCESSING", "PROCESSING", "SUCCESS"),
    ]


def test_old_bodies_are_forgotten_but_not_their_tasks() -> None:
    tasks, half = Tasks(), KEPT_BODY_BYTES // 2
    bought = [task_of() for _ in range(3)]
    for task in bought:
        task.body = {"big": True}
        tasks.add(task, half)
    assert [task.body for task in tasks] == [None, {"big": True}, {"big": True}]
    assert len(tasks) == 3


def test_lifetimes_can_be_set(emulator: EmulatorClient) -> None:
    clock, media = Clock(emulator), Media(emulator)
    changed = emulator.http.post(CONTROL, json={"seconds": {"video": 120}})
    assert changed.json() == {"seconds": {"image": 0.5, "video": 120.0}}
    media.asked("video")
    emulator.script(flow="video", task_seconds=1)
    media.asked("video")
    clock.now += 119
    assert [task["status"] for task in media.tasks()] == ["PROCESSING", "SUCCESS"]
    emulator.http.post("/__emulator__/reset")
    assert emulator.http.get(CONTROL).json() == {
        "tasks": [],
        "seconds": {"image": 0.5, "video": 2.0},
    }


@pytest.mark.parametrize(
    "body", [None, [], {}, {"seconds": {"audio": 1}}, {"seconds": {"video": -1}}, {"video": 1}]
)
def test_bad_lifetimes_are_refused(emulator: EmulatorClient, body: object) -> None:
    response = emulator.http.post(CONTROL, json=body)
    assert response.status_code == 400
    assert response.json()["error"]
    assert emulator.http.get(CONTROL).json()["seconds"]["video"] == 2.0


def test_purchases_are_listed_with_all_that_tells_them_apart(emulator: EmulatorClient) -> None:
    clock, media = Clock(emulator), Media(emulator)
    media.asked("image", prompt="one")
    media.asked("video", session="session-of-bert", prompt="two")
    first, second = media.tasks()
    assert set(first) == {
        *("id", "kind", "account", "flow", "model", "prompt", "status", "created"),
        *("project_id", "body"),
    }
    assert (first["kind"], first["prompt"], first["created"]) == ("image", "one", clock.now)
    assert (second["account"], second["body"]["user_s_input"]) == ("session-of-bert", "two")
    assert emulator.emulator.state.tasks.find(first["id"]) is not None


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ({"flow": "chat", "task_seconds": 1}, "'task_seconds' only goes with flow"),
        ({"flow": "image", "heartbeat_s": 1}, "'heartbeat_s' only goes with flow key_image"),
        ({"flow": "tasks", "file_mb": 1}, "'file_mb' only goes with flow"),
        ({"flow": "image", "failure_reason": "x"}, "'failure_reason' only goes with scenario"),
        ({"flow": "image", "scenario": "unfinished"}, "only key_image, key_video"),
        ({"flow": "file", "file_mb": 4001}, "<= 4000"),
        ({"scenario": "task_fails"}, "cannot be answered like this"),
    ],
)
def test_media_rules_that_make_no_sense_are_refused(
    emulator: EmulatorClient, rule: dict[str, object], complaint: str
) -> None:
    assert complaint in emulator.rejected(rule)


def test_the_help_lists_media_scenarios(emulator: EmulatorClient) -> None:
    body = emulator.http.get("/__emulator__/").json()
    assert "GET /__emulator__/tasks" in body["calls"]
    assert "unfinished" in body["scenarios"]["key_video"]
    assert "task_in_substring" in body["scenarios"]["image"]
    assert "file_redirect" in body["scenarios"]["file"]
    assert {"task_seconds", "file_mb"} <= set(body["rule_fields"])
    assert "accept_then_cut" in body["modifiers"]
