"""Facts of a model: lengths, what differs when, and whether it edits a video."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.media import Use
from proxy.core.media_facts import Facts, Presence, Seconds, remix_of


@pytest.mark.parametrize(
    ("seconds", "allowed", "refused"),
    [
        (Seconds(), [0, 0.5, 99], []),
        (Seconds(default=5), [1, 60], []),
        (Seconds(only=(4, 6, 8)), [4, 6, 8, 8.0], [5, 0, 9, float("nan")]),
        (Seconds(low=3, high=15), [3, 4, 15], [2, 16, 3.5, -4, float("inf"), float("nan")]),
        (Seconds(high=15), [1, 15], [0, 0.5, 16, -1]),
        (Seconds(only=(0,), low=4, high=30), [0, 4, 30], [1, 3, 31]),
    ],
)
def test_lengths_are_those_listed_and_whole_seconds_of_a_range(
    seconds: Seconds, allowed: list[float], refused: list[float]
) -> None:
    assert all(seconds.allow(length) for length in allowed)
    assert not any(seconds.allow(length) for length in refused)


@given(st.floats())
def test_any_number_can_be_asked_about(length: float) -> None:
    assert isinstance(Seconds(low=1, high=5).allow(length), bool)


FACTS = Facts(
    known="2026-09-22",
    seconds=Seconds(low=1, high=15),
    resolutions=("720p", "1080p"),
    last_frame=True,
    with_references=Facts(resolutions=("720p",)),
    with_video=Facts(seconds=Seconds(low=2, high=10)),
    at_tier={"turbo": Facts(last_frame=False)},
)


def test_facts_are_the_models_own_when_nothing_special_is_asked() -> None:
    assert FACTS.under(None, [Use.FIRST_FRAME]) == FACTS
    assert FACTS.circumstances("standard", []) == []


def test_what_differs_replaces_only_what_it_names() -> None:
    found = FACTS.under("turbo", [Use.REFERENCE, Use.VIDEO])
    assert (found.last_frame, found.resolutions) == (False, ("720p",))
    assert found.seconds == Seconds(low=2, high=10)
    assert found.known == FACTS.known
    assert FACTS.under(None, [Use.REFERENCE]).seconds == FACTS.seconds


def test_what_makes_the_difference_can_be_told() -> None:
    words = [words for words, _ in FACTS.circumstances("turbo", [Use.VIDEO, Use.REFERENCE])]
    assert words == ["in the tier turbo", "with reference images", "with a given video"]


def test_an_empty_list_is_a_fact_too() -> None:
    facts = Facts(resolutions=("720p",), at_tier={"mini": Facts(resolutions=())})
    assert facts.under("mini", []).resolutions == ()


@pytest.mark.parametrize(
    ("facts", "edits"),
    [
        (Facts(modes=("edit", "extend")), True),
        (Facts(modes=("extend",)), False),
        (Facts(modes=("edit",), video=Presence.FORBIDDEN), False),
        (Facts(), False),
    ],
)
def test_only_a_model_known_to_edit_can_remix(facts: Facts, edits: bool) -> None:
    assert remix_of(facts) is edits
