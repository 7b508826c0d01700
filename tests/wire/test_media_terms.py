"""Terms by every name a client has for them, at the top and in ``metadata``."""

from typing import Any

import pytest
from fixtures.genspark.properties import QUICK
from fixtures.media_fields import likely_fields, outcome
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.ask import InvalidRequest
from proxy.core.media import Terms
from proxy.core.products import Product
from proxy.wire.media_terms import MAX_PROMPT, VENDOR_FIELDS, form_of, read_terms

VIDEO, IMAGE = Product.VIDEO, Product.IMAGE
URLS = ["https://example.com/a.mp4", "https://example.com/b.mp4"]

# Genspark's fields as its command line documents them (1.13.1, 2026-09-22), and where each lands.
VENDOR_TERMS = [
    ("aspect_ratio", "9:16", "ratio", "9:16"),
    ("duration", 8, "seconds", 8.0),
    ("video_size", "2K", "resolution", "2k"),
    ("audio_enable", True, "audio", True),
    ("tier", "fast", "tier", "fast"),
]
VENDOR_OWN = [
    ("reference_mode", True),
    ("video_mode", "extend"),
    ("video_urls", URLS),
    ("audio_url", URLS[0]),
    ("audio_urls", URLS),
    ("keep_audio", False),
    ("input_mode", "start_video"),
    ("file_name", "my cat"),
]


def _terms(product: Product = VIDEO, **fields: Any) -> Terms:
    return read_terms(form_of({"prompt": "a cat", **fields}, product), product, "default/model")


