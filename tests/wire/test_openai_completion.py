"""The whole answer as one object, and usage in the shape strict clients need."""

import json
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK, texts
from hypothesis import given
from hypothesis import strategies as st
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.types.chat import ChatCompletionChunk

from proxy.core.answer import Answer
from proxy.core.events import (
    ChatEvent,
    Cited,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    Verbatim,
)
from proxy.core.reasoning import ReasoningStyle
from proxy.wire.openai_chunks import DONE, LINE, ChunkWriter, StreamOptions
from proxy.wire.openai_completion import completion, native_usage, usage_of

FIELD, HIDE = ReasoningStyle.FIELD, ReasoningStyle.HIDE
PAGE = Cited("https://example.com/a", "A")


def _whole(events: Any, options: StreamOptions) -> dict[str, Any]:
    answer = Answer()
    for event in events:
        answer.add(event)
    return completion(
        "chatcmpl-01234",
        1,
        "m",
        answer,
        usage_of(1, 2),
        reasoning=options.reasoning,
        legacy_calls=options.legacy_calls,
    )


def _message(
    *events: Any, style: ReasoningStyle = FIELD, legacy_calls: bool = False
) -> dict[str, Any]:
    body = _whole(events, StreamOptions(style, legacy_calls=legacy_calls))
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
    assert "reasoning_content" not in _message(*said, style=HIDE)["message"]


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


@pytest.mark.parametrize(
    ("style", "content", "field"),
    [
        ("hide", "c", None),
        ("field", "c", "ab"),
        ("think", "<think>\nab\n</think>\n\nc", None),
        ("both", "<think>\nab\n</think>\n\nc", "ab"),
    ],
)
def test_reasoning_is_shown_in_the_wanted_style(
    style: str, content: str, field: str | None
) -> None:
    said = (ReasoningDelta("a"), ReasoningDelta("b"), TextDelta("c"))
    message = _message(*said, style=ReasoningStyle(style))["message"]
    assert (message["content"], message.get("reasoning_content")) == (content, field)
    assert _message(TextDelta("c"), style=ReasoningStyle(style))["message"]["content"] == "c"


def test_reasoning_without_an_answer_has_no_blank_line_behind_it() -> None:
    call = ToolCallDelta(0, "a", "f", "{}")
    message = _message(ReasoningDelta("a"), call, style=ReasoningStyle.THINK)["message"]
    assert message["content"] == "<think>\na\n</think>"


def test_a_refusal_has_no_content() -> None:
    message = _message(RefusalDelta("I "), RefusalDelta("won't."), Finished("stop"))["message"]
    assert (message["content"], message["refusal"]) == (None, "I won't.")
    assert _message(TextDelta("a"))["message"]["refusal"] is None


def test_a_legacy_caller_gets_the_first_call_alone() -> None:
    calls = (ToolCallDelta(0, "a", "f"), ToolCallDelta(1, "b", "g", "{}"), Finished("tool_calls"))
    choice = _message(*calls, legacy_calls=True)
    assert choice["message"]["function_call"] == {"name": "f", "arguments": "{}"}
    assert choice["message"]["content"] is None
    assert "tool_calls" not in choice["message"]
    assert choice["finish_reason"] == "function_call"
    assert _message(TextDelta("a"), legacy_calls=True)["finish_reason"] == "stop"


def test_citations_are_annotations_and_native_ones_are_not_doubled() -> None:
    text = TextDelta(f"See [A]({PAGE.url}).")
    (own,) = _message(text, PAGE, PAGE)["message"]["annotations"]
    assert own["url_citation"] == {
        "start_index": 4,
        "end_index": 4 + len(f"[A]({PAGE.url})"),
        "url": PAGE.url,
        "title": "A",
    }
    native = {"type": "url_citation", "url_citation": {"url": PAGE.url, "title": "native"}}
    other = Cited("https://example.org", "O")
    for order in ([Verbatim({"annotations": [native]}, {}), PAGE, other],
                  [PAGE, other, Verbatim({"annotations": [native]}, {})]):  # fmt: skip
        first, second = _message(text, *order)["message"]["annotations"]
        assert first == native
        assert second["url_citation"]["url"] == other.url
    assert "annotations" not in _message(text)["message"]


def _chunks(events: Any, options: StreamOptions) -> list[ChatCompletionChunk]:
    writer = ChunkWriter("chatcmpl-01234", 1, "m", options)
    out = b"".join(writer.write([event]) for event in events) + writer.end(Answer(), {}, "")
    lines = out.removesuffix(DONE).split(b"\n\n")[:-1]
    assert all(len(line) <= LINE for line in lines)
    return [ChatCompletionChunk.model_validate(json.loads(line[6:])) for line in lines]


def _accumulated(events: Any, options: StreamOptions) -> dict[str, Any]:
    """The message that openai-python makes of the stream."""
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    for chunk in _chunks(events, options):
        state.handle_chunk(chunk)
    (choice,) = state.get_final_completion().to_dict(mode="json")["choices"]
    return dict(choice)


calls = st.lists(st.sampled_from(['{"a":1}', '{"b":"<think>"}']), min_size=1, max_size=3).map(
    lambda given: [
        ToolCallDelta(n, f"call_{n}", "f", arguments) for n, arguments in enumerate(given)
    ]
)
answers = st.tuples(
    st.lists(st.builds(ReasoningDelta, texts.filter(bool)), max_size=3),
    st.lists(st.builds(Cited, st.sampled_from([PAGE.url, "https://b.example"]), st.just("t"))),
    st.lists(st.builds(TextDelta, st.one_of(texts.filter(bool), st.just(f" {PAGE.url} ")))),
    st.one_of(
        st.just([Finished("stop")]),
        st.just([RefusalDelta("I "), RefusalDelta("won't."), Finished("stop")]),
        calls.map(lambda made: [*made, Finished("tool_calls")]),
    ),
).map(lambda parts: [event for part in parts for event in part])


@QUICK
@given(answers, st.sampled_from(ReasoningStyle), st.booleans())
def test_a_stream_adds_up_to_the_whole_answer(
    events: list[ChatEvent], style: ReasoningStyle, legacy: bool
) -> None:
    options = StreamOptions(style, legacy_calls=legacy)
    whole, streamed = _whole(events, options)["choices"][0], _accumulated(events, options)
    assert streamed["finish_reason"] == whole["finish_reason"]
    for name in ("content", "refusal", "reasoning_content", "annotations", "function_call"):
        found = streamed["message"].get(name) or None
        assert found == (whole["message"].get(name) or None), name
    made = [call["function"] for call in streamed["message"].get("tool_calls") or ()]
    assert [(call["name"], call["arguments"]) for call in made] == [
        (call["function"]["name"], call["function"]["arguments"])
        for call in whole["message"].get("tool_calls", ())
    ]
