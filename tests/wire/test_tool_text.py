"""Calls in text: a corpus of answers, any split of any of them, and what may be held back."""

import json
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK
from fixtures.tool_answers.corpus import EVERY_TOOL, Case, cases, heard, written
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.wishes import Tool, ToolUse
from proxy.wire import tool_text
from proxy.wire.tool_text import LIMIT, LONGEST_GAP, Called, Piece, Said, Spoiled, ToolText

CORPUS = cases()
CALL = '{"name": "get_weather", "arguments": {"city": "Paris"}}'
PARIS = Called("get_weather", '{"city":"Paris"}')

# What answers with calls are made of, good ones and all kinds of bad ones.
FRAGMENTS = [
    "<tool_call>", "</tool_call>", "<tool_call", "</tool", "<", "`", "```", "```json\n", "~~~",
    "```python\n", "\n", "\r\n", " ", "> ", "- ", '"', "'", "[TOOL_CALLS]", "<think>", "</think>",
    CALL, '{"name": "get_time"}', '{"name": "get_time", "arguments": {}}', '{"name": "x"',
    '[{"name": "get_time", "arguments": {}}]', '{"tool_calls": [', "{", "}", "[", "]", ",", ";",
    '{"name": "get_weather", "arguments": {"city": 5}}', '{"name": "get_weather", "arg', "1", "\\",
    "text", "é🦊", "\u2028", '{"name": "no_such", "arguments": {}}', "null", '"name"', ":",
]  # fmt: skip
soup = st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join)


@st.composite
def split(draw: st.DrawFn, text: str) -> list[str]:
    """The same text in pieces of any size, empty ones included."""
    places = sorted(draw(st.lists(st.integers(0, len(text)), max_size=10)))
    return [text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]


def in_words(events: list[Piece]) -> list[dict[str, Any]]:
    """Events as the corpus writes them, problems aside."""
    words: list[dict[str, Any]] = []
    for event in events:
        if isinstance(event, Said):
            words.append({"said": event.text})
        elif isinstance(event, Called):
            words.append({"called": event.name, "arguments": event.arguments})
        else:
            words.append({"spoiled": event.raw})
    return words


def expected(case: Case) -> list[dict[str, Any]]:
    """The corpus writes arguments as objects; what goes out is their compact text."""
    words = [{k: v for k, v in each.items() if k != "problem"} for each in case.expect]
    for each in words:
        if "called" in each:
            each["arguments"] = json.dumps(
                each["arguments"], ensure_ascii=False, separators=(",", ":")
            )
    return words


