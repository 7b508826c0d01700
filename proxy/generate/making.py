"""Ask for videos or images, once, whatever happens to the connection."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from proxy.generate.server import Answer, NoAnswer, Refused, Server, Stop
from proxy.generate.showing import Show

TRIES: Final = 4
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 30.0


@dataclass(slots=True)
class Making:
    """``sleep`` takes seconds."""

    server: Server
    show: Show
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    async def make(self, door: str, wish: dict[str, Any]) -> Answer:
        """The server's answer, which is about the new jobs. Raises ``Stop``.

        All tries carry one key, so a request that did arrive is found again, not made twice.
        """
        headers = {"Idempotency-Key": secrets.token_hex(16), "Prefer": "respond-async"}
        pause, sent = FIRST_PAUSE, False
        for left in reversed(range(TRIES)):
            try:
                return await self.server.ask("POST", door, wish, headers)
            except (NoAnswer, Refused) as error:
                sent = sent or (isinstance(error, NoAnswer) and error.sent)
                if not left or not _worth_another(error, sent=sent):
                    raise _in_doubt(error) if sent else error from None
                wait = max(pause, _wished(error))
                self.show.trouble(f"{error} Trying again in {wait:g} s, with the same key.")
            await self.sleep(wait)
            pause *= 2
        raise AssertionError


def _wished(error: NoAnswer | Refused) -> float:
    return (error.retry_after or 0.0) if isinstance(error, Refused) else 0.0


def _worth_another(error: NoAnswer | Refused, *, sent: bool) -> bool:
    """A server that was not there from the start is not waited for."""
    if isinstance(error, Refused):
        return error.passes and _wished(error) <= LONGEST_PAUSE
    return sent


def _in_doubt(error: NoAnswer | Refused) -> Stop:
    if isinstance(error, Refused) and not error.passes:
        return error
    return Stop(f"{error}\nWhether it took the request is shown by: genspark2api jobs list")


def job_ids(answer: Answer) -> list[str]:
    """The jobs that an answer is about. Raises ``Stop`` when it names none."""
    named = answer.headers.get("x-genspark2api-job", "")
    found = [each.strip() for each in named.split(",") if each.strip()]
    if not found:
        raise Stop("The server took the request, but names no job; look at: genspark2api jobs list")
    return found
