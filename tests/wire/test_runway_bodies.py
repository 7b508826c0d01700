"""Bodies for Runway: what its schema takes, what the caller asked for, nothing bent or dropped."""

import json
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK, texts
from fixtures.runway import asking
from fixtures.runway.asking import FIRST, FULL, LAST, REFERENCE, VIDEO
from hypothesis import given
from hypothesis import strategies as st
from providers import runway_schema as schema

from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.media import Use
from proxy.core.products import Product
from proxy.wire.provider import Picture
from proxy.wire.runway import TAKES, takes
from proxy.wire.runway_bodies import DATA_URI_LIMIT, Uploaded, fits_inline
from proxy.wire.runway_forms import FORMS


def _refusal(model: str, *inputs: Picture, **terms: Any) -> str:
    with pytest.raises(UpstreamError) as caught:
        asking.request(model, *inputs, **terms)
    failure = caught.value.failure
    assert failure.kind is Kind.BAD_REQUEST
    assert failure.told.startswith(f"{model} ")
    return failure.told.removeprefix(f"{model} ")


# Single bodies.


def test_words_and_a_length() -> None:
    assert asking.request("gen4.5", ratio="9:16", resolution="720p", seconds=10.0) == (
        "text_to_video",
        {"model": "gen4.5", "promptText": "a cat", "ratio": "720:1280", "duration": 10},
    )


@pytest.mark.parametrize(
    ("model", "ratio", "resolution", "word"),
    [
        ("veo3.1", "16:9", None, "1280:720"),
        ("veo3.1", "9:16", "1080p", "1080:1920"),
        ("kling3.0_4k", "1:1", "4k", "2880:2880"),
        ("seedance2", "21:9", "1080p", "2206:946"),
        ("seedance2", "4:3", "4k", "3840:2880"),
        ("seedance2", "3:4", "480p", "560:752"),
        ("seedance2_5", "16:9", "480p", "854:480"),
        ("gemini_omni_flash_1.1", "16:9", "360p", "640:360"),
        ("gemini_omni_flash_1.1", "16:9", None, "1280:720"),
        ("wan3", "4:3", "1080p", "1648:1248"),
        ("grok_imagine_1_5_lite", "3:2", "1080p", "1744:1152"),
        ("kling_4", "21:9", "720p", "1460:624"),
        ("hailuo3", "21:9", "2k", "21:9"),
        ("gen4_image", "21:9", "1080p", "2112:912"),
        ("gemini_image3_pro", "5:4", "4k", "4608:3712"),
        ("gemini_image3.1_flash", "4:5", "0.5k", "448:576"),
        ("nano_banana_2.1", "9:16", "1k", "768:1376"),
    ],
)
def test_ratio_and_resolution_are_one_word(
    model: str, ratio: str, resolution: str | None, word: str
) -> None:
    body = asking.body(model, ratio=ratio, resolution=resolution)
    assert body["ratio"] == word
    assert body.get("resolution") == (resolution if model == "hailuo3" else None)


@pytest.mark.parametrize(
    ("width", "height", "word"),
    [
        (1600, 900, "1280:720"),
        (900, 1600, "720:1280"),
        (500, 500, "960:960"),
        (4000, 3000, "1104:832"),
        (3000, 4000, "832:1104"),
        (9000, 1000, "1584:672"),
    ],
)
def test_the_result_is_shaped_as_the_first_frame_is(width: int, height: int, word: str) -> None:
    for ratio in (None, "auto"):
        frame = asking.picture(Use.FIRST_FRAME, width, height)
        assert asking.body("gen4_turbo", frame, ratio=ratio)["ratio"] == word


def test_a_callers_ratio_goes_before_the_frames() -> None:
    assert asking.body("gen4_turbo", FIRST, ratio="1:1")["ratio"] == "960:960"


