"""Ask for videos or images, once, whatever happens to the connection."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from proxy.generate.server import NoAnswer, Refused, Server, Stop
from proxy.generate.showing import Show
from proxy.wire.json_values import list_at, text_at

TRIES: Final = 4
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0


@dataclass(slots=True)
class Making:
    """``sleep`` takes seconds."""

    server: Server
    show: Show
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def make(self, door: str, wish: dict[str, Any]) -> list[str]:
        """The ids of the new jobs. Raises ``Stop``.

        All tries carry one key, so a request that did arrive is found again, not made twice.
        """
        headers = {"Idempotency-Key": secrets.token_hex(16), "Prefer": "respond-async"}
        pause = FIRST_PAUSE
        for left in reversed(range(TRIES)):
            try:
                return _ids((await self.server.ask("POST", door, wish, headers)).body)
            except (NoAnswer, Refused) as error:
                if not left or not _worth_another(error):
                    raise
                wait = error.retry_after if isinstance(error, Refused) else None
            self.show.trouble("The server did not answer; trying again with the same key.")
            await self.sleep(min(LONGEST_PAUSE, wait or pause))
            pause *= 2
        raise AssertionError


def _worth_another(error: NoAnswer | Refused) -> bool:
    if isinstance(error, Refused):
        return error.passes and (error.retry_after or 0.0) <= LONGEST_PAUSE
    # A server that is not there at all is not waited for.
    return error.sent


def _ids(body: Any) -> list[str]:
    listed = [text_at(task, "task_id") for task in list_at(body, "data")]
    found = [each for each in listed or [text_at(body, "id")] if each]
    if not found:
        raise Stop("The server took the request, but names no job; look at: genspark2api jobs list")
    return found
