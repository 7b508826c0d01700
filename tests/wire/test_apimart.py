"""APIMart: what is sent, and what its answers mean."""

import json
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK
from fixtures.provider_rows import ANY_JSON, NOW, Refusal, Task, tables
from hypothesis import given
from hypothesis import strategies as st

from proxy.app_providers import facts_of
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.media import MediaAsk, TaskReport, TaskState, Terms, Use
from proxy.core.media_models import MediaCatalogue
from proxy.core.media_rules import fit
from proxy.core.products import Product, Route
from proxy.wire.apimart import TAKES, Apimart, takes
from proxy.wire.apimart_bodies import Linked
from proxy.wire.genspark_failures import Reply
from proxy.wire.provider import Created, Picture, Provider

FAST = "veo3.1-fast-official"
QUALITY = "veo3.1-quality-official"
WIRE: Provider = Apimart()
REFUSALS = [Refusal(**table) for table in tables("apimart", "refusals")]
TASKS = [Task(**table) for table in tables("apimart", "tasks")]
EMPTY = "[aliases.image]\n[aliases.video]\n[forms]\n[image]\n[video]\n"


def _ask(**terms: Any) -> MediaAsk:
    said = {"product": Product.VIDEO, "model": "apimart/x", "prompt": "a cat"} | terms
    return MediaAsk(terms=Terms(**said))


def _sent(*inputs: Picture, model: str = FAST, **terms: Any) -> dict[str, Any]:
    call = WIRE.create(_ask(**terms), model, inputs)
    assert (call.method, call.path) == ("POST", "/v1/videos/generations")
    assert call.signed
    sent: dict[str, Any] = json.loads(call.content)
    return sent


def _refusal(*inputs: Picture, model: str = FAST, **terms: Any) -> Failure:
    with pytest.raises(UpstreamError) as caught:
        WIRE.create(_ask(**terms), model, inputs)
    return caught.value.failure


def _png(width: int, height: int) -> bytes:
    sides = width.to_bytes(4) + height.to_bytes(4)
    return b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" + sides + b"\x08\x02\0\0\0"


def _linked(use: Use, data: bytes = b"") -> Linked:
    return Linked(use, "image/png", data, f"https://upload.example/{use.value}.png")


# What is sent.


def test_the_key_is_a_bearer_token() -> None:
    assert WIRE.sign("sk-1") == {"Authorization": "Bearer sk-1"}


def test_a_bare_ask_names_model_and_prompt_alone() -> None:
    assert _sent() == {"model": FAST, "prompt": "a cat"}


def test_every_term_has_its_field() -> None:
    sent = _sent(
        model=QUALITY,
        ratio="9:16",
        seconds=6.0,
        resolution="1080p",
        negative_prompt="rain",
        audio=True,
        vendor={"seed": 0, "person_generation": "allow_adult", "resize_mode": "crop"},
    )
    assert sent == {
        "model": QUALITY,
        "prompt": "a cat",
        "duration": 6,
        "aspect_ratio": "9:16",
        "resolution": "1080p",
        "negative_prompt": "rain",
        "generate_audio": True,
        "seed": 0,
        "person_generation": "allow_adult",
        "resize_mode": "crop",
    }
    assert type(sent["duration"]) is int


def test_words_are_spelt_as_apimart_spells_them() -> None:
    assert _sent(resolution="4k")["resolution"] == "4K"
    assert _sent(audio=False)["generate_audio"] is False
    for word in ("dont_allow", "disallow"):
        sent = _sent(vendor={"person_generation": word})
        assert sent["person_generation"] == "disallow"


@pytest.mark.parametrize(
    ("terms", "word"),
    [
        ({"tier": "fast"}, "tier"),
        ({"rewrite_prompt": False}, "rewrite_prompt"),
        ({"vendor": {"video_mode": "edit"}}, "video_mode"),
        ({"vendor": {"person_generation": "allow_all"}}, "person_generation"),
        ({"seconds": 4.5}, "4.5"),
    ],
)
def test_what_has_no_field_is_refused_by_name(terms: dict[str, Any], word: str) -> None:
    failure = _refusal(**terms)
    assert failure.kind is Kind.BAD_REQUEST
    assert word in failure.told


