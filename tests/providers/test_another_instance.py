"""Another instance of this project as the provider: what it is told, and what comes back."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import Upstream
from live import SECRET, LiveServer, live, settings_for

from genspark_emulator.state import EmulatorState
from proxy.core.accounts import Account, Secret
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.media import MediaAsk, TaskReport, TaskState, Terms, Use
from proxy.core.products import Credential, Product, Route
from proxy.upstreams.http import Http
from proxy.upstreams.media import Loaded, Order
from proxy.upstreams.providers import ProviderMedia
from proxy.wire.openai_videos import OpenAIVideos

ACCOUNT = Account("o1", "openai-1", Credential.OPENAI, Secret(SECRET))
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x05\0\0\0\x02\xd0\x08\2\0\0\0\0\0\0\0"


@pytest.fixture
def other(
    upstream: Upstream, emulator_state: EmulatorState, tmp_path: Path
) -> Iterator[LiveServer]:
    """It serves from the emulator, with a key; a clip is made in no time."""
    emulator_state.tasks.seconds["video"] = 0.05
    settings = settings_for(upstream.url, tmp_path, gs_cookie=None, gsk_api_key=["gsk-1"])
    with live(settings) as running:
        yield running


async def _nothing() -> None:
    """There is no job whose intent could be kept."""


def _order(model: str, terms: Terms, *inputs: Loaded) -> Order:
    return Order(MediaAsk(terms=terms), Route.OPENAI, model, inputs)


async def _story(media: ProviderMedia) -> tuple[TaskReport, bytes, bytes]:
    terms = Terms(
        product=Product.VIDEO,
        model="openai/kling/v3",
        prompt="a cat",
        ratio="9:16",
        seconds=5.0,
        audio=True,
        negative_prompt="rain",
        tier="pro",
    )
    frames = [Loaded(use, "a.png", "image/png", PNG) for use in (Use.FIRST_FRAME, Use.LAST_FRAME)]
    accepted = await media.submit(ACCOUNT, _order("kling/v3", terms, *frames), _nothing)
    ids = [report.task_id for report in accepted.reports]
    while True:
        [report] = await media.tasks(ACCOUNT, Route.OPENAI, Product.VIDEO, ids, 1.0)
        if report.state is not TaskState.PENDING:
            break
        await asyncio.sleep(0.02)
    download = await media.open(ACCOUNT, Route.OPENAI, report.urls[0])
    clip = b"".join([chunk async for chunk in download.chunks])
    await download.aclose()
    still = Terms(product=Product.IMAGE, model="openai/x", prompt="a cat", size="1024x1024")
    image = await media.submit(ACCOUNT, _order("nano-banana-2", still), _nothing)
    return report, clip, image.inline[0]


def test_it_is_told_everything_and_gives_the_results(other: LiveServer, upstream: Upstream) -> None:
    async def run() -> tuple[TaskReport, bytes, bytes]:
        http = Http(None, 30, 30)
        try:
            wire = OpenAIVideos()
            return await _story(ProviderMedia(wire, f"{other.url}/v1", http, http, lambda: 0.0))
        finally:
            await http.aclose()

    report, clip, image = asyncio.run(run())
    assert (report.state, report.model) == (TaskState.DONE, "kling/v3")
    assert b"genspark-emulator" in clip
    assert b"genspark-emulator" in image
    [asked] = [call["body"] for call in upstream.log("key_video")]
    told = {name: asked[name] for name in ("model", "aspect_ratio", "duration", "tier")}
    assert told == {"model": "kling/v3", "aspect_ratio": "9:16", "duration": 5, "tier": "pro"}
    assert asked["audio_enable"] is True
    assert "Avoid the following: rain." in asked["query"]
    assert len(asked["image_urls"]) == 2


def test_its_refusals_are_understood(other: LiveServer) -> None:
    async def run() -> Failure | None:
        http = Http(None, 30, 30)
        media = ProviderMedia(OpenAIVideos(), f"{other.url}/v1", http, http, lambda: 0.0)
        terms = Terms(product=Product.VIDEO, model="m", prompt="a cat", seconds=99.0)
        try:
            await media.submit(ACCOUNT, _order("kling/v3", terms), _nothing)
        except UpstreamError as error:
            return error.failure
        finally:
            await http.aclose()
        return None

    failure = asyncio.run(run())
    assert failure is not None
    assert failure.kind is Kind.BAD_REQUEST
    assert "99" in failure.told
