"""The answers to the web's media asks: which tasks they name, or why none, however they are cut."""

import json
from typing import Any

import pytest
from fixtures.genspark.hearing import bytewise
from fixtures.genspark.media.recordings import STREAM, Stream, described, unlisted
from fixtures.genspark.properties import QUICK, awkward, cut, texts
from fixtures.genspark.reading import NOW
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.failures import Kind
from proxy.core.products import Product
from proxy.wire import genspark_media_stream, sse
from proxy.wire.genspark_media_stream import KEPT, MediaReader

PROJECT = "00000000-0000-4000-8000-000000000001"
Frame = dict[str, Any]


def _read(recording: Stream, pieces: list[bytes]) -> MediaReader:
    reader = MediaReader(recording.product, lambda: NOW, recording.prompt)
    for piece in pieces:
        reader.feed(piece)
    reader.close(clean=recording.clean)
    return reader


def _says(reader: MediaReader) -> dict[str, Any]:
    return {
        "reports": tuple(map(described, reader.reports)),
        "kind": reader.failure.kind.value if reader.failure else None,
        "limited": reader.limited.until if reader.limited else None,
        "project": reader.project_id,
        "finished": reader.finished,
        "raw": reader.raw,
    }


def _expected(recording: Stream) -> dict[str, Any]:
    return {
        "reports": recording.reports,
        "kind": recording.kind,
        "limited": recording.limited,
        "project": PROJECT if recording.project else "",
        "finished": recording.finished,
        "raw": recording.body[-KEPT:],
    }


def test_every_recording_is_in_the_manifest() -> None:
    assert unlisted("stream", STREAM) == set()


@pytest.mark.parametrize("recording", STREAM, ids=lambda r: r.file)
def test_a_stream_in_one_read(recording: Stream) -> None:
    reader = _read(recording, [recording.body])
    assert _says(reader) == _expected(recording)
    assert reader.task_ids == [report.task_id for report in reader.reports]


@pytest.mark.parametrize("recording", [r for r in STREAM if not r.padding], ids=lambda r: r.file)
def test_a_stream_one_byte_at_a_time(recording: Stream) -> None:
    assert _says(_read(recording, bytewise(recording.body))) == _expected(recording)


def test_a_frame_of_two_mebibytes_in_small_reads() -> None:
    (recording,) = (recording for recording in STREAM if recording.padding)
    pieces = [recording.body[n : n + 4096] for n in range(0, len(recording.body), 4096)]
    assert len(recording.body) > 2 * 1024 * 1024
    assert _says(_read(recording, pieces)) == _expected(recording)


def _stream(*frames: Any) -> bytes:
    return "".join(f"data: {json.dumps(frame)}\n\n" for frame in frames).encode()


def _heard(*frames: Any, product: Product = Product.IMAGE, prompt: str = "") -> MediaReader:
    return _read(Stream(file="", product=product, prompt=prompt), [_stream(*frames)])


def _results(*items: Any, agent: str = "image") -> Frame:
    name = f"session_state.{agent}_generation_agent.results"
    return {"type": "project_field", "field_name": name, "field_value": list(items)}


LIMIT: Frame = {
    "type": "project_field",
    "field_name": "session_state.session_limit_message",
    "field_value": "AI Image [5-hour limit] reached. Resets {time:1792249200}",
}


def test_a_task_is_told_of_before_the_stream_ends() -> None:
    reader = MediaReader(Product.IMAGE, lambda: NOW)
    assert not reader.seen
    reader.feed(_stream(_results({"task_id": "t-1"})))
    assert reader.seen
    assert reader.task_ids == ["t-1"]
    assert not reader.finished


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)], ids=["before", "after"])
def test_no_failure_stands_beside_a_task(order: slice) -> None:
    quota = {"type": "message_result", "message": {"action": {"type": "ACTION_QUOTA_EXCEEDED"}}}
    frames = [LIMIT, quota, {"type": "error", "message": "x"}, _results({"task_id": "t-1"})]
    reader = _heard(*frames[order])
    assert reader.task_ids == ["t-1"]
    assert reader.failure is None
    assert reader.limited is not None, "it is still told, as a note"


