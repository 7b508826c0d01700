"""A server that answers wrongly is reported as broken, never as fast."""

import asyncio
import json
import re
from collections.abc import Callable
from typing import cast

import pytest
from bench_serving import RunOn, serving

from bench.dialect import OPENAI
from bench.frames import Route
from bench.http1 import LAST_CHUNK, STREAM_HEAD, chunk, response
from bench.load import Load, closed_loop, idle_memory_kb
from bench.mode import burst
from bench.processes import BrokenServerError
from bench.schedule import paced_step
from bench.servers import Server, free_port

FRAMES = 6
DONE = b"data: [DONE]\n\n"


def said(text: str) -> bytes:
    payload = {"choices": [{"index": 0, "delta": {"content": text}}]}
    return b"data: %b\n\n" % json.dumps(payload).encode()


def whole(*events: bytes) -> bytes:
    return STREAM_HEAD + chunk(b"".join(events)) + LAST_CHUNK


GOOD = whole(said("tok ") * (FRAMES - 2), said("tok tok "), DONE)
SPLIT_WORD = whole(said("tok ") * (FRAMES - 1), said("to"), said("k "), DONE)
BROKEN = {
    "cut": (GOOD[:-20], "cut the connection"),
    "without its end": (GOOD[: -len(LAST_CHUNK)], "cut the connection"),
    "a frame short": (whole(said("tok ") * (FRAMES - 1), DONE), "5 of 6"),
    "a frame too many": (whole(said("tok ") * (FRAMES + 1), DONE), "7 of 6"),
    "other text": (whole(said("tok ") * FRAMES, said("and more"), DONE), "6 of 6"),
    "no [DONE]": (whole(said("tok ") * FRAMES), "does not end with [DONE]"),
    "not JSON": (whole(b"data: tok \n\n" * FRAMES, DONE), "not the JSON expected"),
    "status": (response(b'{"error":"busy"}', "503 Busy"), "status 503"),
    "bad chunk": (GOOD.replace(STREAM_HEAD, STREAM_HEAD + b"zz\r\n"), "malformed HTTP"),
    "more than asked": (GOOD + GOOD, "bytes after the end"),
    "nothing at all": (b"", "cut the connection"),
}


class Stub(asyncio.Protocol):
    """Answers every request with the same bytes; ends the connection when told to."""

    def __init__(self, reply: bytes, keep: bool) -> None:
        self._reply, self._keep = reply, keep

    def connection_made(self, transport: asyncio.BaseTransport) -> None:

        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(self._reply)
        if not self._keep:
            self._transport.close()


def stub(reply: bytes, keep: bool = False) -> Callable[[], Stub]:
    return lambda: Stub(reply, keep)


LOAD = Load(burst(FRAMES), True, 2, 0.02)


@pytest.mark.parametrize("reply", [GOOD, SPLIT_WORD], ids=["coalesced", "split"])
def test_coalesced_and_split_frames_are_right(run_on: RunOn, reply: bytes) -> None:
    async def test() -> None:
        async with serving(stub(reply, keep=True), spoken=OPENAI) as server:
            done = await closed_loop(server, LOAD, 1)
            assert done.completed >= 2

    run_on(test())


@pytest.mark.parametrize("case", BROKEN)
def test_a_wrong_reply_breaks_the_measurement(run_on: RunOn, case: str) -> None:
    reply, why = BROKEN[case]

    async def test() -> None:
        async with serving(stub(reply), spoken=OPENAI) as server:
            with pytest.raises(BrokenServerError, match=re.escape(why)):
                await closed_loop(server, LOAD, 1)

    run_on(test())


def test_cut_paced_and_idle_streams_are_noticed(run_on: RunOn) -> None:
    async def test() -> None:
        cut = STREAM_HEAD + chunk(said("at=1.000 ") + said("tok "))
        async with serving(stub(cut), spoken=OPENAI) as server:
            with pytest.raises(BrokenServerError, match="cut the connection"):
                await paced_step(server, 2, 0.05, 1)
            with pytest.raises(BrokenServerError, match="cut the connection"):
                await idle_memory_kb(server, 50)

    run_on(test())


def test_a_server_that_is_not_there_is_broken(run_on: RunOn) -> None:
    async def test() -> None:
        with pytest.raises(BrokenServerError, match="refused a connection"):
            await closed_loop(Server("gone", Route.KEY, OPENAI, free_port()), LOAD, 1)

    run_on(test())
