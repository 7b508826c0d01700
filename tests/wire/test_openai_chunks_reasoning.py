"""Reasoning as its own field, between ``<think>`` tags in the content, or both."""

import json
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import pytest
from fixtures.genspark.properties import QUICK, awkward, texts
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.answer import Answer
from proxy.core.events import (
    ChatEvent,
    Finished,
    ReasoningDelta,
    RefusalDelta,
    TextDelta,
    ToolCallDelta,
    Verbatim,
)
from proxy.core.reasoning import ReasoningStyle
from proxy.wire.openai_chunks import DONE, LINE, PIECE, ChunkWriter, StreamOptions
from proxy.wire.openai_errors import ErrorReply

THINK, BOTH, FIELD = ReasoningStyle.THINK, ReasoningStyle.BOTH, ReasoningStyle.FIELD
OPENED, CLOSED = "<think>\n", "\n</think>"


def _writer(style: ReasoningStyle, **options: Any) -> ChunkWriter:
    return ChunkWriter("chatcmpl-0123456789", 1, "m", StreamOptions(style, **options))


def _deltas(out: bytes, choice: int = 0) -> list[dict[str, Any]]:
    """The deltas of a choice; error events and the end mark are passed over."""
    lines = [line for line in out.split(b"\n\n")[:-1] if line != DONE.strip()]
    assert all(len(line) <= LINE for line in lines)
    bodies = [json.loads(line.removeprefix(b"data: ")) for line in lines]
    parts = [part for body in bodies for part in body.get("choices", ())]
    return [part["delta"] for part in parts if part["index"] == choice]


def _contents(out: bytes, choice: int = 0) -> list[str]:
    return [text for delta in _deltas(out, choice) if (text := delta.get("content"))]


def test_each_tag_is_a_chunk_of_its_own_and_a_blank_line_begins_the_answer() -> None:
    said = [ReasoningDelta("Hm."), ReasoningDelta(" So."), TextDelta("It"), TextDelta(" is.")]
    out = _writer(THINK).write([*said, Finished("stop")])
    assert _contents(out) == [OPENED, "Hm.", " So.", CLOSED, "\n\n", "It", " is."]
    assert not any("reasoning_content" in delta for delta in _deltas(out))


def test_both_has_two_deltas_for_each_piece() -> None:
    out = _writer(BOTH).write([ReasoningDelta("Hm."), TextDelta("It is."), Finished("stop")])
    kinds = [{k: v for k, v in delta.items() if k != "role"} for delta in _deltas(out)]
    assert kinds == [
        {"content": ""},
        {"reasoning_content": "Hm."},
        {"content": OPENED},
        {"content": "Hm."},
        {"content": CLOSED},
        {"content": "\n\n"},
        {"content": "It is."},
        {},
    ]


