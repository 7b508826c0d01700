"""One timer for all paced streams, so that a thousand of them cost the mock little."""

import asyncio
import time
from typing import Protocol

# The finest spacing a paced stream can have; also how late a frame may leave unprovoked.
TICK_S = 0.001
# Successive multiples of the golden ratio never bunch up: streams that arrive together are
# spread evenly over their period, as independent users would be.
GOLDEN = 0.618_033_988_749_895


class PacedStream(Protocol):
    period_ms: int

    def emit(self) -> bool:
        """Send the next frame; False after the last one."""


class Pacer:
    """A calendar of streams by the millisecond at which their next frame is due."""

    def __init__(self) -> None:
        self._due: dict[int, list[PacedStream]] = {}
        self._done_to = 0
        self._joined = 0
        self._timer: asyncio.TimerHandle | None = None

    def first_due(self, period_ms: int) -> int:
        """The millisecond (monotonic clock) at which a stream that joins now begins."""
        self._joined += 1
        return _now_ms() + 2 + int(self._joined * GOLDEN % 1.0 * period_ms)

    def join(self, stream: PacedStream, first_due: int) -> None:
        if self._timer is None:
            self._done_to = _now_ms()
            self._wind()
        self._due.setdefault(first_due, []).append(stream)

    def _wind(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        now = _now_ms()
        for moment in range(self._done_to + 1, now + 1):
            for stream in self._due.pop(moment, ()):
                if stream.emit():
                    self._due.setdefault(moment + stream.period_ms, []).append(stream)
        self._done_to = now
        if self._due:
            self._wind()
        else:
            self._timer = None


def _now_ms() -> int:
    return time.monotonic_ns() // 1_000_000
