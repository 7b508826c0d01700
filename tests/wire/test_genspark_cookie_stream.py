"""The cookie route's reader: what any stream of frames adds up to, however it is cut."""

import json
from typing import Any

import pytest
from fixtures.genspark.hearing import Heard, bytewise, hear
from fixtures.genspark.properties import QUICK, awkward, cut, texts
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.events import Cited, Failed, Finished, ReasoningDelta, TextDelta
from proxy.core.failures import Kind
from proxy.core.products import Product

Frame = dict[str, Any]


def _delta(text: str, name: str = "content", message: str = "m1") -> Frame:
    return {
        "type": "message_field_delta",
        "message_id": message,
        "field_name": name,
        "delta": text,
    }


def _field(value: Any, name: str = "content", message: str = "m1") -> Frame:
    return {
        "type": "message_field",
        "message_id": message,
        "field_name": name,
        "field_value": value,
    }


def _project_field(name: str, value: Any) -> Frame:
    return {"type": "project_field", "field_name": name, "field_value": value}


def _result(text: Any, **more: Any) -> Frame:
    return {"type": "message_result", "message": {"role": "assistant", "content": text, **more}}


START = {"type": "message_start", "message_id": "m1", "role": "assistant"}
FINISHED = _project_field("status", "FINISHED")
CHAT_LIMIT = "AI Chat [5-hour limit] reached. Resets {time:1792249200}"


def _stream(*frames: Frame | str, space: str = " ", end: str = "\n") -> bytes:
    lines = [f if isinstance(f, str) else json.dumps(f, ensure_ascii=False) for f in frames]
    return "".join(f"data:{space}{line}{end}{end}" for line in lines).encode()


def _heard(*frames: Frame | str, clean: bool = True) -> Heard:
    return hear("cookie", [_stream(*frames)], clean=clean)


NOISE: list[Frame | str] = [
    {"type": "agent_notification", "content": "NO"},
    {"type": "unheard_of", "delta": "NO"},
    {"type": "message_start", "message_id": "t1", "role": "tool"},
    _delta("NO", "reasoning_encrypted_content"),
    _delta("NO", "tool_calls[0].function.arguments"),
    _project_field("title", "NO"),
    _project_field("session_state.session_limit_message", "Approaching 5-hour limit."),
    _project_field("session_state.session_limit_message", {"value": "AI Image limit reached."}),
    "null",
    "{",
    "[]",
    '{"type": "message_field_delta", "message_id": "m1", "field_name": "content", "delta": null}',
]
ENDINGS = ["nested", "flat", "other message id", "finished", "transfer", "message_end"]


@st.composite
def turns(draw: st.DrawFn) -> tuple[bytes, str]:
    """A turn as the upstream might tell it, and the text it stands for."""
    # A first sign that opens no canned text.
    pieces = ["§", *draw(st.lists(st.one_of(texts, awkward), max_size=5))]
    whole = "".join(pieces)
    frames: list[Frame | str] = [START] if draw(st.booleans()) else []
    said = ""
    for piece in pieces:
        frames += draw(st.lists(st.sampled_from(NOISE), max_size=2))
        frames.append(_delta(piece))
        said += piece
        if draw(st.booleans()):
            frames.append(_field(said))
    ending = draw(st.sampled_from(ENDINGS))
    frames += {
        "nested": [_result(whole), FINISHED],
        "flat": [{"type": "message_result", "role": "assistant", "content": whole}],
        "other message id": [{**_result(whole), "message_id": "unseen"}],
        "finished": [_field(whole), FINISHED, _result(whole)],
        "transfer": [],
        "message_end": [{"type": "message_end"}, {"type": "project_complete"}],
    }[ending]
    end = draw(st.sampled_from(["\n", "\r", "\r\n"]))
    return _stream(*frames, space=draw(st.sampled_from(["", " "])), end=end), whole


@QUICK
@given(turns(), st.data())
def test_any_cut_of_any_turn_gives_its_text_once_and_one_end(
    turn: tuple[bytes, str], data: st.DataObject
) -> None:
    stream, text = turn
    heard = hear("cookie", data.draw(cut(stream)))
    assert heard.text == text
    assert heard.endings == [Finished("stop")] == heard.events[-1:]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | awkward,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["content", "role", "message", "action", "type", "session_state", "value", "id",
                 "action_params", "block_reason", "error", "text", "_llm_model", "url", "title",
                 "sources"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)  # fmt: skip
TYPES = [
    "project_start", "project_field", "message_start", "message_field", "message_field_delta",
    "message_result", "error", "message_end", "message_complete", "project_complete",
    "agent_notification", "unheard_of",
]  # fmt: skip
NAMES = [
    "content", "status", "session_state.answerthink", "session_state.session_limit_message",
    "session_state.consume_usage_quota_exceeded", "session_state.answer", "title",
    "session_state.search_results",
]  # fmt: skip
strange_frames = st.fixed_dictionaries(
    {"type": st.sampled_from(TYPES)},
    optional={
        "message_id": st.sampled_from(["m1", "m2", "", 7]),
        "field_name": st.sampled_from(NAMES),
        "field_value": json_values,
        "delta": st.sampled_from(["a", "b", "", 5, None]),
        "message": json_values,
        "content": json_values,
        "role": st.sampled_from(["assistant", "tool", "user", "", None]),
        "id": json_values,
        "error": json_values,
        "session_state": json_values,
        "action": json_values,
    },
)