def test_a_frame_whose_size_cannot_be_read_gets_the_usual_shape() -> None:
    odd = Picture(Use.FIRST_FRAME, "image/avif", b"\0\0\0\x18ftypavif")
    assert asking.body("gen4_turbo", odd)["ratio"] == "1280:720"
    assert "ratio" not in asking.body("seedance2", odd)
    assert asking.body("seedance2", odd, resolution="1080p")["ratio"] == "1920:1080"


def test_an_edited_picture_keeps_its_shape() -> None:
    picture = asking.picture(Use.REFERENCE, 1000, 1500)
    assert asking.body("gemini_image3_pro", picture)["ratio"] == "832:1248"
    assert asking.body("gen4_image")["ratio"] == "1280:720"


@pytest.mark.parametrize(
    ("model", "resolution", "expected"),
    [
        ("wan3", None, {"ratio": "auto_720p"}),
        ("wan3", "480p", {"ratio": "auto_480p"}),
        ("grok_imagine_1_5_lite", "1080p", {"ratio": "auto_1080p"}),
        ("kling_4", None, {"ratio": "auto_720p"}),
        ("hailuo3", "768p", {"ratio": "adaptive", "resolution": "768p"}),
        ("happyhorse_1_0", "1080p", {"resolution": "1080p"}),
        ("grok_imagine_1_5", None, {}),
        ("kling2.5_turbo_pro", None, {}),
    ],
)
def test_some_models_keep_the_first_frames_shape_themselves(
    model: str, resolution: str | None, expected: dict[str, str]
) -> None:
    body = asking.body(model, FIRST, resolution=resolution)
    assert {name: body[name] for name in ("ratio", "resolution") if name in body} == expected


@pytest.mark.parametrize("model", ["wan3", "kling2.5_turbo_pro", "happyhorse_1_0", "kling_4"])
def test_there_a_ratio_can_be_named_when_it_is_the_frames_own(model: str) -> None:
    assert asking.body(model, FIRST, ratio="16:9") == asking.body(model, FIRST)
    assert _refusal(model, FIRST, ratio="1:1") == "has no ratio 1:1 here."


def test_frames() -> None:
    assert asking.body("veo3.1", FIRST)["promptImage"] == asking.uri(FIRST)
    assert asking.body("veo3.1", LAST, FIRST)["promptImage"] == [
        {"uri": asking.uri(LAST), "position": "last"},
        {"uri": asking.uri(FIRST), "position": "first"},
    ]
    assert asking.request("gen4.5", FIRST, **FULL)[0] == "image_to_video"


def test_references() -> None:
    endpoint, body = asking.request(
        "seedance2", REFERENCE, REFERENCE, vendor={"reference_mode": True}
    )
    assert (endpoint, body["references"]) == ("text_to_video", [{"uri": asking.uri(REFERENCE)}] * 2)
    assert "promptImage" not in body
    both = asking.body("kling_4", FIRST, REFERENCE)
    assert (both["promptImage"], both["references"]) == (
        asking.uri(FIRST),
        [{"uri": asking.uri(REFERENCE)}],
    )
    still = asking.body("gen4_image", REFERENCE)
    assert still["referenceImages"] == [{"uri": asking.uri(REFERENCE)}]


def test_a_given_video() -> None:
    endpoint, body = asking.request("aleph2", VIDEO, vendor={"video_mode": "edit", "seed": 7})
    assert endpoint == "video_to_video"
    assert body == {
        "model": "aleph2",
        "promptText": "a cat",
        "videoUri": asking.uri(VIDEO),
        "seed": 7,
    }
    assert asking.body("aleph2", VIDEO, ratio="9:16")["targetAspectRatio"] == "9:16"
    assert asking.body("klingO3_pro", VIDEO, REFERENCE)["promptVideo"] == asking.uri(VIDEO)
    extended = asking.body(
        "gemini_omni_flash_1.1", VIDEO, seconds=5.0, vendor={"video_mode": "extend"}
    )
    assert (extended["mode"], extended["duration"]) == ("extend", 5)
    kept = asking.body("klingO3_pro", VIDEO, vendor={"keep_audio": False, "video_mode": "edit"})
    assert kept["providerSettings"] == {"keepOriginalSound": False}


