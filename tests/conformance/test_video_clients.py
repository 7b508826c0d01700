"""openai-python, openai-node and LiteLLM make videos and images, unmodified."""

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from conformance.node_client import run_script
from conformance.sides import COOKIE, KEY, Side, Start
from conformance.video_clients.doors import (
    IMAGE_MODEL,
    MP4,
    PNG,
    VIDEO_MODEL,
    WEBP,
    Doors,
    knocking,
)
from live import SECRET

import genspark_emulator
from genspark_emulator.state import EmulatorState

# The methods themselves live on for servers such as this one.
pytestmark = pytest.mark.filterwarnings("ignore:The Sora API is scheduled:DeprecationWarning")

LITELLM = Path(__file__).parent / "video_clients" / "litellm_media.py"
PICTURE = Path(genspark_emulator.__file__).parent / "assets" / "result.png"
QUICKLY = 20


@pytest.fixture
def doors(side: Side, emulator_state: EmulatorState) -> Iterator[Doors]:
    """Both routes."""
    with knocking(side, emulator_state) as opened:
        yield opened


@pytest.fixture
def key_doors(key: Side, emulator_state: EmulatorState) -> Iterator[Doors]:
    """The key route."""
    with knocking(key, emulator_state) as opened:
        yield opened


@pytest.fixture
def client(doors: Doors) -> Iterator[openai.OpenAI]:
    """A client as users build it."""
    with _client(doors) as made:
        yield made


def _client(doors: Doors, **options: Any) -> openai.OpenAI:
    usual = {"base_url": f"{doors.url}/v1", "api_key": SECRET, "max_retries": 0}
    return openai.OpenAI(**{**usual, **options})


# openai-python, videos.


def test_sdk_create_and_poll_then_download(doors: Doors, client: openai.OpenAI) -> None:
    video = client.videos.create_and_poll(
        prompt="a cat", model=VIDEO_MODEL, seconds="8", size="1280x720", poll_interval_ms=QUICKLY
    )

    assert (video.object, video.status, video.progress) == ("video", "completed", 100)
    assert (video.seconds, video.size, video.model) == ("8", "1280x720", VIDEO_MODEL)
    assert video.error is None
    content = client.videos.download_content(video.id)
    assert content.response.headers["content-type"] == "video/mp4"
    assert content.read().startswith(MP4)
    assert len(doors.purchases()) == 1


def test_sdk_a_download_goes_to_a_file(doors: Doors, client: openai.OpenAI, tmp_path: Path) -> None:
    public = doors.made()["id"]

    with client.videos.with_streaming_response.download_content(public) as reply:
        reply.stream_to_file(tmp_path / "a.mp4")
    client.videos.download_content(public, variant="thumbnail").write_to_file(tmp_path / "a.jpg")

    assert (tmp_path / "a.mp4").read_bytes().startswith(MP4)
    assert (tmp_path / "a.jpg").read_bytes().startswith(b"\xff\xd8\xff")


