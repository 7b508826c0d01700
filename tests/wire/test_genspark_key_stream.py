"""The key route's reader: native chunks in any cut, complete bodies, and what refuses politely."""

import json
from typing import Any

import pytest
from fixtures.genspark.hearing import Heard, bytewise, hear
from fixtures.genspark.properties import QUICK, awkward, cut, texts
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.events import Cited, Counted, Failed, Finished, Verbatim
from proxy.core.failures import Kind
from proxy.wire.genspark_key_stream import read_completion

Chunk = dict[str, Any]
EXHAUSTED = "Your Genspark credits have been exhausted."


def _chunk(delta: Chunk, finish: str | None = None, index: int = 0, **more: Any) -> Chunk:
    choice = {"index": index, "delta": delta, "finish_reason": finish}
    return {"model": "gpt-5.4", "choices": [choice], **more}


def _say(text: str, index: int = 0) -> Chunk:
    return _chunk({"content": text}, index=index)


def _stream(*chunks: Chunk | str, space: str = " ", end: str = "\n") -> bytes:
    lines = [c if isinstance(c, str) else json.dumps(c, ensure_ascii=False) for c in chunks]
    return "".join(f"data:{space}{line}{end}{end}" for line in lines).encode()


def _heard(*chunks: Chunk | str) -> Heard:
    return hear("key", [_stream(*chunks)])


ROLE = _chunk({"role": "assistant", "content": ""})
STOP = _chunk({}, "stop")
USAGE = {"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}}
NOISE: list[Chunk | str] = [
    "null", "{", "[1]", '"text"', {}, {"choices": []}, {"choices": None}, {"choices": [7]},
    {"object": "ping"}, _chunk({"provider_specific_fields": {"a": 1}}),
    _chunk({"content": None}), _chunk({"reasoning_content": ""}),
    {**_chunk({}), "x_genspark": {"signal_version": 1}},
]  # fmt: skip


@st.composite
def answers(draw: st.DrawFn) -> tuple[bytes, str]:
    """A streamed answer and the text it stands for."""
    pieces = ["§", *draw(st.lists(st.one_of(texts, awkward), max_size=5))]
    chunks: list[Chunk | str] = [ROLE] if draw(st.booleans()) else []
    for piece in pieces:
        chunks += draw(st.lists(st.sampled_from(NOISE), max_size=2))
        chunks.append(
            _chunk({"content": piece, "role": "assistant"}) if draw(st.booleans()) else _say(piece)
        )
    chunks.append(STOP)
    chunks += draw(
        st.sampled_from(
            [["[DONE]"], [], [USAGE, "[DONE]"], [STOP, _say("LATE"), "[DONE]"],
             ["[DONE]", _say("LATE"), "[DONE]"], [{"error": {"message": "late"}}]]
        )
    )  # fmt: skip
    end = draw(st.sampled_from(["\n", "\r", "\r\n"]))
    return _stream(*chunks, space=draw(st.sampled_from(["", " "])), end=end), "".join(pieces)


@QUICK
@given(answers(), st.data())
def test_any_cut_of_any_answer_gives_its_text_once_and_one_end(
    answer: tuple[bytes, str], data: st.DataObject
) -> None:
    stream, text = answer
    heard = hear("key", data.draw(cut(stream)))
    assert heard.text == text
    assert heard.endings == [Finished("stop")]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | awkward,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["content", "role", "function", "name", "arguments", "index", "id", "code", "message",
         "url"]
    ), inner, max_size=4),
    max_leaves=6,
)  # fmt: skip
strange_deltas = st.dictionaries(
    st.sampled_from(
        ["content", "role", "reasoning", "reasoning_content", "refusal", "tool_calls",
         "annotations", "x"]
    ),
    json_values | st.lists(json_values, max_size=2),
    max_size=3,
)  # fmt: skip
strange_choices = st.fixed_dictionaries(
    {"index": st.sampled_from([0, 1, None, "0"]), "delta": strange_deltas | json_values},
    optional={"finish_reason": st.sampled_from([None, "stop", "tool_calls", 7, ""])},
)
strange_chunks = st.fixed_dictionaries(
    {"choices": st.lists(strange_choices, max_size=3) | json_values},
    optional={
        "model": json_values,
        "usage": json_values,
        "error": st.sampled_from([None, "", {}, "broken", {"message": "broken"}, {"code": 5}, 7]),
        "x_genspark": st.sampled_from([None, {}, {"code": "free_plan_block"}, 7]),
    },
)


