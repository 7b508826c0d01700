"""How an answer is put on the wire."""

import json
import socket
import time
from typing import Any

import httpx2
import pytest
from emulator_client import (
    ASK,
    COMPLETIONS,
    KEY,
    SESSION,
    EmulatorClient,
    ask_body,
    completion_body,
    data_of,
    eventually,
    frames_of,
    streamed_text,
)
from hypothesis import given
from hypothesis import strategies as st

from genspark_emulator.modifiers import Modifiers, Shaper

DELAY = 0.06
ALMOST = 0.9 * DELAY
"""Timers may fire a little early."""


def first_byte_times(emulator: EmulatorClient) -> tuple[float, float, float]:
    """Seconds until the headers, the first byte and the end of one turn."""
    started = time.monotonic()
    headers = {"cookie": f"session_id={SESSION}"}
    with emulator.http.stream("POST", ASK, json=ask_body(), headers=headers) as response:
        head = time.monotonic() - started
        chunks = response.iter_raw()
        next(chunks)
        first = time.monotonic() - started
        for _ in chunks:
            pass
    return head, first, time.monotonic() - started


def test_delay_before_the_headers(emulator: EmulatorClient) -> None:
    emulator.script(delay_s=DELAY)
    assert first_byte_times(emulator)[0] >= ALMOST


def test_silence_after_the_headers(emulator: EmulatorClient) -> None:
    emulator.script(first_event_delay_s=DELAY)
    head, first, _ = first_byte_times(emulator)
    assert first - head >= ALMOST


def test_delay_between_frames(emulator: EmulatorClient) -> None:
    emulator.script(answer={"deltas": ["a", "b"]}, frame_delay_s=0.01)
    _, first, end = first_byte_times(emulator)
    assert end - first >= ALMOST


def raw_exchange(emulator: EmulatorClient, body: Any, path: str = ASK) -> bytes:
    """Everything the server writes to one connection until it closes it."""
    host, port = emulator.emulator.url.removeprefix("http://").split(":")
    content = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: {host}\r\nuser-agent: raw\r\nconnection: close\r\n"
        f"cookie: session_id={SESSION}\r\nauthorization: Bearer {KEY}\r\n"
        f"content-length: {len(content)}\r\n\r\n"
    )
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(head.encode() + content)
        received = b""
        while more := connection.recv(65536):
            received += more
    return received


@pytest.mark.parametrize("path", [ASK, COMPLETIONS])
def test_a_cut_leaves_the_transfer_unfinished(emulator: EmulatorClient, path: str) -> None:
    emulator.script(cut_after_bytes=100)
    body = {**completion_body(stream=True), **ask_body(model="gpt-5.4")}
    received = raw_exchange(emulator, body, path)
    assert b"transfer-encoding: chunked" in received
    assert not received.endswith(b"0\r\n\r\n")
    assert emulator.log()[-1]["bytes_sent"] == 100


def test_a_cut_document_is_shorter_than_announced(emulator: EmulatorClient) -> None:
    emulator.script(reply={"body": "x" * 50}, cut_after_bytes=10)
    head, _, body = raw_exchange(emulator, ask_body()).partition(b"\r\n\r\n")
    assert b"content-length: 50" in head
    assert body == b"x" * 10


def test_a_client_notices_the_cut(emulator: EmulatorClient) -> None:
    emulator.script(cut_after_bytes=0)
    with pytest.raises(httpx2.RemoteProtocolError):
        emulator.post(ASK, ask_body())
    assert emulator.log()[-1]["cancelled"] is False


def test_a_cut_beyond_the_end_changes_nothing(emulator: EmulatorClient) -> None:
    emulator.script(cut_after_bytes=10_000_000)
    assert frames_of(emulator.ask())[-1]["field_value"] == "FINISHED"


@pytest.mark.parametrize("answer", [{"answer": {"text": "a " * 99}}, {"reply": {"body": "x" * 99}}])
def test_a_clean_early_end(emulator: EmulatorClient, answer: dict[str, Any]) -> None:
    emulator.script(**answer, end_after_bytes=70)
    response = emulator.post(ASK, ask_body())
    assert len(response.content) == 70


@pytest.mark.parametrize("size", [1, 7])
def test_every_write_has_the_asked_size(emulator: EmulatorClient, size: int) -> None:
    emulator.script(answer={"text": "one two"}, chunk_bytes=size)
    chunked = raw_exchange(emulator, ask_body()).partition(b"\r\n\r\n")[2]
    sizes = [int(line, 16) for line in chunked.split(b"\r\n")[::2] if line]
    assert set(sizes[:-2]) == {size}
    assert sizes[-1] == 0