@pytest.mark.parametrize("use", list(Use))
def test_bytes_cannot_reach_it(use: Use) -> None:
    failure = _refusal(Picture(use, "image/png", _png(9, 16)))
    assert failure.kind is Kind.BAD_REQUEST
    assert "cat" not in failure.told


def test_pictures_with_an_address_are_frames() -> None:
    first, last = _linked(Use.FIRST_FRAME), _linked(Use.LAST_FRAME)
    assert _sent(first, last) == {
        "model": FAST,
        "prompt": "a cat",
        "first_frame_image": "https://upload.example/first_frame.png",
        "last_frame_image": "https://upload.example/last_frame.png",
    }
    assert _refusal(last).kind is Kind.BAD_REQUEST
    assert _refusal(first, first).kind is Kind.BAD_REQUEST
    assert _refusal(first, _linked(Use.REFERENCE)).kind is Kind.BAD_REQUEST


@pytest.mark.parametrize(
    ("size", "asked", "sent"),
    [((720, 1280), None, "9:16"), ((720, 1280), "auto", "9:16"), ((720, 1280), "16:9", "16:9"),
     ((1280, 720), None, None), ((1280, 720), "auto", None)],
)  # fmt: skip
def test_a_portrait_is_not_padded(size: tuple[int, int], asked: str | None, sent: str) -> None:
    first = _linked(Use.FIRST_FRAME, _png(*size))
    assert _sent(first, ratio=asked).get("aspect_ratio") == sent


def test_other_models_and_images_have_no_form() -> None:
    assert _refusal(model="veo9").kind is Kind.MODEL_UNKNOWN
    assert _refusal(product=Product.IMAGE).kind is Kind.MODEL_UNKNOWN


def test_takes_is_what_has_a_field() -> None:
    assert takes(FAST, Product.VIDEO) == TAKES
    assert {"negative_prompt", "seed", "audio", "audio_off", "resolution"} < TAKES
    assert not TAKES & {"rewrite_prompt", "references", "tier", "count"}
    assert takes(FAST, Product.IMAGE) == takes("veo9", Product.VIDEO) == frozenset()


def test_whatever_the_facts_let_pass_can_be_sent() -> None:
    catalogue = MediaCatalogue(EMPTY)
    catalogue.provide(Route.APIMART, facts_of("providers/apimart.toml"), takes)
    assert catalogue.usual(Route.APIMART, Product.VIDEO) == FAST
    for model in (FAST, QUALITY):
        [there] = catalogue.candidates(f"apimart/{model}", Product.VIDEO, [Route.APIMART])
        assert there.facts.resolutions is not None
        fitted = [fit(_ask(resolution=r).terms, [], there) for r in there.facts.resolutions]
        sent = [json.loads(WIRE.create(MediaAsk(terms=t), model, []).content) for t in fitted]
        assert [each["resolution"] for each in sent] == ["720p", "1080p", "4K"]
        assert {each["duration"] for each in sent} == {8}
        assert {each["aspect_ratio"] for each in sent} == {"16:9"}


# What its answers mean.


def _read(row: Refusal, on: str) -> Any:
    headers = {"content-type": row.content_type, **row.headers}
    reply = Reply(row.status, headers, row.body.encode(), NOW)
    if on == "create":
        return WIRE.created(reply, Product.VIDEO)
    return WIRE.seen(reply, "task_01", Product.VIDEO)


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: row.name)
def test_a_refusal_means_what_the_table_says(row: Refusal) -> None:
    for on in row.on:
        failure = _read(row, on)
        assert isinstance(failure, Failure)
        assert failure.kind == row.kind
        assert failure.told == row.told
        assert failure.retry_after == row.retry_after
        assert failure.detail.isascii()
        assert len(failure.detail) < 80


