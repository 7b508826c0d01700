"""What is sent to a server that speaks OpenAI's Videos and Images."""

import json
from typing import Any

import pytest
from fixtures.forms import Files, parsed
from fixtures.genspark.properties import QUICK, texts
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.failures import Kind, UpstreamError
from proxy.core.media import MediaAsk, MediaWish, Terms, Use
from proxy.core.products import Product
from proxy.wire.image_requests import read_edit, read_generation
from proxy.wire.media_form import Fields, Part
from proxy.wire.media_terms import VENDOR_FIELDS
from proxy.wire.openai_video_forms import TAKES, image_call, takes, video_call
from proxy.wire.provider import Call, Picture
from proxy.wire.video_requests import read_videos

PNG = b"\x89PNG\r\n\x1a\n"


def _ask(product: Product = Product.VIDEO, **terms: Any) -> MediaAsk:
    said: dict[str, Any] = {"model": "openai/m", "prompt": "a cat"} | terms
    return MediaAsk(terms=Terms(product=product, **said))


def _picture(use: Use, mark: bytes = b"") -> Picture:
    return Picture(use, "image/png", PNG + use.value.encode() + mark)


def _form(call: Call) -> tuple[list[tuple[str, str]], Files]:
    assert call.method == "POST"
    return parsed(call.content, call.headers["Content-Type"])


def _said(*inputs: Picture, **terms: Any) -> dict[str, str]:
    call = video_call(_ask(**terms), "m", inputs)
    assert call.path == "/videos"
    return dict(_form(call)[0])


def _extra(*inputs: Picture, **terms: Any) -> dict[str, str]:
    """Beside model and prompt."""
    said = _said(*inputs, **terms)
    assert (said.pop("model"), said.pop("prompt")) == ("m", "a cat")
    return said


# Videos.


def test_a_bare_ask_is_a_form_as_the_sdks_send_it() -> None:
    said, sent = _form(video_call(_ask(), "sora-2", []))
    assert said == [("model", "sora-2"), ("prompt", "a cat")]
    assert sent == []


@pytest.mark.parametrize(("seconds", "sent"), [(8.0, "8"), (2.5, "2.5"), (12, "12")])
def test_a_length_is_a_text(seconds: float, sent: str) -> None:
    assert _extra(seconds=seconds) == {"seconds": sent}


@pytest.mark.parametrize(
    ("ratio", "resolution", "size"),
    [("16:9", "720p", "1280x720"), ("9:16", "720p", "720x1280"), ("16:9", "1080p", "1920x1080"),
     ("1:1", "1080p", "1080x1080"), ("4:3", "480p", "640x480"), ("16:9", "480p", "854x480"),
     # The contract's default has 720 lines.
     ("16:9", None, "1280x720"), ("9:16", None, "720x1280"), ("21:9", None, "1680x720")],
)  # fmt: skip
def test_a_ratio_is_a_size(ratio: str, resolution: str | None, size: str) -> None:
    assert _extra(ratio=ratio, resolution=resolution) == {"size": size}


@pytest.mark.parametrize(
    ("terms", "sent"),
    [
        ({"size": "1024x1792", "ratio": "9:16"}, {"size": "1024x1792"}),
        ({"size": "1280x720"}, {"size": "1280x720"}),
        # An explicit ratio or resolution is not the size's, and it counts first.
        (
            {"size": "1280x720", "ratio": "1:1"},
            {"size": "1280x720", "aspect_ratio": "1:1"},
        ),
        (
            {"size": "1280x720", "ratio": "16:9", "resolution": "1080p"},
            {"size": "1280x720", "resolution": "1080p"},
        ),
        ({"resolution": "1080p"}, {"resolution": "1080p"}),
        ({"ratio": "16:9", "resolution": "4k"}, {"aspect_ratio": "16:9", "resolution": "4k"}),
        ({"ratio": "auto"}, {"aspect_ratio": "auto"}),
        ({"ratio": "0:0"}, {"aspect_ratio": "0:0"}),
        ({"ratio": "16:9", "resolution": "0p"}, {"aspect_ratio": "16:9", "resolution": "0p"}),
    ],
)
def test_a_shape_goes_along_as_it_was_said(terms: dict[str, Any], sent: dict[str, str]) -> None:
    assert _extra(**terms) == sent