@QUICK
@given(st.lists(strange_chunks, max_size=8), st.booleans())
def test_whatever_comes_nothing_follows_a_failure(chunks: list[Chunk], clean: bool) -> None:
    heard = hear("key", [_stream(*chunks)], clean=clean)
    failures = [event for event in heard.events if isinstance(event, Failed)]
    assert len(failures) <= 1
    assert heard.endings, "a stream has an end"
    if failures:
        assert heard.events[-1] is failures[0]


@QUICK
@given(st.lists(strange_chunks, max_size=8))
def test_whatever_comes_its_cut_does_not_matter(chunks: list[Chunk]) -> None:
    stream = _stream(*chunks)
    whole, single = hear("key", [stream]), hear("key", bytewise(stream))
    assert (whole.text, whole.calls, whole.reasoning) == (
        single.text,
        single.calls,
        single.reasoning,
    )
    assert (whole.finish, whole.failure) == (single.finish, single.failure)


@QUICK
@given(st.lists(strange_chunks, max_size=8))
def test_whatever_comes_a_choice_says_nothing_after_its_end(chunks: list[Chunk]) -> None:
    ended: set[int] = set()
    for event in _heard(*chunks, "[DONE]").events:
        choice = getattr(event, "choice", None)
        assert choice not in ended
        if isinstance(event, Finished):
            ended.add(event.choice)


@QUICK
@given(json_values | st.fixed_dictionaries({"choices": st.lists(strange_choices, max_size=2)}))
def test_any_json_body_is_read_without_a_crash(body: Any) -> None:
    heard = Heard(read_completion(body))
    assert heard.endings


def test_fields_without_an_event_of_their_own_are_passed_on() -> None:
    delta = {"content": "§", "annotations": [{"url": "https://example.com"}], "refusal": None}
    choice = {"index": 0, "delta": delta, "logprobs": {"content": []}, "finish_reason": None}
    events = _heard({"choices": [choice]}, STOP, "[DONE]").events
    assert Verbatim({"annotations": delta["annotations"]}, {"logprobs": {"content": []}}) in events


PAGE = {
    "type": "url_citation",
    "url_citation": {"start_index": 0, "end_index": 1, "url": "https://example.com", "title": "E"},
}


def test_annotations_are_passed_on_and_told_as_citations() -> None:
    streamed = _heard(_say("§"), _chunk({"annotations": [PAGE]}, index=1), "[DONE]").events
    message = {"content": "§", "annotations": [PAGE]}
    whole = read_completion({"choices": [{"index": 0, "message": message}]})
    for events, choice in ((streamed, 1), (whole, 0)):
        assert Verbatim({"annotations": [PAGE]}, {}, choice) in events
        assert Cited("https://example.com", "E", choice) in events


def test_a_refusal_is_told_as_such() -> None:
    pieces = [_chunk({"refusal": None}), _chunk({"refusal": "I "}), _chunk({"refusal": "won't."})]
    streamed = _heard(ROLE, *pieces, STOP, "[DONE]")
    message = {"role": "assistant", "content": None, "refusal": "I won't."}
    body = {"choices": [{"index": 0, "message": message, "finish_reason": "stop"}]}
    for heard in (streamed, Heard(read_completion(body))):
        assert "".join(heard.answer.choice(0).refusal) == "I won't."
        assert (heard.text, heard.finish) == ("", "stop")
        assert not any(isinstance(event, Verbatim) for event in heard.events)


