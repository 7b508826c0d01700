"""A full answer is a fold over its events, whatever order they come in."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.answer import Answer
from proxy.core.events import (
    Counted,
    Failed,
    Finished,
    Limited,
    Noted,
    Opened,
    ReasoningDelta,
    Served,
    TextDelta,
    ToolCallDelta,
    Verbatim,
)
from proxy.core.failures import Failure, Kind


def _fold(*events: Any) -> Answer:
    answer = Answer()
    for event in events:
        answer.add(event)
    return answer


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.text())))
def test_the_texts_of_each_choice_are_joined_in_order(said: list[tuple[int, str]]) -> None:
    answer = _fold(*(TextDelta(text, choice) for choice, text in said))
    for choice in range(4):
        wanted = "".join(text for c, text in said if c == choice)
        assert "".join(answer.choice(choice).text) == wanted


def test_a_tool_call_keeps_the_id_and_name_of_its_first_fragment() -> None:
    answer = _fold(
        ToolCallDelta(0, "a", "f", '{"x"'),
        ToolCallDelta(1, "b", "g"),
        ToolCallDelta(0, arguments=":1}"),
    )
    calls = answer.choice(0).calls
    assert [(c.id, c.name, c.arguments) for c in calls.values()] == [
        ("a", "f", '{"x":1}'),
        ("b", "g", ""),
    ]


def test_what_is_said_about_the_answer_is_kept_and_the_rest_passed_over() -> None:
    answer = _fold(
        Opened("p"), Noted("odd"), Limited(Failure(Kind.WINDOW_QUOTA)), Served("m"),
        Verbatim({"a": 1}, {"logprobs": {}}), Verbatim({"b": 2}, {}), Counted({"total_tokens": 1}),
        Finished("length"), Failed(Failure(Kind.EMPTY)),
    )  # fmt: skip
    choice = answer.choice(0)
    assert (answer.served_model, answer.usage) == ("m", {"total_tokens": 1})
    assert (choice.extra, choice.beside) == ({"a": 1, "b": 2}, {"logprobs": {}})
    assert choice.finish == "length"


def test_everything_that_was_put_out_counts() -> None:
    answer = _fold(ReasoningDelta("a"), TextDelta("b"), ToolCallDelta(0, "i", "f", "{}"))
    assert answer.output_text() == "abf{}"


def test_an_answer_without_events_has_one_empty_choice() -> None:
    assert _fold().output_text() == ""
    assert list(_fold().choices) == [0]
