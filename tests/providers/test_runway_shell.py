"""Runway through the HTTP shell: a purchase with a large input, its news, its file."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from providers.runway_server import KEY, MP4, PNG, RunwayServer, running

from proxy.core.accounts import Account, Secret
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.media import MediaAsk, TaskReport, TaskState, Terms, Use
from proxy.core.products import Credential, Product, Route
from proxy.upstreams.http import Http
from proxy.upstreams.media import Loaded, Order
from proxy.upstreams.providers import ProviderMedia
from proxy.wire.laying import at_runway
from proxy.wire.runway import Runway

ACCOUNT = Account("r1", "runway-1", Credential.RUNWAY, Secret(KEY))
TERMS = Terms(product=Product.VIDEO, model="runway/gen4_turbo", prompt="a cat", seconds=5.0)
T = TypeVar("T")


async def _nothing() -> None:
    """There is no job whose intent could be kept."""


def _order(size: int = 10, terms: Terms = TERMS) -> Order:
    picture = Loaded(Use.FIRST_FRAME, "cat.png", "image/png", PNG + bytes(size))
    return Order(MediaAsk(terms=terms), Route.RUNWAY, "gen4_turbo", (picture,))


def _done(server: RunwayServer, story: Callable[[ProviderMedia], Awaitable[T]]) -> T:
    async def run() -> T:
        http = Http(None, 5, 5)
        try:
            media = ProviderMedia(Runway(), server.url, http, http, lambda: 0.0, lay=at_runway)
            return await story(media)
        finally:
            await http.aclose()

    return asyncio.run(run())


async def _followed(media: ProviderMedia, task_ids: list[str]) -> TaskReport:
    while True:
        [report] = await media.tasks(ACCOUNT, Route.RUNWAY, Product.VIDEO, task_ids, 1.0)
        if report.state is not TaskState.PENDING:
            return report


@pytest.mark.parametrize(("size", "uploads"), [(10, 0), (3_800_000, 0), (6_000_000, 1)])
def test_a_clip_from_a_picture_of_any_size(size: int, uploads: int) -> None:
    async def story(media: ProviderMedia) -> bytes:
        accepted = await media.submit(ACCOUNT, _order(size), _nothing)
        report = await _followed(media, [each.task_id for each in accepted.reports])
        assert await media.public_link(ACCOUNT, Route.RUNWAY, report.urls[0]) == report.urls[0]
        download = await media.open(ACCOUNT, Route.RUNWAY, report.urls[0])
        data = b"".join([chunk async for chunk in download.chunks])
        await download.aclose()
        return data

    with running() as server:
        assert _done(server, story) == MP4
        assert (len(server.purchases), len(server.uploads), server.leaks) == (1, uploads, [])
        assert server.purchases[0]["ratio"] == "960:960"


def _refusal(server: RunwayServer, order: Order) -> Failure:
    async def story(media: ProviderMedia) -> Failure | None:
        try:
            await media.submit(ACCOUNT, order, _nothing)
        except UpstreamError as error:
            return error.failure
        return None

    failure = _done(server, story)
    assert failure is not None
    return failure


def test_what_has_no_field_is_refused_before_anything_is_sent() -> None:
    silent = Terms(product=Product.VIDEO, model="m", prompt="p", tier="pro")
    with running() as server:
        failure = _refusal(server, _order(terms=silent))
        assert (failure.kind, failure.told) == (
            Kind.BAD_REQUEST,
            "gen4_turbo has nothing like 'tier' here.",
        )
        assert server.journal == []


@pytest.mark.parametrize("operation", ["upload", "post"])
def test_an_upload_that_fails_buys_nothing(operation: str) -> None:
    with running() as server:
        server.answer("internal", to=operation)
        assert _refusal(server, _order(6_000_000)).kind is Kind.UPLOAD_FAILED
        assert server.purchases == []


def test_a_purchase_that_breaks_off_is_not_repeated() -> None:
    with running() as server:
        server.answer("cut")
        assert _refusal(server, _order()).kind is Kind.BROKEN_STREAM
        assert len(server.asked("create")) == 1


def test_alive_and_cancelled() -> None:
    async def story(media: ProviderMedia) -> tuple[bool | None, str]:
        accepted = await media.submit(ACCOUNT, _order(), _nothing)
        task_ids = tuple(report.task_id for report in accepted.reports)
        await media.cancel(ACCOUNT, Route.RUNWAY, "", task_ids)
        return await media.is_alive(ACCOUNT), (await _followed(media, [*task_ids])).reason

    with running() as server:
        assert _done(server, story) == (True, "the task was cancelled at Runway")
        server.key = "key_of_somebody_else"
        assert _done(server, lambda media: media.is_alive(ACCOUNT)) is False
