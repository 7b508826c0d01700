"""The legacy completions dialect: prompts, whole answers and chunks."""

import json
from itertools import pairwise
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK, awkward, texts
from hypothesis import given
from hypothesis import strategies as st
from openai.types import Completion

from proxy.core.answer import Answer
from proxy.core.ask import InvalidRequest
from proxy.core.events import (
    ChatEvent,
    Finished,
    Opened,
    ReasoningDelta,
    RefusalDelta,
    Served,
    TextDelta,
    ToolCallDelta,
)
from proxy.wire.completions import Prompted, chat_of, completion_object
from proxy.wire.completions_chunks import CompletionWriter
from proxy.wire.openai_chunks import DONE, LINE, PIECE
from proxy.wire.openai_errors import ErrorReply
from proxy.wire.openai_request import chat_from

USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
HEAD: Any = ("cmpl-0123456789", 1_790_000_000, "gpt-5.4")
BARE = {"model": "gpt-5.4", "prompt": "Once upon"}


def _refusal(**given: Any) -> InvalidRequest:
    with pytest.raises(InvalidRequest) as caught:
        chat_of(BARE | given)
    return caught.value


def _answer(said: list[ChatEvent]) -> Answer:
    answer = Answer()
    for event in said:
        answer.add(event)
    return answer


def _chunks(out: bytes) -> list[dict[str, Any]]:
    """Strictly: one ``data: {json}`` line and one blank line per chunk, ``[DONE]`` at the end."""
    assert out.endswith(DONE)
    lines = out.removesuffix(DONE).split(b"\n\n")[:-1]
    assert all(line.startswith(b"data: {") for line in lines)
    assert all(len(line) <= LINE for line in lines)
    return [json.loads(line[6:]) for line in lines]


def _texts(chunks: list[dict[str, Any]]) -> dict[int, str]:
    found: dict[int, str] = {}
    for choice in (choice for chunk in chunks for choice in chunk["choices"]):
        found[choice["index"]] = found.get(choice["index"], "") + choice["text"]
    return found


@pytest.mark.parametrize("prompt", ["Once upon", ["Once upon"]])
def test_a_prompt_is_the_users_turn(prompt: Any) -> None:
    chat = chat_of(BARE | {"prompt": prompt}).chat
    assert chat == {
        "model": "gpt-5.4",
        "messages": [{"role": "user", "content": "Once upon"}],
    }


def test_parameters_keep_their_names() -> None:
    given = {
        "stream": True, "stream_options": {"include_usage": True}, "n": 2, "stop": ["\n"],
        "max_tokens": 16, "temperature": 0, "top_p": 1, "presence_penalty": 0.1,
        "frequency_penalty": 0.2, "seed": 1, "logit_bias": {}, "user": "u",
    }  # fmt: skip
    chat = chat_of(BARE | given | {"best_of": 2, "vendor_extra": 1}).chat
    assert chat.items() >= given.items()
    assert set(chat) == {"model", "messages", *given}
    ask = chat_from(chat)
    assert (ask.stream, ask.include_usage, ask.wishes.choices) == (True, True, 2)


def test_null_is_absent() -> None:
    names = ("suffix", "logprobs", "best_of", "echo", "n", "stop", "stream", "max_tokens", "user")
    assert chat_of(BARE | dict.fromkeys(names)) == chat_of(BARE)
    assert chat_of(BARE | {"suffix": "", "logprobs": 0, "best_of": 1, "echo": False}).echo == ""


def test_an_echo_is_remembered_and_shows_in_no_repr() -> None:
    prompted = chat_of(BARE | {"echo": True})
    assert prompted.echo == "Once upon"
    assert "Once upon" not in repr(prompted)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"prompt": None}, "missing_required_parameter"),
        ({"prompt": ""}, "invalid_value"),
        ({"prompt": [""]}, "invalid_value"),
        ({"prompt": []}, "invalid_value"),
        ({"prompt": 5}, "invalid_value"),
        ({"prompt": ["a", "b"]}, "unsupported_value"),
        ({"prompt": [1, 2, 3]}, "unsupported_value"),
        ({"prompt": [[1], [2]]}, "unsupported_value"),
        ({"suffix": "the end"}, "unsupported_value"),
        ({"logprobs": 1}, "unsupported_value"),
        ({"best_of": 3}, "unsupported_value"),
        ({"best_of": 3, "n": 2}, "unsupported_value"),
    ],
)
def test_a_mistake_is_named(given: dict[str, Any], code: str) -> None:
    refusal = _refusal(**given)
    assert refusal.param in given
    assert refusal.code == code
    assert f"'{refusal.param}'" in refusal.message


