"""The real sidecar with a real Chromium against the emulator's page."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from conftest import Upstream

from recaptcha_sidecar import contract
from recaptcha_sidecar.contract import Token
from recaptcha_sidecar.serving import Sidecar, open_sidecar
from recaptcha_sidecar.settings import Settings

Story = Callable[["Rig"], Awaitable[None]]


class Rig:
    """A sidecar under test with its settings."""

    def __init__(self, sidecar: Sidecar, settings: Settings) -> None:
        self.sidecar = sidecar
        self.chromium = sidecar.chromium
        self.settings = settings

    async def token(self, account: str = "alice", flow: str = "chat") -> Token:
        """A token for an account."""
        request = contract.read_cookie_header(f"session_id={account}", flow)
        return await self.sidecar.mint.token(request)


@asynccontextmanager
async def rig(origin: str, **given: Any) -> AsyncIterator[Rig]:
    """A running sidecar."""
    settings = Settings(_env_file=None, genspark_base_url=origin, **given)
    async with open_sidecar(settings) as sidecar:
        yield Rig(sidecar, settings)


@pytest.fixture
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


Play = Callable[..., None]


@pytest.fixture
def play(upstream: Upstream, browser_path: str) -> Play:
    """Run a story against a sidecar with settings of the test's choice."""

    def run(story: Story, **given: Any) -> None:
        async def main() -> None:
            async with rig(upstream.url, chromium_path=browser_path, **given) as running:
                await story(running)

        asyncio.run(main())

    return run
