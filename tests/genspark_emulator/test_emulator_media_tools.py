"""Images and videos with a key."""

import base64
import threading
from typing import Any

import httpx2
import pytest
from emulator_client import KEY, EmulatorClient, eventually
from emulator_media import (
    IMAGE_TOOL,
    KEY_HEADERS,
    START,
    VIDEO_TOOL,
    Clock,
    Media,
    lines_of,
)

from genspark_emulator.scenarios.fates import FATES
from genspark_emulator.scenarios.tool_streams import TOOL_DOCUMENTS, TOOL_STREAMS

VIDEO: dict[str, Any] = {"query": "a cat", "model": "kling/v3"}
IMAGE: dict[str, Any] = {"query": "a cat"}
CALLS: dict[str, tuple[str, dict[str, Any]]] = {
    "key_video": (VIDEO_TOOL, VIDEO),
    "key_image": (IMAGE_TOOL, IMAGE),
}


@pytest.fixture
def media(emulator: EmulatorClient) -> Media:
    """Tasks are final at once unless a test wants to see them run."""
    emulator.emulator.state.tasks.seconds.update(image=0.0, video=0.0)
    return Media(emulator)


def test_a_video_is_told_in_the_tools_envelope(media: Media) -> None:
    [final] = media.told(VIDEO_TOOL, **VIDEO)
    assert set(final) == {"version", "status", "message", "data", "session_state"}
    assert (final["version"], final["status"]) == (1, "ok")
    [video] = final["data"]["generated_videos"]
    assert video["status"] == "SUCCESS"
    assert (video["model"], video["duration"], video["tier"]) == ("kling/v3", 5, "standard")
    assert video["try_count"] == 1
    for name in ("video_urls", "poster_urls", "last_frame_urls"):
        [url] = video[name]
        assert url.startswith(f"{media.emulator.emulator.url}/api/files/s/")
    assert media.emulator.log()[-1]["flow"] == "key_video"


def test_an_image_is_told_in_the_tools_envelope(media: Media) -> None:
    image = media.made(IMAGE_TOOL, **IMAGE, image_size="2k")
    assert (image["status"], image["prompt"]) == ("SUCCESS", "a cat")
    assert (image["model"], image["image_size"]) == ("nano-banana-2-flash-lite", "2k")
    [marked], [unmarked] = image["image_urls"], image["image_urls_nowatermark"]
    assert marked != unmarked
    assert media.emulator.log()[-1]["flow"] == "key_image"


@pytest.mark.parametrize("headers", [KEY_HEADERS, {"authorization": f"Bearer {KEY}"}])
def test_both_ways_to_present_a_key(media: Media, headers: dict[str, str]) -> None:
    assert "SUCCESS" in media.tool(IMAGE_TOOL, headers, **IMAGE).text
    assert media.tasks()[0]["account"] == KEY


@pytest.mark.parametrize("path", [IMAGE_TOOL, VIDEO_TOOL, "/api/tool_cli/file/upload_url"])
def test_a_session_is_no_key(media: Media, path: str) -> None:
    response = media.emulator.post(path, IMAGE)
    assert response.status_code == 401
    assert "detail" in response.json()
    assert media.tasks() == []


@pytest.mark.parametrize(
    ("path", "arguments", "complaint"),
    [
        (VIDEO_TOOL, {"model": "kling/v3"}, "'query' is required"),
        (VIDEO_TOOL, {"query": "a cat"}, "'model' is required"),
        (IMAGE_TOOL, {"prompt": "a cat"}, "'query' is required"),
        (IMAGE_TOOL, {"query": 7}, "'query' must be of type string"),
        (IMAGE_TOOL, {**IMAGE, "model": 7}, "'model' must be of type string"),
        (VIDEO_TOOL, {**VIDEO, "duration": "8"}, "'duration' must be of type number"),
        (VIDEO_TOOL, {**VIDEO, "duration": True}, "'duration' must be of type number"),
        (VIDEO_TOOL, {**VIDEO, "audio_enable": 1}, "'audio_enable' must be of type boolean"),
        (VIDEO_TOOL, {**VIDEO, "tier": "best"}, "one of standard, fast"),
        (VIDEO_TOOL, {**VIDEO, "video_size": "1080P"}, "'video_size' must be"),
        (VIDEO_TOOL, {**VIDEO, "image_urls": "https://x/"}, "'image_urls' must be of type array"),
        (IMAGE_TOOL, {**IMAGE, "image_urls": [7]}, "'image_urls' must be of type array"),
        (IMAGE_TOOL, {**IMAGE, "bbox": [1, 2, 3]}, "'bbox' must be of type array"),
    ],
)
def test_wrong_arguments_are_an_error_and_no_purchase(
    media: Media, path: str, arguments: dict[str, Any], complaint: str
) -> None:
    [final] = media.told(path, **arguments)
    assert (final["status"], final["data"]["code"]) == ("error", "invalid_parameters")
    assert complaint in final["message"]
    assert media.tasks() == []