def test_slices_give_the_same_text(emulator: EmulatorClient) -> None:
    emulator.script(answer={"text": "你好 🙂"}, chunk_bytes=1)
    assert streamed_text(emulator.ask()) == "你好 🙂"


def test_padding_makes_one_frame_long(emulator: EmulatorClient) -> None:
    emulator.script(pad_bytes=100_000)
    emulator.script(reply={"body": {"a": 1}}, pad_bytes=1000)
    lengths = sorted(map(len, data_of(emulator.ask())))
    assert lengths[-1] > 100_000
    assert lengths[-2] < 1000
    assert len(emulator.post(ASK, ask_body()).content) > 1000


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_line_ends(emulator: EmulatorClient, line_end: str) -> None:
    emulator.script(answer={"text": "one two"}, line_end=line_end)
    content = emulator.post(ASK, ask_body()).content.decode()
    assert content.endswith("}" + line_end * 2)
    assert content.count("\n") == content.count(line_end) * ("\n" in line_end)
    assert streamed_text(content) == "one two"


def test_no_space_anywhere(emulator: EmulatorClient) -> None:
    emulator.script(answer={"text": "one"}, no_space=True)
    assert emulator.ask().startswith('data:{"type":"project_start","id":"')


def test_content_type(emulator: EmulatorClient) -> None:
    emulator.script(content_type="text/plain", times=2)
    assert emulator.post(ASK, ask_body()).headers["content-type"] == "text/plain"
    assert emulator.complete().headers["content-type"] == "text/plain"


@pytest.mark.parametrize(
    "silence", [{"delay_s": 30}, {"first_event_delay_s": 30}, {"frame_delay_s": 30}]
)
def test_a_client_that_leaves_is_noticed_at_once(
    emulator: EmulatorClient, silence: dict[str, float]
) -> None:
    emulator.script(**silence)
    host, port = emulator.emulator.url.removeprefix("http://").split(":")
    content = json.dumps(ask_body()).encode()
    head = f"POST {ASK} HTTP/1.1\r\nhost: x\r\nuser-agent: raw\r\ncookie: session_id={SESSION}\r\n"
    journal = emulator.emulator.state.journal
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(head.encode() + f"content-length: {len(content)}\r\n\r\n".encode())
        connection.sendall(content)
        emulator_has_it = eventually(lambda: bool(journal.since()))
        assert emulator_has_it
        if "delay_s" not in silence:
            connection.recv(10)
    assert eventually(lambda: journal.since()[-1].ended is not None)
    assert journal.since()[-1].cancelled is True


def test_a_client_that_stays_is_not_cancelled(emulator: EmulatorClient) -> None:
    emulator.ask()
    # The client has the last byte a moment before the emulator notes that it was sent.
    assert eventually(lambda: emulator.log()[-1]["ended"] is not None)
    entry = emulator.log()[-1]
    assert entry["cancelled"] is False
    assert entry["ended"] >= entry["started"]


@pytest.mark.parametrize("path", [ASK, COMPLETIONS])
def test_a_call_that_is_carried_out_but_not_answered(emulator: EmulatorClient, path: str) -> None:
    emulator.script(accept_then_cut=True, delay_s=DELAY)
    started = time.monotonic()
    assert raw_exchange(emulator, {**completion_body(), **ask_body()}, path) == b""
    assert time.monotonic() - started >= ALMOST
    entry = emulator.log()[-1]
    assert (entry["status"], entry["bytes_sent"], entry["cancelled"]) == (None, 0, False)
    assert entry["ended"] is not None
    assert len(emulator.projects()) == (path == ASK)


limits = st.none() | st.integers(0, 60)


@given(
    writes=st.lists(st.binary(max_size=30), max_size=5),
    cut=limits,
    end=limits,
    size=st.none() | st.integers(1, 20),
)
def test_whatever_is_asked_for_the_bytes_stay_the_same(
    writes: list[bytes], cut: int | None, end: int | None, size: int | None
) -> None:
    shaper = Shaper(Modifiers(cut_after_bytes=cut, end_after_bytes=end, chunk_bytes=size))
    shaped = [piece for write in writes for piece in shaper.feed(write)] + list(shaper.flush())
    whole = b"".join(writes)
    given_limits = [limit for limit in (cut, end) if limit is not None]
    kept = whole[: min(given_limits)] if given_limits else whole
    assert b"".join(shaped) == kept
    assert all(shaped)
    if size is not None:
        assert all(len(piece) == size for piece in shaped[:-1])
    assert shaper.full is (bool(given_limits) and min(given_limits) <= len(whole))
    assert shaper.breaks_off is (
        cut is not None and cut <= len(whole) and (end is None or cut <= end)
    )
