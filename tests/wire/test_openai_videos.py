"""Servers that speak OpenAI's Videos: what their answers mean."""

import base64
import json
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK
from fixtures.provider_rows import ANY_JSON, NOW, Refusal, Task, tables
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.failures import Failure, Kind
from proxy.core.media import MediaAsk, TaskReport, TaskState, Terms, Use
from proxy.core.products import Product
from proxy.services.outcomes import refusal_of
from proxy.wire.genspark_failures import Reply
from proxy.wire.openai_videos import OpenAIVideos
from proxy.wire.provider import Created, Picture, Provider

WIRE: Provider = OpenAIVideos()
REFUSALS = [Refusal(**table) for table in tables("openai_videos", "refusals")]
VIDEOS = [Task(**table) for table in tables("openai_videos", "videos")]
PNG = b"\x89PNG\r\n\x1a\n picture"
B64 = base64.b64encode(PNG).decode()


def _reply(body: Any, status: int = 200) -> Reply:
    return Reply(status, {}, json.dumps(body).encode(), NOW)


def _created(body: Any, product: Product = Product.VIDEO) -> Created | Failure:
    return WIRE.created(_reply(body), product)


def test_the_key_is_a_bearer_token() -> None:
    assert WIRE.sign("any key") == {"Authorization": "Bearer any key"}


@pytest.mark.parametrize(
    ("product", "inputs", "path"),
    [(Product.VIDEO, 0, "/videos"), (Product.VIDEO, 1, "/videos"),
     (Product.IMAGE, 0, "/images/generations"), (Product.IMAGE, 1, "/images/edits")],
)  # fmt: skip
def test_where_an_ask_goes(product: Product, inputs: int, path: str) -> None:
    ask = MediaAsk(terms=Terms(product=product, model="m", prompt="a cat"))
    use = Use.REFERENCE if product is Product.IMAGE else Use.FIRST_FRAME
    call = WIRE.create(ask, "m", [Picture(use, "image/png", PNG)] * inputs)
    assert (call.method, call.path, call.signed) == ("POST", path, True)


def _read(row: Refusal, on: str, product: Product) -> Any:
    headers = {"content-type": row.content_type, **row.headers}
    reply = Reply(row.status, headers, row.body.encode(), NOW)
    if on == "create":
        return WIRE.created(reply, product)
    return WIRE.seen(reply, "video_1", product)


@pytest.mark.parametrize("product", [Product.VIDEO, Product.IMAGE])
@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: row.name)
def test_a_refusal_means_what_the_table_says(row: Refusal, product: Product) -> None:
    for on in row.on:
        failure = _read(row, on, product)
        assert isinstance(failure, Failure)
        assert failure.kind == row.kind
        assert failure.told == row.told
        assert failure.retry_after == row.retry_after
        assert len(failure.detail) < 80


@pytest.mark.parametrize("row", VIDEOS, ids=lambda row: row.name)
def test_a_video_means_what_the_table_says(row: Task) -> None:
    seen = WIRE.seen(Reply(200, {}, row.body.encode(), NOW), "video_1", Product.VIDEO)
    assert seen == TaskReport(
        task_id="video_1",
        state=TaskState(row.state),
        urls=row.urls,
        posters=row.posters,
        progress=row.progress,
        reason=row.reason,
        model=row.model,
    )


def test_content_that_was_refused_is_told_from_an_accident() -> None:
    failed = [row for row in VIDEOS if row.state == "failed"]
    kinds = {}
    for row in failed:
        report = WIRE.seen(Reply(200, {}, row.body.encode(), NOW), "v", Product.VIDEO)
        assert isinstance(report, TaskReport)
        refusal = refusal_of([report])
        assert refusal is not None
        kinds[row.name] = refusal.kind
    assert kinds == {
        "OpenAI: failed": Kind.POLICY,
        "OpenAI: failed, content by its code alone": Kind.POLICY,
        "new-api: the task's record, failed": Kind.POLICY,
        "this project: cancelled": Kind.TASK_FAILED,
    }


@pytest.mark.parametrize(
    ("body", "task_id"),
    [
        ({"id": "video_1", "object": "video", "status": "queued", "progress": 0}, "video_1"),
        ({"id": "task_9", "task_id": "task_9", "status": "queued"}, "task_9"),
        ({"task_id": "task_9", "status": "submitted"}, "task_9"),
        ({"id": "video_bGl0ZWxsbTo/Zm9v==", "status": "processing"}, "video_bGl0ZWxsbTo/Zm9v=="),
        ({"code": "success", "message": "", "data": {"task_id": "task_9"}}, "task_9"),
    ],
)
def test_a_new_video(body: Any, task_id: str) -> None:
    created = _created(body)
    assert isinstance(created, Created)
    assert (created.report.task_id, created.report.state) == (task_id, TaskState.PENDING)
    assert created.inline == ()


