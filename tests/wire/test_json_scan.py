"""Where a JSON value ends, or stops being one, read in any pieces."""

import json
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.json_scan import MAX_DEPTH, JsonScan

documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=10,
).filter(lambda value: isinstance(value, dict | list))  # fmt: skip


def stop(pieces: list[str]) -> tuple[bool, bool, int]:
    """Whether the value ended, whether it failed, and how many characters were read."""
    scan, read = JsonScan(), 0
    for piece in pieces:
        if scan.ended or scan.failed:
            break
        read += scan.feed(piece)
    return scan.ended, scan.failed, read


@QUICK
@given(documents, st.sampled_from([None, 0, 3]), st.text(max_size=5))
def test_any_document_ends_where_it_ends(value: Any, indent: int | None, rest: str) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    assert stop([text + rest]) == stop(list(text + rest)) == (True, False, len(text))


@QUICK
@given(documents, st.data())
def test_a_beginning_of_a_document_is_neither_whole_nor_wrong(value: Any, data: Any) -> None:
    text = json.dumps(value)
    end = data.draw(st.integers(0, len(text) - 1))
    assert stop([text[:end]]) == (False, False, end)


@QUICK
@given(st.text(st.sampled_from('{}[]",:\\ 1-.etrufalsn\n'), max_size=30))
def test_what_the_scan_lets_through_is_json_but_for_its_escapes(text: str) -> None:
    ended, failed, read = stop([text])
    assert stop(list(text))[:2] == (ended, failed)
    if ended and "\\" not in text:
        assert isinstance(json.loads(text[:read], strict=False), dict | list)
    if failed and text.lstrip()[:1] in ("{", "["):
        with pytest.raises(json.JSONDecodeError):
            json.loads(text, strict=False)


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("{ foo", 2), ('{"a" 1', 5), ("[1,]", 3), ('{"a":1,}', 7), ("{,", 1), ("[}", 1), ("{]", 1),
        ("[nul]", 4), ("[01]", 3), ("[1.]", 3), ("[-]", 2), ('["a"b', 4), ("[1 2", 3), ('{1:', 1),
        ("[NaN]", 1), ("[Infinity]", 1), ('"text"', 0), ("17", 0), ("x", 0),
    ],
)  # fmt: skip
def test_a_value_fails_at_the_first_character_that_is_wrong(text: str, read: int) -> None:
    assert stop([text]) == (False, True, read)


def test_raw_line_breaks_in_strings_are_let_through() -> None:
    assert stop(['{"a": "x\ny\t"}']) == (True, False, 13)


def test_depth_and_length_of_words_are_limited() -> None:
    assert stop(["[" * MAX_DEPTH + "]" * MAX_DEPTH])[0]
    assert stop(["[" * (MAX_DEPTH + 1)])[1]
    assert stop(["[" + "1" * 1000 + "]"])[1]


def test_what_is_near_the_top_is_told_as_it_is_written() -> None:
    told: list[tuple[int, bool, str]] = []

    def watch(depth: int, is_key: bool, text: str) -> bool:
        told.append((depth, is_key, text))
        return text != "stop"

    scan = JsonScan(watch)
    for character in '{"a": "b\\"", "long": "' + "x" * 200 + '", "c": {"d": {"e": 1}}, "n": -1.5, ':
        scan.feed(character)
    assert told == [
        (1, True, "a"), (1, False, 'b\\"'), (1, True, "long"), (1, False, "x" * 80),
        (1, True, "c"), (2, True, "d"), (1, True, "n"), (1, False, "-1.5"),
    ]  # fmt: skip
    assert not scan.failed
    scan.feed('"stop"')
    assert scan.failed
