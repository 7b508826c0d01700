"""Times and sizes as people read them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.generate import words


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0:00"), (7.9, "0:07"), (173, "2:53"), (3605, "1:00:05"), (-3, "0:00")],
)
def test_durations(seconds: float, text: str) -> None:
    assert words.clock(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.9, "59s"), (60, "1m"), (7200, "2h"), (86_400 * 3, "3d"), (-5, "0s")],
)
def test_ages(seconds: float, text: str) -> None:
    assert words.age(seconds) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (19_257, "19.3 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (1_572_864_000, "1.6 GB"),
        (5e15, "5000.0 TB"),
    ],
)
def test_sizes(count: float, text: str) -> None:
    assert words.size(count) == text


@given(st.floats(1000, 9.99e14))
def test_a_size_has_at_most_three_digits_before_its_point(count: float) -> None:
    assert 1 <= float(words.size(count).split()[0]) < 1000


@pytest.mark.parametrize(
    ("elapsed", "expected", "text"),
    [
        (18, 180, "0:18 of about 3:00"),
        (200, 180, "3:20 (usually 3:00)"),
        (18, None, "0:18"),
        (18, 0, "0:18"),
    ],
)
def test_time_gone_by(elapsed: float, expected: float | None, text: str) -> None:
    assert words.took(elapsed, expected) == text
