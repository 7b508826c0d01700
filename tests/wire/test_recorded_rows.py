"""Every recorded refusal means what the manifest says, whole and one byte at a time."""

from collections.abc import Callable

import pytest
from fixtures.genspark.hearing import Heard, bytewise, hear_reply
from fixtures.genspark.reading import HERE, ROWS, Row

from proxy.core.failures import Kind
from proxy.core.products import Product

ROWS_OF_THE_LIST = 31

Cut = Callable[[bytes], list[bytes]]


def test_every_row_of_the_list_has_a_recording() -> None:
    assert {row.row for row in ROWS} == set(range(1, ROWS_OF_THE_LIST + 1))


def test_every_recording_is_in_the_manifest_once() -> None:
    on_disk = sorted(path.name for path in (HERE / "rows").iterdir())
    assert sorted(row.file for row in ROWS) == on_disk


def test_every_expected_kind_is_in_our_vocabulary() -> None:
    assert {row.kind for row in ROWS if row.kind} <= set(Kind)


@pytest.mark.parametrize("cut", [lambda body: [body], bytewise], ids=["whole", "bytewise"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.file)
def test_a_reply_means_what_the_manifest_says(row: Row, cut: Cut) -> None:
    heard = hear_reply(row, cut(row.body))

    assert heard.text == row.text
    if row.kind is None:
        _is_an_answer(heard)
    else:
        _fails_as_told(heard, row)


def _is_an_answer(heard: Heard) -> None:
    assert heard.failure is None
    assert heard.finish == "stop"
    assert heard.limits == []


def _fails_as_told(heard: Heard, row: Row) -> None:
    failure = heard.failure
    assert failure is not None
    assert failure.kind == row.kind
    assert failure.product == (Product(row.product) if row.product else None)
    assert failure.until == row.until
    assert failure.retry_after == row.retry_after
    assert heard.endings == heard.events[-1:]


@pytest.mark.parametrize("row", [row for row in ROWS if row.kind], ids=lambda row: row.file)
def test_the_detail_for_the_log_quotes_no_secret_and_no_caller(row: Row) -> None:
    failure = hear_reply(row, [row.body]).failure
    assert failure is not None
    quoted = ("http://", "https://", "session_id", "This feature has been retired, not login")
    assert not [text for text in quoted if text in f"{failure}{failure.detail}"]
