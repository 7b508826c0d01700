"""Which picture is for what."""

from typing import Any

import pytest

from proxy.core.ask import InvalidRequest
from proxy.core.media import Use
from proxy.wire.media_form import Form, Part
from proxy.wire.media_inputs import image_inputs, video_inputs

A, B, C = (f"https://example.com/{name}.png" for name in "abc")
FILE = Part("x", "application/octet-stream", b"\x89PNG")
FIRST, LAST, REF = Use.FIRST_FRAME, Use.LAST_FRAME, Use.REFERENCE


def _video(**fields: Any) -> list[tuple[Use, Any]]:
    return [(given.use, given.source) for given in video_inputs(Form(fields))]


@pytest.mark.parametrize(
    ("fields", "uses"),
    [
        ({}, []),
        ({"image": A}, [(FIRST, A)]),
        ({"input_reference": FILE}, [(FIRST, b"\x89PNG")]),
        ({"input_reference": {"image_url": A}}, [(FIRST, A)]),
        ({"image_url": {"url": A}}, [(FIRST, A)]),
        ({"input_reference": f'{{"image_url": "{A}"}}'}, [(FIRST, A)]),
        ({"image_urls": f'["{A}", "{B}"]'}, [(FIRST, A), (LAST, B)]),
        ({"image_urls": [A]}, [(FIRST, A)]),
        ({"image_urls": [A, B]}, [(FIRST, A), (LAST, B)]),
        ({"images": [A, B, C]}, [(REF, A), (REF, B), (REF, C)]),
        ({"image_urls": [A, B], "reference_mode": True}, [(REF, A), (REF, B)]),
        ({"image": A, "reference_mode": "true"}, [(REF, A)]),
        ({"first_frame_image": A, "last_frame_image": B}, [(FIRST, A), (LAST, B)]),
        ({"image": A, "last_frame": B}, [(FIRST, A), (LAST, B)]),
        ({"first_frame_image": A, "image_urls": [B]}, [(FIRST, A), (REF, B)]),
        # A clip that ends where it began.
        ({"image_urls": [A, A]}, [(FIRST, A), (LAST, A)]),
        ({"image": A, "last_frame_image": A}, [(FIRST, A), (LAST, A)]),
        # The same picture under two names is one picture.
        ({"image": A, "images": [A]}, [(FIRST, A)]),
        ({"input_reference": A, "first_frame_image": A}, [(FIRST, A)]),
        ({"image": Part("", "", b"")}, []),
    ],
)
def test_a_picture_is_for_what_its_field_and_number_say(
    fields: dict[str, Any], uses: list[tuple[Use, Any]]
) -> None:
    assert _video(**fields) == uses


def test_a_clip_comes_last_and_may_be_a_job_of_ours() -> None:
    job = "video_" + "0" * 32
    assert _video(image=A, video_url=job) == [(FIRST, A), (Use.VIDEO, job)]


def test_inputs_know_the_field_that_held_them() -> None:
    given = video_inputs(Form({"image_urls": [A, B]}))
    assert [each.param for each in given] == ["image_urls.0", "image_urls.1"]


@pytest.mark.parametrize(
    ("fields", "source"),
    [
        ({"video": Part("a.mp4", "video/mp4", b"ftyp")}, b"ftyp"),
        ({"video": {"id": "video_" + "0" * 32}}, "video_" + "0" * 32),
        ({"video[id]": "video_" + "0" * 32}, "video_" + "0" * 32),
        ({"video_url": "https://example.com/a.mp4"}, "https://example.com/a.mp4"),
    ],
)
def test_a_clip_comes_as_a_file_a_link_or_an_id(fields: dict[str, Any], source: Any) -> None:
    assert _video(**fields) == [(Use.VIDEO, source)]


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"last_frame_image": A}, "first_frame_image"),
        ({"last_frame_image": A, "image": B, "reference_mode": True}, "first_frame_image"),
        ({"first_frame_image": [A, B]}, "first_frame_image"),
        ({"video_url": [A, B]}, "video_url"),
        ({"video": {"id": 7}}, "video.id"),
        ({"image_urls": [f"{A}?{n}" for n in range(17)]}, "image_urls"),
        ({"images": [f"{A}?{n}" for n in range(16)], "image": B}, "images.15"),
        ({"image_urls": [A, "nothing"]}, "image_urls.1"),
        ({"input_reference": {"file_id": "file-1"}}, "input_reference.file_id"),
    ],
)
def test_inputs_that_cannot_be_meant_are_refused_by_name(
    fields: dict[str, Any], param: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        video_inputs(Form(fields))
    assert caught.value.param == param


def test_an_images_pictures_are_references_and_its_mask_is_a_mask() -> None:
    given = image_inputs(Form({"image": [FILE, A], "mask": FILE}))
    assert [each.use for each in given] == [REF, REF, Use.MASK]
    assert given[0].source == b"\x89PNG"
