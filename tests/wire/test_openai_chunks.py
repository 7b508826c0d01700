"""The chunk writer: what strict line readers need, for any events."""

import json
from itertools import pairwise
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK, awkward, texts
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.answer import Answer
from proxy.core.events import (
    ChatEvent,
    Cited,
    Counted,
    Failed,
    Finished,
    Noted,
    Opened,
    ReasoningDelta,
    RefusalDelta,
    Served,
    TextDelta,
    ToolCallDelta,
    Verbatim,
)
from proxy.core.failures import Failure, Kind
from proxy.core.reasoning import ReasoningStyle
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
    st.builds(RefusalDelta, long_texts, choices),
    st.builds(Cited, st.sampled_from(["https://a.b/1", "https://a.b/2"]), st.just("t"), choices),
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
        for name, kind in (
            ("content", TextDelta),
            ("reasoning_content", ReasoningDelta),
            ("refusal", RefusalDelta),
        ):
            wanted = [e.text for e in said if isinstance(e, kind) and e.choice == choice]
            assert _text(chunks, name, choice) == "".join(wanted)
    assert all(not {"content", "reasoning_content"} <= delta.keys() for delta in _deltas(chunks))


options = st.builds(
    StreamOptions, st.sampled_from(ReasoningStyle), st.booleans(), st.booleans(), st.booleans()
)


@QUICK
@given(st.lists(events, max_size=5), options)
def test_all_chunks_of_an_answer_share_their_head(
    said: list[ChatEvent], options: StreamOptions
) -> None:
    writer = _writer("my model", options)
    chunks = _chunks(writer.write(said) + writer.end(Answer(), {}, "").removesuffix(DONE))
    for chunk in chunks:
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
    out = _writer(options=StreamOptions(ReasoningStyle.HIDE)).write([ReasoningDelta("thought")])
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


def test_usage_comes_in_a_chunk_without_choices_to_those_who_asked_for_it() -> None:
    asked = _writer(options=StreamOptions(include_usage=True))
    out = asked.end(Answer(), {"total_tokens": 3}, "")
    (chunk,) = _chunks(out.removesuffix(DONE))
    assert (chunk["choices"], chunk["usage"]) == ([], {"total_tokens": 3})
    assert _writer().end(Answer(), {"total_tokens": 3}, "") == DONE


def test_a_note_is_a_comment_before_the_end() -> None:
    assert _writer().end(Answer(), {}, "served-model x") == b": served-model x\n\n" + DONE


def test_the_arguments_of_the_first_call_alone_are_a_legacy_function_call() -> None:
    said = [
        ToolCallDelta(1, "call_a", "f", '{"a"'),
        ToolCallDelta(1, arguments=":1}"),
        ToolCallDelta(2, "call_b", "g", "{}"),
        Finished("tool_calls"),
    ]
    chunks = _chunks(_writer(options=StreamOptions(legacy_calls=True)).write(said))
    calls = [delta["function_call"] for delta in _deltas(chunks) if "function_call" in delta]
    assert calls == [{"name": "f", "arguments": ""}, {"arguments": '{"a"'}, {"arguments": ":1}"}]
    assert not any("tool_calls" in delta for delta in _deltas(chunks))
    assert chunks[-1]["choices"][0]["finish_reason"] == "function_call"


def _annotations(chunks: list[dict[str, Any]], choice: int = 0) -> list[dict[str, Any]]:
    return [each for delta in _deltas(chunks, choice) for each in delta.get("annotations", ())]


def test_citations_come_together_right_before_the_finish_of_their_choice() -> None:
    page, other = Cited("https://a.b/1", "1"), Cited("https://a.b/2", "2", 1)
    writer = _writer()
    text = [TextDelta("see "), TextDelta("https://a."), TextDelta("b/1")]
    chunks = _chunks(writer.write([page, page, other, *text, TextDelta("no", 1)]))
    assert not any("annotations" in delta for delta in _deltas(chunks) + _deltas(chunks, 1))
    ending = _chunks(writer.write([Finished("stop"), Finished("stop", 1)]))
    expected = [("https://a.b/1", 0, 4, 17), ("https://a.b/2", 1, 0, 2)]
    for n, (url, choice, start, end) in enumerate(expected):
        (annotation,) = ending[2 * n]["choices"][0]["delta"]["annotations"]
        where = {"start_index": start, "end_index": end, "url": url, "title": url[-1]}
        assert annotation == {"type": "url_citation", "url_citation": where}
        assert ending[2 * n + 1]["choices"][0]["finish_reason"] == "stop"
        assert {chunk["choices"][0]["index"] for chunk in ending[2 * n : 2 * n + 2]} == {choice}


def test_indexes_count_the_thought_that_stands_in_the_content() -> None:
    said = [Cited("https://a.b", "t"), ReasoningDelta("Hm."), TextDelta("https://a.b")]
    chunks = _chunks(
        _writer(options=StreamOptions(ReasoningStyle.THINK)).write([*said, Finished("stop")])
    )
    where = _annotations(chunks)[0]["url_citation"]
    assert _text(chunks)[where["start_index"] : where["end_index"]] == "https://a.b"


@pytest.mark.parametrize("first", [0, 1])
def test_a_page_that_a_native_annotation_names_is_not_told_again(first: int) -> None:
    native = {"type": "url_citation", "url_citation": {"url": "https://a.b/1", "title": "native"}}
    said: list[ChatEvent] = [Cited("https://a.b/1", "1"), Verbatim({"annotations": [native]}, {})]
    events = [said[first], said[1 - first], Cited("https://a.b/2", "2"), Finished("stop")]
    found = _annotations(_chunks(_writer().write(events)))
    assert found[0] == native
    assert [each["url_citation"]["url"] for each in found[1:]] == ["https://a.b/2"]


def test_a_native_annotation_that_fits_no_line_is_made_good_by_the_citation() -> None:
    huge = {"url_citation": {"url": "https://a.b/1", "content": "x" * LINE}}
    events = [Verbatim({"annotations": [huge]}, {}), Cited("https://a.b/1", "1"), Finished("stop")]
    (found,) = _annotations(_chunks(_writer().write(events)))
    assert found["url_citation"]["title"] == "1"


def test_long_citations_are_told_in_lines_that_fit() -> None:
    pages = [Cited(f"https://a.b/{n}/" + "世" * 1900, "t" * 300) for n in range(60)]
    monster = Cited("https://a.b/" + "x" * LINE, "t")
    chunks = _chunks(_writer().write([monster, *pages, Finished("stop")]))
    found = [each["url_citation"]["url"] for each in _annotations(chunks)]
    assert found == [page.url for page in pages[:49]]


@pytest.mark.parametrize("reason", ["stop", "length", "content_filter"])
def test_a_legacy_answer_in_words_ends_like_any_other(reason: str) -> None:
    writer = _writer(options=StreamOptions(legacy_calls=True))
    chunks = _chunks(writer.write([TextDelta("a"), Finished(reason)]))
    assert chunks[-1]["choices"][0]["finish_reason"] == reason


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
