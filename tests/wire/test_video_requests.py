"""Requests for videos, as the documented clients of each door send them."""

from typing import Any

import pytest
from fixtures.genspark.properties import QUICK
from fixtures.media_fields import PNG, fields, likely_fields, outcome
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.ask import InvalidRequest
from proxy.core.media import Given, MediaWish, Terms, Use
from proxy.core.products import Product
from proxy.wire.media_form import Part
from proxy.wire.video_requests import (
    read_generations,
    read_remix,
    read_video_generations,
    read_videos,
    wants_async,
)

A, B = "https://example.com/a.png", "https://example.com/b.png"
BASE64 = PNG.partition(",")[2]
DOORS = [read_videos, read_generations, read_video_generations]


def _terms(model: str = "gemini/veo3.1", **said: Any) -> Terms:
    return Terms(product=Product.VIDEO, model=model, prompt="a cat", **said)


def test_openai_pythons_multipart_is_read() -> None:
    """As openai-python 3.52 sends it: text values, and a file part."""
    wish = read_videos(
        {
            "prompt": "a cat",
            "model": "sora-2",
            "seconds": "8",
            "size": "1280x720",
            "audio": "true",
            "metadata[a]": "b",
            "input_reference": Part("a.png", "image/png", b"\x89PNG"),
        },
        "unused",
    )
    assert wish.terms == _terms("sora-2", seconds=8.0, size="1280x720", audio=True)
    assert wish.given == (Given(Use.FIRST_FRAME, b"\x89PNG", "input_reference"),)
    assert (wish.count, wish.metadata) == (1, {"a": "b"})


@pytest.mark.parametrize("reference", [A, {"image_url": A}])
def test_openais_json_is_read(reference: Any) -> None:
    wish = read_videos({"prompt": "a cat", "input_reference": reference}, "gemini/veo3.1")
    assert wish.terms == _terms()
    assert [(given.use, given.source) for given in wish.given] == [(Use.FIRST_FRAME, A)]


@pytest.mark.parametrize("image", [A, PNG, BASE64])
def test_genspark2apis_body_is_read(image: str) -> None:
    body = {
        "model": "gemini/veo3.1", "prompt": "a cat", "aspect_ratio": "9:16", "duration": 8,
        "auto_prompt": False, "image": image, "response_format": "url",
    }  # fmt: skip
    wish = read_generations(body, "unused")
    assert wish.terms == _terms(ratio="9:16", seconds=8.0, rewrite_prompt=False)
    assert wish.given == (Given(Use.FIRST_FRAME, image, "image"),)


def test_every_field_of_apimart_is_read() -> None:
    body = {
        "model": "veo3.1-fast-official", "prompt": "a cat", "duration": 4, "aspect_ratio": "16:9",
        "resolution": "4K", "first_frame_image": A, "last_frame_image": B,
        "negative_prompt": "dogs", "seed": 7, "sample_count": 2, "generate_audio": True,
        "person_generation": "allow_adult", "resize_mode": "pad", "enhance_prompt": True,
        "async": True,
    }  # fmt: skip
    wish = read_generations(body, "unused")
    assert wish.terms == _terms(
        "veo3.1-fast-official",
        ratio="16:9",
        seconds=4.0,
        resolution="4k",
        negative_prompt="dogs",
        audio=True,
        rewrite_prompt=True,
        vendor={"seed": 7, "person_generation": "allow_adult", "resize_mode": "pad"},
    )
    assert wish.given == (
        Given(Use.FIRST_FRAME, A, "first_frame_image"),
        Given(Use.LAST_FRAME, B, "last_frame_image"),
    )
    assert wish.count == 2


@pytest.mark.parametrize(
    ("body", "param", "says"),
    [
        ({"response_format": "b64_json"}, "response_format", "url"),
        ({"sample_count": 5}, "sample_count", "1 to 4"),
        ({"sample_count": 0}, "sample_count", "1 to 4"),
        ({"n": 1.5}, "n", "1 to 4"),
    ],
)
def test_what_the_generations_door_does_not_do_is_refused(
    body: dict[str, Any], param: str, says: str
) -> None:
    with pytest.raises(InvalidRequest, match=says) as caught:
        read_generations({"prompt": "a cat", **body}, "m")
    assert caught.value.param == param


