"""Vertex AI as a provider: calls, operations, Cloud Storage; and its facts."""

import json
from importlib import resources
from typing import Any

import pytest
from fixtures.gemini.replies import ANYTHING, CLIP, STATUSES, ask, pictures, recorded, reply, row
from fixtures.genspark.properties import QUICK
from hypothesis import given

from proxy.core.failures import AMBIGUOUS, Failure, Kind
from proxy.core.media import TaskReport, TaskState, Use
from proxy.core.media_models import MediaCatalogue
from proxy.core.products import Product, Route
from proxy.wire.genspark_failures import Reply
from proxy.wire.provider import Call, Created, Provider
from proxy.wire.vertex import TAKES, Vertex, takes

LITE = "veo-3.1-lite-generate-001"
PLACE = "projects/acme-1/locations/us-central1"
MODEL = f"{PLACE}/publishers/google/models/{LITE}"
TASK = f"{MODEL}/operations/a1b2c3d4-0001-4000-8000-000000000001"
OBJECT = "https://storage.googleapis.com/storage/v1/b/acme-clips/o/jobs%2F1234%2Fsample_0.mp4"
wire: Provider = Vertex("acme-1", "us-central1")


def _recorded(name: str) -> Reply:
    return recorded(name, "vertex")


def _parameters(made: Provider = wire, **terms: Any) -> Any:
    return json.loads(made.create(ask(**terms), LITE, []).content)["parameters"]


def _seen(answer: Reply) -> TaskReport | Failure:
    return wire.seen(answer, TASK, Product.VIDEO)


def test_the_token_goes_to_the_api_and_to_the_storage() -> None:
    assert wire.sign("ya29.x") == {"Authorization": "Bearer ya29.x"}
    assert wire.own_hosts == {"storage.googleapis.com"}


def test_a_purchase() -> None:
    call = wire.create(ask(ratio="16:9", seconds=8.0), LITE, pictures(Use.FIRST_FRAME))
    assert (call.method, call.path) == ("POST", f"/v1/{MODEL}:predictLongRunning")
    body = json.loads(call.content)
    assert body["parameters"] == {
        "aspectRatio": "16:9",
        "durationSeconds": 8,
        "sampleCount": 1,
        "generateAudio": True,
    }
    assert body["instances"][0].keys() == {"prompt", "image"}


@pytest.mark.parametrize(("audio", "said"), [(None, True), (True, True), (False, False)])
def test_sound_has_a_switch_that_is_always_set(audio: bool | None, said: bool) -> None:
    assert _parameters(audio=audio)["generateAudio"] is said


def test_parameters_that_only_vertex_knows() -> None:
    said = _parameters(vendor={"seed": 0, "resize_mode": "crop", "person_generation": "disallow"})
    assert (said["seed"], said["resizeMode"]) == (0, "crop")
    assert said["personGeneration"] == "dont_allow"


def test_results_may_go_to_the_operators_bucket() -> None:
    assert "storageUri" not in _parameters()
    made = Vertex("acme-1", "global", "gs://acme-clips/jobs")
    assert _parameters(made)["storageUri"] == "gs://acme-clips/jobs"


def test_projects_of_domains_and_the_global_location() -> None:
    made = Vertex("example.com:acme", "global")
    assert made.check() == Call(path="/v1/projects/example.com:acme/locations/global")
    assert Vertex("../x", "a/b").check().path == "/v1/projects/..%2Fx/locations/a%2Fb"


def test_an_operation_is_taken() -> None:
    created = wire.created(_recorded("operation_created"), Product.VIDEO)
    assert created == Created(TaskReport(task_id=TASK, state=TaskState.PENDING))


@pytest.mark.parametrize("body", [{}, [], {"name": ""}, {"name": "a?b"}, {"done": True}])
def test_a_reply_that_names_no_operation_may_have_been_paid(body: Any) -> None:
    failure = wire.created(reply(body), Product.VIDEO)
    assert isinstance(failure, Failure)
    assert failure.kind in AMBIGUOUS


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("unauthenticated", Kind.DEAD_CREDENTIAL),
        ("predict_denied", Kind.MODEL_UNKNOWN),
        ("service_disabled", Kind.ACCOUNT_FORBIDDEN),
        ("rate_bare", Kind.RATE_LIMITED),
        ("prompt_refused", Kind.POLICY),
    ],
)
def test_a_refusal_of_a_create(name: str, kind: Kind) -> None:
    failure = wire.created(row(name), Product.VIDEO)
    assert isinstance(failure, Failure)
    assert failure.kind is kind


