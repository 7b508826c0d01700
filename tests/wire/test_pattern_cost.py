"""What a foreign pattern may cost: the catastrophic ones must never look cheap."""

import math
import re

import pytest
from fixtures.genspark.properties import QUICK
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.pattern_cost import LONGEST_PATTERN, worst_steps

CHEAP = 1_000_000


@pytest.mark.parametrize(
    ("pattern", "steps"),
    [
        ("", 1),
        ("^abc$", 1),
        ("abc", 31),
        (r"^\d{4}-\d{2}-\d{2}$", 1),
        ("^a*$", 31),
        ("^a+$", 30),
        ("^a?$", 2),
        ("^a{2,4}$", 3),
        ("^a{2,}$", 29),
        ("^a*?b*?$", 31 * 31),
        ("a*", 31 * 31),
        ("^(?:a|b)$", 2 * 31),
        ("^(?:\\d{1,3}\\.){3}\\d{1,3}$", 81),
        ("^[]a]$", 1),
        ("^[^]a\\]-]$", 1),
        (r"^\u00e9\x41\/\.$", 1),
        ("^*a", 31 * 31),
    ],
)
def test_the_steps_are_the_product_of_the_choices(pattern: str, steps: float) -> None:
    assert worst_steps(pattern, 30) == steps


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+$", "(a*)*$", "(a|a)*$", "(a|aa)+$", "(?:a+){40}$", "(.*a){20}", "([a-z]+)*=",
        "a?" * 30 + "a" * 30, ".*.*.*.*x", "(x+x+)+y", "(?:a{1,9}){9}",
    ],
)  # fmt: skip
def test_catastrophes_are_costly(pattern: str) -> None:
    assert worst_steps(pattern, 100) > CHEAP


@pytest.mark.parametrize(
    "pattern",
    [
        r"(a)\1", "(?=a)b", "(?<!a)b", "(?P<n>a)", "(?i)a", r"\p{L}", r"\Z", "[[a]", "[a&&b]",
        "[a--b]", "(", ")", "(a", "a)", "[a", "*", "a**", "a{", "a{x}", "a{,3}", "a{3,2}",
        "a{123456789}", "\\", "a|*", "(" * 20 + ")" * 20, "a" * (LONGEST_PATTERN + 1),
    ],
)  # fmt: skip
def test_what_is_not_understood_costs_infinity(pattern: str) -> None:
    assert worst_steps(pattern, 3) == math.inf


@QUICK
@given(st.text(st.sampled_from("ab|()[]{}?*+^$\\d,12-.:&")), st.integers(0, 1000))
def test_any_text_is_judged(pattern: str, length: int) -> None:
    assert worst_steps(pattern, length) >= 1


@QUICK
@given(st.text(st.sampled_from("ab|()[]?*+^$d.:\\"), max_size=14), st.text("ab", max_size=12))
def test_what_is_judged_cheap_can_be_run_at_once(pattern: str, text: str) -> None:
    # The engine has no step counter; the suite's time limit is the judge of a wrong bound.
    if worst_steps(pattern, len(text)) <= CHEAP:
        try:
            found = re.search(pattern, text)
        except re.error:
            return
        assert found is None or found.end() <= len(text)
