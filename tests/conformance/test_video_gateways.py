"""Assertions 52, 53 and 59: gateways and chat clients that relay or show generations."""

import base64
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from conformance.gateways import (
    NEXTCHAT_HEADERS,
    ONE_API_HEADERS,
    nextchat_body,
    nextchat_stream,
    one_api_stream,
    one_api_whole,
)
from conformance.raw_http import RawReply, ask, chat_body
from conformance.sides import Side, Start
from conformance.sse_reading import check_sequence, read_stream
from conformance.video_clients.doors import LONG, MP4, PNG, VIDEO_MODEL, Doors, Json, knocking
from conformance.video_clients.go_structs import (
    ERROR_REPLY,
    IMAGES,
    OPENAI_VIDEO,
    SORA_TASK,
    TASK_REPLY,
    VIDEO_SUBMITTED,
    VIDEO_TASK,
    Struct,
    decode,
)

from genspark_emulator.state import EmulatorState

CHAT = "/v1/chat/completions"
SUBMIT = "/v1/video/generations"
# app/components/markdown.tsx: what the address of a link must end with to become a player.
PLAYER = re.compile(r"\.(webm|ogv|mp4|mpeg|avi|3gp)/?$")
LINK = re.compile(r"!?\[[^\]]*\]\((\S+?)\)")


@pytest.fixture
def doors(side: Side, emulator_state: EmulatorState) -> Iterator[Doors]:
    """Both routes."""
    with knocking(side, emulator_state) as opened:
        yield opened


def _seen(doors: Doors, path: str, ended: Any) -> list[Json]:
    """Every reply of a path until it says that it is over."""
    found: list[Json] = []
    deadline = time.monotonic() + 10
    while not found or not ended(found[-1]):
        assert time.monotonic() < deadline, found[-1]
        reply = doors.get(path)
        assert reply.status_code == 200, reply.text
        found.append(reply.json())
    return found


# 52: Go.


@pytest.mark.parametrize("scenario", ["answered", "task_fails", "moderation"])
@pytest.mark.parametrize("struct", [SORA_TASK, OPENAI_VIDEO], ids=["sora-channel", "dto"])
def test_c52_new_api_decodes_every_state_of_a_video(
    doors: Doors, struct: Struct, scenario: str
) -> None:
    doors.live_for(video=0.1)
    doors.script("video", scenario=scenario)

    created = doors.create(metadata={"order": 7})
    states = _seen(doors, f"/v1/videos/{created['id']}", lambda v: v["completed_at"] is not None)

    for state in (created, *states):
        decode(state, struct)
        assert state["id"]
        assert state["status"] in ("queued", "in_progress", "completed", "failed")
    decode(doors.get("/v1/videos").json(), {"data": [struct], "has_more": "any"})


def test_c52_new_api_finds_the_id_and_exactly_200(doors: Doors) -> None:
    reply = doors.post("/v1/videos", model=VIDEO_MODEL, prompt="a cat", group="default")

    assert reply.status_code == 200
    assert reply.json()["id"] == reply.json()["task_id"]


@pytest.mark.parametrize(
    "fields", [{"response_format": "url"}, {"response_format": "b64_json", "n": 2}], ids=str
)
def test_c52_gateways_decode_images(doors: Doors, fields: Json) -> None:
    decode(doors.images(**fields).json(), IMAGES)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/v1/videos", {"seconds": "5"}),
        ("/v1/videos/generations", {"prompt": ""}),
        (SUBMIT, {"model": "no-such"}),
        ("/v1/images/generations", {"n": 0}),
    ],
)
def test_c52_gateways_decode_errors(doors: Doors, path: str, fields: Json) -> None:
    reply = doors.post(path, **{"prompt": "a cat", **fields})

    assert reply.status_code in (400, 404)
    decode(reply.json(), ERROR_REPLY)


@pytest.mark.parametrize("wrap", [True, False], ids=["wrapped", "plain"])
def test_c52_an_id_survives_a_gateways_wrapping(doors: Doors, wrap: bool) -> None:
    public = doors.create()["id"]

    # LiteLLM's separators.
    assert not set(";:/") & set(public)
    path = public if wrap is False else public.replace("_", "%5F")
    assert doors.video(path)["id"] == public


# 53: new-api's pair.

NEW_API_BODIES: list[Json] = [
    {"model": VIDEO_MODEL, "prompt": "a cat"},
    {"model": VIDEO_MODEL, "prompt": "a cat", "duration": 6, "size": "1280x720"},
    {"model": VIDEO_MODEL, "prompt": "a cat", "seconds": "6", "mode": "std"},
    {
        "model": VIDEO_MODEL,
        "prompt": "a cat",
        "duration": 6.0,
        "width": 1280,
        "height": 720,
        "fps": 24,
        "seed": 7,
        "n": 1,
        "response_format": "url",
        "user": "u1",
        "metadata": {"negative_prompt": "dogs"},
    },
]