def test_what_the_contract_lacks_goes_along_by_its_usual_name() -> None:
    sent = _extra(
        negative_prompt="rain",
        rewrite_prompt=False,
        audio=False,
        tier="fast",
        vendor={"seed": 7, "keep_audio": True, "video_urls": ["https://a.example/1.mp4"]},
    )
    assert sent == {
        "negative_prompt": "rain",
        "enhance_prompt": "false",
        "generate_audio": "false",
        "tier": "fast",
        "seed": "7",
        "keep_audio": "true",
        "video_urls[]": "https://a.example/1.mp4",
    }


def _files(*uses: Use) -> list[tuple[str, str | None]]:
    pictures = [_picture(use, str(n).encode()) for n, use in enumerate(uses)]
    _, sent = _form(video_call(_ask(), "m", pictures))
    assert [data for *_, data in sent] == [picture.data for picture in pictures]
    return [(name, filename) for name, filename, _, _ in sent]


def test_frames_are_files() -> None:
    first, last = ("input_reference", "first_frame.png"), ("last_frame", "last_frame.png")
    assert _files(Use.FIRST_FRAME) == [first]
    assert _files(Use.FIRST_FRAME, Use.LAST_FRAME) == [first, last]
    assert _files(Use.VIDEO) == [("video", "video.png")]


def test_references_are_told_from_frames() -> None:
    reference = ("images[]", "reference.png")
    assert _files(Use.REFERENCE, Use.REFERENCE) == [reference, reference]
    assert _extra(_picture(Use.REFERENCE)) == {"reference_mode": "true"}
    # A frame beside them has a field that is read as nothing else.
    frame = ("first_frame_image", "first_frame.png")
    assert _files(Use.FIRST_FRAME, Use.REFERENCE) == [frame, reference]
    assert _extra(_picture(Use.FIRST_FRAME), _picture(Use.REFERENCE)) == {}


def test_a_video_has_no_mask() -> None:
    with pytest.raises(UpstreamError) as caught:
        video_call(_ask(), "m", [_picture(Use.MASK)])
    assert caught.value.failure.kind is Kind.BAD_REQUEST


# Images.


def _body(**terms: Any) -> dict[str, Any]:
    call = image_call(_ask(Product.IMAGE, **terms), terms.pop("id", "flux"), [])
    assert (call.method, call.path) == ("POST", "/images/generations")
    assert not call.headers
    sent: dict[str, Any] = json.loads(call.content)
    return sent


def test_an_image_is_asked_for_in_json() -> None:
    bare = {"model": "flux", "prompt": "a cat", "response_format": "b64_json"}
    assert _body() == bare
    said = {"size": "1024x1024", "ratio": "1:1", "negative_prompt": "rain", "vendor": {"seed": 7}}
    assert _body(**said) == bare | {"size": "1024x1024", "negative_prompt": "rain", "seed": 7}
    shape = {"ratio": "16:9", "resolution": "2k"}
    assert _body(**shape) == bare | {"aspect_ratio": "16:9", "resolution": "2k"}


@pytest.mark.parametrize("model", ["gpt-image-1", "gpt-image-2.5", "chatgpt-image-latest"])
def test_some_models_refuse_to_be_asked_for_base64(model: str) -> None:
    call = image_call(_ask(Product.IMAGE), model, [])
    assert "response_format" not in json.loads(call.content)


def test_pictures_are_edited() -> None:
    inputs = [_picture(Use.REFERENCE, b"1"), _picture(Use.REFERENCE, b"2"), _picture(Use.MASK)]
    call = image_call(_ask(Product.IMAGE, size="1024x1024"), "flux", inputs)
    assert call.path == "/images/edits"
    said, sent = _form(call)
    assert dict(said) == {
        "model": "flux",
        "prompt": "a cat",
        "size": "1024x1024",
        "response_format": "b64_json",
    }
    assert [(name, data) for name, _, _, data in sent] == [
        ("image[]", inputs[0].data),
        ("image[]", inputs[1].data),
        ("mask", inputs[2].data),
    ]


# Another instance of this project reads what was meant.


def _fields(call: Call) -> Fields:
    if not call.headers:
        fields: Fields = json.loads(call.content)
        return fields
    said, sent = _form(call)
    gathered: Fields = {}
    for name, value in [
        *said,
        *((n, Part(f or "", m or "", d)) for n, f, m, d in sent),
    ]:
        if name in gathered:
            before = gathered[name]
            gathered[name] = [*(before if isinstance(before, list) else [before]), value]
        else:
            gathered[name] = value
    return gathered


