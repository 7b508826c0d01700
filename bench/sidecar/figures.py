"""The measurements of one running sidecar, each giving samples of one or more rows."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.asking import together
from bench.metrics import Sample
from bench.sidecar.asking import ANSWER_LIMIT_S, Caller, calling, open_contexts
from bench.sidecar.metrics import OTHERS, OWN_TIME, memory_key
from bench.sidecar.page import own_page
from bench.sidecar.plan import DEFAULT_CONTEXTS, OPEN, PARALLEL, Plan
from bench.sidecar.services import Emulator, Sidecar
from bench.sidecar.tree import Meter, Used, memory_mb
from bench.stats import quantile


@dataclass(frozen=True, slots=True)
class Subject:
    """A fresh sidecar, which has not been asked for anything, and what it is measured with."""

    plan: Plan
    sidecar: Sidecar
    emulator: Emulator

    def meter(self) -> Meter:
        return Meter(self.sidecar.pid, self.emulator.pid)


Figure = Callable[[Subject], Awaitable[list[Sample]]]


async def opening(subject: Subject) -> list[Sample]:
    """Account after account is new, each with room for its context; memory along the way."""
    samples, times, meter = [], [], subject.meter()
    with calling(subject.sidecar) as caller:
        samples += await _cold(subject, caller)
        for number in range(1, max(OPEN) + 1):
            if number > 1:
                times.append(await caller.token_seconds(f"new-{number}"))
            if number in OPEN:
                await asyncio.sleep(subject.plan.settle_s)
                megabytes = memory_mb(subject.sidecar.pid)
                samples.append(Sample(memory_key(number), megabytes))
    return [
        *samples,
        Sample("new_p50_ms", quantile(times, 0.5) * 1000),
        Sample("new_max_ms", max(times) * 1000),
        Sample(OTHERS, meter.read().others),
    ]


async def _cold(subject: Subject, caller: Caller) -> list[Sample]:
    """From the start of the process; the token is asked for as soon as the sidecar is ready."""
    await caller.token_seconds("new-1")
    first = time.monotonic() - subject.sidecar.began
    return [Sample("ready_s", subject.sidecar.ready_s), Sample("cold_token_s", first)]


async def warm(subject: Subject) -> list[Sample]:
    """A sidecar as it comes: accounts beyond its contexts, then a warm page, then in a row."""
    with calling(subject.sidecar) as caller:
        cold = await _cold(subject, caller)
        return [
            *cold,
            *await _displacing(subject, caller),
            *await _beside_the_page(subject, caller),
            *await _sequential(subject, caller),
        ]


async def _displacing(subject: Subject, caller: Caller) -> list[Sample]:
    for number in range(2, DEFAULT_CONTEXTS + 1):
        await caller.token_seconds(f"new-{number}")
    more = range(DEFAULT_CONTEXTS + 1, DEFAULT_CONTEXTS + 1 + subject.plan.displacing)
    times = [await caller.token_seconds(f"new-{number}") for number in more]
    return [
        Sample("displacing_p50_ms", quantile(times, 0.5) * 1000),
        Sample("contexts", await open_contexts(subject.sidecar)),
    ]


async def _beside_the_page(subject: Subject, caller: Caller) -> list[Sample]:
    """The sidecar and the same page without it, token by token in turn: both see the same noise."""
    account = "warm"
    async with own_page(subject.emulator.url) as page:
        for _ in range(10):
            await caller.token_seconds(account)
            await page.token_seconds()
        meter, pairs = subject.meter(), []
        for _ in range(subject.plan.warm_tokens):
            pairs.append((await caller.token_seconds(account), await page.token_seconds()))
        used = meter.read()
    times, own = zip(*pairs, strict=True)
    middle, own_middle = quantile(times, 0.5) * 1000, quantile(own, 0.5) * 1000
    return [
        Sample("warm_p50_ms", middle),
        Sample("warm_p99_ms", quantile(times, 0.99) * 1000),
        Sample(OWN_TIME, own_middle),
        Sample("over_p50_ms", middle - own_middle),
        Sample(OTHERS, used.others),
    ]


async def _sequential(subject: Subject, caller: Caller) -> list[Sample]:
    account = "in-a-row"
    await caller.token_seconds(account)
    meter = subject.meter()
    tokens = await _repeat(caller, account, time.monotonic() + subject.plan.loop_s)
    return _rate("sequential", tokens, meter.read())


async def _repeat(caller: Caller, account: str, until: float) -> int:
    """How many tokens one account got until then, and with the one under way at that moment."""
    tokens = 0
    while not tokens or time.monotonic() < until:
        await caller.token_seconds(account)
        tokens += 1
    return tokens


def _rate(key: str, tokens: int, used: Used) -> list[Sample]:
    return [
        Sample(key, tokens / used.wall, used.load_busy),
        Sample(f"{key}_cpu_ms", used.sidecar_cpu / tokens * 1000),
        Sample(OTHERS, used.others),
    ]


async def one_core(subject: Subject) -> list[Sample]:
    """Accounts at once, each asking again when it has its token."""
    accounts = [f"parallel-{number}" for number in range(PARALLEL)]
    limit = subject.plan.loop_s + ANSWER_LIMIT_S
    with contextlib.ExitStack() as stack:
        callers = [stack.enter_context(calling(subject.sidecar)) for _ in accounts]
        pairs = list(zip(callers, accounts, strict=True))
        await together([caller.token_seconds(account) for caller, account in pairs], limit)
        meter, until = subject.meter(), time.monotonic() + subject.plan.loop_s
        counts = await together([_repeat(*pair, until) for pair in pairs], limit)
        return _rate("one_core", sum(counts), meter.read())
