"""A circuit breaker: after failures in a row it stays open for a while, then one may try."""

from dataclasses import dataclass


@dataclass(slots=True)
class Breaker:
    """``limit`` failures in a row open it for ``seconds``; times are given in."""

    limit: int
    seconds: float
    failures: int = 0
    opened_at: float | None = None
    trying: bool = False

    def allows(self, now: float) -> bool:
        """Whether a call may be made now; after the pause a single one probes."""
        if self.opened_at is None:
            return True
        if self.trying or now - self.opened_at < self.seconds:
            return False
        self.trying = True
        return True

    def succeeded(self) -> None:
        """A call went well: all is whole again."""
        self.failures = 0
        self.opened_at = None
        self.trying = False

    def failed(self, now: float) -> None:
        """A call failed; the last of too many opens the breaker, and so does a failed probe."""
        self.failures += 1
        if self.trying or self.failures >= self.limit:
            self.opened_at = now
        self.trying = False

    def abandoned(self) -> None:
        """A call was given up by its caller: it proves nothing, and the next one may probe."""
        self.trying = False
