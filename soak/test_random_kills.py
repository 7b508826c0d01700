"""Many kills at random moments of the real program, with the lease that people have."""

import os
from pathlib import Path

import pytest
from conftest import Upstream
from emulated import Emulator
from journeys.killing import SIDES
from journeys.random_kills import random_kills

LIVES = int(os.environ.get("SOAK_LIVES", "60"))
CUSTOMERS = 300


@pytest.mark.parametrize("side", SIDES)
def test_many_kills_lose_nothing_and_buy_nothing_twice(
    tmp_path: Path, emulator: Emulator, side: str
) -> None:
    upstream = Upstream(emulator.url)
    tally = random_kills(
        tmp_path, upstream, side, lives=LIVES, customers=CUSTOMERS, seed=LIVES, lease=None
    )
    upstream.close()
    print(f"\n{side}: {LIVES} kills, {CUSTOMERS} jobs: {dict(tally)}")
    assert sum(tally.values()) == CUSTOMERS