def test_a_video_that_fails_at_once() -> None:
    error = {"code": "server_error", "message": "no"}
    created = _created({"id": "video_1", "status": "failed", "error": error})
    assert isinstance(created, Created)
    assert (created.report.state, created.report.reason) == (TaskState.FAILED, "no")


@pytest.mark.parametrize("video_id", ["", ".", "..", " ", "x" * 1001, "a\nb", 7, None])
def test_an_id_that_cannot_be_asked_about_is_none(video_id: Any) -> None:
    created = _created({"id": video_id, "status": "queued"})
    assert isinstance(created, Failure)
    assert created.kind is Kind.UNREADABLE


# Images come at once.


@pytest.mark.parametrize(
    ("items", "urls", "inline"),
    [
        ([{"b64_json": B64}], (), (PNG,)),
        ([{"b64_json": B64}, {"b64_json": B64}], (), (PNG, PNG)),
        ([{"url": "https://a.example/1.png", "revised_prompt": "x"}],
         ("https://a.example/1.png",), ()),
        ([{"url": f"data:image/png;base64,{B64}"}], (), (PNG,)),
        ([{"b64_json": f"data:image/png;base64,{B64}"}], (), (PNG,)),
        ([{"b64_json": None, "url": "https://a.example/1.png"}], ("https://a.example/1.png",), ()),
        ([{"b64_json": B64, "url": None}], (), (PNG,)),
    ],
)  # fmt: skip
def test_images_in_any_form(items: Any, urls: tuple[str, ...], inline: tuple[bytes, ...]) -> None:
    created = _created({"created": 1, "data": items}, Product.IMAGE)
    assert isinstance(created, Created)
    assert created.report.state is TaskState.DONE
    assert (created.report.urls, created.inline) == (urls, inline)
    assert created.report.task_id


@pytest.mark.parametrize(
    "body",
    [{}, {"data": []}, {"data": [{}]}, {"data": [{"b64_json": "%%%"}]}, {"data": "x"},
     {"data": [{"url": "/relative.png"}]}, {"data": [{"url": "data:,"}]}, []],
)  # fmt: skip
def test_an_answer_without_an_image_leaves_its_fate_open(body: Any) -> None:
    created = _created(body, Product.IMAGE)
    assert isinstance(created, Failure)
    assert created.kind is Kind.UNREADABLE


# The other calls.


def test_a_clip_is_fetched_with_the_key_and_a_public_address_without() -> None:
    content = WIRE.fetch("/videos/video_1/content")
    assert (content.method, content.path, content.signed) == (
        "GET",
        "/videos/video_1/content",
        True,
    )
    elsewhere = WIRE.fetch("https://a.example/1.png")
    assert (elsewhere.path, elsewhere.signed) == ("https://a.example/1.png", False)


def test_ids_do_not_leave_their_place_in_a_path() -> None:
    assert WIRE.look("video_1", Product.VIDEO).path == "/videos/video_1"
    assert WIRE.look("a/../b?c=#", Product.VIDEO).path == "/videos/a%2F..%2Fb%3Fc%3D%23"
    body = {"status": "completed"}
    seen = WIRE.seen(_reply(body), "a/b", Product.VIDEO)
    assert isinstance(seen, TaskReport)
    assert seen.urls == ("/videos/a%2Fb/content",)


def test_the_other_calls() -> None:
    cancel = WIRE.cancel("video_1")
    assert cancel is not None
    assert (cancel.method, cancel.path) == ("DELETE", "/videos/video_1")
    created = _created({"data": [{"b64_json": B64}]}, Product.IMAGE)
    assert isinstance(created, Created)
    assert WIRE.cancel(created.report.task_id) is None
    assert (WIRE.check().method, WIRE.check().path) == ("GET", "/models")
    assert WIRE.inline(_reply({}), 0) is None
    assert not WIRE.own_hosts


@QUICK
@given(ANY_JSON, st.integers(200, 599), st.sampled_from([Product.VIDEO, Product.IMAGE]))
def test_no_answer_raises(body: Any, status: int, product: Product) -> None:
    reply = _reply(body, status)
    assert isinstance(WIRE.created(reply, product), Created | Failure)
    assert isinstance(WIRE.seen(reply, "v", product), TaskReport | Failure)


@QUICK
@given(ANY_JSON)
def test_no_part_of_an_answer_raises(value: Any) -> None:
    reply = _reply({"id": "v", "status": "completed", "thumbnail_url": value, "data": value})
    assert isinstance(WIRE.seen(reply, "v", Product.VIDEO), TaskReport)
    assert isinstance(WIRE.created(_reply({"data": [value]}), Product.IMAGE), Created | Failure)