@pytest.mark.parametrize(
    "body",
    [
        {"code": 200, "data": [{"status": "submitted", "task_id": "task_01K8"}]},
        # Older versions, and a sister gateway.
        {"code": 200, "data": {"id": "task_01K8", "status": "pending", "progress": 0}},
        {"id": "task_01K8", "object": "generation.task", "status": "queued", "progress": 0},
    ],
)
def test_a_new_task(body: Any) -> None:
    created = WIRE.created(Reply(200, {}, json.dumps(body).encode(), NOW), Product.VIDEO)
    assert isinstance(created, Created)
    assert created.report.task_id == "task_01K8"
    assert created.report.state is TaskState.PENDING
    assert created.inline == ()


@pytest.mark.parametrize("task_id", ["", ".", "..", "a/b", "a b", "x" * 201, 7, None])
def test_an_id_that_cannot_be_asked_about_is_none(task_id: Any) -> None:
    body = {"code": 200, "data": [{"status": "submitted", "task_id": task_id}]}
    created = WIRE.created(Reply(200, {}, json.dumps(body).encode(), NOW), Product.VIDEO)
    assert isinstance(created, Failure)
    assert created.kind is Kind.UNREADABLE


@pytest.mark.parametrize("row", TASKS, ids=lambda row: row.name)
def test_a_task_means_what_the_table_says(row: Task) -> None:
    seen = WIRE.seen(Reply(200, {}, row.body.encode(), NOW), "task_01", Product.VIDEO)
    assert seen == TaskReport(
        task_id="task_01",
        state=TaskState(row.state),
        urls=row.urls,
        posters=row.posters,
        progress=row.progress,
        reason=row.reason,
        model=row.model,
    )


def test_images_are_found_in_their_own_list() -> None:
    result = {"images": [{"url": ["https://u.example/1.png"]}], "videos": []}
    body = {"code": 200, "data": {"status": "completed", "result": result}}
    reply = Reply(200, {}, json.dumps(body).encode(), NOW)
    seen = WIRE.seen(reply, "task_01", Product.IMAGE)
    assert isinstance(seen, TaskReport)
    assert seen.urls == ("https://u.example/1.png",)


def test_the_other_calls() -> None:
    look = WIRE.look("task_01", Product.VIDEO)
    assert (look.method, look.path, look.signed) == ("GET", "/v1/tasks/task_01?language=en", True)
    assert WIRE.look("a/?b", Product.VIDEO).path == "/v1/tasks/a%2F%3Fb?language=en"
    fetch = WIRE.fetch("https://upload.example/1.mp4")
    assert (fetch.path, fetch.signed) == ("https://upload.example/1.mp4", False)
    assert WIRE.cancel("task_01") is None
    assert (WIRE.check().method, WIRE.check().path) == ("GET", "/v1/balance")
    assert WIRE.inline(Reply(200, {}, b"{}", NOW), 0) is None
    assert not WIRE.own_hosts


@QUICK
@given(ANY_JSON, st.integers(200, 599), st.sampled_from([Product.VIDEO, Product.IMAGE]))
def test_no_answer_raises(body: Any, status: int, product: Product) -> None:
    reply = Reply(status, {}, json.dumps(body).encode(), NOW)
    assert isinstance(WIRE.created(reply, product), Created | Failure)
    assert isinstance(WIRE.seen(reply, "t", product), TaskReport | Failure)


@QUICK
@given(ANY_JSON)
def test_no_task_raises(value: Any) -> None:
    task = {"id": "t", "status": "completed", "result": value, "thumbnail_url": value}
    reply = Reply(200, {}, json.dumps({"code": 200, "data": task}).encode(), NOW)
    assert isinstance(WIRE.seen(reply, "t", Product.VIDEO), TaskReport)