@QUICK
@given(st.sampled_from(["cookie", "legacy"]), st.lists(strange_frames, max_size=10), st.booleans())
def test_whatever_comes_there_is_one_end_and_it_is_last(
    reader: str, frames: list[Frame], clean: bool
) -> None:
    heard = hear(reader, [_stream(*frames)], clean=clean)
    assert len(heard.endings) == 1
    assert isinstance(heard.events[-1], Finished | Failed)


@QUICK
@given(st.sampled_from(["cookie", "legacy"]), st.lists(strange_frames, max_size=10))
def test_whatever_comes_its_cut_does_not_matter(reader: str, frames: list[Frame]) -> None:
    stream = _stream(*frames)
    whole, single = hear(reader, [stream]), hear(reader, bytewise(stream))
    assert (whole.text, whole.finish) == (single.text, single.finish)
    assert whole.failure == single.failure


@QUICK
@given(st.binary(max_size=200), st.data())
def test_bytes_that_are_no_stream_end_as_a_failure(garbage: bytes, data: st.DataObject) -> None:
    heard = hear("cookie", data.draw(cut(garbage)))
    assert heard.text == ""
    assert heard.failure is not None


def test_text_is_passed_on_with_the_read_that_brought_it() -> None:
    reads = [_stream(START), _stream(_delta("§ one")), _stream(_delta(" two")), _stream(FINISHED)]
    texts = [
        [e.text for e in hear("cookie", reads[: n + 1], clean=False).events if type(e) is TextDelta]
        for n in range(len(reads))
    ]
    assert texts == [[], ["§ one"], ["§ one", " two"], ["§ one", " two"]]


def test_a_beginning_that_a_refusal_shares_waits_until_it_is_something_else() -> None:
    frames = [_delta("Sorry, "), _delta("I"), _delta(" cannot tell.")]
    held = hear("cookie", [_stream(*frames[:2])], clean=False)
    assert held.text == ""
    assert hear("cookie", [_stream(frame) for frame in frames]).text == "Sorry, I cannot tell."


def test_a_short_answer_that_only_begins_like_a_refusal_is_told_at_the_end() -> None:
    assert _heard(_delta("Sorry"), FINISHED).text == "Sorry"


def test_a_held_beginning_is_not_told_when_the_stream_fails() -> None:
    heard = _heard(_delta("Sorry"), {"type": "error", "message": "no"})
    assert (heard.text, heard.failure and heard.failure.kind) == ("", Kind.ERROR_FRAME)


def test_a_refusal_after_visible_reasoning_is_still_a_refusal() -> None:
    thought = _delta("Hm. ", "session_state.answerthink")
    refusal = _result("Server overloaded, please try again later.")
    heard = hear("cookie", [_stream(thought), _stream(refusal)])
    assert (heard.reasoning, heard.text) == ("Hm. ", "")
    assert heard.failure is not None
    assert heard.failure.kind is Kind.OVERLOADED


def test_reasoning_that_comes_after_the_answer_began_is_dropped() -> None:
    late = _delta("late", "session_state.answerthink")
    heard = _heard(_delta("§ answer"), late, FINISHED)
    assert not any(isinstance(event, ReasoningDelta) for event in heard.events)


def test_two_assistant_messages_are_both_part_of_the_answer() -> None:
    second = {"type": "message_start", "message_id": "m2", "role": "assistant"}
    heard = _heard(START, _delta("§ one. "), second, _delta("Two.", message="m2"), FINISHED)
    assert heard.text == "§ one. Two."


def test_a_user_message_is_never_part_of_the_answer() -> None:
    asked = {"type": "message_start", "message_id": "u1", "role": "user"}
    heard = _heard(asked, _field("my question", message="u1"), _delta("§"), FINISHED)
    assert heard.text == "§"


@pytest.mark.parametrize("mark", [[FINISHED], []], ids=["finished", "end of transfer"])
def test_a_chat_limit_in_the_middle_of_an_answer_is_a_failure(mark: list[Frame]) -> None:
    limit = _project_field("session_state.session_limit_message", CHAT_LIMIT)
    heard = _heard(_delta("§ half"), limit, *mark)
    assert heard.text == "§ half"
    assert heard.failure is not None
    assert (heard.failure.kind, heard.failure.product) == (Kind.WINDOW_QUOTA, Product.CHAT)


def test_a_limit_of_another_product_with_an_empty_answer_names_that_product() -> None:
    limit = "AI Image [5-hour limit] reached. Resets {time:1792249200}"
    heard = _heard(_project_field("session_state.session_limit_message", limit), FINISHED)
    assert heard.failure is not None
    assert heard.failure.product is Product.IMAGE


