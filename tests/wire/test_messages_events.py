"""Anthropic's stream: any events become a well-formed one, and its SDK reads what was said."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import anthropic
import pytest
from asgi_server import serving
from fixtures.genspark.properties import QUICK, awkward, texts
from fixtures.messages_stream import Reading, final_message, read
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
from proxy.wire.messages_events import MessageWriter
from proxy.wire.messages_object import message_object
from proxy.wire.openai_chunks import PIECE
from proxy.wire.openai_errors import ErrorReply

USAGE = {"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19}


def _writer(*, hide: bool = False) -> MessageWriter:
    return MessageWriter("msg_0123", "gpt-5.4", 11, hide_reasoning=hide)


def _answer(events: list[ChatEvent]) -> Answer:
    answer = Answer()
    for event in events:
        answer.add(event)
    return answer


def _whole(*events: ChatEvent, hide: bool = False, note: str = "") -> bytes:
    writer = _writer(hide=hide)
    said = list(events)
    return writer.write(said) + writer.end(_answer(said), USAGE, note)


def _kinds(reading: Reading) -> list[str]:
    return [block.kind for block in reading.blocks]


# A repeated text reaches the lengths at which lines must be split, in the widest characters.
long_texts = st.builds(
    lambda text, times: text * times,
    st.one_of(texts, awkward, st.sampled_from(["\x00", "🦊", '"', "\\", "世"])),
    st.sampled_from([1, 1, 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 1]),
).map(lambda text: text[: 3 * PIECE])
choices = st.sampled_from([0, 0, 0, 1])
speech = st.one_of(
    st.builds(TextDelta, long_texts, choices),
    st.builds(ReasoningDelta, long_texts, choices),
    st.builds(RefusalDelta, texts, choices),
    st.builds(Cited, st.sampled_from(["https://a", "https://b"]), texts, choices),
    st.builds(Verbatim, st.just({"x": 1}), st.just({}), choices),
    st.sampled_from([Opened("p"), Served("m"), Counted({}), Noted("x"),
                     Failed(Failure(Kind.EMPTY)), Finished("stop"), Finished("length")]),
)  # fmt: skip
fragments = st.builds(
    ToolCallDelta,
    st.integers(0, 2),
    st.none() | st.just("id"),
    st.none() | st.just("f"),
    long_texts,
    choices,
)
anything = st.lists(st.one_of(speech, fragments), max_size=8)


def _in_batches(writer: MessageWriter, said: list[ChatEvent], cuts: list[int]) -> bytes:
    edges = [0, *sorted(min(cut, len(said)) for cut in cuts), len(said)]
    return b"".join(writer.write(said[a:b]) for a, b in pairwise(edges))


@QUICK
@given(anything, st.lists(st.integers(0, 8), max_size=3), st.booleans())
def test_any_events_in_any_batches_become_one_well_formed_stream(
    said: list[ChatEvent], cuts: list[int], hide: bool
) -> None:
    writer = _writer(hide=hide)
    data = _in_batches(writer, said, cuts) + writer.end(_answer(said), USAGE, "")
    assert data == _whole(*said, hide=hide)

    reading = read(data)
    assert reading.names[-2:] == ["message_delta", "message_stop"]
    first = [event for event in said if getattr(event, "choice", 0) == 0]
    spoken = [e.text for e in first if isinstance(e, TextDelta | RefusalDelta)]
    thought = [e.text for e in first if isinstance(e, ReasoningDelta)]
    assert reading.said("text") == "".join(spoken)
    assert reading.said("thinking") == ("" if hide else "".join(thought))
    assert reading.said("tool_use") == "".join(_arguments(first).values())
    assert any(kind != "thinking" for kind in _kinds(reading))


def _arguments(said: list[ChatEvent]) -> dict[int, str]:
    """What can be told: a call that another one followed takes no more."""
    found: dict[int, str] = {}
    for event in said:
        if isinstance(event, ToolCallDelta):
            before = found.setdefault(event.index, "")
            if event.index == list(found)[-1]:
                found[event.index] = before + event.arguments
    return found


@QUICK
@given(anything, st.lists(st.integers(0, 8), max_size=2))
def test_an_answer_that_fails_half_way_is_well_formed_up_to_its_error(
    said: list[ChatEvent], cuts: list[int]
) -> None:
    writer = _writer()
    reading = read(_in_batches(writer, said, cuts) + writer.failure(ErrorReply(502, "broken")))
    assert reading.error == {"type": "api_error", "message": "broken"}
    assert "message_stop" not in reading.names


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def ordinary(draw: st.DrawFn) -> list[ChatEvent]:
    """What models do: think, speak, then call; arguments come in pieces."""
    said: list[ChatEvent] = [ReasoningDelta(each) for each in draw(st.lists(texts, max_size=2))]
    said += [Cited("https://a", "A")] * draw(st.integers(0, 2))
    said += [TextDelta(each) for each in draw(st.lists(long_texts, max_size=3))]
    calls = draw(st.lists(st.dictionaries(texts, values, max_size=3), max_size=3))
    for index, arguments in enumerate(calls):
        text = json.dumps(arguments, ensure_ascii=draw(st.booleans()))
        at = draw(st.integers(0, len(text)))
        said += [
            ToolCallDelta(index, f"call_{index}", "f", text[:at]),
            ToolCallDelta(index, arguments=text[at:]),
        ]
    return [*said, Finished(draw(st.sampled_from(["stop", "length", "tool_calls"])))]


@QUICK
@given(ordinary(), st.booleans())
def test_the_sdk_reads_from_the_stream_what_the_whole_answer_says(
    said: list[ChatEvent], hide: bool
) -> None:
    answer = _answer(said)
    whole = message_object("msg_0123", "gpt-5.4", answer, USAGE, hide_reasoning=hide)
    streamed = final_message(_whole(*said, hide=hide))
    wanted = anthropic.types.Message.model_validate(whole)
    assert streamed.model_dump(exclude_none=True) == wanted.model_dump(exclude_none=True)


def test_a_text_answer_is_told_event_by_event() -> None:
    reading = read(_whole(Opened("p"), TextDelta("Hel"), TextDelta("lo"), Finished("stop")))
    assert reading.names == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert reading.message["id"] == "msg_0123"
    assert reading.message["model"] == "gpt-5.4"
    assert reading.message["usage"]["input_tokens"] == 11
    assert reading.blocks[0].start == {"type": "text", "text": ""}
    assert reading.said("text") == "Hello"
    assert reading.delta["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert reading.delta["usage"] == {
        "input_tokens": 12,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        "output_tokens": 7,
    }


def test_the_bytes_of_a_delta_are_as_the_documentation_shows_them() -> None:
    writer = _writer()
    writer.write([TextDelta("a")])
    assert writer.write([TextDelta("b")]) == (
        b"event: content_block_delta\n"
        b'data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"b"}}'
        b"\n\n"
    )


def test_nothing_goes_out_before_there_is_something_to_see() -> None:
    writer = _writer()
    assert writer.write([Opened("p"), Served("m"), Cited("https://a", "A"), Noted("x")]) == b""
    assert read(writer.write([Verbatim({"images": []}, {})])).names == ["message_start"]


def test_thinking_is_signed_off_before_the_text_begins() -> None:
    reading = read(_whole(ReasoningDelta("hm"), ReasoningDelta("m"), TextDelta("Yes")))
    assert _kinds(reading) == ["thinking", "text"]
    assert reading.blocks[0].said == "hmm"
    assert reading.blocks[0].signatures == [""]


def test_hidden_thinking_starts_the_stream_and_leaves_no_block() -> None:
    writer = _writer(hide=True)
    assert read(writer.write([ReasoningDelta("hm")])).names == ["message_start"]
    assert _kinds(read(_whole(ReasoningDelta("hm"), TextDelta("Yes"), hide=True))) == ["text"]


def test_calls_keep_their_ids_and_their_arguments_join() -> None:
    reading = read(
        _whole(
            TextDelta("Let me look."),
            ToolCallDelta(0, "call_a", "f", '{"a"'),
            ToolCallDelta(0, arguments=":1}"),
            ToolCallDelta(1, "", "g", "{}"),
            Finished("tool_calls"),
        )
    )
    assert _kinds(reading) == ["text", "tool_use", "tool_use"]
    assert reading.blocks[1].start == {
        "type": "tool_use", "id": "call_a", "name": "f", "input": {}
    }  # fmt: skip
    assert reading.blocks[2].start["id"] == "toolu_0123_1"
    assert [block.said for block in reading.blocks[1:]] == ['{"a":1}', "{}"]
    assert reading.delta["delta"]["stop_reason"] == "tool_use"


def test_what_is_said_inside_a_call_waits_until_the_call_is_complete() -> None:
    reading = read(
        _whole(
            ToolCallDelta(0, "a", "f", '{"a"'),
            TextDelta("And "),
            ReasoningDelta("hm"),
            ToolCallDelta(0, arguments=":1}"),
            TextDelta("so"),
            ToolCallDelta(1, "b", "g", "{}"),
            TextDelta(" on"),
        )
    )
    said = [(block.kind, block.said) for block in reading.blocks]
    assert said == [
        ("tool_use", '{"a":1}'),
        ("text", "And "),
        ("thinking", "hm"),
        ("text", "so"),
        ("tool_use", "{}"),
        ("text", " on"),
    ]


def test_pages_are_cited_at_the_end_of_the_text_they_came_before() -> None:
    page = Cited("https://a", "A")
    reading = read(_whole(page, page, TextDelta("Yes."), Cited("https://b", "B")))
    (block,) = reading.blocks
    assert [(c["url"], c["title"]) for c in block.citations] == [
        ("https://a", "A"),
        ("https://b", "B"),
    ]
    final = final_message(_whole(page, TextDelta("Yes.")))
    assert final.content[0].citations[0].url == "https://a"


def test_a_refusal_is_text_and_the_reason_of_the_end() -> None:
    reading = read(_whole(RefusalDelta("I can"), RefusalDelta("not."), Finished("stop")))
    assert reading.said("text") == "I cannot."
    assert reading.delta["delta"]["stop_reason"] == "refusal"


def test_an_empty_answer_is_an_empty_text() -> None:
    reading = read(_whole())
    assert (_kinds(reading), reading.said("text")) == (["text"], "")
    assert _kinds(read(_whole(ReasoningDelta("hm")))) == ["thinking", "text"]


def test_a_note_is_a_comment_that_the_sdk_passes_over() -> None:
    data = _whole(TextDelta("Yes"), note="served-model other\nevent: error")
    assert read(data).comments == ["served-model other event: error"]
    assert final_message(data).content[0].text == "Yes"


def test_a_failure_raises_in_the_sdk_with_its_type() -> None:
    writer = _writer()
    half = writer.write([TextDelta("half")])
    reply = ErrorReply(503, "Come back.", retry_after=5)
    with pytest.raises(anthropic.APIStatusError) as caught:
        final_message(half + writer.failure(reply))
    assert (caught.value.type, caught.value.api_message) == ("overloaded_error", "Come back.")


class _Replay:
    """An application that answers every request with ``reads``, one write each."""

    def __init__(self) -> None:
        self.reads: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for data in self.reads:
            await send({"type": "http.response.body", "body": data, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


@contextmanager
def _client(reads: list[bytes]) -> Iterator[anthropic.Anthropic]:
    replay = _Replay()
    replay.reads = reads
    with (
        serving(replay) as origin,
        anthropic.Anthropic(api_key="k", base_url=origin, max_retries=0) as client,
    ):
        yield client


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_the_sdks_read_the_stream_from_a_socket_in_reads_of_any_size(size: int) -> None:
    said: list[ChatEvent] = [
        ReasoningDelta("hm"),
        TextDelta("Grüße \u2028🦊"),
        ToolCallDelta(0, "call_a", "f", '{"city":'),
        ToolCallDelta(0, arguments='"Zürich"}'),
        Finished("tool_calls"),
    ]
    data = b": ping\n\n" + _whole(*said)
    reads = [data[at : at + size] for at in range(0, len(data), size)]
    with _client(reads) as client:
        for messages in (client.messages, client.beta.messages):
            with messages.stream(
                model="m", max_tokens=9, messages=[{"role": "user", "content": "Hello"}]
            ) as stream:
                assert "".join(stream.text_stream) == "Grüße \u2028🦊"
                final = stream.get_final_message()
            thinking, text, call = final.content
            assert (thinking.thinking, thinking.signature) == ("hm", "")
            assert text.text == "Grüße \u2028🦊"
            assert (call.id, call.name, call.input) == ("call_a", "f", {"city": "Zürich"})
            assert (final.stop_reason, final.usage.output_tokens) == ("tool_use", 7)
