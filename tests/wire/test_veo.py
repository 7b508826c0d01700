"""Veo's bodies and operations, in the forms of both hosts."""

import json
from typing import Any

import pytest
from fixtures.gemini.replies import ANYTHING, CLIP, ask, body_of, pictures
from fixtures.genspark.properties import QUICK
from hypothesis import given

from proxy.core.failures import Kind, UpstreamError
from proxy.core.media import TaskReport, TaskState, Use
from proxy.core.products import Product
from proxy.services.outcomes import refusal_of
from proxy.wire import veo

TASK = "models/m/operations/1"
FIRST, LAST, REF, FILM = Use.FIRST_FRAME, Use.LAST_FRAME, Use.REFERENCE, Use.VIDEO


def _body(*uses: Use, **terms: Any) -> Any:
    return json.loads(veo.body(ask(Product.VIDEO, *uses, **terms), pictures(*uses), {}))


def _link(place: str) -> str | None:
    return place if place.startswith("https://") else None


def _read(name: str, folder: str = "gemini") -> TaskReport:
    return veo.read(body_of(name, folder), TASK, _link)


def test_a_prompt_alone() -> None:
    assert _body() == {"instances": [{"prompt": "a cat"}], "parameters": {}}


def test_every_parameter() -> None:
    said = _body(
        ratio="9:16", seconds=8.0, resolution="1080p", negative_prompt="rain",
        vendor={"person_generation": "allow_adult"},
    )["parameters"]  # fmt: skip
    assert said == {
        "aspectRatio": "9:16",
        "durationSeconds": 8,
        "resolution": "1080p",
        "negativePrompt": "rain",
        "personGeneration": "allow_adult",
    }
    assert isinstance(said["durationSeconds"], int)


@pytest.mark.parametrize("word", ["disallow", "dont_allow"])
def test_people_may_be_kept_out_in_either_word(word: str) -> None:
    said = _body(vendor={"person_generation": word})["parameters"]
    assert said == {"personGeneration": "dont_allow"}


def test_frames_have_fields_of_their_own() -> None:
    assert _body(LAST, FIRST, Use.MASK, ratio="auto")["instances"] == [
        {
            "prompt": "a cat",
            "lastFrame": {"bytesBase64Encoded": "bGFzdF9mcmFtZTA=", "mimeType": "image/png"},
            "image": {"bytesBase64Encoded": "Zmlyc3RfZnJhbWUx", "mimeType": "image/png"},
        }
    ]


def test_references_are_assets() -> None:
    [instance] = _body(REF, REF)["instances"]
    assert [each["referenceType"] for each in instance["referenceImages"]] == ["asset", "asset"]
    assert instance.keys() == {"prompt", "referenceImages"}


def test_a_given_clip() -> None:
    [instance] = _body(FILM)["instances"]
    assert instance["video"] == {"bytesBase64Encoded": "dmlkZW8w", "mimeType": "video/mp4"}


@pytest.mark.parametrize(
    ("uses", "terms", "word"),
    [
        ([REF, FIRST], {}, "not both"),
        ([REF, FILM], {}, "not both"),
        ([FILM, FIRST], {}, "not both"),
        ([], {"resolution": "1080p", "seconds": 4}, "8 seconds"),
        ([], {"resolution": "4k", "seconds": 6}, "8 seconds"),
    ],
)
def test_what_google_is_known_to_refuse_is_not_sent(uses: Any, terms: Any, word: str) -> None:
    with pytest.raises(UpstreamError) as refused:
        _body(*uses, **terms)
    assert refused.value.failure.kind is Kind.BAD_REQUEST
    assert word in refused.value.failure.told


@pytest.mark.parametrize("resolution", ["1080p", "4k"])
def test_eight_seconds_go_with_every_resolution(resolution: str) -> None:
    for length in ({}, {"seconds": 8.0}):
        assert _body(resolution=resolution, **length)["parameters"]["resolution"] == resolution


