"""The numbers in the table, with the floors that the project set itself."""

import math
from dataclasses import dataclass

from bench.plan import Plan


@dataclass(frozen=True, slots=True)
class Metric:
    """``floor`` is the least (or, when lower is better, the most) that is acceptable."""

    key: str
    title: str
    unit: str
    floor: float | None = None
    more_is_better: bool = False

    def met(self, value: float) -> bool | None:
        """None without a floor or without a value."""
        if self.floor is None or math.isnan(value):
            return None
        return value >= self.floor if self.more_is_better else value <= self.floor


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading; ``busy`` is the share of their core that mock and load generator used."""

    key: str
    value: float
    busy: float = 0.0


# Above this the load side may have been what was measured.
BUSY_LIMIT = 0.9
HELD_P99_S = 0.050


def cpu_per_frame(streams: int) -> Metric:
    title = f"paced {streams}: CPU per frame"
    return Metric(f"paced_cpu_us_{streams}", title, "µs", 38)


def frame_delay(streams: int) -> Metric:
    return Metric(f"paced_p99_ms_{streams}", f"paced {streams}: p99 delay", "ms")


def table(plan: Plan) -> list[Metric]:
    """All metrics, in the order of the table's rows."""
    return [
        Metric("startup_s", "start-up to ready", "s", 1.0),
        Metric("idle_kb", "idle stream: memory", "kB", 60),
        Metric("ttft_p50_ms", "added to first text, p50", "ms", 1.0),
        Metric("ttft_p99_ms", "added to first text, p99", "ms", 5.0),
        Metric("short_per_cpu_s", "short answers", "/CPU-s", 2500, more_is_better=True),
        Metric("burst_per_cpu_s", "burst streams", "/CPU-s", 1000, more_is_better=True),
        Metric("burst_frames_per_cpu_s", "burst frames", "/CPU-s", None, more_is_better=True),
        *(row(streams) for streams in plan.paced_levels for row in (cpu_per_frame, frame_delay)),
        Metric("paced_held", f"paced held, of {plan.most_streams}", "", 600, True),
    ]
