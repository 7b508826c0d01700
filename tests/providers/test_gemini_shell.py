"""The Gemini API through the HTTP shell: purchases, their news, their files."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest
from providers import gemini_server
from providers.gemini_server import ENDLESS, KEY, GeminiServer, Life
from providers.google_answers import MP4, PNG, Answer

from proxy.core.accounts import Account, Secret
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.media import MediaAsk, TaskReport, TaskState, Terms, Use
from proxy.core.products import Credential, Product, Route
from proxy.services.outcomes import refusal_of
from proxy.upstreams.http import Http
from proxy.upstreams.media import Accepted, Loaded, Order
from proxy.upstreams.providers import ProviderMedia
from proxy.wire.gemini import Gemini

ACCOUNT = Account("g1", "gemini-1", Credential.GEMINI, Secret(KEY))
OMNI, VEO = "gemini-omni-1.1-flash", "veo-3.1-generate-preview"
T = TypeVar("T")


@pytest.fixture
def google() -> Iterator[GeminiServer]:
    with gemini_server.running() as server:
        server.veo = {VEO, "veo-3.1-lite-generate-preview"}
        yield server


async def _nothing() -> None:
    """There is no job whose intent could be kept."""


def _order(model: str = OMNI, *uses: Use, **terms: Any) -> Order:
    said: dict[str, Any] = {"product": Product.VIDEO, "model": model, "prompt": "a cat"}
    inputs = tuple(
        Loaded(use, "x", "video/mp4" if use is Use.VIDEO else "image/png", PNG) for use in uses
    )
    return Order(MediaAsk(terms=Terms(**said | terms)), Route.GEMINI, model, inputs)


def _done(google: GeminiServer, story: Callable[[ProviderMedia], Awaitable[T]]) -> T:
    async def run() -> T:
        http = Http(None, 5, 5)
        try:
            return await story(ProviderMedia(Gemini(), google.url, http, http, lambda: 0.0))
        finally:
            await http.aclose()

    return asyncio.run(run())


async def _end(media: ProviderMedia, task_id: str) -> TaskReport:
    for _ in range(10):
        [report] = await media.tasks(ACCOUNT, Route.GEMINI, Product.VIDEO, [task_id], 1.0)
        if report.state is not TaskState.PENDING:
            break
    return report


async def _file(media: ProviderMedia, url: str) -> bytes:
    download = await media.open(ACCOUNT, Route.GEMINI, url)
    try:
        return b"".join([chunk async for chunk in download.chunks])
    finally:
        await download.aclose()


def _bought(google: GeminiServer, order: Order) -> tuple[TaskReport, bytes]:
    async def story(media: ProviderMedia) -> tuple[TaskReport, bytes]:
        accepted = await media.submit(ACCOUNT, order, _nothing)
        [first] = accepted.reports
        assert first.state is TaskState.PENDING
        report = await _end(media, first.task_id)
        return report, await _file(media, report.urls[0]) if report.urls else b""

    return _done(google, story)


@pytest.mark.parametrize(
    "order",
    [
        _order(ratio="9:16", seconds=6.0, resolution="1080p"),
        _order(OMNI, Use.FIRST_FRAME),
        _order(OMNI, Use.FIRST_FRAME, Use.LAST_FRAME),
        _order(OMNI, Use.FIRST_FRAME, Use.REFERENCE),
        _order(OMNI, Use.REFERENCE, Use.REFERENCE, Use.REFERENCE),
        _order(OMNI, Use.VIDEO, vendor={"video_mode": "edit"}),
        _order(VEO, seconds=8.0, resolution="4k", negative_prompt="rain"),
        _order(VEO, Use.FIRST_FRAME, Use.LAST_FRAME, seconds=4.0),
        _order(VEO, Use.REFERENCE, seconds=8.0, vendor={"person_generation": "disallow"}),
        _order("veo-3.1-lite-generate-preview", Use.FIRST_FRAME, ratio="16:9"),
    ],
)
@pytest.mark.parametrize("life", [Life(), Life(end="inline")], ids=["address", "inline"])
def test_a_clip(google: GeminiServer, order: Order, life: Life) -> None:
    google.next_life(life)
    report, data = _bought(google, order)
    assert (report.state, data) == (TaskState.DONE, MP4)
    assert len(google.purchases) == 1
    assert google.leaks == []


def test_a_clip_in_the_reply_itself(google: GeminiServer) -> None:
    google.next_life(Life(end="inline", at_once=True))
    accepted = _done(google, lambda media: media.submit(ACCOUNT, _order(), _nothing))
    assert accepted.inline == (MP4,)
    assert google.asked("look") == []


def test_a_picture(google: GeminiServer) -> None:
    order = _order(
        "gemini-3.1-flash-image", Use.REFERENCE, product=Product.IMAGE, ratio="1:8",
        resolution="0.5k",
    )  # fmt: skip
    accepted = _done(google, lambda media: media.submit(ACCOUNT, order, _nothing))
    assert isinstance(accepted, Accepted)
    assert accepted.inline == (PNG,)
    assert accepted.reports[0].state is TaskState.DONE
    assert len(google.purchases) == 1


def test_a_picture_that_is_refused(google: GeminiServer) -> None:
    google.picture = Answer(200, {"candidates": [{"finishReason": "IMAGE_SAFETY"}]})
    order = _order("gemini-3-pro-image", product=Product.IMAGE)
    assert _refusal(google, order).kind is Kind.POLICY


def test_a_file_is_fetched_elsewhere_without_the_key(google: GeminiServer) -> None:
    google.redirects = True
    report, data = _bought(google, _order())
    assert (report.state, data, google.leaks) == (TaskState.DONE, MP4, [])
    assert len(google.asked("storage")) == 1


def test_a_fresh_file_is_refused_for_a_while(google: GeminiServer) -> None:
    google.next_life(Life(looks=0, file_looks=1))

    async def story(media: ProviderMedia) -> bytes:
        accepted = await media.submit(ACCOUNT, _order(), _nothing)
        [url] = (await _end(media, accepted.reports[0].task_id)).urls
        with pytest.raises(UpstreamError) as refused:
            await _file(media, url)
        assert refused.value.failure.kind is Kind.RESULT_LOST
        return await _file(media, url)

    assert _done(google, story) == MP4


@pytest.mark.parametrize(
    ("model", "life", "kind", "told"),
    [
        (OMNI, Life(end="words", text="I can't make that."), Kind.POLICY, "I can't make that."),
        (OMNI, Life(end="failed", text="Blocked by our safety filters."), Kind.POLICY, "filters"),
        (OMNI, Life(end="failed"), Kind.TASK_FAILED, "internal error"),
        (OMNI, Life(end="incomplete"), Kind.TASK_FAILED, "internal error"),
        (OMNI, Life(end="budget_exceeded", text=""), Kind.TASK_FAILED, "budget_exceeded"),
        (OMNI, Life(end="empty"), Kind.TASK_FAILED, "without a video"),
        (VEO, Life(end="filtered", text="A celebrity."), Kind.POLICY, "A celebrity."),
        (VEO, Life(end="error"), Kind.TASK_FAILED, "internal error"),
        (VEO, Life(end="empty"), Kind.TASK_FAILED, "without a video"),
    ],
)
def test_an_end_without_a_clip(
    google: GeminiServer, model: str, life: Life, kind: Kind, told: str
) -> None:
    google.next_life(life)
    report, _ = _bought(google, _order(model))
    failure = refusal_of([report])
    assert failure is not None
    assert failure.kind is kind
    assert told in failure.told


def test_some_of_several_clips_are_enough(google: GeminiServer) -> None:
    google.next_life(Life(end="partly", text="One was filtered."))
    assert _bought(google, _order(VEO))[1] == MP4


def _refusal(google: GeminiServer, order: Order, account: Account = ACCOUNT) -> Failure:
    with pytest.raises(UpstreamError) as refused:
        _done(google, lambda media: media.submit(account, order, _nothing))
    return refused.value.failure


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("bad_key", Kind.DEAD_CREDENTIAL), ("bad_value", Kind.BAD_REQUEST),
        ("prompt_refused", Kind.POLICY), ("no_billing", Kind.PLAN_REQUIRED),
        ("location", Kind.ACCOUNT_FORBIDDEN), ("unauthenticated", Kind.DEAD_CREDENTIAL),
        ("leaked", Kind.DEAD_CREDENTIAL), ("forbidden", Kind.ACCOUNT_FORBIDDEN),
        ("retired", Kind.MODEL_UNKNOWN), ("conflict", Kind.OVERLOADED),
        ("rate", Kind.RATE_LIMITED), ("rate_bare", Kind.RATE_LIMITED),
        ("daily", Kind.DAILY_QUOTA), ("no_free_tier", Kind.PLAN_REQUIRED),
        ("no_funds", Kind.FUNDS), ("internal", Kind.UPSTREAM_BROKEN),
        ("bad_gateway", Kind.UPSTREAM_BROKEN), ("unavailable", Kind.OUTAGE),
        ("overloaded", Kind.OVERLOADED), ("deadline", Kind.UPSTREAM_BROKEN),
        ("unreadable", Kind.UNREADABLE), ("no_id", Kind.UNREADABLE),
        ("cut", Kind.BROKEN_STREAM), ("broke_after", Kind.UPSTREAM_BROKEN),
    ],
)  # fmt: skip
def test_every_row_of_the_table(google: GeminiServer, name: str, kind: Kind) -> None:
    google.answer(name)
    assert _refusal(google, _order()).kind is kind
    assert len(google.asked("create")) == 1


def test_models_that_google_has_ended(google: GeminiServer) -> None:
    google.veo.clear()
    assert _refusal(google, _order(VEO)).kind is Kind.MODEL_UNKNOWN
    assert _refusal(google, _order("gemini-omni-flash-preview")).kind is Kind.MODEL_UNKNOWN


def test_a_task_that_google_has_forgotten(google: GeminiServer) -> None:
    for task_id in ("interactions/v1_gone", "interactions/odd", f"models/{VEO}/operations/9"):
        with pytest.raises(UpstreamError) as refused:
            _done(google, lambda media, task_id=task_id: _end(media, task_id))
        assert refused.value.failure.kind is Kind.TASK_UNKNOWN


def test_a_key_is_checked_without_buying(google: GeminiServer) -> None:
    other = Account("g2", "gemini-2", Credential.GEMINI, Secret("AIzaOther"))
    assert _done(google, lambda media: media.is_alive(ACCOUNT)) is True
    assert _done(google, lambda media: media.is_alive(other)) is False
    assert _refusal(google, _order(), other).kind is Kind.DEAD_CREDENTIAL
    assert google.purchases == []


def test_an_interaction_can_be_stopped(google: GeminiServer) -> None:
    google.next_life(ENDLESS)

    async def story(media: ProviderMedia) -> TaskReport:
        accepted = await media.submit(ACCOUNT, _order(), _nothing)
        [first] = accepted.reports
        await media.cancel(ACCOUNT, Route.GEMINI, "", (first.task_id, f"models/{VEO}/operations/1"))
        return await _end(media, first.task_id)

    report = _done(google, story)
    assert (report.state, "cancelled" in report.reason) == (TaskState.FAILED, True)
    assert len(google.asked("cancel")) == 1
