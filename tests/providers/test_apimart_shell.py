"""APIMart through the HTTP shell: a purchase with frames, its news, its file."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from asgi_server import serving
from providers.apimart_server import CLIP, KEY, STILL, ApimartServer, Scripted

from proxy.core.accounts import Account, Secret
from proxy.core.failures import AMBIGUOUS, Failure, Kind, UpstreamError
from proxy.core.media import MediaAsk, TaskReport, TaskState, Terms, Use
from proxy.core.products import Credential, Product, Route
from proxy.upstreams.http import Http
from proxy.upstreams.media import Accepted, Loaded, Order
from proxy.upstreams.providers import ProviderMedia
from proxy.wire.apimart import Apimart
from proxy.wire.laying import at_apimart

MODEL = "veo3.1-fast-official"
ACCOUNT = Account("a1", "apimart-1", Credential.APIMART, Secret(KEY))
OTHER = Account("a2", "apimart-2", Credential.APIMART, Secret("sk-other"))
T = TypeVar("T")


async def _nothing() -> None:
    """There is no job whose intent could be kept."""


def _told(server: ApimartServer, story: Callable[[ProviderMedia], Awaitable[T]]) -> T:
    async def run(origin: str) -> T:
        http = Http(None, 5, 5)
        try:
            wire = Apimart()
            return await story(ProviderMedia(wire, origin, http, http, lambda: 0.0, lay=at_apimart))
        finally:
            await http.aclose()

    with serving(server.app) as origin:
        return asyncio.run(run(origin))


def _order(*inputs: Loaded, **terms: Any) -> Order:
    said = {"model": f"apimart/{MODEL}", "prompt": "a cat", "seconds": 8.0, **terms}
    ask = MediaAsk(terms=Terms(product=Product.VIDEO, **said))
    return Order(ask, Route.APIMART, MODEL, inputs)


async def _news(media: ProviderMedia, accepted: Accepted) -> list[TaskReport]:
    """What each look tells, until the task has ended."""
    ids, told = [report.task_id for report in accepted.reports], []
    while not told or told[-1].state is TaskState.PENDING:
        told += await media.tasks(ACCOUNT, Route.APIMART, Product.VIDEO, ids, 1.0)
    return told


async def _fetched(media: ProviderMedia, url: str) -> bytes:
    download = await media.open(ACCOUNT, Route.APIMART, url)
    try:
        return b"".join([chunk async for chunk in download.chunks])
    finally:
        await download.aclose()


async def _failure(media: ProviderMedia, order: Order, account: Account = ACCOUNT) -> Failure:
    try:
        await media.submit(account, order, _nothing)
    except UpstreamError as error:
        return error.failure
    raise AssertionError("there was no failure")


@pytest.mark.parametrize("listed", [False, True])
def test_a_clip_from_text(listed: bool) -> None:
    server = ApimartServer()
    server.listed_urls = listed

    async def story(media: ProviderMedia) -> tuple[list[TaskReport], bytes, bytes]:
        order = _order(
            ratio="9:16",
            resolution="4k",
            audio=True,
            negative_prompt="rain",
            vendor={"seed": 0, "person_generation": "dont_allow"},
        )
        news = await _news(media, await media.submit(ACCOUNT, order, _nothing))
        [url], [poster] = news[-1].urls, news[-1].posters
        assert await media.public_link(ACCOUNT, Route.APIMART, url) == url
        return news, await _fetched(media, url), await _fetched(media, poster)

    news, clip, poster = _told(server, story)
    [task] = server.tasks.values()
    assert [report.progress for report in news] == [0, 45, None]
    assert (clip, poster) == (CLIP + task.id.encode(), STILL + task.id.encode())
    assert server.leaks == []
    assert task.ask == {
        "model": MODEL,
        "prompt": "a cat",
        "duration": 8,
        "aspect_ratio": "9:16",
        "resolution": "4K",
        "negative_prompt": "rain",
        "generate_audio": True,
        "seed": 0,
        "person_generation": "disallow",
    }


def test_frames_are_laid_down_first() -> None:
    server = ApimartServer()
    frames = [
        Loaded(Use.FIRST_FRAME, "a.png", "image/png", STILL + b"first"),
        Loaded(Use.LAST_FRAME, "b.png", "image/png", STILL + b"last"),
    ]

    async def story(media: ProviderMedia) -> TaskReport:
        order = _order(*frames, vendor={"resize_mode": "crop"})
        return (await _news(media, await media.submit(ACCOUNT, order, _nothing)))[-1]

    assert _told(server, story).state is TaskState.DONE
    [task] = server.tasks.values()
    assert list(server.uploads.values()) == [frame.data for frame in frames]
    assert task.ask["first_frame_image"].endswith("/1-first_frame.png")
    assert task.ask["last_frame_image"].endswith("/2-last_frame.png")
    assert task.ask["resize_mode"] == "crop"


@pytest.mark.parametrize(
    ("scripted", "kind"),
    [(Scripted(500), Kind.UPLOAD_FAILED), (Scripted(429), Kind.RATE_LIMITED),
     (Scripted(413), Kind.BAD_REQUEST), (Scripted(200, {}), Kind.UPLOAD_FAILED)],
    ids=["500", "429", "413", "nameless"],
)  # fmt: skip
def test_an_upload_that_fails_costs_nothing(scripted: Scripted, kind: Kind) -> None:
    server = ApimartServer()
    server.script("upload", scripted)
    order = _order(Loaded(Use.FIRST_FRAME, "a.png", "image/png", STILL))
    failure = _told(server, lambda media: _failure(media, order))
    assert failure.kind is kind
    assert (server.sent("create"), server.bought) == ([], 0)


def test_a_picture_of_a_strange_kind_is_refused_for_nothing() -> None:
    server = ApimartServer()
    order = _order(Loaded(Use.FIRST_FRAME, "a.bin", "image/avif", b"????ftypavif"))
    failure = _told(server, lambda media: _failure(media, order))
    assert (failure.kind, failure.told) == (Kind.BAD_REQUEST, "unsupported format")
    assert server.sent("create") == []


@pytest.mark.parametrize(
    ("scripted", "kind"),
    [(Scripted(400), Kind.BAD_REQUEST), (Scripted(401), Kind.DEAD_CREDENTIAL),
     (Scripted(402), Kind.FUNDS), (Scripted(404), Kind.MODEL_UNKNOWN),
     (Scripted(429, headers={"retry-after": "9"}), Kind.RATE_LIMITED),
     (Scripted(503), Kind.OUTAGE),
     (Scripted(200, {"code": 402, "message": "no funds", "data": None}), Kind.FUNDS)],
    ids=lambda value: f"{value.status}" if isinstance(value, Scripted) else value.value,
)  # fmt: skip
def test_a_refusal_is_clear(scripted: Scripted, kind: Kind) -> None:
    server = ApimartServer()
    server.script("create", scripted)
    failure = _told(server, lambda media: _failure(media, _order()))
    assert failure.kind is kind
    assert failure.kind not in AMBIGUOUS
    assert failure.retry_after == (9.0 if kind is Kind.RATE_LIMITED else None)
    assert server.bought == 0


@pytest.mark.parametrize(
    "scripted",
    [
        Scripted(500, buys=True),
        Scripted(502, b"<html>bad gateway</html>", {"content-type": "text/html"}, buys=True),
        Scripted(504, b"", buys=True),
        Scripted(200, b"", buys=True),
        Scripted(200, {"code": 200, "data": []}, buys=True),
        Scripted(200, {"code": 200, "data": [{"task_id": "t"}]}, buys=True, cut=True),
    ],
    ids=["500", "502", "504", "empty", "nameless", "cut"],
)
def test_an_unclear_answer_is_ambiguous(scripted: Scripted) -> None:
    server = ApimartServer()
    server.script("create", scripted)
    failure = _told(server, lambda media: _failure(media, _order()))
    assert failure.kind in AMBIGUOUS
    assert server.bought == 1


def test_the_models_own_rules_are_told() -> None:
    server = ApimartServer()
    refused = _told(server, lambda media: _failure(media, _order(seconds=5.0)))
    assert (refused.kind, refused.told) == (Kind.BAD_REQUEST, "invalid duration")


@pytest.mark.parametrize("life", [("submitted", "failed"), ("pending", "cancelled")])
def test_a_task_that_ends_badly(life: tuple[str, ...]) -> None:
    server = ApimartServer()
    server.life = life
    server.failure = {"code": 400, "message": "blocked by safety filters (58061214)"}

    async def story(media: ProviderMedia) -> TaskReport:
        return (await _news(media, await media.submit(ACCOUNT, _order(), _nothing)))[-1]

    report = _told(server, story)
    assert report.state is TaskState.FAILED
    assert report.reason == (
        "blocked by safety filters (58061214)" if "failed" in life else "the task was cancelled"
    )


def test_a_task_survives_a_look_that_fails() -> None:
    server = ApimartServer()

    async def story(media: ProviderMedia) -> tuple[list[Kind], TaskState]:
        accepted = await media.submit(ACCOUNT, _order(), _nothing)
        server.script("task", Scripted(500), Scripted(429), Scripted(404))
        kinds = []
        for _ in range(3):
            try:
                await _news(media, accepted)
            except UpstreamError as error:
                kinds.append(error.failure.kind)
        return kinds, (await _news(media, accepted))[-1].state

    kinds, state = _told(server, story)
    assert kinds == [Kind.UPSTREAM_BROKEN, Kind.RATE_LIMITED, Kind.TASK_UNKNOWN]
    assert state is TaskState.DONE


def test_a_result_is_gone_after_a_day() -> None:
    moments = [1_000.0]
    server = ApimartServer(clock=lambda: moments[-1])

    async def story(media: ProviderMedia) -> Kind | None:
        news = await _news(media, await media.submit(ACCOUNT, _order(), _nothing))
        assert await _fetched(media, news[-1].urls[0])
        moments.append(1_000.0 + 86_401)
        try:
            await _fetched(media, news[-1].urls[0])
        except UpstreamError as error:
            return error.failure.kind
        return None

    assert _told(server, story) is Kind.RESULT_LOST


def test_the_key_is_checked_for_nothing() -> None:
    server = ApimartServer()

    async def story(media: ProviderMedia) -> list[bool | None]:
        return [await media.is_alive(account) for account in (ACCOUNT, OTHER)]

    assert _told(server, story) == [True, False]
    assert [call.operation for call in server.calls] == ["balance", "balance"]