@pytest.mark.parametrize("path", [IMAGE_TOOL, VIDEO_TOOL])
def test_an_unknown_model_is_answered_with_the_known_ones(media: Media, path: str) -> None:
    [final] = media.told(path, query="a cat", model="sora-9")
    assert final["status"] == "error"
    assert "Allowed models: " in final["message"]
    tools = media.http.get("/api/tool_cli/tools", headers=KEY_HEADERS).json()["tools"]
    tool = next(one for one in tools if path.endswith(one["name"]))
    assert final["data"]["allowed_models"] == tool["parameters"]["properties"]["model"]["enum"]


def test_absent_arguments_may_be_null(media: Media) -> None:
    assert media.made(VIDEO_TOOL, **VIDEO, duration=None, tier=None, image_urls=None)


@pytest.mark.parametrize(
    ("model", "asked", "made"),
    [
        ("kling/v3", 99, 15),
        ("kling/v3", 1, 3),
        ("wan/v2.7", 8, 5),
        ("gemini/veo3.1", 5, 4),
        ("fal-ai/bytedance/seedance-2.5", 0, 0),
        ("xai/grok-imagine-video", 7.5, 7),
    ],
)
def test_durations_are_clamped(media: Media, model: str, asked: float, made: float) -> None:
    assert media.made(VIDEO_TOOL, query="x", model=model, duration=asked)["duration"] == made


@pytest.mark.parametrize(
    ("model", "given", "starts"),
    [
        ("runway/gen4_turbo", {}, False),
        ("runway/gen4_turbo", {"image_urls": ["https://example.com/a.png"]}, True),
        ("kling/o3", {}, False),
        ("kling/o3", {"video_url": "https://example.com/a.mp4"}, True),
        ("alibaba/happy-horse/video-edit", {"image_urls": ["https://example.com/a.png"]}, False),
        ("alibaba/happy-horse/video-edit", {"video_urls": ["https://example.com/a.mp4"]}, True),
    ],
)
def test_some_models_need_an_input(
    media: Media, model: str, given: dict[str, Any], starts: bool
) -> None:
    final = media.told(VIDEO_TOOL, query="x", model=model, **given)[-1]
    assert (final["status"] == "ok") is starts
    assert len(media.tasks()) == starts


@pytest.mark.parametrize(
    ("address", "readable"),
    [
        ("https://example.com/a.png", True),
        ("data:image/png;base64," + base64.b64encode(b"png").decode(), True),
        ("data:image/png;base64,%%%", False),
        ("data:image/png;base64,", False),
        ("data:,plain", False),
        ("file:///etc/passwd", False),
        ("/api/files/s/0123456789abcdef0123456789abcdef", False),
    ],
)
def test_inputs_must_be_readable(media: Media, address: str, readable: bool) -> None:
    [final] = media.told(IMAGE_TOOL, **IMAGE, image_urls=[address])
    assert (final["status"] == "ok") is readable


def test_heartbeats_while_the_task_runs(media: Media, emulator: EmulatorClient) -> None:
    clock = Clock(emulator)
    emulator.script(flow="key_video", task_seconds=60)
    started: list[httpx2.Response] = []

    def call() -> None:
        started.append(media.tool(VIDEO_TOOL, **VIDEO))

    thread = threading.Thread(target=call)
    thread.start()
    journal = emulator.emulator.state.journal
    assert eventually(lambda: bool(journal.since()) and journal.since()[-1].status == 200)
    sent = 0
    for elapsed in (5, 10, 31):
        clock.now = START + elapsed
        assert eventually(lambda before=sent: journal.since()[-1].bytes_sent > before)
        sent = journal.since()[-1].bytes_sent
    clock.now = START + 60
    thread.join(5)
    *beats, final = lines_of(started[0].text)
    assert beats == [
        {"version": 1, "heartbeat": n, "message": "working", "elapsed_seconds": elapsed}
        for n, elapsed in ((1, 5.0), (2, 10.0), (3, 31.0))
    ]
    assert final["data"]["generated_videos"][0]["status"] == "SUCCESS"