def test_the_corpus_is_large_and_its_names_are_its_own() -> None:
    assert len(CORPUS) >= 100
    assert len({case.name for case in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_an_answer_of_the_corpus_whole_and_one_character_at_a_time(case: Case) -> None:
    whole = heard(case.use, [case.answer])
    assert in_words(whole) == expected(case)
    assert heard(case.use, case.answer) == whole
    problems = [event.problem for event in whole if isinstance(event, Spoiled)]
    hints = [each["problem"] for each in case.expect if "spoiled" in each]
    for problem, hint in zip(problems, hints, strict=True):
        assert hint in problem


@QUICK
@given(st.sampled_from(CORPUS), st.data())
def test_any_split_of_the_corpus_gives_the_same(case: Case, data: st.DataObject) -> None:
    pieces = data.draw(split(case.answer))
    assert heard(case.use, pieces) == heard(case.use, [case.answer])


@pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)
def test_the_corpus_cut_at_every_place_loses_nothing_and_invents_nothing(case: Case) -> None:
    offered = {tool.name for tool in case.use.tools}
    for end in range(len(case.answer)):
        events = heard(case.use, [case.answer[:end]])
        called = [event for event in events if isinstance(event, Called)]
        assert {event.name for event in called} <= offered
        if not called:
            assert written(events) == case.answer[:end]


@QUICK
@given(soup, st.data())
def test_any_split_of_any_text_gives_the_same(text: str, data: st.DataObject) -> None:
    whole = heard(EVERY_TOOL, [text])
    assert heard(EVERY_TOOL, text) == whole
    assert heard(EVERY_TOOL, data.draw(split(text))) == whole
    if not any(isinstance(event, Called) for event in whole):
        assert written(whole) == text


@QUICK
@given(st.text(st.sampled_from('<>`~{}[]"\\ \n\ttool_call/name:,1x'), max_size=60))
def test_text_that_holds_no_name_of_a_tool_is_never_a_call(text: str) -> None:
    assert written(heard(EVERY_TOOL, text)) == text


json_texts = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@QUICK
@given(
    st.dictionaries(st.text(), json_texts, max_size=4),
    st.sampled_from(["<tool_call>{}</tool_call>", "```json\n{}\n```", "{}", "[TOOL_CALLS][{}]"]),
    st.booleans(),
    st.sampled_from([None, 1]),
    st.data(),
)
def test_any_arguments_arrive_unchanged_in_any_wrapping(
    arguments: dict[str, Any], wrapping: str, ascii_only: bool, indent: int | None, data: Any
) -> None:
    call = json.dumps({"name": "f", "arguments": arguments}, ensure_ascii=ascii_only, indent=indent)
    answer = wrapping.replace("{}", call)
    (event,) = heard(ToolUse((Tool("f"),)), data.draw(split(answer)))
    assert isinstance(event, Called)
    assert json.loads(event.arguments) == arguments
    event.arguments.encode()


# ---- what goes out, and when


def fed(*pieces: str) -> list[list[Piece]]:
    """What each piece brings out at once."""
    reader = ToolText(EVERY_TOOL)
    return [reader.feed(piece) for piece in pieces]


def test_text_goes_out_with_the_piece_that_brings_it() -> None:
    assert fed("Hel", "lo", " you", " <b>!</b>") == [
        [Said("Hel")], [Said("lo")], [Said(" you")], [Said(" <b>!</b>")]
    ]  # fmt: skip


def test_only_what_may_be_a_call_is_held_back() -> None:
    assert fed("a <tool", "_box>", "\n{", '"x', '"', ": 1}") == [
        [Said("a")], [Said(" <tool_box>")], [], [], [Said('\n{"x"')], [Said(": 1}")]
    ]  # fmt: skip
    assert fed('{"name": "Al', 'ice"', ", 1") == [[], [Said('{"name": "Alice"')], [Said(", 1")]]
    assert fed("[", "1]", " x") == [[], [Said("[1]")], [Said(" x")]]


def test_code_in_a_fence_goes_out_line_by_line() -> None:
    assert fed("```py", "\nx = 1\n", "``", "`\n", "y") == [
        [], [Said("```py\nx = 1")], [], [Said("\n```")], [Said("\ny")]
    ]  # fmt: skip


def test_a_call_goes_out_with_its_last_character() -> None:
    *held, last = fed(*f"<tool_call>{CALL}</tool_call>")
    assert not any(held)
    assert last == [PARIS]


def test_a_call_is_out_before_the_text_behind_it() -> None:
    assert fed(f"Hm.\n\n<tool_call>{CALL}</tool_call>\n\nBye") == [
        [Said("Hm."), PARIS, Said("Bye")]
    ]


def test_white_space_at_the_end_waits_and_is_not_lost() -> None:
    reader = ToolText(EVERY_TOOL)
    assert reader.feed("a \n") == [Said("a")]
    assert reader.close() == [Said(" \n")]


def test_what_was_held_back_goes_out_at_the_end() -> None:
    reader = ToolText(EVERY_TOOL)
    assert reader.feed("see <tool_c") == [Said("see")]
    assert reader.close() == [Said(" <tool_c")]


# ---- limits


@pytest.mark.parametrize("size", [1000, LIMIT])
def test_a_call_beyond_the_limit_is_text(size: int) -> None:
    arguments = json.dumps({"path": "a", "content": "x" * size})
    answer = f'<tool_call>{{"name": "write_file", "arguments": {arguments}}}</tool_call>'
    events = heard(EVERY_TOOL, [answer])
    assert events == heard(EVERY_TOOL, [answer[n : n + 5] for n in range(0, len(answer), 5)])
    is_call = isinstance(events[0], Called)
    assert is_call is (size < LIMIT)
    assert is_call or events == [Said(answer)]


def test_a_fence_beyond_the_limit_is_text_up_to_its_end() -> None:
    long = '```json\n{"name": "get_time", "arguments": {"a": "' + "x" * LIMIT + '"}}\n'
    answer = f"{long}{CALL}\n```\n{CALL}"
    assert heard(EVERY_TOOL, [answer]) == [Said(f"{long}{CALL}\n```"), PARIS]


@pytest.mark.parametrize("size", [LONGEST_GAP, LONGEST_GAP + 1, LONGEST_GAP + 9])
def test_a_gap_is_held_back_up_to_a_limit(size: int) -> None:
    answer = "a" + " " * size + f"\n{CALL}"
    events = heard(EVERY_TOOL, [answer])
    assert events == heard(EVERY_TOOL, answer)
    assert events == [Said("a" if size < LONGEST_GAP else answer[: size + 2]), PARIS]


def test_more_calls_than_anyone_makes_are_no_call() -> None:
    calls = ",".join(['{"name": "get_time", "arguments": {}}'] * 129)
    (event,) = heard(EVERY_TOOL, [f"<tool_call>[{calls}]</tool_call>"])
    assert isinstance(event, Spoiled)
    assert event.problem == "it holds too many calls"


def test_json_that_is_nested_without_end_is_no_call() -> None:
    deep = '{"name": "get_time", "arguments": ' + '{"a":' * 100_000
    assert written(heard(EVERY_TOOL, [f"<tool_call>{deep}"])) == f"<tool_call>{deep}"
    assert heard(EVERY_TOOL, [deep]) == [Said(deep)]


def test_a_problem_is_short_whatever_the_call_was() -> None:
    calls = [{"name": f"tool_{n}" + "x" * 1000, "arguments": {}} for n in range(100)]
    (event,) = heard(EVERY_TOOL, [f"<tool_call>{json.dumps(calls)}</tool_call>"])
    assert isinstance(event, Spoiled)
    assert len(event.problem) <= 600


def test_a_lone_surrogate_in_arguments_can_still_be_sent() -> None:
    answer = '<tool_call>{"name": "search", "arguments": {"query": "é \\ud800"}}</tool_call>'
    (event,) = heard(EVERY_TOOL, [answer])
    assert isinstance(event, Called)
    assert json.loads(event.arguments) == {"query": "é \ud800"}
    assert event.arguments.encode()


# ---- work


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of the readers run: a measure of work that no clock disturbs."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        if "/proxy/wire/" not in frame.f_code.co_filename.replace("\\", "/"):
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize(
    "part",
    ["word word ", "x\\n", "[1] x\n", "`a` <b> ", "\n\n", "```\nx\n", "<tool_call>{}<x ", "{ "],
)
@pytest.mark.parametrize("opening", ["", '<tool_call>{"name": "search", "arguments": {"query": "'])
def test_twice_the_answer_is_twice_the_work(part: str, opening: str) -> None:
    def work(times: int) -> int:
        answer = opening + part * times
        pieces = [answer[n : n + 5] for n in range(0, len(answer), 5)]
        return lines_run(lambda: heard(EVERY_TOOL, pieces))

    assert work(1600) < 2.2 * work(800)


class _Counted(str):
    """Text that counts the characters copied out of it and out of its parts."""

    copied = 0

    def __getitem__(self, key: Any) -> "_Counted":
        part = _Counted(str.__getitem__(self, key))
        _Counted.copied += len(part)
        return part

    def __add__(self, other: str) -> "_Counted":
        _Counted.copied += len(self) + len(other)
        return _Counted(str.__add__(self, other))

    def __radd__(self, other: str) -> "_Counted":
        _Counted.copied += len(self) + len(other)
        return _Counted(str.__add__(other, self))


def test_a_long_argument_is_copied_a_fixed_number_of_times() -> None:
    def copied(size: int) -> int:
        opening = '<tool_call>{"name": "write_file", "arguments": {"path": "a", "content": "'
        answer = opening + "x" * size + '"}}</tool_call>'
        _Counted.copied = 0
        events = heard(EVERY_TOOL, [_Counted(answer[n : n + 5]) for n in range(0, len(answer), 5)])
        assert isinstance(events[0], Called)
        return _Counted.copied

    assert copied(200_000) < 2.2 * copied(100_000)
    assert copied(200_000) < 4 * 200_000


def test_the_pieces_can_be_imported_from_here() -> None:
    assert set(tool_text.__all__) >= {"Called", "Piece", "Said", "Spoiled", "ToolText"}
