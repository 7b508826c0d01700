"""Waiting by a clock that jumps."""

import asyncio
import math

from genspark_emulator.alarms import Alarms


class Jumping:
    """A clock and what waits for it."""

    def __init__(self) -> None:
        self.now = 0.0
        self.alarms = Alarms(lambda: self.now)
        self.woken: list[float] = []

    async def wait(self, moment: float) -> None:
        await self.alarms.until(moment)
        self.woken.append(moment)


def test_a_moment_that_has_come_is_not_waited_for() -> None:
    asyncio.run(Jumping().wait(0.0))


def test_a_jump_wakes_everything_it_passes_in_order() -> None:
    async def scene() -> list[float]:
        clock = Jumping()
        async with asyncio.TaskGroup() as group:
            waits = {
                moment: group.create_task(clock.wait(moment), name=f"until-{moment}")
                for moment in (30.0, 10.0, 20.0, 40.0)
            }
            await asyncio.sleep(0)
            clock.now = 30.0
            await waits[30.0]
            early = list(clock.woken)
            clock.now = 40.0
        return early

    assert asyncio.run(scene()) == [10.0, 20.0, 30.0]


def test_who_leaves_does_not_hold_up_others() -> None:
    async def scene() -> list[float]:
        clock = Jumping()
        async with asyncio.TaskGroup() as group:
            leaving = group.create_task(clock.wait(1.0), name="leaving")
            endless = group.create_task(clock.wait(math.inf), name="endless")
            staying = group.create_task(clock.wait(2.0), name="staying")
            await asyncio.sleep(0)
            leaving.cancel()
            clock.now = 1e9
            await staying
            endless.cancel()
        return clock.woken

    assert asyncio.run(scene()) == [2.0]


def test_an_emulator_may_be_served_again_in_another_loop() -> None:
    clock = Jumping()

    async def abandoned() -> None:
        async with asyncio.timeout(0):
            await clock.wait(5.0)

    async def scene() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(clock.wait(6.0), name="waiting")
            await asyncio.sleep(0)
            clock.now = 6.0

    try:
        asyncio.run(abandoned())
    except TimeoutError:
        asyncio.run(scene())
    assert clock.woken == [6.0]
