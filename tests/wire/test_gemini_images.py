"""Pictures by ``generateContent``: bodies, pictures, refusals, anything else."""

import json
from typing import Any

import pytest
from fixtures.gemini.replies import ANYTHING, PNG, ask, body_of, pictures, recorded, reply
from fixtures.genspark.properties import QUICK
from hypothesis import given

from proxy.core.failures import AMBIGUOUS, Failure, Kind
from proxy.core.media import TaskState, Use
from proxy.core.products import Product
from proxy.wire import gemini_images
from proxy.wire.provider import Created


def _body(*uses: Use, **terms: Any) -> Any:
    return json.loads(gemini_images.body(ask(Product.IMAGE, *uses, **terms), pictures(*uses)))


def test_a_prompt_alone() -> None:
    assert _body() == {
        "contents": [{"role": "user", "parts": [{"text": "a cat"}]}],
        "generationConfig": {"responseModalities": ["TEXT", "IMAGE"]},
    }


@pytest.mark.parametrize(
    ("terms", "config"),
    [
        ({"ratio": "16:9", "resolution": "2k"}, {"aspectRatio": "16:9", "imageSize": "2K"}),
        ({"ratio": "1:8", "resolution": "0.5k"}, {"aspectRatio": "1:8", "imageSize": "512"}),
        ({"ratio": "auto", "resolution": "4k"}, {"imageSize": "4K"}),
        ({"ratio": "1:1"}, {"aspectRatio": "1:1"}),
    ],
)
def test_the_shape_is_said_in_googles_words(terms: Any, config: Any) -> None:
    assert _body(**terms)["generationConfig"]["imageConfig"] == config


def test_pictures_follow_the_prompt_in_order_without_masks() -> None:
    parts = _body(Use.REFERENCE, Use.MASK, Use.REFERENCE)["contents"][0]["parts"]
    assert parts[1:] == [
        {"inlineData": {"mimeType": "image/png", "data": "cmVmZXJlbmNlMA=="}},
        {"inlineData": {"mimeType": "image/png", "data": "cmVmZXJlbmNlMg=="}},
    ]


def test_the_first_picture_that_is_no_draft() -> None:
    created = gemini_images.read(recorded("image"))
    assert isinstance(created, Created)
    assert created.inline == (PNG,)
    report = created.report
    assert (report.state, report.urls) == (TaskState.DONE, ())
    assert report.task_id == "responses/x0EZaciaGZ6K1MkP6b7Z2AU"
    assert report.model == "gemini-3.1-flash-image"


@pytest.mark.parametrize(
    ("name", "kind", "told"),
    [
        ("image_safety", Kind.POLICY, "Prohibited Use policy"),
        ("image_prompt_blocked", Kind.POLICY, "PROHIBITED_CONTENT"),
        ("image_words_alone", Kind.POLICY, "I can't draw that."),
        ("image_cut_short", Kind.TASK_FAILED, "Let me think"),
    ],
)
def test_no_picture_is_a_refusal_with_its_reason(name: str, kind: Kind, told: str) -> None:
    failure = gemini_images.read(recorded(name))
    assert isinstance(failure, Failure)
    assert failure.kind is kind
    assert told in failure.told


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("SAFETY", Kind.POLICY), ("IMAGE_SAFETY", Kind.POLICY), ("RECITATION", Kind.POLICY),
        ("PROHIBITED_CONTENT", Kind.POLICY), ("NO_IMAGE", Kind.POLICY),
        ("OTHER", Kind.TASK_FAILED), ("MALFORMED_RESPONSE", Kind.TASK_FAILED),
        ("STOP", Kind.TASK_FAILED),
    ],
)  # fmt: skip
def test_a_finish_reason_alone(reason: str, kind: Kind) -> None:
    failure = gemini_images.read(reply({"candidates": [{"finishReason": reason}]}))
    assert isinstance(failure, Failure)
    assert failure.kind is kind
    assert reason in failure.told


@pytest.mark.parametrize("message", ["", "Try other words."])
def test_a_blocked_prompt_is_refused_whatever_the_reason(message: str) -> None:
    feedback = {"blockReason": "OTHER", "blockReasonMessage": message}
    failure = gemini_images.read(reply({"promptFeedback": feedback}))
    assert isinstance(failure, Failure)
    assert failure.kind is Kind.POLICY
    assert (message or "OTHER") in failure.told


@pytest.mark.parametrize("body", [{}, [], {"candidates": []}, {"candidates": "no"}, "text"])
def test_an_answer_that_is_none_may_have_been_paid(body: Any) -> None:
    failure = gemini_images.read(reply(body))
    assert isinstance(failure, Failure)
    assert failure.kind in AMBIGUOUS


def test_a_picture_that_is_no_base64_may_have_been_paid() -> None:
    spoilt = body_of("image")
    spoilt["candidates"][0]["content"]["parts"][2]["inlineData"]["data"] = "%%%"
    failure = gemini_images.read(reply(spoilt))
    assert isinstance(failure, Failure)
    assert failure.kind is Kind.UNREADABLE


@QUICK
@given(ANYTHING)
def test_any_answer_is_a_picture_or_a_failure(body: Any) -> None:
    found = gemini_images.read(reply(body))
    assert isinstance(found, Failure) or all(found.inline)
