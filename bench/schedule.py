"""Paced streams held against the schedule that the mock stamps into each of them."""

import asyncio
import math
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass

from bench.asking import check, dial, together
from bench.client import Reply
from bench.mode import Mode, paced
from bench.servers import Server
from bench.stats import quantile
from bench.usage import Meter, Usage

PERIOD_MS = 20
# Streams are opened this far apart: many openings at once are a figure of their own.
RAMP_PER_STREAM_S = 0.001
# Between the last opening and the measured window, and from its end to the last frame.
SETTLE_S, TRAIL_S = 0.3, 0.06
# Streams that end this much late were given more than the server can do; they are cut off.
LATE_LIMIT_S = 2.0
_STAMP = re.compile(rb"at=(\d+\.\d+) ")


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a step in which all streams are open and frames count."""

    begin: float
    end: float

    def __contains__(self, moment: float) -> bool:
        return self.begin <= moment <= self.end


@dataclass(frozen=True, slots=True)
class Step:
    """So many streams at once; ``frames`` arrived in the window, ``delays`` of those due in it.

    An overloaded step has no delays: its streams did not end in time.
    """

    streams: int
    usage: Usage
    frames: int
    delays: list[float]

    @property
    def p99(self) -> float:
        return quantile(self.delays, 0.99) if self.delays else math.inf

    @property
    def cpu_us_per_frame(self) -> float:
        return self.usage.server_cpu / self.frames * 1e6 if self.frames else math.nan


async def paced_step(server: Server, streams: int, seconds: float, mock_pid: int) -> Step:
    """Open, settle, measure for ``seconds``, and let every stream finish."""
    opening = time.monotonic()
    begin = opening + streams * RAMP_PER_STREAM_S + SETTLE_S
    plan = Window(begin, begin + seconds)
    openings = (opening + number * RAMP_PER_STREAM_S for number in range(streams))
    late = plan.end + TRAIL_S + LATE_LIMIT_S - opening
    metering = _Metering(server, plan, mock_pid)
    try:
        replies = await together([_stream(server, at, plan) for at in openings], late)
    except TimeoutError:
        replies = []
    finally:
        window, usage = metering.stop()
    arrivals = sum(_arrived(reply, window) for reply in replies)
    delays = [delay for reply in replies for delay in _delays(reply, window)]
    return Step(streams, usage, arrivals, delays)


class _Metering:
    """Reads the clocks at both ends of the planned window, whatever the streams are doing."""

    def __init__(self, server: Server, plan: Window, mock_pid: int) -> None:
        loop = asyncio.get_running_loop()
        ahead = loop.time() - time.monotonic()
        self._server, self._mock_pid = server, mock_pid
        self._meter: Meter | None = None
        self._usage = Usage(math.nan, 0.0, 0.0)
        self._timers = (
            loop.call_at(plan.begin + ahead, self._begin),
            loop.call_at(plan.end + ahead, self._end),
        )

    def _begin(self) -> None:
        self._meter = Meter(self._server.pid, [self._mock_pid])

    def _end(self) -> None:
        if self._meter is not None:
            self._usage = self._meter.read()

    def stop(self) -> tuple[Window, Usage]:
        """The window as it was really measured, and what was used in it."""
        for timer in self._timers:
            timer.cancel()
        began = self._meter.started if self._meter is not None else math.inf
        return Window(began, began + self._usage.wall), self._usage


async def _sleep_until(moment: float) -> None:
    await asyncio.sleep(max(0.0, moment - time.monotonic()))


async def _stream(server: Server, opening: float, plan: Window) -> Reply:
    await _sleep_until(opening)
    left = plan.end + TRAIL_S - time.monotonic()
    mode = paced(max(1, math.ceil(left * 1000 / PERIOD_MS)), PERIOD_MS)
    return await _watched(server, mode)


async def _watched(server: Server, mode: Mode) -> Reply:
    connection = await dial(server)
    try:
        reply = await connection.exchange(server.dialect.request(mode, True), watch=True)
    finally:
        connection.close()
    check(server, reply, mode)
    return reply


def _arrivals(reply: Reply) -> Iterator[tuple[float, float]]:
    """When each token frame was due, and when it was here."""
    stamp = _STAMP.search(reply.body)
    due = float(stamp[1]) if stamp else math.nan
    seen = 0
    for moment, tokens in reply.marks:
        for number in range(seen, tokens):
            yield due + number * PERIOD_MS / 1000, moment
        seen = tokens


def _arrived(reply: Reply, window: Window) -> int:
    return sum(moment in window for _, moment in _arrivals(reply))


def _delays(reply: Reply, window: Window) -> Iterator[float]:
    return (moment - due for due, moment in _arrivals(reply) if due in window)
