"""Images and videos with a session."""

from typing import Any

import httpx2
import pytest
from emulator_client import ASK, SESSION, EmulatorClient, frames_of, results_of, types_of
from emulator_media import BODIES, Clock, Media, image_body, video_body
from emulator_media import results_of as bought_in

from genspark_emulator.scenarios.failures import FAILURES
from genspark_emulator.scenarios.media_streams import MEDIA_STREAMS, buys

KINDS = ["image", "video"]


@pytest.fixture
def media(emulator: EmulatorClient) -> Media:
    return Media(emulator)


@pytest.mark.parametrize("kind", KINDS)
def test_an_ask_returns_at_once_with_a_task(media: Media, kind: str) -> None:
    stream = media.ask(kind, prompt="a blue cat")
    assert types_of(stream)[:3] == ["project_start", "message_start", "project_field"]
    assert frames_of(stream)[-1]["field_value"] == "FINISHED"
    [result] = bought_in(stream, kind)
    assert result["status"] == "PENDING"
    [task] = media.tasks()
    assert (task["id"], task["kind"], task["flow"]) == (result["task_id"], kind, kind)
    assert (task["account"], task["prompt"]) == (SESSION, "a blue cat")
    assert task["project_id"] == frames_of(stream)[0]["id"]
    assert task["body"] == BODIES[kind](prompt="a blue cat")
    assert media.emulator.log()[-1]["flow"] == kind


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("nano-banana-pro", "nano-banana-pro"),
        ("midjourney", "gpt-image-2"),
        ("", "gpt-image-2"),
    ],
)
def test_unknown_image_models_are_silently_replaced(media: Media, asked: str, served: str) -> None:
    assert media.asked("image", model=asked)["model"] == served
    assert media.asked("video", model="sora-2-pro")["model"] == "sora-2-pro"


def test_the_minimal_body_of_early_clients(media: Media) -> None:
    body = {
        "type": "image_generation_agent",
        "auto_prompt": None,
        "model": "nano-banana-pro",
        "messages": [{"role": "user", "content": "a cat"}],
    }
    stream = media.emulator.post(ASK, body).text
    assert bought_in(stream, "image")[0]["model"] == "nano-banana-pro"


def test_several_at_once(media: Media) -> None:
    params = {**image_body()["model_params"], "generation_count": 3}
    results = bought_in(media.ask("image", model_params=params), "image")
    assert len({result["task_id"] for result in results}) == 3
    assert len(media.tasks()) == 3


@pytest.mark.parametrize(
    "params",
    [
        {"type": "video", "model": "sora-2", "duration": 8},
        {"type": "video", "model": "sora-2"},
        {"type": "video", "duration": "8"},
        {"type": "image", "model": "sora-2", "duration": "8"},
        None,
        "sora-2",
    ],
)
def test_bodies_the_video_agent_does_not_take(media: Media, params: Any) -> None:
    response = media.emulator.post(ASK, video_body(model_params=params))
    assert response.status_code == 422
    assert media.tasks() == []


@pytest.mark.parametrize("params", [{"type": "video", "model": "x"}, {"type": "image"}, 7])
def test_bodies_the_image_agent_does_not_take(media: Media, params: Any) -> None:
    assert media.emulator.post(ASK, image_body(model_params=params)).status_code == 422


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", sorted(MEDIA_STREAMS))
def test_every_scenario_buys_or_does_not(
    media: Media, emulator: EmulatorClient, kind: str, name: str
) -> None:
    emulator.script(flow=kind, scenario=name)
    stream = media.ask(kind)
    told = [task["id"] for task in media.tasks()]
    assert len(told) == buys(MEDIA_STREAMS[name])
    assert all(task in stream for task in told)
    assert ("task_id" in stream) is bool(told)


def test_failures_buy_nothing_unless_they_come_later() -> None:
    for name in (*FAILURES, "window_limit", "error_frame"):
        assert not buys(MEDIA_STREAMS[name])
        assert buys(MEDIA_STREAMS[f"{name}_mid"])


def test_an_ask_that_buys_nothing_looks_normal(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="video", scenario="no_task")
    stream = media.ask("video")
    assert results_of(stream)[0]["content"]
    assert frames_of(stream)[-1]["field_value"] == "FINISHED"
    assert media.tasks() == []


def carriers(stream: str, task_id: str) -> list[dict[str, Any]]:
    return [frame for frame in frames_of(stream) if task_id in str(frame)]


