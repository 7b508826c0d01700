"""The sidecar's story of a token with a real Chromium on the emulator's page."""

import asyncio
import os
import shutil
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from conftest import Upstream

from recaptcha_sidecar import contract
from recaptcha_sidecar.browser import Chromium, Generation
from recaptcha_sidecar.contract import Token
from recaptcha_sidecar.minting import Mint
from recaptcha_sidecar.settings import Settings
from recaptcha_sidecar.shelf import Use
from recaptcha_sidecar.telemetry import Metrics

Story = Callable[["Rig"], Awaitable[None]]
Play = Callable[..., None]


class Rig:
    """A sidecar under test, without its doors."""

    def __init__(self, settings: Settings, chromium: Chromium) -> None:
        self.settings = settings
        self.chromium = chromium
        self.mint = Mint(settings, chromium, Metrics())

    async def token(self, account: str = "alice", flow: str = "chat") -> Token:
        """A token for an account."""
        request = contract.read_cookie_header(f"session_id={account}", flow)
        return await self.mint.token(request)


class Lodger(Chromium):
    """At home in a browser that stands already: its contexts are its own, and end with it."""

    def __init__(self, settings: Settings, house: Generation) -> None:
        super().__init__(settings)
        self._house = house

    async def _launch_once(self) -> Generation:
        now = time.monotonic()
        return replace(self._house, use=Use(now, now), warm={})

    async def _close(self, generation: Generation) -> None:
        for warm in generation.warm.values():
            await self._close_quietly(warm)
        generation.warm.clear()


@dataclass(frozen=True)
class House:
    """A browser for the whole session: starting one costs more than most tests here."""

    runner: asyncio.Runner
    generation: Generation


@pytest.fixture(scope="session")
def browser_path() -> str:
    """The browser that tests use; CI must have one."""
    names = ("chromium", "chromium-browser", "google-chrome")
    found = os.environ.get("CHROMIUM_PATH") or next(filter(None, map(shutil.which, names)), None)
    if found is None:
        message = "no Chromium: set CHROMIUM_PATH or install chromium"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return found


@pytest.fixture(scope="session")
def house(browser_path: str) -> Iterator[House]:
    """The browser, and the event loop in which it lives."""
    owner = Chromium(Settings(_env_file=None, chromium_path=browser_path))
    with asyncio.Runner() as runner:
        generation = runner.run(owner._launch_once())
        yield House(runner, generation)
        runner.run(owner._close(generation))


@pytest.fixture
def play(upstream: Upstream, browser_path: str, house: House) -> Play:
    """Run a story against a sidecar with settings of the test's choice; ``own``: and with a browser
    of its own.
    """

    def run(story: Story, *, own: bool = False, **given: Any) -> None:
        settings = Settings(
            _env_file=None,
            genspark_base_url=upstream.url,
            chromium_path=browser_path,
            **given,
        )

        async def main() -> None:
            chromium = Chromium(settings) if own else Lodger(settings, house.generation)
            try:
                await story(Rig(settings, chromium))
            finally:
                await chromium.aclose()

        house.runner.run(main())

    return run
