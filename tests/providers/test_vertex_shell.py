"""Vertex AI through the HTTP shell: a token, purchases, their news, their files."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest
from providers import vertex_server
from providers.google_answers import MP4, PNG, Answer
from providers.vertex_server import LOCATION, PROJECT, Life, VertexServer

from proxy.core.accounts import Account, Secret
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.media import MediaAsk, TaskReport, TaskState, Terms, Use
from proxy.core.products import Credential, Product, Route
from proxy.services.outcomes import refusal_of
from proxy.upstreams.google_token import GoogleTokens
from proxy.upstreams.http import Http
from proxy.upstreams.media import Loaded, Order
from proxy.upstreams.providers import ProviderMedia
from proxy.wire.vertex import Vertex

LITE, WHOLE = "veo-3.1-lite-generate-001", "veo-3.1-generate-001"
NOW = 1_795_000_000.0
T = TypeVar("T")


@pytest.fixture
def google() -> Iterator[VertexServer]:
    with vertex_server.running(lambda: NOW) as server:
        yield server


async def _nothing() -> None:
    """There is no job whose intent could be kept."""


def _order(model: str = LITE, *uses: Use, **terms: Any) -> Order:
    said: dict[str, Any] = {"product": Product.VIDEO, "model": model, "prompt": "a cat"}
    inputs = tuple(
        Loaded(use, "x", "video/mp4" if use is Use.VIDEO else "image/png", PNG) for use in uses
    )
    return Order(MediaAsk(terms=Terms(**said | terms)), Route.VERTEX, model, inputs)


def _account(google: VertexServer, **other: Any) -> Account:
    text = json.dumps(google.service_account(**other))
    return Account("v1", "vertex-1", Credential.VERTEX, Secret(text))


def _done(
    google: VertexServer, story: Callable[[ProviderMedia], Awaitable[T]], bucket: str | None = None
) -> T:
    async def run() -> T:
        http = Http(None, 5, 5)
        tokens = GoogleTokens(http, google.clock)
        wire = Vertex(PROJECT, LOCATION, bucket, storage_origin=google.url)
        try:
            return await story(
                ProviderMedia(wire, google.url, http, http, google.clock, tokens.unlock)
            )
        finally:
            await http.aclose()

    return asyncio.run(run())


async def _end(media: ProviderMedia, account: Account, task_id: str) -> TaskReport:
    for _ in range(10):
        [report] = await media.tasks(account, Route.VERTEX, Product.VIDEO, [task_id], 1.0)
        if report.state is not TaskState.PENDING:
            break
    return report


def _bought(
    google: VertexServer, order: Order, bucket: str | None = None
) -> tuple[TaskReport, bytes]:
    account = _account(google)

    async def story(media: ProviderMedia) -> tuple[TaskReport, bytes]:
        accepted = await media.submit(account, order, _nothing)
        report = await _end(media, account, accepted.reports[0].task_id)
        if not report.urls:
            return report, b""
        download = await media.open(account, Route.VERTEX, report.urls[0])
        data = b"".join([chunk async for chunk in download.chunks])
        await download.aclose()
        return report, data

    return _done(google, story, bucket)


@pytest.mark.parametrize(
    "order",
    [
        _order(ratio="9:16", seconds=6.0, audio=False, vendor={"seed": 7, "resize_mode": "crop"}),
        _order(LITE, Use.FIRST_FRAME, seconds=8.0, resolution="1080p"),
        _order(WHOLE, Use.FIRST_FRAME, Use.LAST_FRAME, negative_prompt="rain"),
        _order(WHOLE, Use.REFERENCE, Use.REFERENCE, vendor={"person_generation": "allow_all"}),
        _order(WHOLE, Use.VIDEO, seconds=8.0, vendor={"video_mode": "extend"}),
    ],
)
@pytest.mark.parametrize("bucket", [None, "gs://acme-clips/jobs"])
def test_a_clip(google: VertexServer, order: Order, bucket: str | None) -> None:
    report, data = _bought(google, order, bucket)
    assert (report.state, data) == (TaskState.DONE, MP4)
    assert len(google.purchases) == 1
    assert len(google.asked("token")) == 1
    assert len(google.asked("storage")) == (0 if bucket is None else 1)


def test_silence_is_said(google: VertexServer) -> None:
    _bought(google, _order(audio=False))
    assert google.purchases[0]["parameters"]["generateAudio"] is False


@pytest.mark.parametrize(
    ("life", "kind", "told"),
    [
        (Life(end="filtered", text="Support codes: 15236754"), Kind.POLICY, "15236754"),
        (Life(end="error"), Kind.TASK_FAILED, "currently unavailable"),
        (Life(end="error", code=3, text="It violates our usage guidelines."), Kind.POLICY, "our"),
        (Life(end="empty"), Kind.TASK_FAILED, "without a video"),
    ],
)
def test_an_end_without_a_clip(google: VertexServer, life: Life, kind: Kind, told: str) -> None:
    google.next_life(life)
    failure = refusal_of([_bought(google, _order())[0]])
    assert failure is not None
    assert failure.kind is kind
    assert told in failure.told


def _refusal(google: VertexServer, order: Order, **other: Any) -> Failure:
    account = _account(google, **other)
    with pytest.raises(UpstreamError) as refused:
        _done(google, lambda media: media.submit(account, order, _nothing))
    return refused.value.failure


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("unauthenticated", Kind.DEAD_CREDENTIAL), ("forbidden", Kind.ACCOUNT_FORBIDDEN),
        ("predict_denied", Kind.MODEL_UNKNOWN), ("service_disabled", Kind.ACCOUNT_FORBIDDEN),
        ("retired", Kind.MODEL_UNKNOWN), ("rate_bare", Kind.RATE_LIMITED),
        ("prompt_refused", Kind.POLICY), ("bad_value", Kind.BAD_REQUEST),
        ("internal", Kind.UPSTREAM_BROKEN), ("unavailable", Kind.OUTAGE),
        ("deadline", Kind.UPSTREAM_BROKEN), ("unreadable", Kind.UNREADABLE),
        ("cut", Kind.BROKEN_STREAM),
    ],
)  # fmt: skip
def test_every_row_of_the_table(google: VertexServer, name: str, kind: Kind) -> None:
    google.answer(name)
    assert _refusal(google, _order()).kind is kind
    assert len(google.asked("create")) == 1


def test_a_service_account_that_gets_no_token_buys_nothing(google: VertexServer) -> None:
    failure = _refusal(google, _order(), client_email="nobody@acme.example")
    assert failure.kind is Kind.DEAD_CREDENTIAL
    google.answer(Answer(503, {}), to="token")
    assert _refusal(google, _order()).kind is Kind.OUTAGE
    assert google.asked("create") == []


def test_an_ended_model(google: VertexServer) -> None:
    google.alive.discard(WHOLE)
    assert _refusal(google, _order(WHOLE)).kind is Kind.MODEL_UNKNOWN


def test_a_credential_is_checked_without_buying(google: VertexServer) -> None:
    account = _account(google)
    assert _done(google, lambda media: media.is_alive(account)) is True
    google.answer("forbidden", to="check")
    assert _done(google, lambda media: media.is_alive(account)) is False
    assert google.purchases == []


def test_a_task_that_google_has_forgotten(google: VertexServer) -> None:
    account = _account(google)
    task_id = f"projects/{PROJECT}/locations/x/publishers/google/models/{LITE}/operations/9"
    with pytest.raises(UpstreamError) as refused:
        _done(google, lambda media: _end(media, account, task_id))
    assert refused.value.failure.kind is Kind.TASK_UNKNOWN
