"""A day in small; ``make soak SOAK="-k day"`` lives through a large one."""

import asyncio
from pathlib import Path

from services.emulated_day import Day


def test_no_job_of_a_bad_day_is_lost_or_bought_twice(tmp_path: Path) -> None:
    day = Day(jobs=300)
    asyncio.run(day.live(tmp_path))
    assert sum(day.ends.values()) == 300
    assert day.ends["completed"] > 200
    # It was bad enough.
    assert day.deaths > 0
    assert day.outages > 0
    assert day.ends["submission_unconfirmed"] > 0