def test_a_structured_refusal_says_more_than_a_limit_and_a_limit_more_than_words() -> None:
    quota = {"type": "message_result", "message": {"action": {"type": "ACTION_CREDIT_EXHAUSTED"}}}
    words = {"type": "message_result", "message": {"content": "Rate limit exceeded"}}
    kinds = [
        reader.failure.kind
        for reader in (_heard(LIMIT, quota, words), _heard(words, LIMIT), _heard(words))
        if reader.failure
    ]
    assert kinds == [Kind.FUNDS, Kind.WINDOW_QUOTA, Kind.RATE_LIMITED]


def test_an_agents_other_tasks_are_the_last_resort() -> None:
    other = _results({"task_id": "frame"}, agent="image")
    assert _heard(other, product=Product.VIDEO).task_ids == ["frame"]
    own = _results({"task_id": "film"}, agent="video")
    assert _heard(other, own, product=Product.VIDEO).task_ids == ["film"]


def test_the_last_word_on_a_task_counts() -> None:
    reader = _heard(
        _results({"task_id": "t-1", "status": "PROCESSING"}),
        _results({"task_id": "t-1", "status": "SUCCESS", "image_urls": ["/a"]}),
        {"type": "message_field", "field_name": "other", "field_value": {"task_id": "t-1"}},
    )
    assert [described(report) for report in reader.reports] == ["t-1 done /a"]


@pytest.mark.parametrize(
    "task_id", ["", " ", "a b", "../etc", "x" * 129, 7, None, ["t-1"], {"task_id": None}, "ü"]
)
def test_what_can_be_no_id_is_none(task_id: Any) -> None:
    assert _heard(_results({"task_id": task_id})).task_ids == []


def test_an_id_out_of_the_prompt_is_never_taken() -> None:
    foreign = "0000000a-0000-4000-8000-00000000000a"
    text = json.dumps({"generated_images": [{"task_id": foreign}]})
    said = {"type": "message_result", "message": {"role": "assistant", "content": text}}
    assert _heard(said, prompt=f"answer with task {foreign}").task_ids == []
    assert _heard(said, prompt="a cat").task_ids == [foreign]


MENTION = '{"task_id": "0000000a-0000-4000-8000-00000000000a"}'


@pytest.mark.parametrize(
    "frame",
    [
        {"type": "message_result", "message": {"role": "user", "content": MENTION}},
        {"type": "message_field", "message_id": "u", "field_name": "content",
         "field_value": MENTION},
        {"type": "message_field_delta", "message_id": "u", "field_name": "content",
         "delta": MENTION},
        {"type": "project_field", "field_name": "session_state",
         "field_value": {"messages": [{"role": "user", "content": MENTION}]}},
        {"type": "project_field", "field_name": "x", "field_value": {"query": MENTION}},
        {"type": "message_field_delta", "message_id": "m", "delta": MENTION,
         "field_name": "tool_calls[0].function.arguments"},
    ],
)  # fmt: skip
def test_what_the_caller_said_comes_back_and_names_no_task(frame: Frame) -> None:
    start = {"type": "message_start", "message_id": "u", "role": "user"}
    assert _heard(start, frame).task_ids == []


def test_the_callers_own_words_in_pieces_name_no_task_either() -> None:
    start = {"type": "message_start", "message_id": "u", "role": "user"}
    delta = {"type": "message_field_delta", "message_id": "u", "field_name": "content"}
    pieces = [delta | {"delta": MENTION[:8]}, delta | {"delta": MENTION[8:]}]
    assert _heard(start, *pieces).task_ids == []
    assert len(_heard(*pieces).task_ids) == 1, "of an unknown speaker it is a result"


def test_a_plain_body_may_name_a_task() -> None:
    body = b'{"status": 0, "data": {"task_id": "t-1"}}'
    assert _read(Stream(file=""), bytewise(body)).task_ids == ["t-1"]


def test_an_error_frame_may_say_a_known_sentence() -> None:
    for said in ({"message": "Rate limit exceeded"}, {"error": {"message": "Rate limit exceeded"}}):
        failure = _heard({"type": "error", **said}).failure
        assert failure is not None
        assert failure.kind is Kind.RATE_LIMITED


def test_a_short_id_may_stand_in_a_prompt_by_chance() -> None:
    assert _heard(_results({"task_id": "12"}), prompt="12 monkeys").task_ids == ["12"]


def test_no_more_tasks_are_kept_than_any_ask_begins() -> None:
    assert len(_heard(_results(*({"task_id": f"t-{n}"} for n in range(500)))).task_ids) == 64


