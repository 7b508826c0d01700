"""How much is measured: ten thousand jobs and 10 GB in about seven minutes, or little in 40 s."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of one run; times in seconds."""

    jobs: int = 10_000
    accounts: int = 500
    # Connections on which callers create jobs, each the next one when it has its answer.
    callers: int = 32
    # From the last purchase until the first window: looks at the tasks have found their rhythm.
    settle_s: float = 10.0
    windows: int = 3
    window_s: float = 20.0
    # Further jobs while the others are in flight, one after another; their tasks end at once.
    probes: int = 300
    probe_pause_s: float = 0.1
    probe_task_s: float = 2.0
    downloads: int = 200
    file_mib: int = 50
    # Downloads are repeated this often, from one server after another.
    rounds: int = 3

    @property
    def task_s(self) -> float:
        """How long the tasks in flight last: longer than any machine takes to get here."""
        return 6 * 3600.0


FULL: Final = Plan()
QUICK: Final = Plan(
    jobs=500,
    accounts=50,
    settle_s=2.0,
    windows=1,
    window_s=6.0,
    probes=30,
    downloads=40,
    file_mib=10,
    rounds=1,
)