@pytest.mark.parametrize("fields", NEW_API_BODIES, ids=["least", "duration", "seconds", "older"])
def test_c53_new_apis_pair_keeps_its_shapes(doors: Doors, fields: Json) -> None:
    reply = doors.post(SUBMIT, **fields)

    assert reply.status_code == 200
    told = reply.json()
    decode(told, OPENAI_VIDEO)
    decode(told, VIDEO_SUBMITTED)
    assert told["id"] == told["task_id"]
    assert told["task_id"].startswith("task_")
    assert (told["object"], told["status"], told["model"]) == ("video", "queued", VIDEO_MODEL)
    *running, done = _seen(
        doors,
        f"{SUBMIT}/{told['task_id']}",
        lambda r: r["data"]["status"] in ("SUCCESS", "FAILURE"),
    )
    for state in (*running, done):
        _check_new_api(state, told["task_id"])
    record = done["data"]
    assert (record["status"], record["progress"], record["fail_reason"]) == ("SUCCESS", "100%", "")
    assert record["result_url"] == record["url"] == record["data"]["url"]
    assert done["status"] == record["data"]["status"] == "succeeded"
    assert doors.bare("GET", record["result_url"]).content.startswith(MP4)


def _check_new_api(state: Json, task_id: str) -> None:
    decode(state, TASK_REPLY)
    decode({n: v for n, v in state.items() if n not in ("code", "message", "data")}, VIDEO_TASK)
    decode(state["data"]["data"], VIDEO_TASK)
    assert (state["code"], state["message"]) == ("success", "")
    record = state["data"]
    assert record["task_id"] == record["data"]["task_id"] == state["task_id"] == task_id
    assert record["status"] in ("SUBMITTED", "QUEUED", "IN_PROGRESS", "SUCCESS", "FAILURE")
    assert re.fullmatch(r"\d{1,3}%", record["progress"])
    assert record["data"]["status"] in ("queued", "processing", "succeeded", "failed")


def test_c53_new_api_is_told_of_a_failure(doors: Doors) -> None:
    doors.script("video", scenario="moderation")
    task = doors.post(SUBMIT, model=VIDEO_MODEL, prompt="a cat").json()["task_id"]

    failed = _seen(doors, f"{SUBMIT}/{task}", lambda r: r["data"]["status"] == "FAILURE")[-1]

    decode(failed, TASK_REPLY)
    assert "content moderation policy" in failed["data"]["fail_reason"]
    assert failed["data"]["data"]["status"] == failed["status"] == "failed"
    assert failed["data"]["result_url"] == ""


def test_c53_new_apis_simple_form_of_a_failure_decodes(doors: Doors) -> None:
    # dto.VideoTaskError has an int for its code.
    doors.script("video", scenario="task_fails")
    task = doors.post(SUBMIT, model=VIDEO_MODEL, prompt="a cat").json()["task_id"]

    failed = _seen(doors, f"{SUBMIT}/{task}", lambda r: r["data"]["status"] == "FAILURE")[-1]

    decode(failed["data"]["data"], VIDEO_TASK)
    assert failed["data"]["data"]["error"]["message"]


def test_c53_all_doors_show_the_same_job(doors: Doors) -> None:
    video = doors.made()
    digits = video["id"].removeprefix("video_")

    shown = doors.get(f"{SUBMIT}/task_{digits}").json()
    task = doors.get(f"/v1/tasks/task_{digits}").json()["data"]

    assert shown["url"].rpartition("/")[2] == video["url"].rpartition("/")[2]
    assert task["result"]["videos"][0]["url"][0].rpartition("/")[2] == f"{digits}-0.mp4"
    assert task["status"] == "completed"
    assert len(doors.purchases()) == 1


@pytest.mark.parametrize("path", [f"{SUBMIT}/task_{'0' * 32}", f"/v1/tasks/task_{'0' * 32}"])
def test_c53_an_unknown_task_is_404(doors: Doors, path: str) -> None:
    doors.error(doors.get(path), 404)


# 53: Genspark2API's door, and APIMart's on the same path.


def test_c53_genspark2apis_door_waits_for_the_link(doors: Doors) -> None:
    reply = doors.generate(
        model=VIDEO_MODEL,
        aspect_ratio="9:16",
        duration=6,
        auto_prompt=True,
        response_format="url",
    )

    assert reply.status_code == 200
    told = reply.json()
    assert set(told) == {"created", "data"}
    assert type(told["created"]) is int
    [item] = told["data"]
    assert set(item) == {"url", "revised_prompt"}
    assert PLAYER.search(item["url"])
    assert doors.bare("GET", item["url"]).content.startswith(MP4)
    wants = doors.wants(doors.purchases()[0])
    assert (wants["aspect_ratio"], str(wants["duration"])) == ("9:16", "6")
    assert {"x-genspark2api-job", "x-genspark2api-route", "x-genspark2api-account"} <= set(
        reply.headers
    )


