"""From a model's text to what the caller asked for: calls, documents, ends, and one repair."""

import json
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.ask import Role
from proxy.core.events import (
    ChatEvent,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    Served,
    TextDelta,
    ToolCallDelta,
)
from proxy.core.wishes import Structure, Tool, ToolUse, Wishes
from proxy.wire.text_answer import TextAnswer, supplies

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = Tool("get_weather", "The weather in a city", CITY)
CLOCK = Tool("get_time", "The time")
TOOLS = Wishes(tools=ToolUse((WEATHER, CLOCK)))
SHAPE = Wishes(structure=Structure(CITY, "place"))


def _call(name: str = "get_weather", **arguments: Any) -> str:
    return f"<tool_call>{json.dumps({'name': name, 'arguments': arguments})}</tool_call>"


def _stream(text: str, size: int = 0, reason: str = "stop") -> list[ChatEvent]:
    step = size or max(1, len(text))
    pieces = [text[at : at + step] for at in range(0, len(text), step)]
    return [*map(TextDelta, pieces), Finished(reason)]


class _Heard:
    """What the caller sees of one answer, joined."""

    def __init__(self, wishes: Wishes) -> None:
        self.answer = TextAnswer(wishes, "x")
        self.events: list[ChatEvent] = []

    def hear(self, text: str, size: int = 0, reason: str = "stop") -> "_Heard":
        self.events += self.answer.read(_stream(text, size, reason))
        return self

    def repair(self, text: str, size: int = 0) -> "_Heard":
        assert self.answer.wanted is not None
        self.answer.begin_repair()
        return self.hear(text, size)

    def give_up(self) -> "_Heard":
        self.events += self.answer.give_up()
        return self

    @property
    def text(self) -> str:
        return "".join(e.text for e in self.events if isinstance(e, TextDelta))

    @property
    def refusal(self) -> str:
        return "".join(e.text for e in self.events if isinstance(e, RefusalDelta))

    @property
    def calls(self) -> list[tuple[str, Any]]:
        found = [e for e in self.events if isinstance(e, ToolCallDelta)]
        assert [e.index for e in found] == list(range(len(found)))
        assert len({e.id for e in found}) == len(found)
        return [(str(e.name), json.loads(e.arguments)) for e in found]

    @property
    def finish(self) -> list[str]:
        ends = [e.reason for e in self.events if isinstance(e, Finished)]
        assert not ends or isinstance(self.events[-1], Finished)
        return ends


def test_only_what_is_asked_for_is_supplied() -> None:
    assert not supplies(Wishes(choices=3, effort="low", search=True))
    assert supplies(TOOLS)
    assert supplies(SHAPE)
    assert supplies(Wishes(stops=("x",)))
    assert supplies(Wishes(limit=5))


@pytest.mark.parametrize("size", [0, 1, 3])
def test_calls_are_told_as_calls_and_text_before_them_as_text(size: int) -> None:
    said = f"Let me look.\n{_call(city='Bern')}\n{_call('get_time')}\nIt is sunny."
    heard = _Heard(TOOLS).hear(said, size)
    assert heard.text.strip() == "Let me look."
    assert heard.calls == [("get_weather", {"city": "Bern"}), ("get_time", {})]
    assert heard.finish == ["tool_calls"]
    assert heard.answer.wanted is None


def test_text_goes_out_at_once() -> None:
    answer = TextAnswer(TOOLS, "x")
    assert answer.read([TextDelta("Hello"), TextDelta(" world")]) == [
        TextDelta("Hello"),
        TextDelta(" world"),
    ]


def test_other_events_pass() -> None:
    answer = TextAnswer(TOOLS, "x")
    passing: list[ChatEvent] = [Served("m"), ReasoningDelta("Hm.")]
    assert answer.read(passing) == passing


def test_one_call_at_a_time_ends_the_answer() -> None:
    heard = _Heard(Wishes(tools=ToolUse((WEATHER, CLOCK), parallel=False)))
    heard.hear(_call("get_time") + _call(city="Bern"), size=4)
    assert heard.calls == [("get_time", {})]
    assert heard.finish == ["tool_calls"]
    assert heard.answer.cut, "the upstream need not go on"


