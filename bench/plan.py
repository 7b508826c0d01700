"""How long and how much: the default run takes about three minutes, the quick one under one."""

from dataclasses import dataclass

BURST_FRAMES = 300


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes of one run; times in seconds."""

    rounds: int = 3
    # A closed loop's length, and its connections: enough to keep the server's core full.
    loop_s: float = 0.5
    short_concurrency: int = 32
    burst_concurrency: int = 16
    # Requests for the time to first text: 1 in 100 has to be more than one request.
    low_load_requests: int = 250
    idle_streams: int = 500
    paced_s: float = 0.7
    # Numbers of streams at which CPU per frame is quoted, in every round.
    paced_levels: tuple[int, ...] = (100, 400)
    # Tried in this order to find the most that are held, each only while that is open: a
    # server that holds 600 is not asked for 500.
    climb: tuple[int, ...] = (200, 600, 500, 800)

    @property
    def most_streams(self) -> int:
        return max(self.paced_levels + self.climb)


FULL = Plan()
QUICK = Plan(
    rounds=1,
    loop_s=0.5,
    low_load_requests=120,
    paced_s=0.6,
    paced_levels=(200,),
    climb=(600, 400),
)