@pytest.mark.parametrize(
    ("fields", "headers"),
    [
        ({"async": True}, {}),
        ({"async": "true"}, {}),
        ({}, {"Prefer": "respond-async"}),
        ({}, {"Prefer": "wait=5, respond-async"}),
    ],
    ids=str,
)
def test_c53_apimarts_door_gives_a_task_at_once(
    doors: Doors, fields: Json, headers: dict[str, str]
) -> None:
    doors.live_for(video=LONG)

    reply = doors.generate(headers, **fields)

    assert reply.status_code == 200
    told = reply.json()
    assert told["code"] == 200
    [item] = told["data"]
    assert item == {"status": "submitted", "task_id": told["task_id"]}
    assert told["id"] == told["task_id"]
    assert (told["object"], told["status"]) == ("video", "queued")
    assert type(told["created"]) is type(told["created_at"]) is int


def test_c53_apimarts_task_goes_its_way(doors: Doors) -> None:
    doors.live_for(video=0.1)
    fields: Json = {
        "model": VIDEO_MODEL,
        "duration": 8,
        "aspect_ratio": "16:9",
        "resolution": "720p",
        "negative_prompt": "dogs",
        "seed": 1,
        "sample_count": 1,
        "person_generation": "allow_adult",
        "resize_mode": "pad",
        "enhance_prompt": True,
    }
    task = doors.generate(**{"async": True, **fields}).json()["data"][0]["task_id"]

    *running, done = _seen(
        doors, f"/v1/tasks/{task}?language=en", lambda r: r["data"]["status"] == "completed"
    )

    for state in (*running, done):
        assert state["code"] == 200
        data = state["data"]
        assert data["id"] == task
        assert data["status"] in ("submitted", "pending", "processing", "completed")
        assert type(data["progress"]) is type(data["created"]) is int
        assert type(data["estimated_time"]) is int
    result = done["data"]["result"]
    [video] = result["videos"]
    # Its clients read a string as well as a list.
    [link] = video["url"]
    assert doors.bare("GET", link).content.startswith(MP4)
    assert type(video["expires_at"]) is int
    assert type(done["data"]["actual_time"]) is int
    assert doors.bare("GET", result["thumbnail_url"]).headers["content-type"] == "image/jpeg"
    assert "dogs" in doors.purchases()[0]["prompt"]


def test_c53_apimarts_task_tells_a_failure(doors: Doors) -> None:
    doors.script("video", scenario="task_fails")
    task = doors.generate(**{"async": True}).json()["data"][0]["task_id"]

    failed = _seen(doors, f"/v1/tasks/{task}", lambda r: r["data"]["status"] == "failed")[-1]

    assert isinstance(failed["data"]["error"]["message"], str)
    assert failed["data"]["fail_reason"] == failed["data"]["error"]["message"]
    assert "result" not in failed["data"]


def test_c53_a_cancelled_task_has_its_own_word(doors: Doors) -> None:
    doors.live_for(video=LONG)
    task = doors.generate(**{"async": True}).json()["task_id"]

    assert doors.post(f"/v1/jobs/{task}/cancel").status_code == 200

    assert doors.get(f"/v1/tasks/{task}").json()["data"]["status"] == "cancelled"
    assert doors.video(task.replace("task", "video"))["error"]["code"] == "cancelled"


@pytest.mark.parametrize(
    "fields",
    [
        {"duration": 5},
        {"aspect_ratio": "1:1"},
        {"resolution": "8k"},
        {"sample_count": 9},
        {"last_frame_image": "https://images.example.com/a.png"},
        {"response_format": "b64_json"},
        {"async": "perhaps"},
    ],
    ids=str,
)
@pytest.mark.parametrize("wait", [True, False])
def test_c53_mistakes_are_400_at_once_on_both(doors: Doors, wait: bool, fields: Json) -> None:
    headers = {} if wait else {"Prefer": "respond-async"}

    assert doors.error(doors.generate(headers, **fields), 400)["param"]
    assert doors.side.upstream.log() == []


def test_c53_several_samples_are_several_links(doors: Doors) -> None:
    told = doors.generate(sample_count=2).json()

    assert len({item["url"] for item in told["data"]}) == 2
    assert len(doors.purchases()) == 2


# 59: chat.


def _said(model: str, text: str = "a cat on a train", **fields: Any) -> bytes:
    return nextchat_body(model, [{"role": "user", "content": text}], **fields)


def _nextchat(doors: Doors, body: bytes) -> RawReply:
    return ask(doors.url, "POST", CHAT, NEXTCHAT_HEADERS, body)


