"""Ends of a text: at a stop sequence however it arrives, and after so many tokens."""

import pytest
from fixtures.genspark.properties import QUICK
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.tokens import count
from proxy.wire.cutting import Cutter

letters = st.text("abc ", max_size=40)


def _said(pieces: list[str], stops: tuple[str, ...], limit: int | None = None) -> tuple[str, str]:
    cutter = Cutter(stops, limit)
    said = "".join(cutter.feed(piece) for piece in pieces) + cutter.close()
    return said, cutter.reason


def _as_a_model_stops(text: str, stops: tuple[str, ...]) -> tuple[str, str]:
    """The plain meaning: write on until the text ends with a stop sequence."""
    for end in range(1, len(text) + 1):
        fitting = [stop for stop in stops if text[:end].endswith(stop)]
        if fitting:
            return text[: end - max(map(len, fitting))], "stop"
    return text, ""


@QUICK
@given(letters, st.lists(st.text("abc ", min_size=1, max_size=5), max_size=4), st.data())
def test_a_text_stops_where_a_model_would_however_it_is_split(
    text: str, stops: list[str], data: st.DataObject
) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    wanted = _as_a_model_stops(text, tuple(stops))
    assert _said([text], tuple(stops)) == wanted
    assert _said(list(text), tuple(stops)) == wanted
    assert _said(pieces, tuple(stops)) == wanted


def test_nothing_waits_that_cannot_become_a_stop() -> None:
    cutter = Cutter(("\n\nHuman:",), None)
    assert cutter.feed("Hello\n") == "Hello"
    assert cutter.feed("world\n\nHu") == "\nworld"
    assert cutter.feed("man beings") == "\n\nHuman beings"


@QUICK
@given(st.lists(st.text("ab é你 \n", max_size=30), max_size=20), st.integers(1, 40))
def test_a_limit_is_kept_and_used(pieces: list[str], limit: int) -> None:
    text = "".join(pieces)
    said, reason = _said(pieces, (), limit)
    assert text.startswith(said)
    assert (reason == "length") == (said != text)
    # Pieces are counted by the hundred characters, so seams may count once more.
    seams = len(said) // 200 + 1
    assert count(said) <= limit + seams
    if reason:
        assert count(said) >= min(limit, count(text)) - 2 * seams - 1


@pytest.mark.parametrize("limit", [1, 5, 100])
def test_a_long_answer_is_cut_near_its_limit(limit: int) -> None:
    said, reason = _said(["word "] * 1000, (), limit)
    assert reason == "length"
    assert abs(count(said) - limit) <= 2


def test_an_answer_that_just_fits_is_whole() -> None:
    assert _said(["Hello", ", ", "world!"], (), 4) == ("Hello, world!", "")
    assert _said(["Hello", ", ", "world!"], (), 3)[1] == "length"


def test_a_stop_sequence_beyond_the_limit_was_not_reached() -> None:
    cutter = Cutter(("END",), 3)
    assert cutter.feed("one two three four END") == "one two three"
    assert (cutter.reason, cutter.stop) == ("length", "")


def test_a_huge_text_is_cut_too() -> None:
    said, reason = _said(["word " * 500_000], (), 2)
    assert (said.split(), reason) == (["word", "word"], "length")


def test_after_its_end_nothing_comes() -> None:
    cutter = Cutter(("x",), None)
    assert [cutter.feed("axb"), cutter.feed("c"), cutter.close()] == ["a", "", ""]
