"""A server of OpenAI's Videos through the HTTP shell: a purchase, its news, its file."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest
from asgi_server import serving
from providers.openai_videos_server import CLIP, KEY, STILL, OpenAIVideosServer, Scripted

from proxy.core.accounts import Account, Secret
from proxy.core.failures import AMBIGUOUS, Failure, Kind, UpstreamError
from proxy.core.media import MediaAsk, TaskReport, TaskState, Terms, Use
from proxy.core.products import Credential, Product, Route
from proxy.upstreams.http import Http
from proxy.upstreams.media import Accepted, Loaded, Order
from proxy.upstreams.providers import ProviderMedia
from proxy.wire.openai_videos import OpenAIVideos

ACCOUNT = Account("o1", "openai-1", Credential.OPENAI, Secret(KEY))
OTHER = Account("o2", "openai-2", Credential.OPENAI, Secret("sk-other"))
T = TypeVar("T")
Story = Callable[[ProviderMedia], Awaitable[T]]


async def _nothing() -> None:
    """There is no job whose intent could be kept."""


@pytest.fixture
def server() -> Iterator[OpenAIVideosServer]:
    made = OpenAIVideosServer()
    with serving(made.app) as elsewhere:
        made.storage = elsewhere
        yield made


def _told(server: OpenAIVideosServer, story: Story[T]) -> T:
    async def run(origin: str) -> T:
        http = Http(None, 5, 5)
        try:
            wire = OpenAIVideos()
            return await story(ProviderMedia(wire, f"{origin}/v1", http, http, lambda: 0.0))
        finally:
            await http.aclose()

    with serving(server.app) as origin:
        return asyncio.run(run(origin))


def _order(*inputs: Loaded, product: Product = Product.VIDEO, **terms: Any) -> Order:
    said = {"model": "openai/m", "prompt": "a cat", **terms}
    return Order(MediaAsk(terms=Terms(product=product, **said)), Route.OPENAI, "m", inputs)


async def _followed(media: ProviderMedia, accepted: Accepted) -> TaskReport:
    ids = [report.task_id for report in accepted.reports]
    while True:
        [report] = await media.tasks(ACCOUNT, Route.OPENAI, Product.VIDEO, ids, 1.0)
        if report.state is not TaskState.PENDING:
            return report


async def _fetched(media: ProviderMedia, url: str) -> bytes:
    download = await media.open(ACCOUNT, Route.OPENAI, url)
    try:
        return b"".join([chunk async for chunk in download.chunks])
    finally:
        await download.aclose()


@pytest.mark.parametrize("redirect", [False, True])
@pytest.mark.parametrize("dialect", ["openai", "newapi", "litellm"])
def test_a_clip_from_every_kind_of_server(
    server: OpenAIVideosServer, dialect: str, redirect: bool
) -> None:
    server.dialect, server.redirect = dialect, redirect
    picture = Loaded(Use.FIRST_FRAME, "cat.png", "image/png", STILL)

    async def story(media: ProviderMedia) -> bytes:
        order = _order(picture, seconds=8.0, ratio="16:9")
        report = await _followed(media, await media.submit(ACCOUNT, order, _nothing))
        assert report.state is TaskState.DONE
        assert await media.public_link(ACCOUNT, Route.OPENAI, report.urls[0]) is None
        return await _fetched(media, report.urls[0])

    data = _told(server, story)
    [video] = server.videos.values()
    assert data == CLIP + (b"stored" if redirect else video.id.encode())
    assert (server.bought, server.leaks) == (1, [])
    assert video.call.fields == {
        "model": "m",
        "prompt": "a cat",
        "seconds": "8",
        "size": "1280x720",
    }
    assert [file.data for file in video.call.files] == [STILL]


def test_what_the_contract_has_is_no_stranger_to_a_strict_server(
    server: OpenAIVideosServer,
) -> None:
    server.strict = True

    async def story(media: ProviderMedia) -> Failure | None:
        await media.submit(ACCOUNT, _order(size="1024x1792", ratio="9:16", seconds=4.0), _nothing)
        await media.submit(ACCOUNT, _order(product=Product.IMAGE, size="1024x1024"), _nothing)
        return await _failure(media, _order(vendor={"seed": 7}))

    failure = _told(server, story)
    assert failure is not None
    assert (failure.kind, failure.told) == (Kind.BAD_REQUEST, "Unknown parameter: 'seed'.")
    assert server.bought == 2


async def _failure(media: ProviderMedia, order: Order, account: Account = ACCOUNT) -> Failure:
    try:
        await media.submit(account, order, _nothing)
    except UpstreamError as error:
        return error.failure
    raise AssertionError("there was no failure")


@pytest.mark.parametrize(
    ("scripted", "kind"),
    [(Scripted(400), Kind.BAD_REQUEST), (Scripted(401), Kind.DEAD_CREDENTIAL),
     (Scripted(403), Kind.FORBIDDEN), (Scripted(404), Kind.MODEL_UNKNOWN),
     (Scripted(429, headers={"retry-after": "9"}), Kind.RATE_LIMITED),
     (Scripted(503), Kind.OUTAGE)],
    ids=lambda value: f"{value.status}" if isinstance(value, Scripted) else value.value,
)  # fmt: skip
def test_a_refusal_is_clear(server: OpenAIVideosServer, scripted: Scripted, kind: Kind) -> None:
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
        Scripted(200, {"object": "video"}, buys=True),
        Scripted(200, {"id": "video_0001", "status": "queued"}, buys=True, cut=True),
    ],
    ids=["500", "502", "504", "empty", "nameless", "cut"],
)
@pytest.mark.parametrize("product", [Product.VIDEO, Product.IMAGE])
def test_an_unclear_answer_is_ambiguous(
    server: OpenAIVideosServer, product: Product, scripted: Scripted
) -> None:
    server.script("image" if product is Product.IMAGE else "create", scripted)
    failure = _told(server, lambda media: _failure(media, _order(product=product)))
    assert failure.kind in AMBIGUOUS
    assert server.bought == 1


def test_images_come_in_the_answer(server: OpenAIVideosServer) -> None:
    pictures = [Loaded(Use.REFERENCE, "cat.png", "image/png", STILL)]

    async def story(media: ProviderMedia) -> list[Accepted]:
        orders = [_order(product=Product.IMAGE), _order(*pictures, product=Product.IMAGE)]
        return [await media.submit(ACCOUNT, order, _nothing) for order in orders]

    made, edited = _told(server, story)
    assert (made.inline, edited.inline) == ((STILL + b"1",), (STILL + b"2",))
    assert made.reports[0].state is TaskState.DONE
    assert [call.path for call in server.sent("image")] == [
        "/v1/images/generations",
        "/v1/images/edits",
    ]


def test_images_that_lie_elsewhere_are_fetched_without_the_key(
    server: OpenAIVideosServer,
) -> None:
    server.image_urls = True

    async def story(media: ProviderMedia) -> bytes:
        accepted = await media.submit(ACCOUNT, _order(product=Product.IMAGE), _nothing)
        [url] = accepted.reports[0].urls
        assert await media.public_link(ACCOUNT, Route.OPENAI, url) == url
        return await _fetched(media, url)

    assert _told(server, story) == STILL + b"stored"
    assert server.leaks == []


def test_a_failed_task_tells_why(server: OpenAIVideosServer) -> None:
    server.life = ("queued", "failed")
    server.failure = {"code": "moderation_blocked", "message": "Blocked by our safety system."}

    async def story(media: ProviderMedia) -> TaskReport:
        return await _followed(media, await media.submit(ACCOUNT, _order(), _nothing))

    report = _told(server, story)
    assert (report.state, report.reason) == (TaskState.FAILED, "Blocked by our safety system.")


@pytest.mark.parametrize("dialect", ["openai", "newapi"])
def test_a_cancelled_task_is_gone(server: OpenAIVideosServer, dialect: str) -> None:
    server.dialect = dialect

    async def story(media: ProviderMedia) -> Kind | None:
        accepted = await media.submit(ACCOUNT, _order(), _nothing)
        ids = tuple(report.task_id for report in accepted.reports)
        await media.cancel(ACCOUNT, Route.OPENAI, "", ids)
        try:
            await media.tasks(ACCOUNT, Route.OPENAI, Product.VIDEO, list(ids), 1.0)
        except UpstreamError as error:
            return error.failure.kind
        return None

    assert _told(server, story) is Kind.TASK_UNKNOWN
    assert not server.videos


def test_the_key_is_checked_for_nothing(server: OpenAIVideosServer) -> None:
    async def story(media: ProviderMedia) -> list[bool | None]:
        return [await media.is_alive(account) for account in (ACCOUNT, OTHER)]

    assert _told(server, story) == [True, False]
    assert server.bought == 0