def test_options() -> None:
    body = asking.body(
        "veo3.1", negative_prompt="rain", audio=False, vendor={"seed": 0}, ratio="16:9"
    )
    assert (body["negativePrompt"], body["audio"], body["seed"]) == ("rain", False, 0)
    for wish, mode in ((True, "balanced"), (False, "disabled")):
        assert asking.body("h3_max", rewrite_prompt=wish)["promptExpansionMode"] == mode
    assert "promptExpansionMode" not in asking.body("h3_max")


def test_what_holds_anyway_needs_no_field() -> None:
    assert "audio" not in asking.body("gen4.5", audio=False, **FULL)
    assert "audio" not in asking.body("gemini_omni_flash", audio=True)
    assert "mode" not in asking.body("gemini_omni_flash", VIDEO, vendor={"video_mode": "edit"})


def test_a_mask_has_no_field_and_is_left_to_the_caller_to_list() -> None:
    mask = Picture(Use.MASK, "image/png", asking.png(9, 9))
    assert asking.body("gen4_image", REFERENCE, mask) == asking.body("gen4_image", REFERENCE)


@pytest.mark.parametrize(
    ("model", "inputs", "terms", "told"),
    [
        ("gen4.5", (), {"ratio": "1:1"}, "has no ratio 1:1 here."),
        ("gen4.5", (), {"resolution": "1080p"}, "has no resolution 1080p here."),
        ("gen4.5", (), {"seconds": 2.5}, "makes whole seconds; 2.5 was asked for."),
        ("gen4.5", (), {"audio": True}, "has nothing like 'audio' here."),
        ("gen4.5", (), {"negative_prompt": "rain"}, "has nothing like 'negative_prompt' here."),
        ("gen4.5", (), {"tier": "pro"}, "has nothing like 'tier' here."),
        ("gen4.5", (), {"rewrite_prompt": False}, "has nothing like 'rewrite_prompt' here."),
        ("gen4.5", (), {"vendor": {"person_generation": "allow_all"}},
         "has nothing like 'person_generation' here."),
        ("gen4.5", (FIRST, LAST), {}, "takes no last frame here."),
        ("gen4.5", (REFERENCE,), {}, "takes no reference images here."),
        ("gen4_turbo", (), {}, "has no way from these inputs to a result (text_to_video)."),
        ("gen4.5", (VIDEO,), {}, "has no way from these inputs to a result (video_to_video)."),
        ("veo3.1", (LAST,), {}, "needs a first frame beside the last one."),
        ("veo3.1", (FIRST, FIRST), {}, "takes one first frame."),
        ("aleph2", (VIDEO, VIDEO), {}, "takes one video."),
        ("aleph2", (VIDEO,), {"seconds": 5.0}, "has no choice of length here."),
        ("aleph2", (VIDEO, FIRST), {}, "takes no first frame here."),
        ("gemini_omni_flash_1.1", (FIRST, REFERENCE), {}, "takes no reference images here."),
        ("gemini_omni_flash", (VIDEO,), {"vendor": {"video_mode": "extend"}},
         "has nothing like 'video_mode' here."),
        ("klingO3_pro", (VIDEO,), {"audio": True}, "has nothing like 'audio' here."),
        ("kling2.5_turbo_pro", (FIRST,), {"resolution": "720p"}, "has no resolution 720p here."),
        ("h3_max", (), {"ratio": "16:9"}, "has no ratio 16:9 here."),
        ("gen4.5", (), {"prompt": "x" * 1001},
         "takes a prompt of at most 1000 UTF-16 units; it has 1001."),
        ("gen4.5", (), {"prompt": "🦊" * 501},
         "takes a prompt of at most 1000 UTF-16 units; it has 1002."),
    ],
)  # fmt: skip
def test_what_has_no_place_is_refused_by_name(
    model: str, inputs: tuple[Picture, ...], terms: dict[str, Any], told: str
) -> None:
    assert _refusal(model, *inputs, **terms) == told


