"""Waiting by the emulator's own clock, which a test may replace and let jump.

One timer serves any number of waiting answers: thousands of open streams cost one callback every
few milliseconds, not one each.
"""

import asyncio
import heapq
import itertools
import math
from collections.abc import Callable

TICK_SECONDS = 0.01
"""How often the clock is looked at while anything waits."""

_Waiting = tuple[float, int, asyncio.Future[None]]


class Alarms:
    """Wakes up whoever waits for a moment of ``clock``.

    Belongs to one event loop at a time; what waited on an earlier one is forgotten.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._waiting: list[_Waiting] = []
        self._numbers = itertools.count()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def until(self, moment: float) -> None:
        """Return once the clock has reached ``moment``; never, if that is infinite."""
        if moment <= self._clock():
            return
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        if math.isfinite(moment):
            self._enter(loop, (moment, next(self._numbers), future))
        await future

    def _enter(self, loop: asyncio.AbstractEventLoop, waiting: _Waiting) -> None:
        if self._loop is not loop:
            self._waiting.clear()
            self._loop = loop
        idle = not self._waiting
        heapq.heappush(self._waiting, waiting)
        if idle:
            loop.call_later(TICK_SECONDS, self._tick, loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        now = self._clock()
        while self._waiting and (self._waiting[0][0] <= now or self._waiting[0][2].done()):
            future = heapq.heappop(self._waiting)[2]
            if not future.done():
                future.set_result(None)
        if self._waiting:
            loop.call_later(TICK_SECONDS, self._tick, loop)
