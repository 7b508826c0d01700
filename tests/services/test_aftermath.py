"""Work after an answer is bounded in number and time, and its failures stay its own."""

import asyncio

import pytest

from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.services import aftermath as module
from proxy.services.aftermath import Aftermath


def test_small_jobs_run_and_are_waited_for() -> None:
    done: list[int] = []

    async def story() -> None:
        async with asyncio.TaskGroup() as tasks:
            jobs = Aftermath(tasks)

            async def job(number: int) -> None:
                await asyncio.sleep(0)
                done.append(number)

            for number in range(3):
                jobs.start(job(number), "job")
            await jobs.settle(5)

    asyncio.run(story())
    assert sorted(done) == [0, 1, 2]


@pytest.mark.parametrize("error", [UpstreamError(Failure(Kind.UNREACHABLE)), TimeoutError()])
def test_a_job_that_fails_fails_alone(error: Exception) -> None:
    async def story() -> None:
        async with asyncio.TaskGroup() as tasks:
            jobs = Aftermath(tasks)

            async def job() -> None:
                raise error

            jobs.start(job(), "job")
            await jobs.settle(5)

    asyncio.run(story())


def test_a_job_that_hangs_is_stopped_at_the_end() -> None:
    stopped = False

    async def story() -> None:
        async with asyncio.TaskGroup() as tasks:
            jobs = Aftermath(tasks)

            async def job() -> None:
                nonlocal stopped
                try:
                    await asyncio.Event().wait()
                finally:
                    stopped = True

            jobs.start(job(), "job")
            await jobs.settle(0.01)

    asyncio.run(story())
    assert stopped


def test_a_backlog_does_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 2)
    started: list[int] = []

    async def story() -> None:
        async with asyncio.TaskGroup() as tasks:
            jobs = Aftermath(tasks)
            end = asyncio.Event()

            async def job(number: int) -> None:
                started.append(number)
                await end.wait()

            for number in range(4):
                jobs.start(job(number), "job")
            await asyncio.sleep(0)
            end.set()
            await jobs.settle(5)
            jobs.start(job(9), "job")
            await jobs.settle(5)

    asyncio.run(story())
    assert started == [0, 1, 9]
