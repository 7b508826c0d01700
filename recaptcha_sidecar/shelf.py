"""Which warm things to keep: pure decisions over ages, counts and last uses."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(slots=True)
class Use:
    """The life of a warm context or browser so far. Times are monotonic seconds."""

    born: float
    last: float
    mints: int = 0
    busy: int = 0

    def enter(self, now: float) -> None:
        """A mint begins."""
        self.busy += 1
        self.last = now

    def leave(self, now: float, *, minted: bool) -> None:
        """A mint ends."""
        self.busy -= 1
        self.last = now
        self.mints += minted


def is_worn(use: Use, now: float, *, max_age: float, max_mints: int) -> bool:
    """Whether a new one should take over."""
    return use.mints >= max_mints or now - use.born >= max_age


def to_close(
    uses: Mapping[str, Use], now: float, *, most: int, idle: float, max_mints: int
) -> list[str]:
    """The contexts to let go: worn or idle ones, then the least recently used above ``most``.

    A context in use is never among them, so there may be more than ``most`` for a moment.
    """
    free = {key: use for key, use in uses.items() if not use.busy}
    gone = [key for key, use in free.items() if now - use.last >= idle or use.mints >= max_mints]
    rest = sorted((k for k in free if k not in gone), key=lambda key: free[key].last)
    too_many = len(uses) - len(gone) - most
    return gone + rest[: max(0, too_many)]