def test_a_bad_call_is_asked_for_again_and_mended() -> None:
    heard = _Heard(TOOLS).hear("Looking. " + "\n" + _call(city=5))
    assert (heard.calls, heard.finish) == ([], [])
    [said, asked] = heard.answer.repair_turns()
    assert (said.role, asked.role) == (Role.ASSISTANT, Role.USER)
    assert said.text.endswith(_call(city=5))
    assert "city" in asked.text
    heard.repair("Sorry! Here it is:\n" + _call(city="Bern"))
    assert heard.calls == [("get_weather", {"city": "Bern"})]
    assert heard.text.strip() == "Looking."
    assert heard.finish == ["tool_calls"]


def test_a_call_that_stays_bad_is_told_as_text() -> None:
    bad = _call("no_such_tool")
    heard = _Heard(TOOLS).hear(f"{bad} and more").repair(_call(city=7))
    assert heard.text == f"{bad} and more"
    assert (heard.calls, heard.finish) == ([], ["stop"])
    assert heard.answer.wanted is None, "one repair, no more"
    other = _Heard(TOOLS).hear(bad).give_up()
    assert (other.text, other.finish) == (bad, ["stop"])


def test_a_good_call_beside_a_bad_one_is_kept() -> None:
    heard = _Heard(TOOLS).hear(_call("get_time") + _call(city=5)).repair(_call(city="Bern"))
    assert heard.calls == [("get_time", {}), ("get_weather", {"city": "Bern"})]
    assert heard.finish == ["tool_calls"]


def test_a_demanded_call_that_did_not_come_is_demanded_once_more() -> None:
    must = Wishes(tools=ToolUse((WEATHER,), required=True))
    heard = _Heard(must).hear("Which city?")
    assert heard.text == "Which city?"
    assert "get_weather" in heard.answer.repair_turns()[1].text
    heard.repair(_call(city="Bern"))
    assert (heard.calls, heard.finish) == ([("get_weather", {"city": "Bern"})], ["tool_calls"])
    other = _Heard(must).hear("Which city?").repair("I said: which city?")
    assert (other.text, other.calls, other.finish) == ("Which city?", [], ["stop"])


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize("text", ['{"city": "Bern"}', 'Sure:\n```json\n{"city": "Bern"}\n```\nOk?'])
def test_a_structured_answer_is_the_bare_document(text: str, size: int) -> None:
    heard = _Heard(SHAPE).hear(text, size)
    assert heard.text == '{"city": "Bern"}'
    assert (heard.finish, heard.refusal) == (["stop"], "")


def test_a_misfit_is_asked_for_again() -> None:
    heard = _Heard(SHAPE).hear('{"city": 5}')
    assert "city" in heard.answer.repair_turns()[1].text
    heard.repair('{"city": "Bern"}')
    assert (heard.text, heard.finish) == ('{"city": "Bern"}', ["stop"])


def test_what_does_not_fit_twice_is_a_refusal() -> None:
    heard = _Heard(SHAPE).hear("I cannot help with that.").repair("I really cannot.")
    assert (heard.text, heard.refusal) == ("", "I really cannot.")
    assert heard.finish == ["stop"]
    wrong = _Heard(SHAPE).hear('{"city": 5}').repair('{"city": 6}')
    assert "city" in wrong.refusal
    unasked = _Heard(SHAPE).hear("I cannot help with that.").give_up()
    assert unasked.refusal == "I cannot help with that."


def test_a_document_that_was_cut_short_is_told_as_it_is() -> None:
    heard = _Heard(SHAPE).hear('{"city": "Be', reason="length")
    assert (heard.text, heard.finish) == ('{"city": "Be', ["length"])
    assert heard.answer.wanted is None


def test_a_call_beats_the_document() -> None:
    both = Wishes(tools=ToolUse((WEATHER,)), structure=Structure(CITY))
    assert _Heard(both).hear(_call(city="Bern")).finish == ["tool_calls"]
    heard = _Heard(both).hear('{"city": "Bern"}')
    assert (heard.text, heard.finish) == ('{"city": "Bern"}', ["stop"])


BOTH = Wishes(TOOLS.tools, SHAPE.structure)
DOCUMENT = '{"city": "Bern"}'


@pytest.mark.parametrize("size", [0, 1])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ('{"city": 5}', DOCUMENT),
        (f"Look: {_call(city=5)} and more", f"Sorry!\n{DOCUMENT}"),
        (f"{DOCUMENT}\n{_call(city=5)}", DOCUMENT),
        (f"{DOCUMENT}\n{_call(city=5)}", "I have nothing to add."),
        (f"{DOCUMENT}\n{_call(city=5)}", _call("nobody")),
    ],
)
def test_beside_tools_a_document_is_bare_and_repaired_too(
    first: str, second: str, size: int
) -> None:
    heard = _Heard(BOTH).hear(first, size).repair(second, size)
    assert (heard.text, heard.refusal, heard.calls) == (DOCUMENT, "", [])
    assert heard.finish == ["stop"]


