"""The whole answer as an Anthropic message: its SDK's types take it, nothing is lost."""

from typing import Any

import httpx2
import pytest
from anthropic.types import Message, MessageTokensCount
from fixtures.genspark.properties import QUICK
from fixtures.messages_stream import sdk
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.answer import Answer
from proxy.core.events import (
    ChatEvent,
    Cited,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
)
from proxy.wire.citations import MOST
from proxy.wire.messages_object import (
    message_object,
    message_usage,
    token_count_object,
    tool_use_id,
    web_citations,
)

USAGE = {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19}


def _message(*events: ChatEvent, hide: bool = False) -> dict[str, Any]:
    answer = Answer()
    for event in events:
        answer.add(event)
    made = message_object("msg_0123", "gpt-5.4", answer, USAGE, hide_reasoning=hide)
    Message.model_validate(made)
    return made


def test_an_answer_in_words() -> None:
    assert _message(TextDelta("Hel"), TextDelta("lo"), Finished("stop")) == {
        "id": "msg_0123",
        "type": "message",
        "role": "assistant",
        "model": "gpt-5.4",
        "content": [{"type": "text", "text": "Hello"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 12,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            "output_tokens": 7,
        },
    }


def test_thinking_text_and_calls_stand_in_this_order() -> None:
    said = (
        ReasoningDelta("hm"),
        TextDelta("Let me look."),
        ToolCallDelta(0, "call_a", "f", '{"a": [1, {"b": null}]}'),
        ToolCallDelta(1, "", "g", ""),
        Finished("tool_calls"),
    )
    made = _message(*said)
    assert made["content"] == [
        {"type": "thinking", "thinking": "hm", "signature": ""},
        {"type": "text", "text": "Let me look."},
        {"type": "tool_use", "id": "call_a", "name": "f", "input": {"a": [1, {"b": None}]}},
        {"type": "tool_use", "id": "toolu_0123_1", "name": "g", "input": {}},
    ]
    assert made["stop_reason"] == "tool_use"
    assert [block["type"] for block in _message(*said, hide=True)["content"]] == [
        "text",
        "tool_use",
        "tool_use",
    ]


def test_the_sdk_takes_thinking_without_a_signature_and_sends_it_back() -> None:
    made = _message(ReasoningDelta("hm"), TextDelta("Yes"))
    with sdk(lambda _: httpx2.Response(200, json=made)) as client:
        message = client.messages.create(
            model="m", max_tokens=1, messages=[{"role": "user", "content": "Hello"}]
        )
    thinking, text = message.content
    assert thinking.type == "thinking"
    assert (thinking.thinking, thinking.signature) == ("hm", "")
    assert text.type == "text"
    assert message.to_param()["content"] == [thinking, text]


@pytest.mark.parametrize("arguments", ["", "{", "[1]", "null", '"a"', "{}{}", "[" * 5_000])
def test_arguments_that_are_no_object_are_an_empty_one(arguments: str) -> None:
    (call,) = _message(ToolCallDelta(0, "a", "f", arguments))["content"]
    assert call["input"] == {}


@pytest.mark.parametrize(
    ("events", "reason"),
    [
        ([Finished("stop")], "end_turn"),
        ([], "end_turn"),
        ([Finished("length")], "max_tokens"),
        ([Finished("content_filter")], "refusal"),
        ([RefusalDelta("No."), Finished("stop")], "refusal"),
        ([ToolCallDelta(0, "a", "f", "{}"), Finished("tool_calls")], "tool_use"),
        ([ToolCallDelta(0, "a", "f", "{}"), Finished("stop")], "tool_use"),
        ([ToolCallDelta(0, "a", "f", "{"), Finished("length")], "max_tokens"),
        ([TextDelta("a"), Finished("tool_calls")], "end_turn"),
        ([TextDelta("a"), Finished("unheard of")], "end_turn"),
    ],
)
def test_the_reason_of_the_end(events: list[ChatEvent], reason: str) -> None:
    assert _message(*events)["stop_reason"] == reason


def test_a_refusal_is_the_text() -> None:
    (block,) = _message(RefusalDelta("I can"), RefusalDelta("not."))["content"]
    assert block["text"] == "I cannot."


def test_an_answer_without_words_or_calls_is_an_empty_text() -> None:
    assert [block["type"] for block in _message(ReasoningDelta("hm"))["content"]] == [
        "thinking",
        "text",
    ]
    assert _message()["content"] == [{"type": "text", "text": ""}]


def test_only_the_first_choice_is_told() -> None:
    (block,) = _message(TextDelta("a"), TextDelta("b", 1))["content"]
    assert block["text"] == "a"


def test_pages_are_cited_once_and_not_without_end() -> None:
    made = _message(Cited("https://a", "A"), Cited("https://a", "A"), TextDelta("Yes"))
    assert made["content"][0]["citations"] == [
        {
            "type": "web_search_result_location",
            "url": "https://a",
            "title": "A",
            "cited_text": "",
            "encrypted_index": "",
        }
    ]
    many = [Cited(f"https://a/{n}", "A") for n in range(MOST + 1)]
    assert len(web_citations(many)) == MOST


def test_what_came_from_a_cache_is_counted_apart() -> None:
    usage = USAGE | {
        "prompt_tokens_details": {"cached_tokens": 8},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    assert message_usage(usage) == {
        "input_tokens": 4,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 8,
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 3},
    }


counts = st.integers(0, 10**9)


@QUICK
@given(counts, counts, counts)
def test_counts_are_never_below_nothing(prompt: int, cached: int, said: int) -> None:
    counted = message_usage(
        {
            "prompt_tokens": prompt,
            "completion_tokens": said,
            "prompt_tokens_details": {"cached_tokens": cached},
        }
    )
    assert counted["input_tokens"] == max(prompt - cached, 0)
    assert all(type(n) is int and n >= 0 for n in counted.values())


def test_an_id_is_kept_or_made_of_the_messages() -> None:
    assert tool_use_id("call_a", "msg_0123", 2) == "call_a"
    assert tool_use_id(None, "msg_0123", 2) == tool_use_id("", "msg_0123", 2) == "toolu_0123_2"


def test_a_count_of_tokens_is_what_the_sdk_expects() -> None:
    assert MessageTokensCount.model_validate(token_count_object(5)).input_tokens == 5