def test_nothing_is_thought_after_a_refusal() -> None:
    thought = _chunk({"reasoning_content": "Hm."})
    events = _heard(thought, _chunk({"refusal": "No."}), thought, STOP, "[DONE]").events
    assert [type(event).__name__ for event in events] == [
        "Served",
        "ReasoningDelta",
        "RefusalDelta",
        "Finished",
    ]


def test_two_choices_each_have_their_text_and_their_end() -> None:
    chunks = [
        _say("§ a"),
        _say("§ b", 1),
        _say("!", 1),
        _chunk({}, "stop"),
        _chunk({}, "length", 1),
    ]
    answer = _heard(*chunks, "[DONE]").answer
    assert ["".join(choice.text) for choice in answer.choices.values()] == ["§ a", "§ b!"]
    assert [choice.finish for choice in answer.choices.values()] == ["stop", "length"]


def test_a_choice_without_its_end_makes_the_answer_broken() -> None:
    heard = _heard(_say("§ a"), _say("§ b", 1), STOP, "[DONE]")
    assert heard.failure is not None
    assert heard.failure.kind is Kind.BROKEN_STREAM


def test_usage_is_told_once_and_after_the_end() -> None:
    heard = _heard(ROLE, _say("§"), STOP, USAGE, "[DONE]")
    assert [type(event) for event in heard.events[-2:]] == [Finished, Counted]


def test_a_tool_call_without_indices_is_told_by_position() -> None:
    calls = [
        {"id": "a", "function": {"name": "f", "arguments": "{}"}},
        {"id": "b", "function": {"name": "g"}},
    ]
    assert _heard(_chunk({"tool_calls": calls}), _chunk({}, "tool_calls")).calls == ["f {}", "g {}"]


@pytest.mark.parametrize("cut_texts", [[EXHAUSTED], list(EXHAUSTED), ["Your", EXHAUSTED[4:]]])
def test_a_soft_wall_is_recognised_in_any_deltas_and_reads(cut_texts: list[str]) -> None:
    reads = [_stream(_say(text)) for text in cut_texts]
    heard = hear("key", [_stream(ROLE), *reads, _stream(STOP), _stream("[DONE]")])
    assert heard.text == ""
    assert heard.failure is not None
    assert heard.failure.kind is Kind.FUNDS


def test_a_soft_wall_with_its_usage_is_a_failure_and_nothing_else() -> None:
    last = {**STOP, "usage": USAGE["usage"]}
    events = _heard(_say(EXHAUSTED), last, "[DONE]").events
    assert [type(event) for event in events if not hasattr(event, "model")] == [Failed]


def test_a_refused_first_choice_ends_all_choices() -> None:
    body = {
        "choices": [
            {"index": 0, "message": {"content": EXHAUSTED}, "finish_reason": "stop"},
            {"index": 1, "message": {"content": "§"}, "finish_reason": "stop"},
        ]
    }
    events = read_completion(body)
    assert [type(event) for event in events] == [Failed]


def test_a_tool_call_beside_such_words_makes_it_an_answer() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
    heard = _heard(_chunk({"tool_calls": [call]}), _say(EXHAUSTED), _chunk({}, "tool_calls"))
    assert (heard.text, heard.finish) == (EXHAUSTED, "tool_calls")


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({}, Kind.EMPTY),
        ({"choices": []}, Kind.EMPTY),
        ({"error": "no"}, Kind.ERROR_FRAME),
        ({"error": {"message": "no", "code": "rate_limited"}}, Kind.RATE_LIMITED),
        ({"x_genspark": {"code": "something_new"}}, Kind.PLAN_REQUIRED),
    ],
)
def test_a_body_that_is_no_answer(body: Chunk, kind: Kind) -> None:
    failure = Heard(read_completion(body)).failure
    assert failure is not None
    assert failure.kind is kind


def test_a_body_without_a_finish_reason_is_finished_all_the_same() -> None:
    body = {"choices": [{"index": 0, "message": {"content": "§"}}]}
    assert Heard(read_completion(body)).finish == "stop"
