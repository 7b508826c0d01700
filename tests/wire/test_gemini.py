"""The Gemini API as a provider: who serves what, calls, replies, files; and its facts."""

import json
from importlib import resources
from typing import Any

import pytest
from fixtures.gemini.replies import (
    ANYTHING,
    CLIP,
    PNG,
    STATUSES,
    ask,
    pictures,
    recorded,
    reply,
    row,
)
from fixtures.genspark.properties import QUICK
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.failures import AMBIGUOUS, Failure, Kind
from proxy.core.media import TaskReport, TaskState, Use
from proxy.core.media_models import MediaCatalogue
from proxy.core.products import Product, Route
from proxy.wire.gemini import TAKES, Gemini, takes
from proxy.wire.genspark_failures import Reply
from proxy.wire.provider import Call, Created, Provider

OMNI = "gemini-omni-1.1-flash"
VEO = "veo-3.1-generate-preview"
INTERACTION = "interactions/v1_ChdPU0F6YWFtNkFwMmtlUEFQaDVENndRVRIX"
OPERATION = "models/veo-3.1-generate-preview/operations/iepupb4wtlr5"
HOST = "https://generativelanguage.googleapis.com"
wire: Provider = Gemini()


def _created(answer: Reply, product: Product = Product.VIDEO) -> Created:
    created = wire.created(answer, product)
    assert isinstance(created, Created)
    return created


def _seen(answer: Reply, task_id: str = INTERACTION) -> TaskReport | Failure:
    return wire.seen(answer, task_id, Product.VIDEO)


def test_the_key_travels_in_its_header_and_to_the_api_alone() -> None:
    assert wire.sign("AIza1") == {"x-goog-api-key": "AIza1"}
    assert wire.own_hosts == frozenset()


@pytest.mark.parametrize(
    ("product", "model", "path", "field"),
    [
        (Product.VIDEO, OMNI, "/v1beta/interactions", "input"),
        (Product.VIDEO, VEO, f"/v1beta/models/{VEO}:predictLongRunning", "instances"),
        (Product.IMAGE, "gemini-3-pro-image",
         "/v1beta/models/gemini-3-pro-image:generateContent", "contents"),
        (Product.IMAGE, "a/../b?c", "/v1beta/models/a%2F..%2Fb%3Fc:generateContent", "contents"),
    ],
)  # fmt: skip
def test_the_model_says_which_interface(
    product: Product, model: str, path: str, field: str
) -> None:
    call = wire.create(ask(product), model, [])
    assert (call.method, call.path, call.headers, call.signed) == ("POST", path, {}, True)
    assert field in json.loads(call.content)


def test_veo_has_no_parameters_here_that_only_vertex_knows() -> None:
    vendor = {"seed": 7, "resize_mode": "pad"}
    call = wire.create(ask(audio=True, vendor=vendor), VEO, pictures(Use.FIRST_FRAME))
    assert json.loads(call.content)["parameters"] == {}


def test_an_interaction_is_taken() -> None:
    created = _created(recorded("interaction_created"))
    assert created.inline == ()
    assert (created.report.task_id, created.report.state) == (INTERACTION, TaskState.PENDING)


def test_an_operation_is_taken() -> None:
    report = _created(recorded("operation_created")).report
    assert report == TaskReport(task_id=OPERATION, state=TaskState.PENDING)


def test_a_picture_comes_in_the_reply() -> None:
    assert _created(recorded("image"), Product.IMAGE).inline == (PNG,)


def test_a_clip_may_come_in_the_reply_as_well() -> None:
    created = _created(recorded("interaction_inline"))
    assert created.inline == (CLIP,)
    assert (created.report.state, created.report.urls) == (TaskState.DONE, ())
    assert _created(recorded("operation_bytes")).inline == (CLIP,)
    assert _created(recorded("interaction_uri")).report.urls


@pytest.mark.parametrize("body", [{}, [], {"status": "in_progress"}, {"id": "../x"}, {"name": "x"}])
def test_a_reply_that_names_no_task_may_have_been_paid(body: Any) -> None:
    failure = wire.created(reply(body), Product.VIDEO)
    assert isinstance(failure, Failure)
    assert failure.kind in AMBIGUOUS


def test_a_refusal_of_a_create() -> None:
    for product in (Product.VIDEO, Product.IMAGE):
        failure = wire.created(row("model_retired"), product)
        assert isinstance(failure, Failure)
        assert failure.kind is Kind.MODEL_UNKNOWN


@pytest.mark.parametrize(
    ("task_id", "path", "cancel"),
    [
        (INTERACTION, f"/v1beta/{INTERACTION}", f"/v1beta/{INTERACTION}/cancel"),
        ("interactions/v1_a=", "/v1beta/interactions/v1_a%3D",
         "/v1beta/interactions/v1_a%3D/cancel"),
        (OPERATION, f"/v1beta/{OPERATION}", None),
    ],
)  # fmt: skip
def test_an_id_is_enough_to_ask_and_to_stop(task_id: str, path: str, cancel: str | None) -> None:
    assert wire.look(task_id, Product.VIDEO) == Call(path=path)
    stop = Call(method="POST", path=cancel) if cancel else None
    assert wire.cancel(task_id) == stop


