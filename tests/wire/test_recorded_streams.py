"""Every recorded stream says the same whole, one byte at a time, and cut anywhere in two."""

import pytest
from fixtures.genspark.hearing import Heard, bytewise, hear
from fixtures.genspark.reading import HERE, STREAMS, Stream

MEBIBYTE = 1024 * 1024
SMALL = [stream for stream in STREAMS if not stream.padding]


def test_every_recording_is_in_the_manifest_once() -> None:
    on_disk = sorted(path.name for path in (HERE / "streams").iterdir())
    assert sorted(stream.file for stream in STREAMS) == on_disk


def _says(heard: Heard) -> dict[str, object]:
    return {
        "text": heard.text,
        "reasoning": heard.reasoning,
        "finish": heard.finish,
        "kind": heard.failure.kind if heard.failure else None,
        "endings": len(heard.endings),
        "project": heard.projects,
        "served": heard.answer.served_model,
        "limited": [failure.product for failure in heard.limits],
        "usage": (heard.answer.usage or {}).get("total_tokens"),
        "calls": heard.calls,
        "notes": heard.notes,
    }


def _expected(stream: Stream) -> dict[str, object]:
    return {
        "text": stream.text,
        "reasoning": stream.reasoning,
        "finish": stream.finish,
        "kind": stream.kind,
        "endings": 1,
        "project": [stream.project] if stream.project else [],
        "served": stream.served,
        "limited": [stream.limited] if stream.limited else [],
        "usage": stream.usage,
        "calls": list(stream.calls),
        "notes": set(stream.notes),
    }


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.file)
def test_a_stream_in_one_read(stream: Stream) -> None:
    heard = hear(stream.reader, [stream.body], clean=stream.clean)
    assert _says(heard) == _expected(stream)


@pytest.mark.parametrize("stream", SMALL, ids=lambda stream: stream.file)
def test_a_stream_one_byte_at_a_time(stream: Stream) -> None:
    heard = hear(stream.reader, bytewise(stream.body), clean=stream.clean)
    assert _says(heard) == _expected(stream)


@pytest.mark.parametrize("stream", SMALL, ids=lambda stream: stream.file)
def test_a_stream_cut_in_two_anywhere(stream: Stream) -> None:
    wanted = _expected(stream)
    for cut in range(0, len(stream.body), 7):
        pieces = [stream.body[:cut], stream.body[cut:]]
        assert _says(hear(stream.reader, pieces, clean=stream.clean)) == wanted, cut


def test_a_frame_of_two_mebibytes_in_small_reads() -> None:
    stream = next(stream for stream in STREAMS if stream.padding)
    assert len(stream.body) > 2 * MEBIBYTE
    step = 1000
    pieces = [stream.body[n : n + step] for n in range(0, len(stream.body), step)]
    assert _says(hear(stream.reader, pieces)) == _expected(stream)