def test_c48_sdk_sleeps_as_long_as_it_is_told(
    doors: Doors, client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    doors.live_for(video=0.1)
    slept: list[float] = []
    sleep = client.videos._sleep

    def nap(seconds: float) -> None:
        slept.append(seconds)
        sleep(QUICKLY / 1000)

    monkeypatch.setattr(client.videos, "_sleep", nap)
    video = client.videos.create_and_poll(prompt="a cat", model=VIDEO_MODEL)

    assert video.status == "completed"
    assert set(slept) == {5.0}


@pytest.mark.parametrize("scenario", ["task_fails", "moderation"])
def test_c48_sdk_a_failed_video_is_returned(
    doors: Doors, client: openai.OpenAI, scenario: str
) -> None:
    doors.script("video", scenario=scenario)

    video = client.videos.create_and_poll(prompt="a cat", poll_interval_ms=QUICKLY)

    assert video.status == "failed"
    assert video.error is not None
    assert video.error.code
    assert video.error.message


def test_sdk_a_reference_is_the_first_frame(doors: Doors, client: openai.OpenAI) -> None:
    # One with a name and a type, one that is bytes alone.
    for reference in (("frame.png", PNG, "image/png"), WEBP):
        video = client.videos.create_and_poll(
            prompt="let it move", input_reference=reference, poll_interval_ms=QUICKLY
        )
        assert video.status == "completed"

    assert len(doors.side.upstream.log("blob")) == 2


def test_sdk_extra_fields_travel_along(doors: Doors, client: openai.OpenAI) -> None:
    # Over multipart these become "8", metadata[a] and "true".
    extra = {"duration": 6, "aspect_ratio": "9:16", "metadata": {"a": "b", "n": {"deep": "x"}}}

    video = client.videos.create_and_poll(
        prompt="a cat", poll_interval_ms=QUICKLY, extra_body=extra
    )

    assert video.seconds == "6"
    assert doors.wants(doors.purchases()[0])["aspect_ratio"] == "9:16"
    assert extra["metadata"].items() <= video.metadata.items()  # type: ignore[attr-defined]


def test_c50_sdk_pages_through_the_list(doors: Doors, client: openai.OpenAI) -> None:
    made = [doors.create(prompt=f"cat {number}")["id"] for number in range(5)]

    assert [video.id for video in client.videos.list(limit=2)] == made[::-1]
    assert [video.id for video in client.videos.list(limit=2, order="asc")] == made
    assert client.videos.list(limit=2).has_next_page()


def test_c50_sdk_retrieves_and_deletes(doors: Doors, client: openai.OpenAI) -> None:
    public = doors.made()["id"]
    assert client.videos.retrieve(public).status == "completed"

    gone = client.videos.delete(public)

    assert (gone.id, gone.deleted, gone.object) == (public, True, "video.deleted")
    with pytest.raises(openai.NotFoundError) as raised:
        client.videos.retrieve(public)
    assert raised.value.code == "not_found"
    assert raised.value.request_id


def test_sdk_remixes_where_the_route_can(key_doors: Doors) -> None:
    first = key_doors.made(model="gemini/omni-flash", seconds="5")["id"]

    with _client(key_doors) as client:
        video = client.videos.remix(first, prompt="at night")
        done = client.videos.poll(video.id, poll_interval_ms=QUICKLY)

    assert video.remixed_from_video_id == first
    assert done.status == "completed"


def test_sdk_is_told_where_the_route_cannot_remix(doors: Doors, client: openai.OpenAI) -> None:
    first = doors.made()["id"]

    with pytest.raises(openai.BadRequestError):
        client.videos.remix(first, prompt="at night")

    assert len(doors.purchases()) == 1


def test_sdk_extends_where_the_route_can(key_doors: Doors) -> None:
    # {"id": …}, which its types allow for the video, it refuses to send.
    with _client(key_doors) as client:
        video = client.videos.extend(
            prompt="go on",
            seconds="7",  # type: ignore[arg-type]
            video=("a.mp4", MP4, "video/mp4"),
            extra_body={"model": VIDEO_MODEL},
        )
        done = client.videos.poll(video.id, poll_interval_ms=QUICKLY)

    assert done.status == "completed"
    assert key_doors.purchases()[-1]["body"]["video_mode"] == "extend"


def test_c49_sdk_content_before_completion(doors: Doors, client: openai.OpenAI) -> None:
    doors.live_for(video=600)
    public = doors.create()["id"]

    with pytest.raises(openai.BadRequestError) as raised:
        client.videos.download_content(public)

    assert raised.value.code == "video_not_ready"


def test_sdk_mistakes_are_its_own_exceptions(doors: Doors, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.videos.create(prompt="a cat", seconds="5")  # type: ignore[arg-type]
    assert raised.value.param == "seconds"
    with pytest.raises(openai.NotFoundError):
        client.videos.create(prompt="a cat", model="sora-99")
    with pytest.raises(openai.AuthenticationError), _client(doors, api_key="wrong") as stranger:
        stranger.videos.list()
    assert doors.side.upstream.log() == []


def test_sdk_async_videos(doors: Doors) -> None:
    async def make() -> tuple[str, bytes]:
        async with openai.AsyncOpenAI(base_url=f"{doors.url}/v1", api_key=SECRET) as client:
            video = await client.videos.create_and_poll(prompt="a cat", poll_interval_ms=QUICKLY)
            content = await client.videos.download_content(video.id)
            assert [each.id async for each in client.videos.list()] == [video.id]
            return video.status, content.content

    status, data = asyncio.run(make())

    assert status == "completed"
    assert data.startswith(MP4)


# openai-python, images.


@pytest.mark.parametrize("model", ["gpt-image-2", "dall-e-3", IMAGE_MODEL])
def test_sdk_generates_images(doors: Doors, client: openai.OpenAI, model: str) -> None:
    made = client.images.generate(
        prompt="a cat", model=model, n=2, size="1024x1024", response_format="b64_json"
    )

    assert made.created > 0
    assert made.data is not None
    assert len(made.data) == 2
    for item in made.data:
        assert item.url is None
        assert base64.b64decode(item.b64_json or "", validate=True)[:3] in (
            b"\x89PN",
            b"\xff\xd8\xff",
        )


def test_sdk_links_to_images(doors: Doors, client: openai.OpenAI) -> None:
    made = client.images.generate(prompt="a cat", model="dall-e-3")

    assert made.data is not None
    [item] = made.data
    assert httpx2.get(item.url or "").headers["content-type"] == "image/png"


@pytest.mark.parametrize("image", [PNG, [PNG, WEBP], ("a.png", PNG, "image/png")], ids=str)
def test_c45_sdk_edits_images(doors: Doors, client: openai.OpenAI, image: Any) -> None:
    made = client.images.edit(image=image, mask=PNG, prompt="blue", model=IMAGE_MODEL, n=1)

    assert made.data is not None
    assert made.data[0].url


def test_sdk_image_mistakes(doors: Doors, client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as raised:
        client.images.generate(prompt=" ")
    assert raised.value.param == "prompt"
    with pytest.raises(openai.BadRequestError) as raised:
        client.images.generate(prompt="a cat", stream=True)
    assert raised.value.code == "unsupported_value"


# What the SDK's own retries must not do.


def _patient(doors: Doors, monkeypatch: pytest.MonkeyPatch, **options: Any) -> openai.OpenAI:
    """A client that retries at once."""
    client = _client(doors, max_retries=2, **options)
    monkeypatch.setattr(client, "_calculate_retry_timeout", lambda *_: 0.01)
    return client


def test_sdk_that_hears_nothing_for_too_long_buys_once(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    doors.live_for(image=0.6)

    with _patient(doors, monkeypatch, timeout=0.4) as client:
        made = client.images.generate(prompt="a cat", model="dall-e-3")

    assert made.data is not None
    assert made.data[0].url
    assert len(doors.purchases()) == 1


def test_sdk_never_repeats_what_may_have_been_bought(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    doors.script("image", accept_then_cut=True, times=None)

    with _patient(doors, monkeypatch) as client, pytest.raises(openai.APIStatusError) as raised:
        client.images.generate(prompt="a cat", model="dall-e-3")

    assert raised.value.code == "submission_unconfirmed"
    assert raised.value.response.headers["x-should-retry"] == "false"
    assert len(doors.purchases()) == 1


def test_sdk_is_served_when_the_cause_of_its_retry_is_over(
    doors: Doors, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A clear refusal: nothing was bought, and a Retry-After asks for just this.
    doors.script("image", scenario="outage_page")

    with _patient(doors, monkeypatch) as client:
        made = client.images.generate(prompt="a cat", model="dall-e-3")

    assert made.data
    assert len(doors.purchases()) == 1


# openai-node.


def test_sdk_node_each_check_on_videos_passes(doors: Doors) -> None:
    told = run_script(doors.side, "videos.mjs", PICTURE=str(PICTURE), LONGEST_PAUSE_MS=str(QUICKLY))
    lines = {line["check"]: line for line in told}

    assert [line for line in told if not line["ok"]] == []
    assert list(lines) == ["create", "download", "frame", "list", "mistakes", "remix", "remove"]
    assert "skipped" not in lines["frame"]
    assert len(doors.side.upstream.log("blob")) == 1


def test_sdk_node_each_check_on_images_passes(doors: Doors) -> None:
    told = run_script(doors.side, "images.mjs", PICTURE=str(PICTURE))

    assert [line for line in told if not line["ok"]] == []
    assert [line["check"] for line in told] == ["base64", "url", "edit", "several", "mistakes"]


# LiteLLM; one process for both routes, as it takes seconds to start.


def test_c52_litellm_each_check_passes_on_both_routes(
    open_side: Start, emulator_state: EmulatorState
) -> None:
    sides = [open_side(COOKIE), open_side(KEY)]
    with knocking(sides[0], emulator_state), knocking(sides[1], emulator_state):
        bases = [f"{side.url}/v1" for side in sides]
        options = ["--api-key", SECRET, "--picture", str(PICTURE)]
        done = subprocess.run(
            [sys.executable, str(LITELLM), *options, *bases],
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )

    # It also prints hints for people.
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert [line for line in told if not line["ok"]] == [], done.stderr
    checks = ["create", "content", "frame", "listed", "refused", "images", "edit"]
    assert [(line["base"], line["check"]) for line in told] == [
        (base, check) for base in bases for check in checks
    ]
