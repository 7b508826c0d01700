"""Thousands of mints over more accounts than there are contexts: memory stays where it was."""

import asyncio
import os
import statistics

from emulated import Emulator
from memory import memory_mb

from recaptcha_sidecar import contract
from recaptcha_sidecar.serving import open_sidecar
from recaptcha_sidecar.settings import Settings

MINTS = int(os.environ.get("SOAK_MINTS", "4000"))
ACCOUNTS = 9
# After the caches have filled, the second half may not stand far above the first.
GROWTH = 1.25


def test_memory_is_bounded_over_thousands_of_mints(emulator: Emulator) -> None:
    settings = Settings(
        _env_file=None,
        genspark_base_url=emulator.url,
        max_contexts=3,
        context_max_mints=150,
        browser_max_mints=1000,
    )
    samples = asyncio.run(_soak(settings))
    half = len(samples) // 2
    early, late = statistics.median(samples[1:half]), statistics.median(samples[half:])
    print(f"\n{MINTS} mints, {ACCOUNTS} accounts: {early:.0f} MB early, {late:.0f} MB late")
    assert late <= early * GROWTH


async def _soak(settings: Settings) -> list[float]:
    samples: list[float] = []
    async with open_sidecar(settings) as sidecar:
        every = max(1, MINTS // 20)
        for number in range(MINTS):
            cookie = f"session_id=account-{number // 7 % ACCOUNTS}"
            await sidecar.mint.token(contract.read_cookie_header(cookie))
            if number % every == every - 1:
                samples.append(await asyncio.to_thread(memory_mb, os.getpid()))
        assert sidecar.chromium.contexts <= settings.max_contexts
    return samples