def test_a_model_without_a_form_is_unknown() -> None:
    with pytest.raises(UpstreamError) as caught:
        asking.request("gen3a_turbo")
    assert caught.value.failure.kind is Kind.MODEL_UNKNOWN
    assert takes("gen3a_turbo", Product.VIDEO) == frozenset()
    assert takes("gen4.5", Product.IMAGE) == frozenset()


def test_all_that_some_model_can_be_told() -> None:
    named = (
        "audio audio_off keep_audio last_frame negative_prompt reference_mode references"
        " resolution rewrite_prompt seed video_mode"
    )
    assert sorted(TAKES) == named.split()


# Large inputs.


def test_the_limit_is_one_of_the_encoded_uri() -> None:
    head = len("data:image/png;base64,")
    most = (DATA_URI_LIMIT - head - 1) // 4 * 3
    fitting = Picture(Use.FIRST_FRAME, "image/png", bytes(most))
    larger = Picture(Use.FIRST_FRAME, "image/png", bytes(most + 1))
    assert fits_inline(fitting)
    assert len(asking.uri(fitting)) < DATA_URI_LIMIT
    assert not fits_inline(larger)
    assert len(asking.uri(larger)) >= DATA_URI_LIMIT
    asking.body("gen4_turbo", fitting)
    assert _refusal("gen4_turbo", larger) == "takes inputs of at most 3.9 MB here; one has more."


def test_an_uploaded_input_goes_by_its_address_and_keeps_its_shape() -> None:
    data = asking.png(1000, 1000) + bytes(DATA_URI_LIMIT)
    large = Uploaded(Use.FIRST_FRAME, "image/png", data, "runway://abc")
    assert fits_inline(large)
    body = asking.body("gen4_turbo", large)
    assert (body["promptImage"], body["ratio"]) == ("runway://abc", "960:960")


# Anything that the front door lets through.

sayings = st.fixed_dictionaries(
    {},
    optional={
        "ratio": st.sampled_from(["16:9", "9:16", "1:1", "21:9", "5:4", "auto", "7:3"]),
        "resolution": st.sampled_from(["480p", "720p", "1080p", "2k", "4k", "1k"]),
        "seconds": st.sampled_from([2.0, 4.0, 5.0, 8.0, 10.0, 2.5]),
        "negative_prompt": texts.filter(bool),
        "audio": st.booleans(),
        "rewrite_prompt": st.booleans(),
        "vendor": st.dictionaries(
            st.sampled_from(["seed", "video_mode", "keep_audio", "resize_mode"]),
            st.sampled_from([0, "edit", True]),
        ),
    },
)
given_inputs = st.lists(st.sampled_from([FIRST, LAST, REFERENCE, VIDEO]), max_size=3)


def _made_or_refused(
    model: str, *inputs: Picture, **terms: Any
) -> tuple[str, dict[str, Any]] | Failure:
    try:
        return asking.request(model, *inputs, **terms)
    except UpstreamError as error:
        return error.failure


@QUICK
@given(st.sampled_from(sorted(FORMS)), given_inputs, sayings, texts.filter(bool))
def test_every_wish_is_carried_out_whole_or_refused(
    model: str, inputs: list[Picture], said: dict[str, Any], prompt: str
) -> None:
    made = _made_or_refused(model, *inputs, prompt=prompt, **said)
    if isinstance(made, Failure):
        assert (made.kind, bool(made.told)) == (Kind.BAD_REQUEST, True)
        return
    endpoint, body = made
    assert set(body) <= schema.fields(endpoint, model).keys()
    assert body["promptText"] == prompt
    assert len(schema.uris({**body, "promptText": "", "negativePrompt": ""})) == len(inputs)
    if "seconds" in said:
        assert body["duration"] == said["seconds"]
    if "negative_prompt" in said:
        assert body["negativePrompt"] == said["negative_prompt"]
    assert "resize_mode" not in said.get("vendor", {})
    assert json.loads(json.dumps(body)) == body