def test_a_limit_that_was_told_survives_a_broken_transfer() -> None:
    limit = _project_field("session_state.session_limit_message", CHAT_LIMIT)
    heard = _heard(START, limit, clean=False)
    assert heard.failure is not None
    assert heard.failure.kind is Kind.WINDOW_QUOTA


def test_deeply_nested_json_is_a_malformed_frame_and_nothing_worse() -> None:
    heard = _heard("[" * 100_000, _delta("§"), FINISHED)
    assert heard.notes == {"malformed_frame"}
    assert heard.text == "§"


def test_a_legacy_answer_that_looks_like_endless_json_is_an_answer() -> None:
    text = '{"a":' * 50_000
    heard = hear("legacy", [_stream({"type": "message_result", "content": text})])
    assert heard.text == text


PAGES = [
    {"title": "A", "url": "https://example.com/a"},
    {"name": "B", "link": "https://example.org/b", "snippet": "…"},
]
CITED = [Cited("https://example.com/a", "A"), Cited("https://example.org/b", "B")]
TOOL = {"type": "message_start", "message_id": "t1", "role": "tool"}
ORGANIC = json.dumps({"organic_results": PAGES})
TOLD = {"type": "message_result", "message_id": "t1"}


def _cited(*frames: Frame | str) -> list[Cited]:
    """The citations of a turn in which these frames come before the text."""
    stream = _stream(*frames, START, _delta("§ text"), _result("§ text"))
    whole, single = hear("cookie", [stream]), hear("cookie", bytewise(stream))
    assert whole.text == single.text == "§ text"
    assert whole.events[-1] == single.events[-1] == Finished("stop")
    assert whole.answer.choice(0).citations == single.answer.choice(0).citations
    return whole.answer.choice(0).citations


@pytest.mark.parametrize(
    "frames",
    [
        [_project_field("session_state.search_results", PAGES)],
        [_project_field("web_results", {"value": PAGES})],
        [_project_field("session_state.ai_search_sources", json.dumps(PAGES))],
        [START, _field(PAGES, "citations")],
        [TOOL, _field(ORGANIC, message="t1")],
        [TOOL, _field({"organic_results": PAGES}, message="t1")],
        [TOOL, {**TOLD, "message": {"role": "tool", "content": ORGANIC}}],
        [TOOL, {**TOLD, "content": [{"type": "text", "text": ORGANIC}]}],
        [TOOL, *(_delta(sign, message="t1") for sign in ORGANIC)],
        [_project_field("search_results", PAGES[:1]), _project_field("search_results", PAGES)],
        [_project_field("sources", PAGES), TOOL, _delta(ORGANIC, message="t1"), TOLD],
    ],
    ids=["field", "value", "text", "message", "tool", "tool object", "tool result", "tool parts",
         "tool streamed", "growing", "twice"],
)  # fmt: skip
def test_a_search_that_names_its_sources_is_cited_once(frames: list[Frame]) -> None:
    assert _cited(*frames) == CITED


def test_two_tools_are_each_heard() -> None:
    other = {"type": "message_start", "message_id": "t2", "role": "tool"}
    first, second = map(json.dumps, PAGES)
    told = [_delta(first, message="t1"), _delta(second, message="t2")]
    assert _cited(TOOL, other, *told) == CITED


def test_the_final_message_may_name_the_sources() -> None:
    final = _result("§", session_state={"search_results": PAGES, "_llm_model": "gpt-5.4"})
    assert _heard(START, _delta("§"), final).answer.choice(0).citations == CITED


@pytest.mark.parametrize(
    "frames",
    [
        [_project_field("session_state.resources", PAGES)],
        [_project_field("session_state.search_results.count", PAGES)],
        [_project_field("title", PAGES)],
        [_project_field("search_results", "{")],
        [_project_field("search_results", [{"url": "https://example.com"}, {"title": "A"}, None])],
        [{"type": "message_start", "message_id": "u1", "role": "user"},
         _field(PAGES, "sources", "u1"), _field(ORGANIC, message="u1")],
        [TOOL, _field("no JSON", message="t1"), _delta("[" * 9, message="t1")],
        [TOOL, _delta("[" + " " * 300_000, message="t1"), _delta(ORGANIC[:-1], message="t1")],
    ],
    ids=["resources", "count", "title", "cut", "odd", "user", "words", "endless"],
)  # fmt: skip
def test_what_names_no_sources_is_no_citation(frames: list[Frame]) -> None:
    assert _cited(*frames) == []


def test_there_are_never_more_than_fifty_citations() -> None:
    many = [{"url": f"https://example.com/{n}", "title": "t"} for n in range(40)]
    more = [{"url": f"https://example.org/{n}", "title": "t"} for n in range(40)]
    assert len(_cited(_project_field("sources", many), _project_field("sources", more))) == 50
