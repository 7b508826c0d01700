"""The chunk writer: what strict line readers need, for any events."""

import json
from itertools import pairwise
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK, awkward, texts
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.events import (
    ChatEvent,
    Counted,
    Failed,
    Finished,
    Noted,
    Opened,
    ReasoningDelta,
    Served,
    TextDelta,
    ToolCallDelta,
    Verbatim,
)
from proxy.core.failures import Failure, Kind
from proxy.wire.openai_chunks import (
    DONE,
    LINE,
    PIECE,
    ChunkWriter,
    StreamOptions,
    comment,
    pieces,
)
from proxy.wire.openai_errors import ErrorReply

SEEN = StreamOptions()


def _writer(model: str = "gpt-5.4", options: StreamOptions = SEEN) -> ChunkWriter:
    return ChunkWriter("chatcmpl-0123456789", 1_790_000_000, model, options)


def _chunks(out: bytes) -> list[dict[str, Any]]:
    """Strictly: one ``data: {json}`` line and one blank line per event."""
    assert out == b"" or out.endswith(b"\n\n")
    lines = out.split(b"\n\n")[:-1]
    assert all(line.startswith(b"data: {") for line in lines)
    assert all(len(line) <= LINE for line in lines)
    return [json.loads(line[6:]) for line in lines]


def _deltas(chunks: list[dict[str, Any]], choice: int = 0) -> list[dict[str, Any]]:
    parts = [part for chunk in chunks for part in chunk["choices"]]
    return [part["delta"] for part in parts if part["index"] == choice]


def _text(chunks: list[dict[str, Any]], name: str = "content", choice: int = 0) -> str:
    return "".join(delta.get(name) or "" for delta in _deltas(chunks, choice))


# A repeated text reaches the lengths at which lines must be split, in the widest characters.
long_texts = st.builds(
    lambda text, times: text * times,
    st.one_of(texts, awkward, st.sampled_from(["\x00", "\x1f", "🦊", '"', "\\", "世"])),
    st.sampled_from([1, 1, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 1]),
).map(lambda text: text[: 3 * PIECE])
choices = st.integers(0, 2)
events = st.one_of(
    st.builds(TextDelta, long_texts, choices),
    st.builds(ReasoningDelta, long_texts, choices),
    st.builds(ToolCallDelta, st.integers(0, 2), st.none() | st.just("id"), st.none() | st.just("f"),
              long_texts, choices),
    st.builds(Verbatim, st.just({"x": 1}), st.just({"logprobs": None}), choices),
    st.builds(Finished, st.sampled_from(["stop", "length"]), choices),
    st.sampled_from([Opened("p"), Served("m"), Counted({}), Noted("x"),
                     Failed(Failure(Kind.EMPTY))]),
)  # fmt: skip


@QUICK
@given(st.lists(events, max_size=6), st.lists(st.integers(0, 6), max_size=3))
def test_any_events_become_strict_lines_with_each_role_said_once_and_first(
    said: list[ChatEvent], cuts: list[int]
) -> None:
    writer = _writer()
    edges = [0, *sorted(min(cut, len(said)) for cut in cuts), len(said)]
    batches = [said[a:b] for a, b in pairwise(edges)]
    chunks = [chunk for batch in batches for chunk in _chunks(writer.write(batch))]

    for choice in range(3):
        deltas = _deltas(chunks, choice)
        assert [n for n, delta in enumerate(deltas) if "role" in delta] == [0][: len(deltas)]
        for name, kind in (("content", TextDelta), ("reasoning_content", ReasoningDelta)):
            wanted = [e.text for e in said if isinstance(e, kind) and e.choice == choice]
            assert _text(chunks, name, choice) == "".join(wanted)
    assert all(not {"content", "reasoning_content"} <= delta.keys() for delta in _deltas(chunks))


@QUICK
@given(st.lists(events, max_size=5))
def test_all_chunks_of_an_answer_share_their_head(said: list[ChatEvent]) -> None:
    for chunk in _chunks(_writer("my model").write(said)):
        assert chunk["id"] == "chatcmpl-0123456789"
        assert (chunk["object"], chunk["created"]) == ("chat.completion.chunk", 1_790_000_000)
        assert chunk["model"] == "my model"


@QUICK
@given(st.one_of(texts, st.sampled_from(["\x00", '"\\u0000"', 'a"b'])).filter(bool))
def test_any_model_name_is_echoed(model: str) -> None:
    chunks = _chunks(_writer(model[:200]).write([TextDelta("a"), TextDelta("b")]))
    assert {chunk["model"] for chunk in chunks} == {model[:200]}
    assert _text(chunks) == "ab"


def test_a_tool_call_is_opened_once_and_its_arguments_follow() -> None:
    said = [
        ToolCallDelta(0, "call_a", "f", '{"a"'),
        ToolCallDelta(0, arguments=":1}"),
        ToolCallDelta(1, "", "g"),
    ]
    chunks = _chunks(_writer().write(said))
    calls = [delta["tool_calls"] for delta in _deltas(chunks) if "tool_calls" in delta]
    assert all(len(call) == 1 for call in calls)
    opening = {"index": 0, "id": "call_a", "type": "function"}
    assert calls[0][0] == {**opening, "function": {"name": "f", "arguments": ""}}
    assert "".join(c[0]["function"]["arguments"] for c in calls if c[0]["index"] == 0) == '{"a":1}'
    assert calls[-1][0]["id"], "a call without an id gets one"


def test_hidden_reasoning_leaves_no_trace() -> None:
    out = _writer(options=StreamOptions(hide_reasoning=True)).write([ReasoningDelta("thought")])
    assert out == b""


def test_a_field_that_fits_no_line_is_left_out_and_the_answer_goes_on() -> None:
    huge = Verbatim({"images": ["x" * LINE]}, {})
    chunks = _chunks(_writer().write([TextDelta("a"), huge, TextDelta("b")]))
    assert _text(chunks) == "ab"


def test_a_failure_is_an_error_event_and_the_end() -> None:
    out = _writer().failure(ErrorReply(502, "broken"))
    assert out.endswith(DONE)
    error = json.loads(out.removesuffix(DONE)[6:])["error"]
    assert (error["message"], set(error)) == ("broken", {"message", "type", "param", "code"})


def test_a_failure_can_be_said_inside_the_answer() -> None:
    writer = _writer(options=StreamOptions(errors_as_content=True))
    out = writer.write([TextDelta("half")]) + writer.failure(ErrorReply(502, "broken"))
    chunks = _chunks(out.removesuffix(DONE))
    assert _text(chunks) == "half\n\n[broken]"
    assert chunks[-1]["choices"][0]["finish_reason"] == "stop"


def test_usage_comes_in_a_chunk_without_choices() -> None:
    (chunk,) = _chunks(_writer().usage({"total_tokens": 3}))
    assert (chunk["choices"], chunk["usage"]) == ([], {"total_tokens": 3})


@QUICK
@given(long_texts)
def test_pieces_join_to_the_text(text: str) -> None:
    cut = list(pieces(text))
    assert "".join(cut) == text
    assert all(0 < len(piece) <= PIECE for piece in cut)


@pytest.mark.parametrize("text", ["two\nlines", "data: no", "\r\n\r\n"])
def test_a_comment_is_one_line(text: str) -> None:
    out = comment(text)
    assert out.startswith(b": ")
    assert out.count(b"\n") == 2
    assert b"\r" not in out