@pytest.mark.parametrize(
    ("name", "urls"),
    [
        ("operation_done",
         ("https://generativelanguage.googleapis.com/v1beta/files/3f9kz1:download?alt=media",)),
        ("operation_unwrapped", ("https://gateway.example/v1beta/files/9",)),
        ("operation_bytes", ("inline:0",)),
        ("operation_partly_filtered",
         ("https://generativelanguage.googleapis.com/v1beta/files/p1",)),
    ],
)  # fmt: skip
def test_results_are_found_in_each_form(name: str, urls: tuple[str, ...]) -> None:
    report = _read(name)
    assert (report.task_id, report.state, report.urls) == (TASK, TaskState.DONE, urls)


def test_a_place_that_cannot_be_reached_is_no_result() -> None:
    assert _read("operation_storage", "vertex").state is TaskState.FAILED


@pytest.mark.parametrize("name", ["operation_created", "operation_running"])
def test_a_running_operation_says_nothing_of_an_end(name: str) -> None:
    assert _read(name) == TaskReport(task_id=TASK, state=TaskState.PENDING)


@pytest.mark.parametrize(
    ("folder", "name", "kind", "told"),
    [
        ("gemini", "operation_filtered", Kind.POLICY, "an issue with the audio"),
        ("gemini", "operation_failed", Kind.TASK_FAILED, "internal server issue"),
        ("vertex", "operation_filtered", Kind.POLICY, "Support codes: 42237218"),
        ("vertex", "operation_refused", Kind.POLICY, "Support codes: 58061214"),
        ("vertex", "operation_failed", Kind.TASK_FAILED, "currently unavailable"),
    ],
)
def test_a_failure_tells_why(folder: str, name: str, kind: Kind, told: str) -> None:
    failure = refusal_of([_read(name, folder)])
    assert failure is not None
    assert failure.kind is kind
    assert told in failure.told


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ({"raiMediaFilteredCount": 1}, "Content policy"),
        ({"raiMediaFilteredReasons": ["Celebrity"]}, "Content policy: Celebrity"),
        ({"raiMediaFilteredCount": 0}, "without a video"),
        ({}, "without a video"),
    ],
)
def test_an_end_without_a_video_is_a_failure(response: Any, reason: str) -> None:
    report = veo.read({"name": "operations/1", "done": True, "response": response}, TASK, _link)
    assert report.state is TaskState.FAILED
    assert reason in report.reason


def test_an_error_counts_more_than_what_lies_beside_it() -> None:
    both = body_of("operation_done") | {"error": {"code": 13, "message": "It broke."}}
    report = veo.read(both, TASK, _link)
    assert (report.state, report.reason) == (TaskState.FAILED, "It broke.")


def test_an_endless_address_is_no_result() -> None:
    clip = {"gcsUri": "https://example.com/" + "x" * 9000}
    report = veo.read({"done": True, "response": {"videos": [clip]}}, TASK, _link)
    assert report.state is TaskState.FAILED


def test_bytes_inside_the_answer() -> None:
    operation = body_of("operation_bytes")
    assert veo.inline(operation, 0) == CLIP
    assert veo.inline(operation, 1) is None
    assert veo.inline({"response": {"videos": [{"bytesBase64Encoded": "%%"}]}}, 0) is None
    assert veo.inline({"response": {"videos": [{}]}}, 0) is None


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("models/veo-3.1-generate-preview/operations/ab-1", True), ("operations/9", True),
        ("projects/example.com:p/locations/us-central1/publishers/google/models/veo/operations/1",
         True),
        ("models/m/operations/../x?y", False), ("models/m", False), ("", False),
        ("/operations/1", False), ("operations/" + "x" * 1000, False),
    ],
)  # fmt: skip
def test_a_name_fits_into_a_path(name: str, kept: bool) -> None:
    assert veo.name_of({"name": name}) == (name if kept else "")


def test_the_small_model_takes_less() -> None:
    assert "negative_prompt" in veo.terms_of("veo-3.1-generate-001")
    assert "negative_prompt" not in veo.terms_of("veo-3.1-lite-generate-001")


@QUICK
@given(ANYTHING)
def test_any_operation_is_a_report(body: Any) -> None:
    report = veo.read(body, TASK, _link)
    assert (report.state is TaskState.DONE) is bool(report.urls)
    assert report.state is not TaskState.FAILED or report.reason
    for number in range(3):
        assert veo.inline(body, number) != b""