def _as_read(wish: MediaWish, inputs: list[Picture]) -> list[tuple[Use, Any]]:
    assert [(given.use, given.source) for given in wish.given] == [
        (each.use, each.data) for each in inputs
    ]
    return [(given.use, given.source) for given in wish.given]


WAYS = [
    [],
    [Use.FIRST_FRAME],
    [Use.FIRST_FRAME, Use.LAST_FRAME],
    [Use.REFERENCE],
    [Use.REFERENCE, Use.REFERENCE],
    [Use.REFERENCE] * 3,
    [Use.FIRST_FRAME, Use.REFERENCE],
    [Use.FIRST_FRAME, Use.REFERENCE, Use.REFERENCE],
    [Use.VIDEO],
    [Use.REFERENCE, Use.VIDEO],
]


@pytest.mark.parametrize("uses", WAYS, ids=lambda uses: "+".join(uses) or "nothing")
def test_inputs_are_read_as_they_were_meant(uses: list[Use]) -> None:
    inputs = [_picture(use, str(n).encode()) for n, use in enumerate(uses)]
    wish = read_videos(_fields(video_call(_ask(), "m", inputs)), "default")
    _as_read(wish, inputs)


VENDOR = {
    "reference_mode": False, "video_mode": "edit", "video_urls": ["https://a.example/1.mp4"],
    "audio_url": "https://a.example/1.mp3", "audio_urls": ["https://a.example/2.mp3"],
    "keep_audio": True, "input_mode": "start_video", "file_name": "a b.mp4",
    "character_orientation": "front", "seed": 7, "person_generation": "allow_adult",
    "resize_mode": "crop",
}  # fmt: skip


def test_every_vendor_field_is_tried() -> None:
    assert VENDOR.keys() == VENDOR_FIELDS[Product.VIDEO].keys()


OPTIONAL_TEXT = st.none() | texts.filter(str.strip)
VIDEO_TERMS = st.fixed_dictionaries(
    {
        "prompt": texts.filter(str.strip),
        "negative_prompt": OPTIONAL_TEXT,
        "seconds": st.none() | st.integers(1, 30).map(float) | st.just(2.5),
        "audio": st.none() | st.booleans(),
        "rewrite_prompt": st.none() | st.booleans(),
        "tier": st.sampled_from([None, "fast", "pro"]),
        "vendor": st.sets(st.sampled_from(sorted(VENDOR))).map(
            lambda names: {name: VENDOR[name] for name in names}
        ),
    }
)


@QUICK
@given(VIDEO_TERMS)
def test_every_term_of_a_video_is_read_as_it_was_meant(terms: dict[str, Any]) -> None:
    ask = _ask(**terms)
    read = read_videos(_fields(video_call(ask, "openai/m", [])), "default").terms
    assert read == ask.terms


@pytest.mark.parametrize(
    ("terms", "inputs"),
    [
        ({"size": "1024x1024", "negative_prompt": "rain", "vendor": {"seed": 7}}, []),
        ({"ratio": "16:9", "resolution": "2k", "rewrite_prompt": True}, []),
        (
            {"vendor": {"bbox": [1, 2, 3, 4], "camera_control": {"yaw": 10.0}, "style": "ink"}},
            [_picture(Use.REFERENCE, b"1"), _picture(Use.REFERENCE, b"2"), _picture(Use.MASK)],
        ),
    ],
)
def test_every_term_of_an_image_is_read_as_it_was_meant(
    terms: dict[str, Any], inputs: list[Picture]
) -> None:
    ask = _ask(Product.IMAGE, **terms)
    fields = _fields(image_call(ask, "openai/m", inputs))
    read = read_edit(fields, "d") if inputs else read_generation(fields, "d")
    assert read.wish.terms == ask.terms
    assert read.answer == "b64_json"
    _as_read(read.wish, inputs)


def test_takes_is_everything_that_has_a_field() -> None:
    video, image = takes("m", Product.VIDEO), takes("m", Product.IMAGE)
    assert video | image == TAKES
    assert VENDOR_FIELDS[Product.VIDEO].keys() < video
    assert VENDOR_FIELDS[Product.IMAGE].keys() < image
    assert {"negative_prompt", "audio", "audio_off", "last_frame", "references"} < video
    assert "mask" in image
    assert "mask" not in video
    assert takes("m", Product.CHAT) == frozenset()