def test_heartbeats_can_be_made_frequent(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="key_image", scenario="heartbeats", heartbeat_s=0.02, task_seconds=0.15)
    *progress, final = media.told(IMAGE_TOOL, **IMAGE)
    assert [one["heartbeat"] for one in progress[2:]] == list(range(1, len(progress) - 1))
    assert len(progress) > 4
    assert {"tool", "arguments"} <= set(progress[0])
    assert "delta" in progress[1]
    assert final["status"] == "ok"


def test_a_call_that_ends_before_its_task(media: Media, emulator: EmulatorClient) -> None:
    clock = Clock(emulator)
    emulator.script(flow="key_video", scenario="unfinished", task_seconds=60)
    video = media.made(VIDEO_TOOL, **VIDEO)
    assert (video["status"], video["video_urls"]) == ("PENDING", [])
    clock.now += 60
    final = media.final("video", video["task_id"], KEY_HEADERS)
    assert final["status"] == "SUCCESS"
    assert final["video_urls"]


def test_versions(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="key_video", scenario="no_version")
    emulator.script(flow="key_video", scenario="future_version")
    [without] = media.told(VIDEO_TOOL, **VIDEO)
    assert "version" not in without
    assert without["data"]["generated_videos"]
    told = media.told(VIDEO_TOOL, **VIDEO)
    assert [one["version"] for one in told] == [2, 2, 1, 2]
    assert all(one["data"]["generated_videos"] == [] for one in told if one["version"] == 2)


def test_the_last_of_two_results_counts(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="key_image", scenario="two_finals")
    first, last = media.told(IMAGE_TOOL, **IMAGE)
    assert first["status"] == last["status"] == "ok"
    assert first["data"]["generated_images"] == []
    assert last["data"]["generated_images"]


def test_sparse_results(media: Media, emulator: EmulatorClient) -> None:
    for flow in ("key_image", "key_video", "key_image"):
        emulator.script(flow=flow, scenario="sparse_item")
    [image] = media.told(IMAGE_TOOL, **IMAGE)[-1]["data"]["images"]
    [video] = media.told(VIDEO_TOOL, **VIDEO)[-1]["data"]["generated_videos"]
    assert set(image) == {"task_id", "url"}
    assert set(video) == {"task_id", "video_url"}


def test_a_stream_without_result(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="key_video", scenario="no_final")
    assert media.told(VIDEO_TOOL, **VIDEO) == []
    assert len(media.tasks()) == 1


def test_failures_carry_their_reason(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="key_video", scenario="moderation")
    emulator.script(flow="key_image", scenario="task_fails", failure_reason="Out of paint.")
    video = media.made(VIDEO_TOOL, **VIDEO)
    assert (video["status"], video["video_urls"]) == ("FAILED", [])
    assert "moderation" in video["failure_reason"]
    assert video["error_code"] == "content_policy_violation"
    assert media.made(IMAGE_TOOL, **IMAGE)["failure_reason"] == "Out of paint."


def test_success_without_files(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="key_image", scenario="no_url")
    image = media.made(IMAGE_TOOL, **IMAGE)
    assert (image["status"], image["image_urls"]) == ("SUCCESS", [])


def test_another_model_serves(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="key_image", scenario="other_model")
    assert media.made(IMAGE_TOOL, **IMAGE)["model"] == "qwen-image-3"


def test_an_endless_task_only_beats(media: Media, emulator: EmulatorClient) -> None:
    clock = Clock(emulator)
    emulator.script(flow="key_image", scenario="endless", heartbeat_s=1)
    request = media.http.build_request("POST", IMAGE_TOOL, json=IMAGE, headers=KEY_HEADERS)
    response = media.http.send(request, stream=True)
    chunks = response.iter_text()
    for _ in range(3):
        clock.now += 1000
        assert "heartbeat" in next(chunks)
    response.close()
    assert eventually(lambda: emulator.log()[-1]["cancelled"])
    assert media.tasks()[0]["status"] == "PROCESSING"


