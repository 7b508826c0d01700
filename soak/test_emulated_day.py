"""24 hours of emulated time with ten thousand jobs, failures and deaths mixed in: none is lost."""

import asyncio
import os
import time
from pathlib import Path

from services.emulated_day import Day

JOBS = int(os.environ.get("SOAK_JOBS", "10000"))


def test_no_job_of_a_bad_day_is_lost_or_bought_twice(tmp_path: Path) -> None:
    day = Day(jobs=JOBS, seed=JOBS)
    began = time.monotonic()
    asyncio.run(day.live(tmp_path))
    print(
        f"\n{JOBS} jobs, {day.turns} turns, {day.deaths} deaths, {day.outages} outages,"
        f" {day.called_off} called off, in {time.monotonic() - began:.0f} s: {dict(day.ends)}"
    )
    assert sum(day.ends.values()) == JOBS
