"""Wait for jobs: ask the server now and then, and sit out its restarts."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final

from proxy.generate.job_news import JobNews, read_job
from proxy.generate.server import NoAnswer, Refused, Server, Stop
from proxy.generate.showing import Show

# The server counts requests (60 a minute unless told otherwise), and others share the address.
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 5.0
GROWTH: Final = 1.3
# A restart, or an update of the container, takes less.
PATIENCE: Final = 120.0
TOO_MANY: Final = 429
LONGEST_WAIT: Final = 60.0


@dataclass(slots=True)
class Watch:
    """``clock`` gives seconds; ``met``: this server has answered already."""

    server: Server
    show: Show
    met: bool = False
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic

    async def until_ended(self, ids: Sequence[str]) -> list[JobNews]:
        """The jobs, in order, once all have ended. Raises ``Stop``."""
        found: dict[str, JobNews] = {}
        pause = FIRST_PAUSE
        while waiting := [each for each in ids if each not in found or not found[each].ended]:
            if found:
                await self.sleep(pause * len(waiting))
                pause = min(LONGEST_PAUSE, pause * GROWTH)
            for each in waiting:
                found[each] = await self._look(each)
                self.show.job(found[each])
        return [found[each] for each in ids]

    async def _look(self, job_id: str) -> JobNews:
        lost: float | None = None
        while True:
            try:
                news = read_job(await self.server.job(job_id))
            except (NoAnswer, Refused) as error:
                limited = isinstance(error, Refused) and error.status == TOO_MANY
                if not limited and not self._bearable(error, lost):
                    raise
                if not limited and lost is None:
                    lost = self.clock()
                    self.show.trouble("The server does not answer; waiting for it.")
                await self.sleep(_wait(error))
                continue
            self.met = True
            if not news.state:
                raise Stop(f"The server at {self.server.url} describes {job_id} in an unknown way.")
            return news

    def _bearable(self, error: NoAnswer | Refused, lost: float | None) -> bool:
        """Whether a server that was there a moment ago may answer again."""
        if isinstance(error, Refused) and not error.passes:
            return False
        return self.met and (lost is None or self.clock() <= lost + PATIENCE)


def _wait(error: NoAnswer | Refused) -> float:
    """Seconds before the next look."""
    wished = error.retry_after if isinstance(error, Refused) else None
    return min(LONGEST_WAIT, max(FIRST_PAUSE, wished or LONGEST_PAUSE / 2))
