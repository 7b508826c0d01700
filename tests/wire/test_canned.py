"""Canned refusals: only whole, short messages that begin so are refusals."""

import pytest
from fixtures.genspark.properties import QUICK, texts
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.failures import Kind
from proxy.wire.canned import CHAT, KEY, SHORT, Canned, may_become, recognise

ROWS = [(row, table) for table in (CHAT, KEY) for row in table]
any_row = st.sampled_from(ROWS)


@pytest.mark.parametrize(("row", "table"), ROWS, ids=[row.text[:30] for row, _ in ROWS])
def test_each_wording_is_recognised_in_any_case_with_any_apostrophe(
    row: Canned, table: tuple[Canned, ...]
) -> None:
    for text in (row.text, row.text.upper(), f"\n  {row.text.replace(chr(39), '’')}."):
        failure = recognise(text, table)
        assert failure is not None
        assert failure.kind is row.kind


@QUICK
@given(any_row, texts)
def test_a_longer_answer_that_mentions_it_is_an_answer(
    chosen: tuple[Canned, tuple[Canned, ...]], more: str
) -> None:
    row, table = chosen
    answer = f"{row.text} {more}"
    longer = answer + " and so on" * SHORT
    assert recognise(longer, table) is None
    assert not may_become(longer, table)


@QUICK
@given(any_row.filter(lambda chosen: chosen[0].opening), texts)
def test_an_answer_that_says_it_later_is_an_answer(
    chosen: tuple[Canned, tuple[Canned, ...]], more: str
) -> None:
    row, table = chosen
    assert recognise(f"¶ {row.text}", (row,)) is None
    assert not may_become(f"¶{more}", table)


@QUICK
@given(any_row.filter(lambda chosen: chosen[0].opening), st.data())
def test_every_beginning_of_a_refusal_is_held_back(
    chosen: tuple[Canned, tuple[Canned, ...]], data: st.DataObject
) -> None:
    row, table = chosen
    beginning = row.text[: data.draw(st.integers(0, len(row.text)))]
    assert may_become(beginning, table)


@QUICK
@given(st.text(max_size=SHORT + 20), st.sampled_from([CHAT, KEY]))
def test_what_is_recognised_by_its_beginning_was_held_back(
    text: str, table: tuple[Canned, ...]
) -> None:
    by_opening = tuple(row for row in table if row.opening)
    if recognise(text, by_opening) is not None:
        assert may_become(text, table)


def test_the_limit_of_a_short_message() -> None:
    opening = "Server overloaded, please try again later."
    fits, too_long = opening.ljust(SHORT, "."), opening.ljust(SHORT + 1, ".")
    failure = recognise(fits, CHAT)
    assert failure is not None
    assert failure.kind is Kind.OVERLOADED
    assert recognise(too_long, CHAT) is None