def _refusal(product: Product = VIDEO, **fields: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        _terms(product, **fields)
    return caught.value


@pytest.mark.parametrize(("name", "value", "term", "meant"), VENDOR_TERMS)
def test_a_vendors_field_lands_in_the_term_of_its_own(
    name: str, value: Any, term: str, meant: Any
) -> None:
    for fields in ({name: value}, {"metadata": {name: value}}):
        terms = _terms(**fields)
        assert getattr(terms, term) == meant
        assert terms.vendor == {}


@pytest.mark.parametrize(("name", "value"), VENDOR_OWN)
def test_any_other_vendors_field_is_kept_by_its_name(name: str, value: Any) -> None:
    assert _terms(**{name: value}).vendor == {name: value}
    assert _terms(metadata={name: value}).vendor == {name: value}
    assert _terms(**{f"metadata[{name}]": value}).vendor == {name: value}


@pytest.mark.parametrize("name", VENDOR_FIELDS[VIDEO])
def test_a_vendors_field_of_a_wrong_type_is_refused_by_name(name: str) -> None:
    assert _refusal(**{name: {"a": 1}}).param == name
    assert _refusal(metadata={name: {"a": 1}}).param == f"metadata.{name}"


@pytest.mark.parametrize(
    ("fields", "meant"),
    [
        ({}, {}),
        ({"seconds": "8"}, {"seconds": 8.0}),
        ({"duration": 5}, {"seconds": 5.0}),
        ({"duration": 0}, {"seconds": 0.0}),
        ({"seconds": "", "duration": "5"}, {"seconds": 5.0}),
        ({"size": "1280x720"}, {"size": "1280x720"}),
        ({"size": "1280*720"}, {"size": "1280x720"}),
        ({"size": " 1280 X 720 "}, {"size": "1280x720"}),
        ({"size": "16:9"}, {"ratio": "16:9"}),
        ({"size": "720P"}, {"resolution": "720p"}),
        ({"size": "auto"}, {}),
        ({"size": "1280x720", "aspect_ratio": "9:16"}, {"size": "1280x720", "ratio": "9:16"}),
        ({"size": "16:9", "aspect_ratio": "9:16"}, {"ratio": "9:16"}),
        ({"aspect_ratio": "AUTO"}, {"ratio": "auto"}),
        ({"resolution": "4K"}, {"resolution": "4k"}),
        ({"resolution": "auto"}, {}),
        ({"image_size": "0.5k"}, {"resolution": "0.5k"}),
        ({"negative_prompt": "dogs"}, {"negative_prompt": "dogs"}),
        ({"negative_prompt": " "}, {}),
        ({"auto_prompt": False}, {"rewrite_prompt": False}),
        ({"enhance_prompt": "true"}, {"rewrite_prompt": True}),
        ({"generate_audio": False}, {"audio": False}),
        ({"audio": "true"}, {"audio": True}),
        ({"tier": None, "seconds": None, "size": None, "metadata": None}, {}),
        ({"surprise": {"a": [1]}}, {}),
    ],
)
def test_a_field_is_read_by_each_of_its_names(fields: dict[str, Any], meant: Any) -> None:
    expected = Terms(product=VIDEO, model="default/model", prompt="a cat", **meant)
    assert _terms(**fields) == expected


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"aspect_ratio": "16x9"}, "16:9"),
        ({"aspect_ratio": "landscape"}, "16:9"),
        ({"aspect_ratio": "0:9"}, "16:9"),
        ({"aspect_ratio": 1.78}, "16:9"),
        ({"size": "big"}, "1280x720"),
        ({"size": "9x16"}, "1280x720"),
        ({"size": "٣٢٠x٢٤٠"}, "1280x720"),
        ({"size": 720}, "1280x720"),
        ({"resolution": "1280x720"}, "720p"),
        ({"seconds": "eight"}, "number"),
        ({"seconds": -1}, "0 to 3600"),
        ({"duration": [5]}, "number"),
        ({"tier": "the best"}, "word"),
        ({"negative_prompt": ["dogs"]}, "text"),
        ({"generate_audio": "loud"}, "true or false"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name_and_what_is_allowed(
    fields: dict[str, Any], says: str
) -> None:
    error = _refusal(**fields)
    assert error.param in fields
    assert says in error.message


@pytest.mark.parametrize("prompt", [None, "", " \n\t", [], {}])
def test_a_prompt_is_required(prompt: Any) -> None:
    error = _refusal(prompt=prompt)
    assert (error.param, error.code) == ("prompt", "missing_required_parameter")


@pytest.mark.parametrize("prompt", ["x" * (MAX_PROMPT + 1), 7, ["a"], {"a": 1}])
def test_a_prompt_is_a_text_of_a_limited_length(prompt: Any) -> None:
    assert _refusal(prompt=prompt).param == "prompt"


def test_a_long_prompt_is_kept_unchanged() -> None:
    prompt = " " + "🦊" * (MAX_PROMPT - 1)
    assert _terms(prompt=prompt).prompt == prompt


@pytest.mark.parametrize(("model", "meant"), [("sora-2", "sora-2"), (None, "default/model"),
                                              ("", "default/model")])  # fmt: skip
def test_a_missing_model_is_the_default(model: Any, meant: str) -> None:
    assert _terms(model=model).model == meant


@pytest.mark.parametrize("model", [7, "x" * 201, ["a"]])
def test_a_model_is_a_name(model: Any) -> None:
    assert _refusal(model=model).param == "model"


def test_fields_without_a_use_are_named_once_they_have_a_value() -> None:
    terms = _terms(fps=24, user="", mode=None, quality="hd")
    assert terms.unused == ("fps", "quality")


def test_fields_of_single_providers_are_kept_with_their_types() -> None:
    terms = _terms(seed="7", person_generation="allow_all", resize_mode="pad")
    assert terms.vendor == {"seed": 7, "person_generation": "allow_all", "resize_mode": "pad"}
    assert _refusal(resize_mode="stretch").param == "resize_mode"


def test_a_value_that_asks_for_what_happens_anyway_is_not_named() -> None:
    assert _terms(IMAGE, background="auto").unused == ()
    assert _terms(response_format="url").unused == ()


def test_an_image_has_no_seconds_and_no_sound() -> None:
    terms = _terms(IMAGE, seconds="many", audio="loud", image_size="2K", bbox=[1, 2, 3, 4])
    assert (terms.seconds, terms.audio, terms.resolution) == (None, None, "2k")
    assert terms.vendor == {"bbox": [1, 2, 3, 4]}


@QUICK
@given(likely_fields, st.sampled_from([VIDEO, IMAGE]))
def test_any_fields_are_terms_or_the_callers_mistake(
    fields: dict[str, Any], product: Product
) -> None:
    terms = outcome(lambda: read_terms(form_of(fields, product), product, "m"))
    if isinstance(terms, InvalidRequest):
        assert terms.status == 400
        assert terms.param
    else:
        assert terms.prompt.strip()
        assert terms.vendor.keys() <= VENDOR_FIELDS[product].keys()
