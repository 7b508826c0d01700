"""Requests for images, as OpenAI's SDKs, NextChat and others send them."""

from typing import Any

import pytest
from fixtures.genspark.properties import QUICK
from fixtures.media_fields import PNG, fields, likely_fields, outcome
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.ask import InvalidRequest
from proxy.core.media import Given, Terms, Use
from proxy.core.products import Product
from proxy.wire.image_requests import ImageWish, read_edit, read_generation
from proxy.wire.media_form import Part

FILE = Part("upload", "application/octet-stream", b"\x89PNG")
DUMMY = Part("", "application/octet-stream", b"")
URL = "https://example.com/a.png"


def _read(**sent: Any) -> ImageWish:
    return read_generation({"prompt": "a cat", **sent}, "nano-banana-2")


def _edit(**sent: Any) -> ImageWish:
    return read_edit({"prompt": "a cat", **sent}, "nano-banana-2")


def _terms(model: str = "nano-banana-2", **said: Any) -> Terms:
    return Terms(product=Product.IMAGE, model=model, prompt="a cat", **said)


def test_a_bare_prompt_is_enough() -> None:
    read = _read()
    assert (read.wish.terms, read.wish.given, read.wish.count) == (_terms(), (), 1)
    assert (read.answer, read.output_format) == ("url", None)


def test_nextchats_body_is_read() -> None:
    read = _read(model="dall-e-3", response_format="b64_json", n=1, size="1792x1024",
                 quality="standard", style="vivid")  # fmt: skip
    assert read.answer == "b64_json"
    assert read.wish.terms == _terms("dall-e-3", size="1792x1024", unused=("style", "quality"))


@pytest.mark.parametrize(
    ("model", "said", "meant"),
    [
        ("gpt-image-2", None, "b64_json"),
        ("GPT-Image-1", None, "b64_json"),
        ("dall-e-3", None, "url"),
        ("nano-banana-pro", None, "url"),
        ("gpt-image-2", "url", "url"),
        ("dall-e-3", "b64_json", "b64_json"),
    ],
)
def test_gpt_image_names_are_answered_with_bytes_unless_said(
    model: str, said: str | None, meant: str
) -> None:
    assert _read(model=model, response_format=said).answer == meant


def test_the_default_models_name_counts_too() -> None:
    assert read_generation({"prompt": "x"}, "gpt-image-2").answer == "b64_json"


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        ({"size": "auto"}, {}),
        ({"size": "1024x1024"}, {"size": "1024x1024"}),
        ({"size": "3840x1280"}, {"size": "3840x1280"}),
        ({"size": "16:9"}, {"ratio": "16:9"}),
        ({"aspect_ratio": "4:3", "image_size": "2K"}, {"ratio": "4:3", "resolution": "2k"}),
        ({"metadata": {"image_size": "4k"}}, {"resolution": "4k"}),
        ({"style": "watercolour"}, {"vendor": {"style": "watercolour"}}),
        ({"style": "natural"}, {"unused": ("style",)}),
        ({"quality": "auto"}, {}),
        ({"metadata": {"quality": "high"}}, {"vendor": {"quality": "high"}}),
        ({"camera_control": {"yaw": 10}}, {"vendor": {"camera_control": {"yaw": 10.0}}}),
        ({"bbox": [1, 2, 3, 4]}, {"vendor": {"bbox": [1, 2, 3, 4]}}),
        ({"tier": "flare"}, {"tier": "flare"}),
        ({"auto_prompt": True}, {"rewrite_prompt": True}),
        ({"user": "u", "moderation": "low", "output_compression": 80, "background": "transparent"},
         {"unused": ("user", "background", "moderation", "output_compression")}),
        ({"stream": False, "partial_images": None}, {}),
    ],
)  # fmt: skip
def test_fields_become_terms(sent: dict[str, Any], meant: dict[str, Any]) -> None:
    assert _read(**sent).wish.terms == _terms(**meant)