def test_a_whole_answer() -> None:
    said = [ReasoningDelta("hm"), TextDelta(" a "), TextDelta("time"), Finished("length")]
    body = completion_object(*HEAD, _answer(said), USAGE, echo="Once upon")
    assert body == {
        "id": "cmpl-0123456789",
        "object": "text_completion",
        "created": 1_790_000_000,
        "model": "gpt-5.4",
        "choices": [
            {
                "index": 0,
                "text": "Once upon a time",
                "logprobs": None,
                "finish_reason": "length",
            }
        ],
        "usage": USAGE,
        "system_fingerprint": None,
    }
    assert Completion.model_validate(body, strict=True).choices[0].text == "Once upon a time"


@pytest.mark.parametrize(
    ("finish", "told"),
    [("stop", "stop"), ("content_filter", "content_filter"), ("tool_calls", "stop")],
)
def test_finish_reasons_are_those_of_the_dialect(finish: str, told: str) -> None:
    said: list[ChatEvent] = [TextDelta("x"), Finished(finish)]
    assert completion_object(*HEAD, _answer(said), USAGE)["choices"][0]["finish_reason"] == told
    chunks = _chunks(CompletionWriter(*HEAD).write(said) + DONE)
    assert [c["choices"][0]["finish_reason"] for c in chunks] == [None, told]


long_texts = st.builds(
    lambda text, times: (text * times)[: 2 * PIECE + 1],
    st.one_of(texts, awkward, st.sampled_from(["\x00", '"\\u0000"', "🦊", "世"])),
    st.sampled_from([1, 1, 1, PIECE, 2 * PIECE + 1]),
)
choices = st.integers(0, 2)
events = st.one_of(
    st.builds(TextDelta, long_texts, choices),
    st.builds(RefusalDelta, texts, choices),
    st.builds(ReasoningDelta, texts, choices),
    st.sampled_from([Opened("p"), Served("m"), ToolCallDelta(0, "a", "f", "{}")]),
)


@QUICK
@given(
    st.lists(events, max_size=6),
    st.sets(choices),
    st.lists(st.integers(0, 9), max_size=3),
    long_texts,
)
def test_any_answer_is_a_strict_stream_however_it_is_cut(
    said: list[ChatEvent], finished: set[int], cuts: list[int], echo: str
) -> None:
    said = [*said, *(Finished("length", choice) for choice in sorted(finished))]
    edges = [0, *sorted(min(cut, len(said)) for cut in cuts), len(said)]
    writer = CompletionWriter(*HEAD, echo=echo)
    parts = [writer.write(said[a:b]) for a, b in pairwise(edges)]
    answer = _answer(said)
    chunks = _chunks(b"".join(parts) + writer.end(answer, USAGE, ""))

    whole = {
        index: echo + "".join(e.text for e in said if _is_text(e, index))
        for index in answer.choices
    }
    assert _texts(chunks) == whole
    ends = [c for chunk in chunks for c in chunk["choices"] if c["finish_reason"]]
    assert sorted(c["index"] for c in ends) == sorted(answer.choices)
    assert {c["index"] for c in ends if c["finish_reason"] == "length"} == finished
    for chunk in chunks:
        assert (chunk["id"], chunk["object"], chunk["created"]) == (
            "cmpl-0123456789", "text_completion", 1_790_000_000,
        )  # fmt: skip
        assert "usage" not in chunk


def _is_text(event: ChatEvent, index: int) -> bool:
    return isinstance(event, TextDelta | RefusalDelta) and event.choice == index


def test_the_end_has_a_note_and_usage_when_asked_for() -> None:
    writer = CompletionWriter(*HEAD, include_usage=True)
    said: list[ChatEvent] = [TextDelta("x"), Finished("stop")]
    writer.write(said)
    note, _, rest = writer.end(_answer(said), USAGE, "served-model\nx").partition(b"\n\n")
    assert note == b": served-model x"
    (chunk,) = _chunks(rest)
    assert (chunk["choices"], chunk["usage"]) == ([], USAGE)


def test_a_failure_is_an_error_event_and_the_end() -> None:
    reply = ErrorReply(502, "broken")
    out = CompletionWriter(*HEAD).failure(reply)
    assert _chunks(out) == [reply.body()]


def test_the_sdk_has_all_fields_of_a_chunk() -> None:
    (first, last) = _chunks(
        CompletionWriter(*HEAD).write([TextDelta("x"), Finished("stop")]) + DONE
    )
    assert Completion.model_validate(last, strict=True).choices[0].finish_reason == "stop"
    assert first["choices"] == [{"index": 0, "text": "x", "logprobs": None, "finish_reason": None}]


def test_a_plain_request_echoes_nothing() -> None:
    assert chat_of(BARE) == Prompted(chat_of(BARE).chat, "")