@pytest.mark.parametrize(
    ("event", "behind"),
    [
        (Finished("length"), []),
        (ToolCallDelta(0, "a", "f", "{}"), []),
        (RefusalDelta("No."), []),
        (TextDelta(""), []),
        (TextDelta("a"), ["\n\n", "a"]),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("style", [THINK, BOTH])
def test_whatever_comes_behind_the_reasoning_closes_the_tag(
    event: ChatEvent, behind: list[str], style: ReasoningStyle
) -> None:
    out = _writer(style).write([ReasoningDelta("Hm."), event])
    assert _contents(out) == [OPENED, "Hm.", CLOSED, *behind]


def test_fields_beside_the_reasoning_do_not_close_the_tag() -> None:
    beside = Verbatim({}, {"logprobs": {"content": []}})
    out = _writer(THINK).write([ReasoningDelta("a"), beside, ReasoningDelta("b")])
    assert _contents(out) == [OPENED, "a", "b"]


@pytest.mark.parametrize("style", [THINK, BOTH])
def test_an_answer_that_ends_or_fails_while_it_thinks_closes_the_tag(style: ReasoningStyle) -> None:
    thinking = [ReasoningDelta("Hm."), ReasoningDelta("Hm.", 1)]
    failed, ended, told = (_writer(style, errors_as_content=told) for told in (False, False, True))
    begun = [writer.write(thinking) for writer in (failed, ended, told)]
    reply = ErrorReply(502, "broken")

    broken = begun[0] + failed.failure(reply)
    assert b'"error"' in broken
    for out in (broken, begun[1] + ended.end(Answer(), {}, "")):
        assert _contents(out) == _contents(out, 1) == [OPENED, "Hm.", CLOSED]
        assert out.endswith(DONE)
    assert _contents(begun[2] + told.failure(reply)) == [OPENED, "Hm.", CLOSED, "\n\n[broken]"]


def test_reasoning_behind_an_answer_opens_the_tag_again() -> None:
    events = [ReasoningDelta("a"), TextDelta("b"), ReasoningDelta("c"), TextDelta("d")]
    out = b"".join(_writer_steps(THINK, events))
    assert "".join(_contents(out)) == f"{OPENED}a{CLOSED}\n\nb{OPENED}c{CLOSED}\n\nd"


def _writer_steps(style: ReasoningStyle, events: list[Any]) -> list[bytes]:
    writer = _writer(style)
    return [writer.write([event]) for event in events]


def test_each_choice_thinks_for_itself() -> None:
    events = [
        ReasoningDelta("a"),
        ReasoningDelta("b", 1),
        TextDelta("c", 1),
        ReasoningDelta("d"),
        TextDelta("e", 1),
        TextDelta("f"),
    ]
    out = b"".join(_writer_steps(THINK, events))
    assert _contents(out) == [OPENED, "a", "d", CLOSED, "\n\n", "f"]
    assert _contents(out, 1) == [OPENED, "b", CLOSED, "\n\n", "c", "e"]


@dataclass
class NextChat:
    """How NextChat (2026-07) tells reasoning from answer, chunk by chunk."""

    reasoning: list[str] = field(default_factory=list)
    answer: list[str] = field(default_factory=list)
    tagged: bool = False

    def read(self, delta: dict[str, Any]) -> None:
        """Reasoning by its field, or by a chunk that starts with the opening tag."""
        if thought := delta.get("reasoning_content"):
            self.reasoning.append(thought)
        elif text := delta.get("content"):
            self._content(text)

    def _content(self, text: str) -> None:
        if text.startswith("<think>"):
            self.tagged = True
            self.reasoning.append(text[7:].strip())
        elif text.endswith("</think>"):
            self.tagged = False
            self.answer.append(text[:-8].strip())
        else:
            (self.reasoning if self.tagged else self.answer).append(text)


# Texts of a model that speaks of the tags themselves are beyond NextChat.
untagged = (texts | awkward).map(lambda text: text.replace("<", "").replace(">", ""))
long = st.sampled_from(["", "x" * (PIECE + 1)])


@QUICK
@given(st.lists(untagged), st.lists(untagged), long, st.lists(st.integers(0, 20), max_size=3))
def test_nextchat_finds_reasoning_and_answer_in_any_pieces(
    thought: list[str], said: list[str], more: str, cuts: list[int]
) -> None:
    events: list[ChatEvent] = [ReasoningDelta(text) for text in (*thought, more)]
    events += [TextDelta(text) for text in (*said, more)] + [Finished("stop")]
    edges = [0, *sorted(min(cut, len(events)) for cut in cuts), len(events)]
    for style in (THINK, FIELD):
        writer, reader = _writer(style), NextChat()
        for a, b in pairwise(edges):
            for delta in _deltas(writer.write(events[a:b])):
                reader.read(delta)
        whole = "".join(thought) + more, "".join(said) + more
        gap = "\n\n" if style is THINK and all(whole) else ""
        assert ("".join(reader.reasoning), "".join(reader.answer)) == (whole[0], gap + whole[1])
