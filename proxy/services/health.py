"""Whether the server can serve, and what is missing when it cannot."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from proxy.core.pool import Pool, Seat
from proxy.core.products import Product
from proxy.store.failures import StoreUnavailable
from proxy.store.locks import LockStore

# Seconds before the drain's end in which waiting callers get their answer.
LAST_WORDS = 2.0
NO_ACCOUNT = "no account: set GSK_API_KEY, GS_COOKIE or ACCOUNTS_FILE"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``ready``, ``degraded`` (alive, but every account is locked) or ``not_ready``."""

    status: str
    problems: list[str]


@dataclass(slots=True)
class Health:
    """Looks at the pool, the database and the drain flag; no upstream is asked. ``drained_by`` is
    the end of a drain on the monotonic clock.
    """

    pool: Pool
    store: LockStore
    clock: Callable[[], float]
    draining: bool = False
    drained_by: float = 0.0
    in_flight: int = 0
    # Paid requests of jobs that nobody waits for on a connection.
    sending: Callable[[], int] = lambda: 0

    @property
    def leaving(self) -> bool:
        """Whether the server is about to end: who still waits is told so now."""
        return self.draining and time.monotonic() >= self.drained_by - LAST_WORDS

    @property
    def busy(self) -> bool:
        """Whether something runs that a drain should let finish."""
        return bool(self.in_flight or self.sending())

    async def verdict(self) -> Verdict:
        """The present state."""
        problems = ["shutting down"] if self.draining else []
        enabled = self._enabled()
        if not enabled:
            problems.append(NO_ACCOUNT)
        try:
            await self.store.load()
        except StoreUnavailable as error:
            problems.append(f"database: {error}")
        if problems:
            return Verdict("not_ready", problems)
        now = self.clock()
        if all(seat.locked(Product.CHAT, now) for seat in enabled):
            return Verdict("degraded", ["every account is locked"])
        return Verdict("ready", [])

    def _enabled(self) -> list[Seat]:
        return [seat for seat in self.pool.seats() if not seat.account.disabled]
