"""The measurements of one server, each giving samples of one or more metrics."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.frames import Route
from bench.load import Load, closed_loop, idle_memory_kb, times_to_text
from bench.metrics import HELD_P99_S, Sample, cpu_per_frame, frame_delay
from bench.mode import SHORT, burst
from bench.plan import BURST_FRAMES, Plan
from bench.schedule import Step, paced_step
from bench.servers import Server
from bench.stats import quantile


@dataclass(frozen=True, slots=True)
class Context:
    """What a measurement needs besides the server it measures."""

    plan: Plan
    direct: dict[Route, Server]
    mock_pid: int


Figure = Callable[[Context, Server], Awaitable[list[Sample]]]


async def startup(context: Context, server: Server) -> list[Sample]:
    return [Sample("startup_s", server.startup_s)]


async def memory(context: Context, server: Server) -> list[Sample]:
    return [Sample("idle_kb", await idle_memory_kb(server, context.plan.idle_streams))]


async def ttft(context: Context, server: Server) -> list[Sample]:
    """Added to asking the mock itself, request by request in turn with it."""
    direct = context.direct[server.route]
    base, own = await times_to_text([direct, server], context.plan.low_load_requests)
    return [
        Sample(f"ttft_{name}_ms", (quantile(own, share) - quantile(base, share)) * 1000)
        for name, share in (("p50", 0.50), ("p99", 0.99))
    ]


async def short(context: Context, server: Server) -> list[Sample]:
    plan = context.plan
    load = Load(SHORT, False, plan.short_concurrency, plan.loop_s)
    return [await _rate("short_per_cpu_s", context, server, load)]


async def bursts(context: Context, server: Server) -> list[Sample]:
    plan = context.plan
    load = Load(burst(BURST_FRAMES), True, plan.burst_concurrency, plan.loop_s)
    rate = await _rate("burst_per_cpu_s", context, server, load)
    frames = Sample("burst_frames_per_cpu_s", rate.value * BURST_FRAMES, rate.busy)
    return [rate, frames]


async def _rate(key: str, context: Context, server: Server, load: Load) -> Sample:
    done = await closed_loop(server, load, context.mock_pid)
    cpu = done.usage.server_cpu
    return Sample(key, done.completed / cpu if cpu > 0 else math.nan, done.usage.load_busy)


async def paced(context: Context, server: Server) -> list[Sample]:
    """CPU per frame at fixed numbers of streams, then the most streams that are held."""
    plan = context.plan
    steps: list[Step] = []
    for streams in plan.paced_levels:
        steps.append(await paced_step(server, streams, plan.paced_s, context.mock_pid))
    samples = [sample for step in steps for sample in _at_level(step)]
    for streams in plan.climb:
        if _worth_trying(streams, steps):
            steps.append(await paced_step(server, streams, plan.paced_s, context.mock_pid))
    held = max((step.streams for step in steps if _held(step)), default=0)
    busy = max(step.usage.load_busy for step in steps)
    return [*samples, Sample("paced_held", held, busy)]


def _held(step: Step) -> bool:
    return step.p99 < HELD_P99_S


def _worth_trying(streams: int, steps: list[Step]) -> bool:
    """Between what was held and what was not: the answer is not known yet."""
    held = max((step.streams for step in steps if _held(step)), default=0)
    failed = min((step.streams for step in steps if not _held(step)), default=streams + 1)
    return held < streams < failed


def _at_level(step: Step) -> list[Sample]:
    return [
        Sample(cpu_per_frame(step.streams).key, step.cpu_us_per_frame, step.usage.load_busy),
        Sample(frame_delay(step.streams).key, step.p99 * 1000, step.usage.load_busy),
    ]


FIGURES: dict[str, Figure] = {
    "startup": startup,
    "memory": memory,
    "ttft": ttft,
    "short": short,
    "burst": bursts,
    "paced": paced,
}
