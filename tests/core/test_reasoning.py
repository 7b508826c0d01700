"""Levels of effort: which a model takes, and the nearest to the one that was asked for."""

import re

import pytest
from fixtures.genspark.properties import QUICK
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.reasoning import SCALE, EffortFamily, ReasoningStyle, effort_for, levels_of


@pytest.mark.parametrize(
    ("wanted", "levels", "asked"),
    [
        ("high", ("low", "medium", "high"), "high"),
        ("max", ("low", "medium", "high"), "high"),
        ("none", ("low", "medium", "high"), "low"),
        ("medium", ("none", "low", "high", "max"), "low"),
        ("xhigh", ("none", "low", "high", "max"), "high"),
        ("minimal", ("none", "low"), "none"),
        ("minimal", ("low", "high"), "low"),
        ("none", ("none", "thinking"), "none"),
        ("low", ("none", "thinking"), "thinking"),
        ("thinking", ("none", "thinking"), "thinking"),
        ("thinking", ("low", "high"), "thinking"),
        ("a lot", ("low", "high"), "a lot"),
        ("minimal", (), "minimal"),
    ],
)
def test_the_nearest_level_is_asked_for(wanted: str, levels: tuple[str, ...], asked: str) -> None:
    assert effort_for(wanted, levels) == asked


@QUICK
@given(st.sampled_from(SCALE), st.sets(st.sampled_from(SCALE), min_size=1))
def test_no_level_is_nearer_and_no_lower_one_as_near(wanted: str, levels: set[str]) -> None:
    asked = effort_for(wanted, levels)
    assert asked in levels
    place, found = SCALE.index(wanted), SCALE.index(asked)
    for other in map(SCALE.index, levels):
        assert abs(other - place) >= abs(found - place)
        assert other >= found or abs(other - place) > abs(found - place)


def test_the_first_family_that_fits_the_whole_id_counts() -> None:
    families = [
        EffortFamily(re.compile(r"gpt-6(-.+)?"), ("low",)),
        EffortFamily(re.compile(r"gpt-.+"), ("high",)),
    ]
    assert levels_of("gpt-6-sol", families) == ("low",)
    assert levels_of("OpenAI/GPT-6", families) == ("low",)
    assert levels_of("gpt-60", families) == ("high",)
    assert levels_of("my-gpt-6", families) == ()


def test_both_shows_the_reasoning_twice_and_hide_not_at_all() -> None:
    shown = {style.value: (style.in_field, style.in_content) for style in ReasoningStyle}
    assert shown == {
        "hide": (False, False),
        "field": (True, False),
        "think": (False, True),
        "both": (True, True),
    }