def test_a_task_too_deep_is_not_found_and_harms_nothing() -> None:
    value: Any = {"task_id": "t-1"}
    for _ in range(100):
        value = [value]
    assert _heard({"type": "x", "value": value}).task_ids == []
    assert _heard({"type": "x", "value": value}, _results({"task_id": "t-2"})).task_ids == ["t-2"]


def test_text_in_text_in_text_is_opened_only_so_far() -> None:
    value = json.dumps({"task_id": "t-1"})
    for _ in range(10):
        value = json.dumps([value])
    assert _heard({"type": "x", "value": value}).task_ids == ["t-1"]


def test_the_end_of_a_long_answer_is_kept() -> None:
    reader = MediaReader(Product.VIDEO, lambda: NOW)
    for n in range(40):
        reader.feed(b"data: %06d " % n + b"x" * 9985 + b"\n\n")
    assert len(reader.raw) == KEPT
    assert reader.raw.endswith(b"\n\n")
    assert b"000039 xxx" in reader.raw


def test_a_frame_beyond_the_cap_ends_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(genspark_media_stream, "Frames", lambda: sse.Frames(limit=100))
    reader = MediaReader(Product.VIDEO, lambda: NOW)
    reader.feed(b"data: " + b"x" * 200)
    assert reader.finished
    reader.close(clean=True)
    assert reader.failure is not None
    assert reader.failure.kind is Kind.UNREADABLE


@pytest.mark.parametrize(("before", "found"), [(0, ["t-1"]), (11, [])])
def test_an_endlessly_streamed_message_is_not_collected(before: int, found: list[str]) -> None:
    delta = {"type": "message_field_delta", "message_id": "m", "field_name": "content"}
    padding = [delta | {"message_id": "p", "delta": "x" * 100_000}] * before
    halves = [delta | {"delta": '{"task'}, delta | {"delta": '_id": "t-1"}' + " " * 50_000}]
    assert _heard(*padding, *halves).task_ids == found


# Anything else.

values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | texts | awkward
    | st.sampled_from(["t-1", "t-2", "FINISHED", '{"task_id": "t-3"}', '[{"task_id": "t-4"}]',
                       'said "task_id": "00000000-1111"', "user", "tool", "content"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["task_id", "status", "role", "content", "message", "id", "generated_images",
                 "field_name", "field_value", "prompt", "action", "session_state", "delta"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)  # fmt: skip
frames = st.builds(
    lambda kind, more: {**more, "type": kind},
    st.sampled_from(
        ["project_start", "project_field", "message_start", "message_field", "message_result",
         "message_field_delta", "error", "project_complete", "tool", ""]
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "id": values, "message_id": values, "role": values, "message": values,
            "field_value": values, "delta": values, "content": values, "task_id": values,
            "field_name": st.sampled_from(
                ["content", "status", "x.image_generation_agent.results",
                 "session_limit_message", "y.arguments"]
            ),
        },
    ),
)  # fmt: skip


@QUICK
@given(st.data(), st.lists(frames, max_size=6), st.sampled_from(["\n", "\r\n"]), st.booleans())
def test_any_frames_say_the_same_however_they_are_cut(
    data: st.DataObject, told: list[Frame], end: str, clean: bool
) -> None:
    body = "".join(f"data:{json.dumps(frame)}{end}{end}" for frame in told).encode()
    recording = Stream(file="", clean=clean, prompt=data.draw(texts))
    assert _says(_read(recording, data.draw(cut(body)))) == _says(_read(recording, [body]))


@QUICK
@given(st.data(), st.binary(max_size=100) | awkward.map(str.encode), st.booleans())
def test_any_bytes_are_read_without_an_exception(
    data: st.DataObject, body: bytes, clean: bool
) -> None:
    recording = Stream(file="", clean=clean)
    whole = _read(recording, [body])
    assert _says(_read(recording, data.draw(cut(body)))) == _says(whole)
    assert whole.raw == body


@QUICK
@given(
    st.lists(frames.filter(lambda frame: "task_id" not in json.dumps(frame)), max_size=6),
    st.integers(0, 6),
)
def test_a_task_is_found_among_anything(told: list[Frame], at: int) -> None:
    reader = _heard(*told[:at], _results({"task_id": "t-77", "status": "PENDING"}), *told[at:])
    assert reader.task_ids == ["t-77"]
    assert reader.failure is None
