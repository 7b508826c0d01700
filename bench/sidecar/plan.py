"""How much is measured: three rounds within three minutes, or one short round within 30 s."""

from dataclasses import dataclass
from typing import Final

# Accounts that are open when memory is read. The last is also the most contexts of that sidecar.
OPEN: Final = (1, 5, 20)
# What a sidecar keeps warm that is told nothing.
DEFAULT_CONTEXTS: Final = 5
# Accounts that ask at the same time on one core.
PARALLEL: Final = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of one run; times in seconds."""

    rounds: int = 3
    # 1 in 100 has to be more than one token.
    warm_tokens: int = 300
    # Accounts beyond what is kept warm: each costs another one its context.
    displacing: int = 5
    loop_s: float = 3.0
    settle_s: float = 1.0


FULL: Final = Plan()
QUICK: Final = Plan(rounds=1, warm_tokens=100, displacing=2, loop_s=1.0, settle_s=0.5)
