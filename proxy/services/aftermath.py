"""Work after an answer: best effort, bounded, owned by the application's task group."""

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from proxy.core.failures import UpstreamError
from proxy.telemetry import log

# A backlog of deletions must not grow without end when the upstream hangs.
MOST: Final = 500
PATIENCE: Final = 30.0


class Aftermath:
    """Starts small jobs that nobody waits for."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._running: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None], name: str) -> bool:
        """Run ``work`` with a time limit, its failures logged and forgotten; False: too many."""
        if len(self._running) >= MOST:
            work.close()
            log.warning("aftermath.dropped", work=name)
            return False
        task = self._tasks.create_task(_guarded(work, name), name=name)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return True

    async def settle(self, seconds: float) -> None:
        """Wait for what still runs, then stop it."""
        if self._running:
            await asyncio.wait(self._running, timeout=seconds)
        for task in self._running:
            task.cancel()


async def _guarded(work: Coroutine[Any, Any, None], name: str) -> None:
    try:
        async with asyncio.timeout(PATIENCE):
            await work
    except (UpstreamError, TimeoutError) as error:
        log.info("aftermath.failed", work=name, error=str(error))
    except Exception as error:
        # The group's other tasks must not fall with a mistake of ours in a tidying job.
        log.error("aftermath.broken", work=name, error=type(error).__name__)