def _links(text: str) -> list[str]:
    return LINK.findall(text)


def test_c59_nextchat_gets_a_player(doors: Doors) -> None:
    seen = nextchat_stream(_nextchat(doors, _said(VIDEO_MODEL)))

    assert seen.ended
    [link] = _links(seen.text)
    assert PLAYER.search(link)
    reply = doors.bare("GET", link)
    assert reply.headers["content-type"] == "video/mp4"
    assert reply.content.startswith(MP4)
    [task] = doors.purchases()
    assert task["prompt"] == "a cat on a train"


def test_c59_nextchat_gets_an_image(doors: Doors) -> None:
    # It keeps "dall-e-3" for itself and asks all others in a chat.
    seen = nextchat_stream(_nextchat(doors, _said("gpt-image-2")))

    [link] = _links(seen.text)
    assert seen.text.startswith("![")
    assert doors.bare("GET", link).headers["content-type"] == "image/png"


def test_c59_a_whole_answer_has_the_link_too(doors: Doors) -> None:
    reply = ask(doors.url, "POST", CHAT, ONE_API_HEADERS, chat_body("a cat", model=VIDEO_MODEL))

    seen = one_api_whole(reply)

    assert PLAYER.search(_links(seen.text)[0])


def test_c59_one_api_relays_it(doors: Doors) -> None:
    body = chat_body(
        "a cat", model=VIDEO_MODEL, stream=True, stream_options={"include_usage": True}
    )

    seen = one_api_stream(ask(doors.url, "POST", CHAT, ONE_API_HEADERS, body))

    assert PLAYER.search(_links(seen.text)[0])
    assert seen.ended
    assert seen.usage


def test_c59_the_stream_keeps_to_the_rules(doors: Doors) -> None:
    reading = read_stream(_nextchat(doors, _said(VIDEO_MODEL)).body)

    check_sequence(reading)
    assert reading.finishes() == ["stop"]
    assert reading.errors == []


def test_c59_while_it_waits_the_caller_hears_of_it(
    start: Start, route: str, emulator_state: EmulatorState
) -> None:
    side = start(route, first_event_patience=0.05)
    with knocking(side, emulator_state) as doors:
        doors.live_for(video=0.6)
        reply = _nextchat(doors, _said(VIDEO_MODEL))

    reading = read_stream(reply.body)
    check_sequence(reading)
    assert sum(reading.comments) or reading.reasoning()
    assert PLAYER.search(_links(reading.text())[0])
    # NextChat loses content that comes together with reasoning.
    assert nextchat_stream(reply).text == reading.text()


def test_c59_a_picture_in_the_chat_is_the_first_frame(doors: Doors) -> None:
    url = "data:image/png;base64," + base64.b64encode(PNG).decode()
    parts = [
        {"type": "text", "text": "let it move"},
        {"type": "image_url", "image_url": {"url": url}},
    ]
    body = nextchat_body(VIDEO_MODEL, [{"role": "user", "content": parts}], max_tokens=4000)

    assert PLAYER.search(_links(nextchat_stream(_nextchat(doors, body)).text)[0])

    [task] = doors.purchases()
    assert task["prompt"].endswith("let it move")
    assert len(doors.side.upstream.log("blob")) == 1


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("model", [VIDEO_MODEL, "gpt-image-2"])
def test_c59_a_failure_before_any_word_is_an_http_error(
    doors: Doors, model: str, stream: bool
) -> None:
    doors.script("video" if model == VIDEO_MODEL else "image", scenario="moderation")

    reply = ask(doors.url, "POST", CHAT, ONE_API_HEADERS, _said(model, stream=stream))

    assert reply.status == 400
    assert reply.json()["error"]["code"] == "content_policy_violation"
    assert reply.headers["x-should-retry"] == "false"
    assert len(doors.purchases()) == 1


def test_c59_a_failure_after_the_first_word_is_an_error_event(
    start: Start, route: str, emulator_state: EmulatorState
) -> None:
    side = start(route, first_event_patience=0.05)
    with knocking(side, emulator_state) as doors:
        doors.live_for(video=0.4)
        doors.script("video", scenario="task_fails")
        reply = _nextchat(doors, _said(VIDEO_MODEL))

    assert reply.status == 200
    [error] = read_stream(reply.body).errors
    assert error["code"] == "generation_failed"


@pytest.mark.parametrize("content", ["", "   ", None])
def test_c59_a_chat_without_words_is_400(doors: Doors, content: str | None) -> None:
    messages = [{"role": "user", "content": content}]
    body = json.dumps({"model": VIDEO_MODEL, "messages": messages}).encode()

    reply = ask(doors.url, "POST", CHAT, ONE_API_HEADERS, body)

    assert reply.status == 400
    assert reply.json()["error"]["param"].startswith("messages")
    assert doors.purchases() == []
