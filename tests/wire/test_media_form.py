"""Fields of a form: bracketed names, several names, empty values, and the caller's metadata."""

import copy
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK
from fixtures.media_fields import fields, json_values, outcome
from hypothesis import given

from proxy.core.ask import InvalidRequest
from proxy.wire.media_checks import text
from proxy.wire.media_form import Form, Part, is_empty, unbracketed

FILE = Part("a.png", "image/png", b"\x89PNG")
EMPTY = Part("upload", "application/octet-stream", b"")
TIER = frozenset({"tier"})


@pytest.mark.parametrize(
    ("sent", "meant"),
    [
        # What openai-python 3.52 puts on the wire for a list, a nested object and a list of files.
        ({"image_urls[]": ["a", "b"]}, {"image_urls": ["a", "b"]}),
        ({"metadata[a]": "b", "metadata[n][deep][]": ["1", "2"]},
         {"metadata": {"a": "b", "n": {"deep": ["1", "2"]}}}),
        ({"image[]": [FILE, FILE], "mask": FILE}, {"image": [FILE, FILE], "mask": FILE}),
        ({"image[]": FILE}, {"image": [FILE]}),
        ({"input_reference[image_url]": "u"}, {"input_reference": {"image_url": "u"}}),
        # An empty field of the plain name hides nothing; a filled one counts.
        ({"image": EMPTY, "image[]": [FILE]}, {"image": [FILE]}),
        ({"image": FILE, "image[]": [EMPTY]}, {"image": FILE}),
        ({"a[b]": "1", "a[b][c]": "2"}, {"a": {"b": "1"}}),
        ({"a[": "1", "[]": "2", "a]b": "3", "": "4"}, {"a[": "1", "[]": "2", "a]b": "3", "": "4"}),
        ({"a[b][c][d][e][f]": "1"}, {"a[b][c][d][e][f]": "1"}),
    ],
)  # fmt: skip
def test_bracketed_names_are_the_objects_and_lists_they_stand_for(
    sent: dict[str, Any], meant: dict[str, Any]
) -> None:
    assert unbracketed(sent) == meant


def test_a_file_has_no_place_in_an_object() -> None:
    with pytest.raises(InvalidRequest) as caught:
        Form({"metadata[a]": FILE})
    assert caught.value.param == "metadata"


@pytest.mark.parametrize("empty", [None, "", " \n", [], {}, EMPTY, [None, "", EMPTY]])
def test_an_empty_value_is_the_same_as_none(empty: Any) -> None:
    assert Form({"prompt": empty}).find("prompt") is None
    assert Form({"a": empty, "b": "x"}).find("a", "b") == ("b", "x")


@pytest.mark.parametrize("value", [0, False, "0", FILE, [0]])
def test_a_falsy_value_is_a_value(value: Any) -> None:
    assert Form({"a": value}).find("a") == ("a", value)


def test_the_first_name_counts_and_metadata_comes_last() -> None:
    sent = {"b": "plain", "metadata": {"a": "nested", "b": "nested"}}
    form = Form(sent, frozenset({"a", "b"}))
    assert form.find("a", "b") == ("b", "plain")
    assert form.find("a") == ("metadata.a", "nested")


@pytest.mark.parametrize("metadata", [{"tier": "pro", "mine": 1}, '{"tier":"pro","mine":1}'])
def test_metadata_is_split_into_what_we_read_and_the_callers_own(metadata: Any) -> None:
    form = Form({"metadata": metadata}, TIER)
    assert form.read(text(9), "tier") == "pro"
    assert form.metadata == {"mine": 1}


@pytest.mark.parametrize(
    "metadata",
    ["x", "[1]", "{", 7, [1], ["{}", "{}"], FILE, {"a": "\ud800"}, {str(n): n for n in range(65)},
     {"a": "x" * 16_384}, '{"a":' + "[" * 5000],
)  # fmt: skip
def test_metadata_that_cannot_be_kept_is_refused_by_name(metadata: Any) -> None:
    with pytest.raises(InvalidRequest) as caught:
        Form({"metadata": metadata})
    assert caught.value.param == "metadata"


def test_a_picture_in_metadata_does_not_count_as_the_callers_own() -> None:
    form = Form({"metadata": {"tier": "x" * 100_000, "a": "b"}}, TIER)
    assert form.metadata == {"a": "b"}


@QUICK
@given(fields)
def test_any_fields_are_looked_up_or_refused_and_left_as_they_were(sent: dict[str, Any]) -> None:
    before = copy.deepcopy(sent)
    form = outcome(Form, sent, TIER)
    if isinstance(form, InvalidRequest):
        assert form.status == 400
        assert form.param in ("metadata", "input_reference")
    else:
        assert "tier" not in form.metadata
    assert repr(sent) == repr(before)


@QUICK
@given(json_values)
def test_any_metadata_is_kept_unchanged_or_refused(metadata: Any) -> None:
    form = outcome(Form, {"metadata": metadata})
    if isinstance(form, InvalidRequest):
        assert form.param == "metadata"
    elif isinstance(metadata, dict):
        assert repr(form.metadata) == repr(metadata)
    else:
        assert isinstance(metadata, str) or is_empty(metadata)