def test_refusals_of_the_tool_itself(media: Media, emulator: EmulatorClient) -> None:
    bodies = {}
    for name in TOOL_DOCUMENTS:
        emulator.script(flow="key_video", scenario=name)
        response = media.tool(VIDEO_TOOL, **VIDEO)
        bodies[name] = (response.status_code, response.json())
    assert media.tasks() == []
    assert bodies["tool_error"][0] == bodies["moderation_error"][0] == 200
    assert bodies["tool_error"][1]["status"] == "error"
    assert "not permitted to use the Genspark API" in bodies["tool_banned"][1]["message"]
    assert bodies["detail_code"][0] == 400
    assert set(bodies["detail_code"][1]["detail"]) == {"code", "message"}
    assert isinstance(bodies["detail_text"][1]["detail"], str)


def test_refusals_of_the_key(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="key_video", scenario="tool_free_plan")
    emulator.script(flow="key_video", scenario="row29", retry_after=3)
    wall, limited = media.tool(VIDEO_TOOL, **VIDEO), media.tool(VIDEO_TOOL, **VIDEO)
    assert wall.json()["data"]["code"] == "free_plan_block"
    assert (limited.status_code, limited.json()["retry_after"]) == (429, 3)
    assert media.tasks() == []


@pytest.mark.parametrize("flow", ["key_image", "key_video"])
@pytest.mark.parametrize("name", sorted(TOOL_STREAMS.keys() - {"endless"}))
def test_every_tool_scenario_buys_one_task(
    media: Media, emulator: EmulatorClient, flow: str, name: str
) -> None:
    emulator.script(flow=flow, scenario=name)
    path, arguments = CALLS[flow]
    assert media.tool(path, **arguments).status_code == 200
    [task] = media.tasks()
    assert (task["flow"], task["prompt"], task["body"]) == (flow, "a cat", arguments)


def test_every_fate_is_known_to_the_tools() -> None:
    assert FATES.keys() <= TOOL_STREAMS.keys()


def test_the_purchase_survives_a_broken_answer(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="key_video", cut_after_bytes=0)
    emulator.script(flow="key_video", accept_then_cut=True)
    with pytest.raises(httpx2.RemoteProtocolError):
        media.tool(VIDEO_TOOL, **VIDEO)
    with pytest.raises(httpx2.RemoteProtocolError, match="without sending a response"):
        media.tool(VIDEO_TOOL, **VIDEO)
    assert len(media.tasks()) == 2
    answered, unanswered = emulator.log()
    assert (answered["status"], unanswered["status"]) == (200, None)
    assert not answered["cancelled"]
    assert not unanswered["cancelled"]


def test_modifiers_shape_lines_as_well(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="key_image", line_end="\r\n", chunk_bytes=7, pad_bytes=5000)
    response = media.tool(IMAGE_TOOL, **IMAGE)
    assert response.text.endswith("}\r\n")
    assert len(lines_of(response.text)[0]["_padding"]) == 5000


def test_scripted_frames_are_sent_as_lines(media: Media, emulator: EmulatorClient) -> None:
    emulator.script(flow="key_image", frames=[{"version": 1, "delta": "x"}, "not json"])
    assert media.tool(IMAGE_TOOL, **IMAGE).text == '{"version": 1, "delta": "x"}\nnot json\n'
    assert media.tasks() == []


def test_the_tools_are_listed_without_envelope(media: Media) -> None:
    body = media.http.get("/api/tool_cli/tools", headers=KEY_HEADERS).json()
    tools = {tool["name"]: tool for tool in body["tools"]}
    video = tools["video_generation"]["parameters"]
    assert video["type"] == "object"
    assert set(video["required"]) == {"query", "model"}
    assert "gemini/veo3.1" in video["properties"]["model"]["enum"]
    assert video["properties"]["image_urls"]["items"] == {"type": "string"}
    assert tools["image_generation"]["parameters"]["properties"]["model"]["default"]
    assert media.emulator.log()[-1]["flow"] == "models"
    assert media.http.get("/api/tool_cli/tools").status_code == 401
