"""One emulator per test process, emptied before every test."""

from collections.abc import Iterator

import httpx2
import pytest
from emulator_client import EmulatorClient

from genspark_emulator.serving import running


@pytest.fixture(scope="session")
def emulator_client() -> Iterator[EmulatorClient]:
    """A served emulator and a client of it."""
    with running() as emulator, httpx2.Client(base_url=emulator.url, trust_env=False) as http:
        yield EmulatorClient(emulator, http)


@pytest.fixture
def emulator(emulator_client: EmulatorClient) -> EmulatorClient:
    """The same, emptied."""
    emulator_client.emulator.state.reset()
    emulator_client.http.cookies.clear()
    return emulator_client