@pytest.mark.parametrize(
    ("sent", "param", "code"),
    [
        ({"prompt": "  "}, "prompt", "missing_required_parameter"),
        ({"prompt": None}, "prompt", "missing_required_parameter"),
        ({"stream": True}, "stream", "unsupported_value"),
        ({"stream": "true"}, "stream", "unsupported_value"),
        ({"n": 0}, "n", "invalid_value"),
        ({"n": 11}, "n", "invalid_value"),
        ({"size": "4000x3000"}, "size", "invalid_value"),
        ({"size": "3840x1024"}, "size", "invalid_value"),
        ({"size": "large"}, "size", "invalid_value"),
        ({"response_format": "png"}, "response_format", "invalid_value"),
        ({"output_format": "bmp"}, "output_format", "invalid_value"),
        ({"bbox": [1]}, "bbox", "invalid_value"),
        ({"image": "a cat"}, "image", "invalid_value"),
    ],
)
@pytest.mark.parametrize("read", [_read, _edit])
def test_what_cannot_be_done_is_refused_by_name(
    read: Any, sent: dict[str, Any], param: str, code: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        read(**{"image_url": URL, **sent})
    assert (caught.value.param, caught.value.code) == (param, code)


@pytest.mark.parametrize(("said", "meant"), [("jpg", "jpeg"), ("PNG", "png"), ("webp", "webp")])
def test_a_file_type_is_kept(said: str, meant: str) -> None:
    assert _read(output_format=said).output_format == meant


@pytest.mark.parametrize(
    ("sent", "sources"),
    [
        ({"image": FILE}, [b"\x89PNG"]),
        ({"image[]": [FILE, Part("b", "", b"GIF8")]}, [b"\x89PNG", b"GIF8"]),
        ({"image": [FILE, FILE]}, [b"\x89PNG", b"\x89PNG"]),
        ({"image": DUMMY, "image[]": [FILE]}, [b"\x89PNG"]),
        ({"image": [DUMMY, FILE], "markup": FILE}, [b"\x89PNG"]),
        ({"image": URL}, [URL]),
        ({"image": [URL, PNG]}, [URL, PNG]),
        ({"images": [{"image_url": URL}]}, [URL]),
        ({"image_urls": [URL]}, [URL]),
    ],
)
def test_an_edits_pictures_are_its_references(sent: dict[str, Any], sources: list[Any]) -> None:
    given = _edit(**sent).wish.given
    assert [each.source for each in given] == sources
    assert {each.use for each in given} == {Use.REFERENCE}


def test_a_mask_comes_beside_the_picture() -> None:
    given = _edit(image=FILE, mask=Part("m", "image/png", b"mask")).wish.given
    assert given[-1] == Given(Use.MASK, b"mask", "mask")
    assert len(given) == 2


@pytest.mark.parametrize("sent", [{}, {"image": DUMMY}, {"image": []}, {"mask": FILE}])
def test_an_edit_needs_a_picture(sent: dict[str, Any]) -> None:
    with pytest.raises(InvalidRequest) as caught:
        _edit(**sent)
    assert (caught.value.param, caught.value.code) == ("image", "missing_required_parameter")


def test_an_edit_takes_sixteen_pictures_and_no_more() -> None:
    many = [Part(f"{n}", "image/png", b"%d" % n) for n in range(17)]
    assert len(_edit(**{"image[]": many[:16]}).wish.given) == 16
    with pytest.raises(InvalidRequest, match="16") as caught:
        _edit(**{"image[]": many})
    assert caught.value.param == "image"


@QUICK
@given(st.sampled_from([read_generation, read_edit]), fields | likely_fields)
def test_any_fields_are_a_wish_or_the_callers_mistake(read: Any, sent: dict[str, Any]) -> None:
    wish = outcome(read, sent, "m")
    if isinstance(wish, InvalidRequest):
        assert wish.status == 400
        assert wish.param
    else:
        assert wish.answer in ("url", "b64_json")
        assert 1 <= wish.wish.count <= 10