def test_new_apis_body_is_read() -> None:
    body = {
        "model": "kling/v3", "prompt": "a cat", "images": [A, B], "seconds": "5", "mode": "pro",
        "metadata": {"negative_prompt": "dogs", "aspect_ratio": "1:1", "mine": {"a": [1]}},
    }  # fmt: skip
    wish = read_video_generations(body, "unused")
    said = {"seconds": 5.0, "tier": "pro", "negative_prompt": "dogs", "ratio": "1:1"}
    assert wish.terms == _terms("kling/v3", **said)
    assert [given.use for given in wish.given] == [Use.FIRST_FRAME, Use.LAST_FRAME]
    assert wish.metadata == {"mine": {"a": [1]}}


def test_new_apis_older_body_is_read() -> None:
    body = {
        "model": "kling/v3", "prompt": "a cat", "image": PNG, "duration": 5.0, "width": 720,
        "height": 1280, "fps": 30, "seed": 1, "n": 2, "response_format": "mp4", "user": "u",
    }  # fmt: skip
    wish = read_video_generations(body, "unused")
    unused, vendor = ("fps", "user", "response_format"), {"seed": 1}
    expected = _terms("kling/v3", seconds=5.0, size="720x1280", vendor=vendor, unused=unused)
    assert wish.terms == expected
    assert wish.count == 2


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        ({"mode": "std"}, {"tier": "standard"}),
        ({"mode": "pro", "tier": "turbo"}, {"tier": "turbo", "unused": ("mode",)}),
        ({"mode": "dreamy"}, {"unused": ("mode",)}),
        ({"width": 720}, {}),
        ({"width": 720, "height": 1280, "size": "1:1"}, {"ratio": "1:1"}),
    ],
)
def test_new_apis_habits_stand_behind_the_fields_of_their_own(
    body: dict[str, Any], meant: dict[str, Any]
) -> None:
    wish = read_video_generations({"prompt": "a cat", **body}, "gemini/veo3.1")
    assert wish.terms == _terms(**meant)


def test_a_remix_has_a_prompt() -> None:
    assert read_remix({"prompt": "now at night"}) == "now at night"
    with pytest.raises(InvalidRequest):
        read_remix({"prompt": " "})


@pytest.mark.parametrize(
    ("body", "prefer", "meant"),
    [
        ({}, None, False),
        ({"async": True}, None, True),
        ({"async": "true"}, None, True),
        ({"async": None}, None, False),
        ({}, "respond-async", True),
        ({}, "return=minimal, Respond-Async; wait=10", True),
        ({}, "wait=10", False),
        ({"async": False}, "respond-async", False),
    ],
)
def test_a_task_id_at_once_is_asked_for_in_the_body_or_by_header(
    body: dict[str, Any], prefer: str | None, meant: bool
) -> None:
    assert wants_async(body, prefer) is meant


@QUICK
@given(st.sampled_from(DOORS), fields | likely_fields)
def test_any_fields_are_a_wish_or_the_callers_mistake(door: Any, sent: dict[str, Any]) -> None:
    wish = outcome(door, sent, "m")
    if isinstance(wish, InvalidRequest):
        assert wish.status == 400
        assert wish.param
    else:
        assert isinstance(wish, MediaWish)
        assert 1 <= wish.count <= 4
        assert all(given.source for given in wish.given)


@QUICK
@given(fields, st.none() | st.text())
def test_any_fields_have_a_remix_and_a_mode_or_are_the_callers_mistake(
    sent: dict[str, Any], prefer: str | None
) -> None:
    assert isinstance(outcome(read_remix, sent), str | InvalidRequest)
    assert isinstance(outcome(wants_async, sent, prefer), bool | InvalidRequest)
