"""The load generator against the mock: all of what was asked arrives and is counted."""

import asyncio
import os

import pytest
from bench_serving import RunOn, serving

from bench.asking import ask, connections, together
from bench.dialect import KEY
from bench.frames import Route
from bench.load import Load, closed_loop, idle_memory_kb, times_to_text
from bench.mode import SHORT, burst, paced
from bench.schedule import paced_step

PID = os.getpid()


@pytest.mark.parametrize("route", Route)
@pytest.mark.parametrize("stream", [True, False])
def test_closed_loop_counts_checked_replies(run_on: RunOn, route: Route, stream: bool) -> None:
    async def test() -> None:
        async with serving(route=route) as server:
            done = await closed_loop(server, Load(SHORT, stream, 3, 0.05), PID)
            assert done.completed >= 3
            assert done.usage.wall >= 0.05

    run_on(test())


def test_paced_step_sees_every_frame_due_in_its_window(run_on: RunOn) -> None:
    async def test() -> None:
        async with serving() as cookie, serving(route=Route.KEY) as key:
            steps = await together([paced_step(one, 5, 0.1, PID) for one in (cookie, key)], 9)
            for step in steps:
                # Of five streams, one frame in 20 ms, and one more at an end of the window.
                assert 5 <= len(step.delays) <= 5 * (step.usage.wall / 0.02 + 1)
                assert all(delay >= 0 for delay in step.delays)

    run_on(test())


def test_a_watched_reply_marks_each_token(run_on: RunOn) -> None:
    async def test() -> None:
        async with serving(route=Route.KEY) as server, connections(server, 1) as (connection,):
            reply = await connection.exchange(KEY.request(paced(5, 10), True), watch=True)
            times, counts = zip(*reply.marks, strict=True)
            assert counts[-1] == 5
            assert list(times) == sorted(times)
            assert reply.sent <= reply.first_text == times[0]

    run_on(test())


def test_first_text_is_timed_for_each_server(run_on: RunOn) -> None:
    async def test() -> None:
        async with serving() as one, serving(route=Route.KEY) as other:
            times = await times_to_text([one, other], 3)
            assert [len(each) for each in times] == [3, 3]
            assert all(time > 0 for each in times for time in each)

    run_on(test())


def test_idle_streams_are_opened_and_closed(run_on: RunOn) -> None:
    async def test() -> None:
        async with serving() as server:
            before = len(asyncio.all_tasks())
            assert isinstance(await idle_memory_kb(server, 50), float)
            assert len(asyncio.all_tasks()) == before

    run_on(test())


def test_one_connection_carries_many_replies(run_on: RunOn) -> None:
    async def test() -> None:
        async with serving() as server, connections(server, 1) as (connection,):
            for frames in (1, 300, 2):
                reply = await ask(server, connection, burst(frames))
                assert reply.body.count(b"message_field_delta") == frames

    run_on(test())