@pytest.mark.parametrize("kind", KINDS)
def test_the_places_a_task_is_told_in(media: Media, emulator: EmulatorClient, kind: str) -> None:
    found = {}
    for name in (
        *("results_as_json_text", "results_in_message_field", "task_in_tool_message"),
        *("task_in_substring", "task_deep_inside", "duplicate_results"),
    ):
        emulator.script(flow=kind, scenario=name)
        stream = media.ask(kind)
        found[name] = carriers(stream, media.tasks()[-1]["id"])
    field = f"{kind}_generation_agent.results"
    assert found["results_as_json_text"][0]["field_value"].startswith('[{"task_id": "')
    assert found["results_in_message_field"][0]["field_name"] == field
    content = found["task_in_tool_message"][-1]["message"]["content"]
    assert content.startswith(f'{{"generated_{kind}s": [')
    assert '"task_id":"' in found["task_in_substring"][-1]["message"]["content"]
    assert found["task_deep_inside"][0]["type"] == "agent_step"
    assert len(found["duplicate_results"]) == 4


def limit_of(stream: str) -> str:
    fields = (f for f in frames_of(stream) if f["type"] == "project_field")
    return next(
        str(f["field_value"]) for f in fields if f["field_name"].endswith("session_limit_message")
    )


def test_window_limits_name_the_product(media: Media, emulator: EmulatorClient) -> None:
    Clock(emulator)
    emulator.script(flow="image", scenario="window_limit", epoch=1800000000)
    emulator.script(flow="video", scenario="window_limit")
    emulator.script(flow="video", scenario="row18")
    emulator.script(flow="image", scenario="window_warning")
    assert limit_of(media.ask("image")) == (
        "AI Image [5-hour limit] reached. Resets {time:1800000000}"
    )
    assert limit_of(media.ask("video")) == "AI Video [5-hour limit] reached. Resets {time:1005400}"
    assert limit_of(media.ask("video")).startswith("AI Image [5-hour limit]")
    assert media.tasks() == []
    assert limit_of(media.ask("image")) == "Approaching 5-hour limit."
    assert len(media.tasks()) == 1


def test_a_limit_beside_a_task_is_a_warning(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="image", scenario="limit_with_task")
    stream = media.ask("image")
    assert "[5-hour limit] reached" in limit_of(stream)
    assert bought_in(stream, "image")


def test_refusals_buy_nothing(media: Media, emulator: EmulatorClient) -> None:
    for name in ("row1", "row3", "row7", "row11", "row20"):
        emulator.script(flow="video", scenario=name)
    codes = [emulator.post(ASK, video_body()).status_code for _ in range(5)]
    assert codes == [429, 200, 403, 500, 200]
    assert media.tasks() == []


def test_a_rule_for_chat_does_not_fit_media(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(scenario="daily_quota")
    assert media.asked("image")
    assert "daily" not in emulator.ask()
    assert emulator.http.get("/__emulator__/script").json()["rules"] == []
    assert "flow 'image'" in emulator.rejected({"flow": "image", "answer": {"text": "x"}})


def test_the_answer_can_break_after_the_purchase(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="video", accept_then_cut=True)
    emulator.script(flow="video", cut_after_bytes=50)
    for _ in range(2):
        with pytest.raises(httpx2.RemoteProtocolError):
            media.ask("video")
    assert len(media.tasks()) == 2


def test_an_abort_cancels_what_still_runs(media: Media, emulator: EmulatorClient) -> None:
    clock = Clock(emulator)
    stream = media.ask("video")
    project, [task] = frames_of(stream)[0]["id"], media.tasks()
    other = media.asked("video")["task_id"]
    abort = f"/api/agent/ask_abort?project_id={project}"
    assert emulator.post(abort, session="session-of-bert").json()["status"] == -2
    assert media.tasks()[0]["status"] == "PENDING"
    emulator.post(abort)
    final = media.final("video", task["id"])
    assert final["status"] == "CANCELLED"
    assert "video_urls" not in final
    clock.now += 10
    assert media.final("video", other)["status"] == "SUCCESS"


def test_an_abort_comes_too_late_for_a_finished_task(
    media: Media, emulator: EmulatorClient
) -> None:
    clock = Clock(emulator)
    stream = media.ask("image")
    clock.now += 10
    emulator.post(f"/api/agent/ask_abort?project_id={frames_of(stream)[0]['id']}")
    assert media.tasks()[0]["status"] == "SUCCESS"


def test_a_task_that_is_ready_when_told(media: Media, emulator: EmulatorClient) -> None:
    Clock(emulator)
    emulator.script(flow="image", scenario="task_ready")
    image = media.asked("image")
    assert image["status"] == "SUCCESS"
    assert image["image_urls_nowatermark"][0].startswith("/api/files/s/")
