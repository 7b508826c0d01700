"""Looks into JSON of unknown shape never fail and never invent."""

import math

import pytest
from fixtures.genspark.properties import QUICK
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.json_values import child, content_text, list_at, number_at, object_at, text_at

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("abc"), inner),
    max_leaves=8,
)
paths = st.lists(st.sampled_from("abc"), max_size=3)


@QUICK
@given(json_values, paths)
def test_a_look_gives_the_wanted_type_or_nothing(value: object, path: list[str]) -> None:
    found = child(value, *path)
    assert text_at(value, *path) == (found if isinstance(found, str) else "")
    assert object_at(value, *path) == (found if isinstance(found, dict) else {})
    assert list_at(value, *path) == (found if isinstance(found, list) else [])


@QUICK
@given(json_values)
def test_a_number_can_always_be_calculated_with(value: object) -> None:
    number = number_at({"a": value}, "a")
    assert number is None or math.isfinite(number)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (7, 7.0), ("7.5", 7.5), (True, None), ("seven", None), ("inf", None), ("nan", None),
        (10**400, None), (float("inf"), None), ([7], None), (None, None),
    ],
)  # fmt: skip
def test_numbers(value: object, number: float | None) -> None:
    assert number_at({"a": value}, "a") == number


@QUICK
@given(json_values)
def test_any_content_has_a_text(value: object) -> None:
    assert isinstance(content_text(value), str)


def test_the_text_of_content_parts_is_joined() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "image_url"}, "x", {"text": "b"}]
    assert content_text(parts) == "ab"
