"""Jobs in flight: making them, what they cost while they run, and how new ones fare beside them."""

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from bench.asking import together
from bench.jobs.caller import Caller, calling, control, moment
from bench.jobs.memory import resident_mb
from bench.jobs.plan import Plan
from bench.jobs.services import Server
from bench.metrics import Sample
from bench.processes import BrokenServerError
from bench.sidecar.services import Emulator
from bench.stats import quantile
from bench.usage import Meter

# No machine that can be used for this takes longer to buy ten thousand tasks, or ten probes.
FLOOD_LIMIT_S: Final = 1800.0
PROBE_LIMIT_S: Final = 120.0
LOOK_S: Final = 0.2
# Of the jobs in flight, this many tell their histories.
HISTORIES: Final = 1000
RUNNING: Final = "running"


@dataclass(frozen=True, slots=True)
class Subject:
    """A server that has not been asked for anything, and what it is measured with."""

    plan: Plan
    server: Server
    emulator: Emulator

    def meter(self) -> Meter:
        return Meter(self.server.pid, [self.emulator.pid])


async def flight(subject: Subject) -> list[Sample]:
    """All rows about jobs. Raises ``BrokenServerError`` when one of them is lost on the way."""
    seconds = {"seconds": {"video": subject.plan.task_s}}
    await control(subject.emulator.port, "POST", "tasks", seconds)
    samples = await _flood(subject)
    await asyncio.sleep(subject.plan.settle_s)
    for _ in range(subject.plan.windows):
        samples += await _window(subject)
    samples.append(Sample("memory_full_mb", resident_mb(subject.server.pid)))
    samples += await _probes(subject)
    async with calling(subject.server.port) as [caller]:
        await _check(caller, {RUNNING: subject.plan.jobs, "completed": subject.plan.probes})
    return samples


async def _flood(subject: Subject) -> list[Sample]:
    """Create as fast as the server answers, then wait until everything is bought."""
    plan, meter, empty = subject.plan, subject.meter(), resident_mb(subject.server.pid)
    numbers, began = iter(range(plan.jobs)), time.monotonic()
    async with calling(subject.server.port, plan.callers) as callers:
        made = await together([_creating(one, numbers) for one in callers], FLOOD_LIMIT_S)
        answered = time.monotonic() - began
        ids = sorted(job_id for own in made for job_id, _ in own)
        times = [seconds for own in made for _, seconds in own]
        await _until(callers[0], ids[-1], RUNNING, FLOOD_LIMIT_S)
        await _all_running(callers[0], plan.jobs)
        used = meter.read()
        waits = await _waits(callers, ids)
    return [
        Sample("creates_per_s", plan.jobs / answered, used.load_busy),
        Sample("create_p99_ms", quantile(times, 0.99) * 1000, used.load_busy),
        Sample("bought_s", used.wall, used.load_busy),
        Sample("bought_cpu_ms", used.server_cpu / plan.jobs * 1000),
        Sample("queue_p50_s", quantile(waits, 0.5)),
        Sample("queue_p99_s", quantile(waits, 0.99)),
        Sample("memory_empty_mb", empty),
    ]


async def _creating(caller: Caller, numbers: Iterator[int]) -> list[tuple[str, float]]:
    """Job by job until the numbers are used up; each id with how long its answer took."""
    made = []
    for number in numbers:
        began = time.monotonic()
        made.append((await caller.create(number), time.monotonic() - began))
    return made


async def _until(caller: Caller, job_id: str, state: str, limit_s: float) -> dict[str, Any]:
    """The job once it is in this state; any other end is a failure."""
    until = time.monotonic() + limit_s
    while (job := await caller.job(job_id))["state"] != state:
        if job["error"] is not None:
            raise BrokenServerError(f"a job ended as {job['state']}: {job['error']}")
        if time.monotonic() > until:
            raise BrokenServerError(f"a job is {job['state']}, not {state}, after {limit_s:.0f} s")
        await asyncio.sleep(LOOK_S)
    return job


async def _all_running(caller: Caller, count: int) -> None:
    """The newest job is bought about last, but some are bought a moment later."""
    until = time.monotonic() + FLOOD_LIMIT_S
    while (states := Counter(await caller.states()))[RUNNING] < count:
        if time.monotonic() > until or states["failed"]:
            raise BrokenServerError(f"{count} jobs were made, and they are {dict(states)}")
        await asyncio.sleep(LOOK_S)


async def _check(caller: Caller, expected: dict[str, int]) -> None:
    """None may be lost, and none may have ended before its time."""
    states = Counter(await caller.states())
    if states != Counter(expected):
        raise BrokenServerError(f"jobs should be {expected}, and are {dict(states)}")


async def _waits(callers: list[Caller], ids: list[str]) -> list[float]:
    """From creation to the intent, of jobs spread over all."""
    chosen = iter(ids[:: max(1, len(ids) // HISTORIES)])

    async def some(caller: Caller) -> list[float]:
        return [_claimed_after(await caller.job(job_id)) for job_id in chosen]

    return [wait for own in await together(map(some, callers), FLOOD_LIMIT_S) for wait in own]


def _claimed_after(job: dict[str, Any]) -> float:
    return moment(job, "intent") - moment(job, "created")


async def _window(subject: Subject) -> list[Sample]:
    """What the jobs cost while nothing happens but looks at their tasks."""
    jobs, port = subject.plan.jobs, subject.emulator.port
    await control(port, "DELETE", "log")
    meter = subject.meter()
    await asyncio.sleep(subject.plan.window_s)
    used = meter.read()
    log = await control(port, "GET", "log")
    looks = sum(len(e["body"]["task_ids"]) for e in log["entries"] if e["flow"] == "tasks")
    minutes = used.wall / 60
    return [
        Sample("job_cpu_ms", used.server_cpu / jobs / minutes * 1000, used.load_busy),
        Sample("core_share", used.server_cpu / used.wall * 100, used.load_busy),
        Sample("looks", looks / jobs / minutes, used.load_busy),
    ]


async def _probes(subject: Subject) -> list[Sample]:
    """Further jobs, one after another, whose tasks end soon."""
    plan, port = subject.plan, subject.emulator.port
    rule = {"flow": "video", "times": plan.probes, "task_seconds": plan.probe_task_s}
    await control(port, "POST", "script", rule)
    meter, made = subject.meter(), []
    async with calling(subject.server.port) as [caller]:
        for number in range(plan.probes):
            made += await _creating(caller, iter([plan.jobs + number]))
            await asyncio.sleep(plan.probe_pause_s)
        busy = meter.read().load_busy
        done = [await _until(caller, job_id, "completed", PROBE_LIMIT_S) for job_id, _ in made]
    told = [moment(job, "delivered") - moment(job, "accepted") - plan.probe_task_s for job in done]
    series = {
        "probe": [seconds for _, seconds in made],
        "claim": [_claimed_after(job) for job in done],
        "news": told,
    }
    return [
        Sample(f"{name}_{mark}_ms", quantile(times, share) * 1000, busy)
        for name, times in series.items()
        for mark, share in (("p50", 0.5), ("p99", 0.99))
    ]
