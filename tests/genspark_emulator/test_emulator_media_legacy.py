"""Images and videos on the retired route."""

import json

import pytest
from emulator_client import EmulatorClient, frames_of
from emulator_media import Media

from genspark_emulator.scenarios.legacy_streams import LEGACY_MEDIA_STREAMS

KINDS = ["image", "video"]


@pytest.mark.parametrize("kind", KINDS)
def test_by_default_it_is_retired(emulator: EmulatorClient, kind: str) -> None:
    media = Media(emulator)
    emulator.script(flow=f"legacy_{kind}", chunk_bytes=3)
    for _ in range(2):
        assert media.copilot(kind).text.startswith("This feature has been retired")
    assert media.tasks() == []
    assert emulator.log()[-1]["flow"] == f"legacy_{kind}"


@pytest.mark.parametrize("kind", KINDS)
def test_task_ids_are_json_text_in_the_last_frame(emulator: EmulatorClient, kind: str) -> None:
    media = Media(emulator)
    emulator.script(flow=f"legacy_{kind}", scenario="answered", task_seconds=0)
    last = frames_of(media.copilot(kind).text)[-1]
    assert last["type"] == "message_result"
    assert "message" not in last
    [told] = json.loads(last["content"])[f"generated_{kind}s"]
    assert set(told) == {"task_id"}
    [task] = media.tasks()
    assert (task["id"], task["flow"]) == (told["task_id"], f"legacy_{kind}")
    assert media.final(kind, told["task_id"])["status"] == "SUCCESS"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", sorted(LEGACY_MEDIA_STREAMS))
def test_every_scenario_is_told(emulator: EmulatorClient, kind: str, name: str) -> None:
    media = Media(emulator)
    emulator.script(flow=f"legacy_{kind}", scenario=name)
    stream = media.copilot(kind).text
    assert frames_of(stream)[0]["type"] == "project_start"
    assert len(media.tasks()) == ("task_id" in stream)


@pytest.mark.parametrize(("model", "served"), [("recraft-v3", "recraft-v3"), ("x", "gpt-image-2")])
def test_the_model_is_read_from_the_configurations(
    emulator: EmulatorClient, model: str, served: str
) -> None:
    media = Media(emulator)
    emulator.script(flow="legacy_image", scenario="answered")
    media.copilot("image", model)
    assert media.tasks()[0]["model"] == served


def test_an_abort_cancels_here_too(emulator: EmulatorClient) -> None:
    media = Media(emulator)
    emulator.script(flow="legacy_video", scenario="endless")
    project = frames_of(media.copilot("video").text)[0]["id"]
    emulator.post(f"/api/agent/ask_abort?project_id={project}")
    assert media.tasks()[0]["status"] == "CANCELLED"