def test_beside_tools_what_holds_no_document_is_a_refusal() -> None:
    heard = _Heard(BOTH).hear(f"Sorry. {_call(city=5)}").give_up()
    assert heard.text == ""
    assert "city" in heard.refusal
    heard = _Heard(BOTH).hear(_call(city=5)).repair("I will not.")
    assert (heard.text, heard.refusal) == ("", "I will not.")


def test_half_a_repair_leaves_the_first_answer() -> None:
    heard = _Heard(SHAPE).hear("I cannot help with that.")
    heard.answer.begin_repair()
    heard.events += heard.answer.read([TextDelta("I am sor")])
    assert heard.give_up().refusal == "I cannot help with that."


def test_what_is_said_after_a_call_is_known_to_be_left_out() -> None:
    assert not _Heard(TOOLS).hear(f"Ok. {_call('get_time')}\n").answer.silenced
    assert _Heard(TOOLS).hear(f"{_call('get_time')}\nIt is noon.").answer.silenced


def test_stops_and_limits_end_the_answer() -> None:
    heard = _Heard(Wishes(stops=("END",))).hear("one END two", size=2)
    assert (heard.text, heard.finish, heard.answer.cut) == ("one ", ["stop"], True)
    short = _Heard(Wishes(limit=3)).hear("one two three four five", size=4)
    assert (short.finish, short.answer.cut) == (["length"], True)
    assert "one two three four five".startswith(short.text)
    whole = _Heard(Wishes(limit=3, stops=("END",))).hear("one two EN")
    assert (whole.text, whole.finish, whole.answer.cut) == ("one two EN", ["length"], True) or (
        whole.text,
        whole.finish,
    ) == ("one two EN", ["stop"])


def test_a_call_cut_short_by_the_limit_is_no_call() -> None:
    heard = _Heard(Wishes(tools=TOOLS.tools, limit=8)).hear("Ok. " + _call(city="Bern"), size=5)
    assert (heard.calls, heard.finish) == ([], ["length"])
    assert heard.answer.wanted is None


def test_nothing_comes_after_the_end() -> None:
    answer = TextAnswer(Wishes(stops=("x",)), "s")
    assert answer.read([TextDelta("ax"), TextDelta("b"), Finished("stop")]) == [
        TextDelta("a"),
        Finished("stop", stop="x"),
    ]
    assert answer.read([TextDelta("c")]) == []


pieces = st.sampled_from(
    [
        "Hello ", "\n", "```json\n", "```", _call(city="Bern"), _call(city=5), _call("nobody"),
        "<tool_call>", "</tool_call>", '{"name": "get_time"}', '{"city": "X"}', "END", "é你",
    ]
)  # fmt: skip


@QUICK
@given(
    st.lists(pieces, max_size=6).map("".join),
    st.integers(1, 9),
    st.sampled_from([TOOLS, SHAPE, Wishes(stops=("END", "\n\n")),
        Wishes(TOOLS.tools, SHAPE.structure)]),
)  # fmt: skip
def test_every_split_of_an_answer_means_the_same(text: str, size: int, wishes: Wishes) -> None:
    one, other = _Heard(wishes).hear(text), _Heard(wishes).hear(text, size)
    assert one.answer.wanted == other.answer.wanted
    if one.answer.wanted is not None:
        for heard in (one, other):
            heard.repair("Sorry.")
    assert (one.text, one.calls, one.refusal) == (other.text, other.calls, other.refusal)
    assert one.finish == other.finish
    assert len(one.finish) == 1


@QUICK
@given(st.lists(pieces, max_size=5).map("".join), st.lists(pieces, max_size=5).map("".join))
def test_a_structured_answer_is_calls_or_a_document_or_a_refusal(first: str, second: str) -> None:
    heard = _Heard(BOTH).hear(first)
    if heard.answer.wanted is not None:
        heard.repair(second)
    assert heard.finish == (["tool_calls"] if heard.calls else ["stop"])
    if heard.text:
        assert set(json.loads(heard.text)) >= {"city"}
        assert (heard.refusal, heard.calls) == ("", [])
