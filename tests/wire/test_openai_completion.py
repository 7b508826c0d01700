"""The whole answer as one object, and usage in the shape strict clients need."""

from typing import Any

import pytest
from fixtures.genspark.properties import QUICK
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.answer import Answer
from proxy.core.events import Finished, ReasoningDelta, TextDelta, ToolCallDelta
from proxy.wire.openai_completion import completion, native_usage, usage_of


def _message(*events: Any, hide: bool = False) -> dict[str, Any]:
    answer = Answer()
    for event in events:
        answer.add(event)
    body = completion("chatcmpl-01234", 1, "m", answer, usage_of(1, 2), hide_reasoning=hide)
    assert body["usage"]["total_tokens"] == 3
    choice: dict[str, Any] = body["choices"][0]
    return choice


def test_the_text_is_joined_and_an_empty_one_is_a_string() -> None:
    assert _message(TextDelta("a"), TextDelta("b"))["message"]["content"] == "ab"
    assert _message()["message"]["content"] == ""
    assert _message()["finish_reason"] == "stop"


def test_a_tool_call_has_its_parts_and_no_empty_content() -> None:
    choice = _message(ToolCallDelta(0, "", "f"), Finished("tool_calls"))
    (call,) = choice["message"]["tool_calls"]
    assert choice["message"]["content"] is None
    assert call["function"] == {"name": "f", "arguments": "{}"}
    assert call["id"]


def test_reasoning_is_told_unless_hidden() -> None:
    said = (ReasoningDelta("a"), ReasoningDelta("b"), TextDelta("c"))
    assert _message(*said)["message"]["reasoning_content"] == "ab"
    assert "reasoning_content" not in _message(*said, hide=True)["message"]


@pytest.mark.parametrize(
    "usage",
    [None, {}, {"prompt_tokens": 1}, {"prompt_tokens": 0, "completion_tokens": 0},
     {"prompt_tokens": -1, "completion_tokens": 2}, {"prompt_tokens": "1", "completion_tokens": 2},
     {"prompt_tokens": True, "completion_tokens": 2}],
)  # fmt: skip
def test_strange_counts_are_no_counts(usage: dict[str, Any] | None) -> None:
    assert native_usage(usage) is None


@QUICK
@given(st.integers(0, 10**9), st.integers(1, 10**9), st.integers() | st.none())
def test_counts_are_whole_and_add_up(prompt: int, said: int, total: int | None) -> None:
    usage = native_usage(
        {"prompt_tokens": prompt, "completion_tokens": float(said), "total_tokens": total}
    )
    assert usage == usage_of(prompt, said)