@pytest.mark.parametrize(
    ("name", "task_id", "state"),
    [
        ("interaction_created", INTERACTION, TaskState.PENDING),
        ("interaction_uri", INTERACTION, TaskState.DONE),
        ("interaction_failed", INTERACTION, TaskState.FAILED),
        ("operation_running", OPERATION, TaskState.PENDING),
        ("operation_done", OPERATION, TaskState.DONE),
        ("operation_failed", OPERATION, TaskState.FAILED),
    ],
)
def test_a_look(name: str, task_id: str, state: TaskState) -> None:
    report = _seen(recorded(name), task_id)
    assert isinstance(report, TaskReport)
    assert (report.task_id, report.state) == (task_id, state)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (row("model_retired"), Kind.TASK_UNKNOWN),
        (reply({"error": {"message": "Invalid interaction name"}}, 400), Kind.TASK_UNKNOWN),
        # Seen on running interactions in October 2026: it says nothing of the task.
        (row("two_credentials"), Kind.BAD_REQUEST),
        (row("key_invalid"), Kind.DEAD_CREDENTIAL),
        (row("rate_info"), Kind.RATE_LIMITED),
        (reply({}), Kind.UNREADABLE),
        (reply([]), Kind.UNREADABLE),
    ],
)
def test_a_look_that_fails(answer: Reply, kind: Kind) -> None:
    for task_id in (INTERACTION, OPERATION):
        failure = _seen(answer, task_id)
        assert isinstance(failure, Failure)
        assert failure.kind is kind


def test_clips_inside_an_answer() -> None:
    assert wire.inline(recorded("interaction_inline"), 0) == CLIP
    assert wire.inline(recorded("interaction_inline"), 1) is None
    assert wire.inline(recorded("interaction_uri"), 0) is None
    assert wire.inline(recorded("operation_bytes"), 0) == CLIP
    assert wire.inline(reply("no"), 0) is None
    spoilt = {"output_video": {"type": "video", "data": "%%"}}
    assert wire.inline(reply(spoilt), 0) is None


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (f"{HOST}/v1beta/files/k-1", f"{HOST}/v1beta/files/k-1:download?alt=media"),
        (f"{HOST}/v1beta/files/k-1:download?alt=media",
         f"{HOST}/v1beta/files/k-1:download?alt=media"),
        (f"{HOST}/v1beta/files/k?key=AIza", f"{HOST}/v1beta/files/k:download?alt=media"),
        ("https://gw.example/google/v1beta/files/k",
         "https://gw.example/google/v1beta/files/k:download?alt=media"),
        ("files/k", "/v1beta/files/k:download?alt=media"),
        ("/v1beta/files/k", "/v1beta/files/k:download?alt=media"),
        ("https://cdn.example/clip.mp4?sig=1", "https://cdn.example/clip.mp4?sig=1"),
    ],
)  # fmt: skip
def test_a_file_is_downloaded_by_its_content(url: str, path: str) -> None:
    assert wire.fetch(url) == Call(path=path)


def test_the_free_question_is_not_a_generation() -> None:
    assert wire.check() == Call(path="/v1beta/models?pageSize=1")


@pytest.mark.parametrize(
    ("model", "product", "there", "not_there"),
    [
        (OMNI, Product.VIDEO, {"audio", "video_mode", "last_frame"},
         {"audio_off", "seed", "negative_prompt", "person_generation"}),
        (VEO, Product.VIDEO, {"audio", "negative_prompt", "person_generation"},
         {"audio_off", "seed", "resize_mode", "video_mode"}),
        ("veo-3.1-lite-generate-preview", Product.VIDEO, {"audio", "resolution"},
         {"negative_prompt", "last_frame", "references"}),
        ("gemini-3-pro-image", Product.IMAGE, {"resolution", "references"},
         {"audio", "seed", "negative_prompt"}),
    ],
)  # fmt: skip
def test_what_can_be_said(
    model: str, product: Product, there: set[str], not_there: set[str]
) -> None:
    said = takes(model, product)
    assert there <= said <= TAKES
    assert not not_there & said


def _catalogue() -> MediaCatalogue:
    files = resources.files("proxy.core")
    catalogue = MediaCatalogue(files.joinpath("media_catalogue.toml").read_text("utf-8"))
    facts = files.joinpath("providers/gemini.toml").read_text("utf-8")
    catalogue.provide(Route.GEMINI, facts, takes)
    return catalogue


def test_what_google_has_ended_can_be_asked_for_and_is_not_listed() -> None:
    catalogue = _catalogue()
    names = [name.rpartition("/")[2] for name in catalogue.names({Route.GEMINI})]
    assert OMNI in names
    assert "gemini-3.1-flash-image" in names
    assert not [name for name in names if name.startswith("veo-") or "preview" in name]
    prefix = next(name for name in catalogue.names({Route.GEMINI})).partition("/")[0]
    [old] = catalogue.candidates(f"{prefix}/{VEO}", Product.VIDEO, [Route.GEMINI])
    assert old.model == VEO


def test_the_usual_models_are_among_the_listed() -> None:
    catalogue = _catalogue()
    names = {name.rpartition("/")[2] for name in catalogue.names({Route.GEMINI})}
    assert {catalogue.usual(Route.GEMINI, p) for p in (Product.IMAGE, Product.VIDEO)} <= names


@QUICK
@given(ANYTHING, STATUSES, st.sampled_from([Product.IMAGE, Product.VIDEO]))
def test_any_reply_is_read(body: Any, status: int, product: Product) -> None:
    answer = reply(body, status)
    assert isinstance(wire.created(answer, product), Created | Failure)
    for task_id in (INTERACTION, OPERATION):
        report = _seen(answer, task_id)
        assert isinstance(report, Failure) or report.task_id == task_id
    assert wire.inline(answer, 0) != b""


@QUICK
@given(st.binary(max_size=60))
def test_any_bytes_are_read(body: bytes) -> None:
    answer = Reply(200, {}, body, 0.0)
    assert isinstance(wire.created(answer, Product.VIDEO), Created | Failure)
    assert isinstance(_seen(answer), TaskReport | Failure)
