"""The Responses event stream: strict rules for any events, and what each event becomes."""

import json
from itertools import pairwise
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK, awkward, texts
from fixtures.responses_stream import Reading, parsed, read
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.answer import Answer
from proxy.core.events import (
    ChatEvent,
    Cited,
    Counted,
    Failed,
    Finished,
    Limited,
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
from proxy.wire.openai_chunks import LINE, PIECE
from proxy.wire.openai_errors import ErrorReply
from proxy.wire.responses_events import ResponseWriter
from proxy.wire.responses_object import response_object
from proxy.wire.responses_request import chat_of

USAGE = {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}
BROKEN = ErrorReply(502, "The answer broke off before its end.", code="bad_upstream_response")
TOOLS = [
    {"type": "function", "name": "f", "parameters": {"type": "object"}, "strict": False},
    {"type": "custom", "name": "apply_patch", "description": "Edit files"},
    {
        "type": "namespace",
        "name": "mcp__files__",
        "description": "Files",
        "tools": [{"type": "function", "name": "list", "parameters": {}}],
    },
]
REQUEST = {"model": "gpt-5.4", "input": "Hello", "instructions": "Be brief.", "tools": TOOLS}
HEAD: Any = ("resp_0123456789", 1_790_000_000, "gpt-5.4")


def _writer(**options: bool) -> ResponseWriter:
    return ResponseWriter(*HEAD, chat_of(REQUEST), **options)


def _answer(said: list[ChatEvent]) -> Answer:
    answer = Answer()
    for event in said:
        answer.add(event)
    return answer


def _stream(*said: ChatEvent, note: str = "", **options: bool) -> Reading:
    writer = _writer(**options)
    return read(writer.write(said) + writer.end(_answer([*said]), USAGE, note))


def _whole(*said: ChatEvent, hide_reasoning: bool = False) -> dict[str, Any]:
    answer = _answer([*said])
    return response_object(*HEAD, chat_of(REQUEST), answer, USAGE, hide_reasoning=hide_reasoning)


def _call(index: int, name: str, *arguments: str, call_id: str | None = None) -> list[ChatEvent]:
    return [
        ToolCallDelta(index, call_id, name),
        *(ToolCallDelta(index, arguments=a) for a in arguments),
    ]


long_texts = st.builds(
    lambda text, times: (text * times)[: 2 * PIECE + 1],
    st.one_of(texts, awkward, st.sampled_from(["\x00", "🦊", '"', "\\", "世"])),
    st.sampled_from([1, 1, 1, PIECE, 2 * PIECE + 1]),
)
others = st.sampled_from(
    [Opened("p"), Served("m"), Counted({}), Noted("x"), Limited(Failure(Kind.EMPTY)),
     Failed(Failure(Kind.EMPTY)), TextDelta("elsewhere", 1), ReasoningDelta("elsewhere", 1),
     RefusalDelta("elsewhere", 1), Cited("https://b.example", "B", 1),
     ToolCallDelta(0, "x", "elsewhere", "{}", 1), Verbatim({"annotations": 5}, {}),
     Verbatim({"annotations": [None, {}]}, {}, 1), Finished("stop", 1)]
)  # fmt: skip
prose = st.one_of(
    st.builds(TextDelta, long_texts),
    st.builds(ReasoningDelta, long_texts),
    st.builds(RefusalDelta, texts),
    st.builds(Cited, st.sampled_from(["https://a.example/1", "https://a.example/2"]), texts),
    others,
)


@st.composite
def answers(draw: st.DrawFn) -> list[ChatEvent]:
    """Any events, with fragments of calls in the order that ToolFragments gives."""
    said = draw(st.lists(prose, max_size=3))
    for index in range(draw(st.integers(0, 3))):
        name = draw(st.sampled_from(["f", "apply_patch", "mcp__files__list", "never offered", ""]))
        given_id = draw(st.sampled_from([None, f"call_{index}"]))
        said.append(ToolCallDelta(index, given_id, name, draw(texts)))
        for arguments in draw(st.lists(texts, max_size=2)):
            said += draw(st.lists(prose, max_size=1))
            said.append(ToolCallDelta(index, arguments=arguments))
        said += draw(st.lists(prose, max_size=1))
    finish = draw(st.sampled_from([None, "stop", "tool_calls", "length", "content_filter"]))
    return [*said, *([Finished(finish)] if finish else [])]


@QUICK
@given(answers(), st.lists(st.integers(0, 12), max_size=4), st.booleans())
def test_any_answer_is_a_strict_stream_however_it_is_cut(
    said: list[ChatEvent], cuts: list[int], hide: bool
) -> None:
    edges = [0, *sorted(min(cut, len(said)) for cut in cuts), len(said)]
    writer = _writer(hide_reasoning=hide)
    parts = [writer.write(said[a:b]) for a, b in pairwise(edges)]
    answer = _answer(said)
    reading = read(b"".join(parts) + writer.end(answer, USAGE, ""))

    choice = answer.choice(0)
    response = parsed(reading.response)
    assert response.output_text == "".join(choice.text)
    shown = [item for item in response.output if item.type == "reasoning"]
    thought = "".join(part.text for item in shown for part in item.summary)
    assert thought == ("" if hide else "".join(choice.reasoning))
    calls = [item for item in reading.response["output"] if "call_id" in item]
    whole = _whole(*said, hide_reasoning=hide)
    assert [_bare(call) for call in calls] == [
        _bare(item) for item in whole["output"] if "call_id" in item
    ]
    assert reading.response["status"] == whole["status"]
    assert reading.response["usage"] == whole["usage"]


def _bare(item: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in ("id", "status")}


@QUICK
@given(answers())
def test_a_failure_anywhere_ends_the_stream_and_finishes_nothing(said: list[ChatEvent]) -> None:
    writer = _writer()
    reading = read(writer.write(said) + writer.failure(BROKEN))
    assert reading.kinds[-2:] == ["error", "failed"]
    assert parsed(reading.response).status == "failed"
    assert len(reading.unfinished) <= 2


@QUICK
@given(long_texts.filter(bool))
def test_deltas_fit_their_lines(text: str) -> None:
    writer = _writer()
    writer.write([])
    out = writer.write([TextDelta(text), ReasoningDelta(text), *_call(0, "f", text)])
    deltas = [line for line in out.split(b"\n") if b'.delta","' in line[:80]]
    assert len(deltas) >= 3
    assert all(len(line) <= LINE for line in deltas)


def test_the_response_is_announced_before_anything_is_said() -> None:
    writer = _writer()
    first = writer.write([])
    assert [line for line in first.split(b"\n") if line.startswith(b"event")] == [
        b"event: response.created",
        b"event: response.in_progress",
    ]
    assert writer.write([Opened("p")]) == b""
    begun = json.loads(first.split(b"\n")[1][6:])["response"]
    assert begun["id"] == "resp_0123456789"
    assert (begun["status"], begun["output"], begun["usage"]) == ("in_progress", [], None)
    assert begun["tools"] == TOOLS
    assert begun["instructions"] == "Be brief."


def test_a_text_is_an_item_with_one_part() -> None:
    reading = _stream(TextDelta("Hel"), TextDelta("lo"), Finished("stop"))
    assert reading.kinds == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        "output_text.delta",
        "output_text.delta",
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]
    assert reading.response["output"] == [
        {
            "id": "msg_0123456789_0",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [
                {"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}
            ],
        }
    ]
    assert reading.events[4] == {
        "type": "response.output_text.delta",
        "item_id": "msg_0123456789_0",
        "output_index": 0,
        "content_index": 0,
        "logprobs": [],
        "sequence_number": 4,
        "delta": "Hel",
    }


def test_reasoning_comes_as_a_summary_before_the_text() -> None:
    reading = _stream(ReasoningDelta("think "), ReasoningDelta("hard"), TextDelta("42"))
    assert reading.kinds[2:9] == [
        "output_item.added",
        "reasoning_summary_part.added",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.delta",
        "reasoning_summary_text.done",
        "reasoning_summary_part.done",
        "output_item.done",
    ]
    assert [item["type"] for item in reading.response["output"]] == ["reasoning", "message"]
    assert reading.response["output"][0]["summary"] == [
        {"type": "summary_text", "text": "think hard"}
    ]


def test_hidden_reasoning_leaves_no_trace() -> None:
    reading = _stream(ReasoningDelta("secret"), TextDelta("42"), hide_reasoning=True)
    assert "secret" not in json.dumps(reading.events)
    assert [item["type"] for item in reading.response["output"]] == ["message"]


def test_calls_are_done_one_after_the_other() -> None:
    said = [
        *_call(0, "f", '{"a"', ":1}", call_id="call_a"),
        *_call(1, "mcp__files__list", call_id="call_b"),
        Finished("tool_calls"),
    ]
    reading = _stream(*said)
    assert reading.response["status"] == "completed"
    first, second = reading.response["output"]
    assert first == {
        "id": "fc_0123456789_0",
        "type": "function_call",
        "status": "completed",
        "call_id": "call_a",
        "name": "f",
        "arguments": '{"a":1}',
    }
    assert (second["name"], second["namespace"]) == ("list", "mcp__files__")
    assert second["arguments"] == "{}", "a call without arguments has empty ones"
    assert reading.kinds.index("output_item.done") < reading.kinds.index("output_item.added", 5)
    assert second["call_id"] == "call_b"


def test_a_call_without_an_id_gets_one_that_the_whole_answer_has_too() -> None:
    said = [*_call(0, "f", "{}"), *_call(1, "f", "{}")]
    ids = [item["call_id"] for item in _stream(*said).response["output"]]
    assert ids == [item["call_id"] for item in _whole(*said)["output"]]
    assert len(set(ids)) == 2


def test_a_freeform_call_is_unwrapped_when_it_is_complete() -> None:
    patch = '*** Begin Patch\n"quoted" \\ 世\n*** End Patch'
    arguments = json.dumps({"input": patch})
    said = _call(0, "apply_patch", *arguments, call_id="call_p")
    reading = _stream(*said, Finished("tool_calls"))
    assert reading.kinds[2:6] == [
        "output_item.added",
        "custom_tool_call_input.delta",
        "custom_tool_call_input.done",
        "output_item.done",
    ]
    assert reading.response["output"] == [
        {
            "id": "ctc_0123456789_0",
            "type": "custom_tool_call",
            "status": "completed",
            "call_id": "call_p",
            "name": "apply_patch",
            "input": patch,
        }
    ]


def test_text_between_the_fragments_of_a_call_loses_none_of_them() -> None:
    said = [*_call(0, "f", '{"a"'), TextDelta("by the way"), ToolCallDelta(0, arguments=":1}")]
    reading = _stream(*said)
    assert [item["type"] for item in reading.response["output"]] == ["function_call", "message"]
    assert reading.response["output"][0]["arguments"] == '{"a":1}'


def test_a_refusal_is_a_part_of_its_own() -> None:
    reading = _stream(TextDelta("Well. "), RefusalDelta("I can"), RefusalDelta("not."))
    (message,) = reading.response["output"]
    assert [part["type"] for part in message["content"]] == ["output_text", "refusal"]
    assert message["content"][1]["refusal"] == "I cannot."
    assert reading.kinds.count("refusal.done") == 1


def test_pages_are_annotations_of_the_text_that_names_them() -> None:
    native = {"type": "url_citation", "url_citation": {"url": "https://c.example", "title": "C"}}
    reading = _stream(
        Cited("https://a.example", "A"),
        TextDelta("See https://a.example here."),
        Cited("https://b.example", "B"),
        Cited("https://a.example", "again"),
        Verbatim({"annotations": [native]}, {}),
    )
    (message,) = reading.response["output"]
    (part,) = message["content"]
    assert part["annotations"] == [
        {
            "type": "url_citation",
            "start_index": start,
            "end_index": end,
            "url": f"https://{title.lower()}.example",
            "title": title,
        }
        for title, start, end in (("A", 4, 21), ("B", 0, 27), ("C", 0, 27))
    ]
    assert reading.kinds.count("output_text.annotation.added") == 3


@pytest.mark.parametrize(
    ("finish", "reason"),
    [("length", "max_output_tokens"), ("content_filter", "content_filter")],
)
def test_an_answer_that_was_cut_off_is_incomplete(finish: str, reason: str) -> None:
    reading = _stream(ReasoningDelta("hm"), TextDelta("Once upon"), Finished(finish))
    assert reading.kinds[-1] == "incomplete"
    assert reading.response["incomplete_details"] == {"reason": reason}
    assert reading.response["output"][-1]["status"] == "incomplete"


def test_an_empty_answer_is_an_empty_message() -> None:
    reading = _stream(Finished("stop"))
    assert parsed(reading.response).output_text == ""
    assert [item["type"] for item in reading.response["output"]] == ["message"]
    assert _whole(Finished("stop"))["output"] == reading.response["output"]


def test_a_note_is_a_comment_before_the_last_event() -> None:
    writer = _writer()
    out = writer.end(Answer(), USAGE, "served-model gpt-5.2")
    assert read(out).comments == ["served-model gpt-5.2"]


def test_usage_has_the_names_of_this_dialect() -> None:
    writer = _writer()
    usage = USAGE | {
        "prompt_tokens_details": {"cached_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 1},
    }
    reading = read(writer.end(Answer(), usage, ""))
    assert reading.response["usage"] == {
        "input_tokens": 3,
        "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
        "output_tokens": 4,
        "output_tokens_details": {"reasoning_tokens": 1},
        "total_tokens": 7,
    }


def test_a_failure_says_so_to_every_kind_of_client() -> None:
    writer = _writer()
    begun = writer.write([*_call(0, "f", "{}"), *_call(1, "f", '{"half')])
    reading = read(begun + writer.failure(BROKEN))
    error, failed = reading.events[-2:]
    assert {"code": error["code"], "message": error["message"]} == {
        "code": "bad_upstream_response",
        "message": BROKEN.message,
    }
    assert error["error"] == BROKEN.body()["error"]
    assert failed["response"]["error"] == {"code": "server_error", "message": BROKEN.message}
    assert [item["call_id"] for item in failed["response"]["output"]] == ["call_0123456789_0"]
    assert list(reading.unfinished) == [1], "half a call must not be run"


@pytest.mark.parametrize(
    ("reply", "code", "message"),
    [
        (ErrorReply(429, "Limited.", retry_after=19.6), "rate_limit_exceeded",
         "Limited. Please try again in 20s."),
        (ErrorReply(429, "Limited."), "rate_limit_exceeded", "Limited."),
        (ErrorReply(400, "No."), "invalid_prompt", "No."),
        (ErrorReply(503, "Later.", retry_after=5), "server_error", "Later."),
    ],
)  # fmt: skip
def test_the_error_of_a_response_uses_the_words_it_has(
    reply: ErrorReply, code: str, message: str
) -> None:
    response = read(_writer().failure(reply)).response
    assert response["error"] == {"code": code, "message": message}
    assert parsed(response).error is not None


def test_a_fragment_for_a_call_that_is_done_opens_no_other() -> None:
    said = [*_call(0, "f", "{}"), *_call(1, "f", "{}"), ToolCallDelta(0, arguments="late")]
    output = _stream(*said).response["output"]
    assert [item["arguments"] for item in output] == ["{}", "{}"]


def test_an_answer_that_was_cut_off_before_its_first_word_has_no_items() -> None:
    reading = _stream(Finished("length"))
    assert (reading.kinds[2:], reading.response["output"]) == (["incomplete"], [])
    assert _whole(Finished("length"))["output"] == []


def test_a_page_belongs_to_the_text_it_came_with() -> None:
    reading = _stream(
        TextDelta("one"), Cited("https://a.example", "A"), ReasoningDelta("hm"), TextDelta("two")
    )
    first, _, second = reading.response["output"]
    assert len(first["content"][0]["annotations"]) == 1
    assert second["content"][0]["annotations"] == []