def test_the_name_is_enough_to_ask_whatever_is_configured() -> None:
    call = Vertex("another", "global").look(TASK, Product.VIDEO)
    assert (call.method, call.path) == ("POST", f"/v1/{MODEL}:fetchPredictOperation")
    assert json.loads(call.content) == {"operationName": TASK}


@pytest.mark.parametrize(
    ("name", "state", "urls"),
    [
        ("operation_running", TaskState.PENDING, ()),
        ("operation_storage", TaskState.DONE, (f"{OBJECT}?alt=media",)),
        ("operation_bytes", TaskState.DONE, ("inline:0",)),
        ("operation_filtered", TaskState.FAILED, ()),
        ("operation_refused", TaskState.FAILED, ()),
        ("operation_failed", TaskState.FAILED, ()),
    ],
)
def test_a_look(name: str, state: TaskState, urls: tuple[str, ...]) -> None:
    report = _seen(_recorded(name))
    assert isinstance(report, TaskReport)
    assert (report.task_id, report.state, report.urls) == (TASK, state, urls)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (row("model_retired"), Kind.TASK_UNKNOWN),
        (row("unauthenticated"), Kind.DEAD_CREDENTIAL),
        (row("unavailable"), Kind.OUTAGE),
        (reply({}), Kind.UNREADABLE),
        (reply([]), Kind.UNREADABLE),
    ],
)
def test_a_look_that_fails(answer: Reply, kind: Kind) -> None:
    failure = _seen(answer)
    assert isinstance(failure, Failure)
    assert failure.kind is kind


@pytest.mark.parametrize("place", ["gs://", "gs://bucket", "gs://bucket/", "s3://b/o", "b/o"])
def test_a_place_that_is_no_object_is_no_result(place: str) -> None:
    done = {"name": TASK, "done": True, "response": {"videos": [{"gcsUri": place}]}}
    report = _seen(reply(done))
    assert isinstance(report, TaskReport)
    assert report.state is TaskState.FAILED


def test_bytes_inside_the_answer_and_objects_in_the_storage() -> None:
    assert wire.inline(_recorded("operation_bytes"), 0) == CLIP
    assert wire.inline(_recorded("operation_storage"), 0) is None
    assert wire.fetch(f"{OBJECT}?alt=media") == Call(path=f"{OBJECT}?alt=media")
    assert wire.cancel(TASK) is None


def test_another_storage_is_an_own_host_by_its_name() -> None:
    made = Vertex("p", "l", storage_origin="http://127.0.0.1:9")
    done = {"name": TASK, "done": True, "response": {"videos": [{"gcsUri": "gs://b/o p"}]}}
    report = made.seen(reply(done), TASK, Product.VIDEO)
    assert isinstance(report, TaskReport)
    assert report.urls == ("http://127.0.0.1:9/storage/v1/b/b/o/o%20p?alt=media",)
    assert made.own_hosts == {"127.0.0.1:9"}


def test_what_can_be_said() -> None:
    whole, lite = takes("veo-3.1-generate-001", Product.VIDEO), takes(LITE, Product.VIDEO)
    assert {"audio", "audio_off", "seed", "resize_mode"} <= lite < whole == TAKES
    assert whole - lite == {
        "negative_prompt", "last_frame", "references", "reference_mode", "video_mode"
    }  # fmt: skip
    assert "rewrite_prompt" not in whole


def test_the_facts_hold_for_what_is_alive() -> None:
    files = resources.files("proxy.core")
    catalogue = MediaCatalogue(files.joinpath("media_catalogue.toml").read_text("utf-8"))
    facts = files.joinpath("providers/vertex.toml").read_text("utf-8")
    catalogue.provide(Route.VERTEX, facts, takes)
    assert catalogue.names({Route.VERTEX}) == [f"vertex/{LITE}"]
    assert catalogue.usual(Route.VERTEX, Product.VIDEO) == LITE
    [found] = catalogue.candidates(f"vertex/{LITE}", Product.VIDEO, [Route.VERTEX])
    assert (found.facts.price, found.facts.last_frame) == (0.05, False)
    assert found.facts.terms == takes(LITE, Product.VIDEO)


@QUICK
@given(ANYTHING, STATUSES)
def test_any_reply_is_read(body: Any, status: int) -> None:
    answer = reply(body, status)
    assert isinstance(wire.created(answer, Product.VIDEO), Created | Failure)
    report = _seen(answer)
    assert isinstance(report, Failure) or report.task_id == TASK
    assert wire.inline(answer, 0) != b""
