"""The framer: where lines end, whatever the network does to the bytes."""

import pytest
from fixtures.genspark.hearing import bytewise
from fixtures.genspark.properties import QUICK, awkward, cut
from hypothesis import given
from hypothesis import strategies as st

from proxy.wire.sse import Frames, FrameTooLong, looks_like_events

Result = tuple[list[bytes], bool, bytes]


def _all(pieces: list[bytes]) -> Result:
    frames = Frames()
    payloads = _feed(frames, pieces)
    rest, was_cut = frames.close()
    return payloads + rest, was_cut, frames.stray


# Anything a stream could be made of, line ends and field names above all.
soup = st.lists(
    st.sampled_from(
        [b"data:", b"data: ", b"{}", b"\n", b"\r", b"\r\n", b":", b"event: x", b"id: 1", b"x", b" ",
         "\u2028".encode(), "\u0085".encode(), b"\n\n", b"data", b"retry: 3"]
    ),
    max_size=30,
).map(b"".join)  # fmt: skip


@QUICK
@given(st.data())
def test_any_cut_of_any_stream_gives_the_same(data: st.DataObject) -> None:
    stream = data.draw(soup)
    assert _all(data.draw(cut(stream))) == _all([stream]) == _all(bytewise(stream))


@QUICK
@given(
    st.lists(awkward.filter(lambda text: not set("\r\n") & set(text)), max_size=6),
    st.lists(st.sampled_from(["\n", "\r", "\r\n"]), min_size=1, max_size=4),
    st.sampled_from(["data:", "data: "]),
)
def test_lines_end_on_cr_lf_and_crlf_in_any_mixture_and_nowhere_else(
    texts: list[str], ends: list[str], field: str
) -> None:
    # A text that begins with a space would lose it to the optional space after the colon.
    bodies = [f"<{text}>" for text in texts]
    stream = ""
    for n, body in enumerate(bodies):
        first, second = ends[n % len(ends)], ends[(n + 1) % len(ends)]
        # CR and LF side by side would be one line end.
        blank = "\r\n" if (first, second) == ("\r", "\n") else second
        stream += f"{field}{body}{first}{blank}"
    payloads, was_cut, stray = _all([stream.encode()])
    assert payloads == [body.encode() for body in bodies]
    assert (was_cut, stray) == (False, b"")


def test_an_event_of_several_data_lines_is_joined_with_line_feeds() -> None:
    assert _all([b"data: one\ndata:two\r\ndata:  three\n\n"])[0] == [b"one\ntwo\n three"]


def test_comments_and_other_fields_are_no_data_and_no_stray() -> None:
    stream = b": hello\n\nevent: a\nid: 7\nretry: 10\ndata: x\n\n:\n\n"
    assert _all([stream]) == ([b"x"], False, b"")


def test_a_last_event_without_its_blank_line_counts_as_whole() -> None:
    assert _all([b"data: a\n\ndata: b\n"]) == ([b"a", b"b"], False, b"")


def test_a_last_line_without_its_end_is_reported_as_cut() -> None:
    assert _all([b"data: a\n\ndata: b"]) == ([b"a", b"b"], True, b"")


def test_only_white_space_after_the_last_event_is_nothing() -> None:
    assert _all([b"data: a\n\n\n\r\n  \n"]) == ([b"a"], False, b"")


def test_what_is_no_event_stream_is_kept_for_diagnosis() -> None:
    payloads, _, stray = _all([b"Rate limit exceeded cf1"])
    assert payloads == []
    assert stray.strip() == b"Rate limit exceeded cf1"


def test_the_diagnosis_of_a_flood_stays_small() -> None:
    frames = Frames()
    for _ in range(300):
        frames.feed(b"x" * 1000 + b"\n\n")
    assert len(frames.stray) < 200_000


@QUICK
@given(st.integers(1, 400), st.integers(0, 800), st.integers(1, 50))
def test_one_event_may_not_grow_beyond_the_cap(limit: int, size: int, step: int) -> None:
    frames = Frames(limit)
    event = b"data: " + b"x" * size
    pieces = [event[n : n + step] for n in range(0, len(event), step)]
    if len(event) > limit:
        with pytest.raises(FrameTooLong):
            _feed(frames, pieces)
        return
    assert _feed(frames, pieces) == []
    assert frames.close()[0] == [b"x" * size]


def _feed(frames: Frames, pieces: list[bytes]) -> list[bytes]:
    return [payload for piece in pieces for payload in frames.feed(piece)]


def test_the_cap_is_for_one_event_not_for_the_stream() -> None:
    frames = Frames(64)
    events = [payload for _ in range(100) for payload in frames.feed(b"data: 0123456789\n\n")]
    assert len(events) == 100


@pytest.mark.parametrize("body", [b"data: x", b"\n\ndata:", b": hi", b"event: a", b"id: 1"])
def test_an_event_stream_is_known_by_its_first_bytes(body: bytes) -> None:
    assert looks_like_events(body)


@pytest.mark.parametrize("body", [b"", b"{}", b"<html>", b"Rate limit exceeded", b"date: x"])
def test_anything_else_is_not_taken_for_one(body: bytes) -> None:
    assert not looks_like_events(body)
