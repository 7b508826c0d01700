"""Omni's bodies by what is asked, and interactions in every state and shape."""

import base64
import json
from typing import Any

import pytest
from fixtures.gemini.replies import ANYTHING, ask, body_of, pictures
from fixtures.genspark.properties import QUICK
from hypothesis import given

from proxy.core.failures import Kind
from proxy.core.media import TaskState, Use
from proxy.core.products import Product
from proxy.services.outcomes import refusal_of
from proxy.wire import gemini_omni

TASK = "interactions/v1_x"
FIRST, LAST, REF, FILM = Use.FIRST_FRAME, Use.LAST_FRAME, Use.REFERENCE, Use.VIDEO


def _body(*uses: Use, **terms: Any) -> dict[str, Any]:
    wish = ask(Product.VIDEO, *uses, **terms)
    decoded = json.loads(gemini_omni.body(wish, "gemini-omni-1.1-flash", pictures(*uses)))
    assert isinstance(decoded, dict)
    return decoded


def _text(body: dict[str, Any]) -> str:
    assert body["input"][-1]["type"] == "text"
    return str(body["input"][-1]["text"])


def test_a_prompt_alone() -> None:
    assert _body(ratio="9:16", seconds=6.0, resolution="1080p", audio=True) == {
        "model": "gemini-omni-1.1-flash",
        "input": "a cat",
        "response_format": {
            "type": "video",
            "delivery": "uri",
            "aspect_ratio": "9:16",
            "resolution": "1080p",
            "duration": "6s",
        },
        "generation_config": {"video_config": {"task": "text_to_video"}},
        "background": True,
        "store": True,
    }


def test_what_is_not_said_is_left_to_the_model() -> None:
    assert _body(ratio="auto")["response_format"] == {"type": "video", "delivery": "uri"}
    assert _body(seconds=4.5)["response_format"]["duration"] == "4.5s"


@pytest.mark.parametrize(
    ("uses", "mode", "task", "prompt"),
    [
        ([FIRST], None, "image_to_video", "<FIRST_FRAME> a cat"),
        ([LAST, FIRST], None, "image_to_video", "<FIRST_FRAME> <LAST_FRAME> a cat"),
        ([REF, REF], None, "reference_to_video",
         "[# References <IMAGE_REF_0>@Image1 <IMAGE_REF_1>@Image2] a cat"),
        ([REF, FIRST], None, None,
         "[# Sources <FIRST_FRAME>@Image1] [# References <IMAGE_REF_0>@Image2] a cat"),
        ([FILM], None, None, "a cat"),
        ([FILM], "edit", "edit", "[# Sources <VIDEO_0>@Video1] a cat"),
        ([FILM], "extend", "extend", "a cat"),
        ([FILM], "reference", "reference_to_video", "[# References <VIDEO_REF_0>@Video1] a cat"),
        ([FILM, REF], "edit", "edit",
         "[# Sources <VIDEO_0>@Video1] [# References <IMAGE_REF_0>@Image1] a cat"),
    ],
)  # fmt: skip
def test_roles_are_said_in_the_prompt(
    uses: list[Use], mode: str | None, task: str | None, prompt: str
) -> None:
    body = _body(*uses, vendor={"video_mode": mode} if mode else {})
    assert _text(body) == prompt
    config = {"generation_config": {"video_config": {"task": task}}} if task else {}
    assert {key: body[key] for key in body.keys() & {"generation_config"}} == config


@pytest.mark.parametrize("prompt", ["[# References <IMAGE_REF_0>@Image1] x", "<FIRST_FRAME> x"])
def test_roles_that_the_caller_gave_stay(prompt: str) -> None:
    assert _text(_body(FIRST, prompt=prompt)) == prompt


def test_inputs_are_numbered_by_their_order_and_masks_left_out() -> None:
    parts = _body(FILM, Use.MASK, REF, LAST, FIRST)["input"]
    contents = [base64.b64decode(part["data"]).decode() for part in parts[:-1]]
    assert contents == ["first_frame4", "last_frame3", "reference2", "video0"]
    assert parts[0] | {"data": ""} == {"type": "image", "mime_type": "image/png", "data": ""}
    assert parts[3] | {"data": ""} == {"type": "video", "mime_type": "video/mp4", "data": ""}


@pytest.mark.parametrize(
    ("name", "urls"),
    [
        ("interaction_uri",
         ("https://generativelanguage.googleapis.com/v1beta/files/k7a2-9x:download?alt=media",)),
        ("interaction_inline", ("inline:0",)),
        ("interaction_short_cut", ("files/k7a29x",)),
        ("interaction_before_may", ("https://generativelanguage.googleapis.com/v1beta/files/old",)),
    ],
)  # fmt: skip
def test_a_clip_is_found_in_each_shape(name: str, urls: tuple[str, ...]) -> None:
    report = gemini_omni.read(body_of(name), TASK)
    assert (report.task_id, report.state, report.urls) == (TASK, TaskState.DONE, urls)


def test_the_model_that_served_is_told() -> None:
    assert gemini_omni.read(body_of("interaction_uri"), TASK).model == "gemini-omni-1.1-flash"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("queued", TaskState.PENDING), ("in_progress", TaskState.PENDING),
        ("requires_action", TaskState.PENDING), ("requires_continuation", TaskState.PENDING),
        ("never heard of", TaskState.PENDING), ("completed", TaskState.FAILED),
        ("failed", TaskState.FAILED), ("cancelled", TaskState.FAILED),
        ("incomplete", TaskState.FAILED), ("budget_exceeded", TaskState.FAILED),
    ],
)  # fmt: skip
def test_a_status_without_a_clip(status: str, state: TaskState) -> None:
    report = gemini_omni.read({"id": "v1_x", "status": status}, TASK)
    assert report.state is state
    assert report.urls == ()
    assert (status in report.reason) is (state is TaskState.FAILED)


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("interaction_words_alone", Kind.POLICY, "I can't create videos of real people"),
        ("interaction_blocked", Kind.POLICY, "The request was blocked."),
        ("interaction_failed", Kind.TASK_FAILED, "An internal error has occurred."),
        ("interaction_step_error", Kind.TASK_FAILED, "The decoder gave up."),
    ],
)
def test_a_failure_tells_why(name: str, kind: Kind, told: str) -> None:
    report = gemini_omni.read(body_of(name), TASK)
    failure = refusal_of([report])
    assert failure is not None
    assert failure.kind is kind
    assert told in failure.told
    assert "bank" not in report.reason


def test_a_running_interaction_has_no_result_yet() -> None:
    half = body_of("interaction_uri") | {"status": "in_progress"}
    report = gemini_omni.read(half, TASK)
    assert (report.state, report.urls) == (TaskState.PENDING, ())


@pytest.mark.parametrize(
    ("found", "task_id"),
    [
        ("v1_Chd-P.U0F=", "interactions/v1_Chd-P.U0F="), ("interactions/v1", "interactions/v1"),
        ("../models", ""), ("a?b", ""), ("", ""), (7, ""), ("x" * 501, ""),
    ],
)  # fmt: skip
def test_an_id_that_does_not_fit_into_a_path_is_none(found: Any, task_id: str) -> None:
    assert gemini_omni.task_id_of({"id": found}) == task_id


@QUICK
@given(ANYTHING)
def test_any_interaction_is_a_report(body: Any) -> None:
    report = gemini_omni.read(body, TASK)
    assert (report.state is TaskState.DONE) is bool(report.urls)
    assert report.state is not TaskState.FAILED or report.reason
    assert len(gemini_omni.media(body)) >= len(report.urls)
