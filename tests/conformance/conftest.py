"""Standing servers on both routes, so that hundreds of small assertions stay quick."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from conformance.sides import COOKIE, KEY, SIDES, Side, Start
from conftest import KEPT, Upstream
from live import LiveServer, live, settings_for

from genspark_emulator.serving import RunningEmulator
from proxy.settings import Settings


@pytest.fixture(scope="session")
def _standing(
    _emulator: RunningEmulator, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, LiveServer]]:
    """One server per route; a single attempt each, so that a failure is told without a retry."""
    with pytest.MonkeyPatch.context() as patch:
        # Session fixtures come before the one that clears the environment for each test.
        for name in {name.upper() for name in Settings.model_fields} - KEPT & os.environ.keys():
            patch.delenv(name, raising=False)
        settings = {
            name: settings_for(
                _emulator.url, tmp_path_factory.mktemp(name), **credentials, max_attempts=1
            )
            for name, credentials in SIDES.items()
        }
    with ExitStack() as stack:
        yield {name: stack.enter_context(live(chosen)) for name, chosen in settings.items()}


@pytest.fixture(scope="session")
def _control(_emulator: RunningEmulator) -> Iterator[Upstream]:
    """One connection for the whole session: making a client costs more than most tests here."""
    control = Upstream(_emulator.url)
    yield control
    control.close()


@pytest.fixture
def upstream(_control: Upstream) -> Upstream:
    """A fresh emulator."""
    _control.reset()
    return _control


@pytest.fixture
def open_side(_standing: dict[str, LiveServer], upstream: Upstream) -> Iterator[Start]:
    """The standing server of a route; what a test did to it is over when the next one begins."""
    opened: list[Side] = []

    def open_one(name: str) -> Side:
        side = Side(name, _standing[name], upstream)
        opened.append(side)
        return side

    yield open_one
    for side in opened:
        side.settle()


@pytest.fixture(params=[COOKIE, KEY])
def side(request: pytest.FixtureRequest, open_side: Start) -> Side:
    """Both routes, one after the other."""
    return open_side(request.param)


@pytest.fixture
def cookie(open_side: Start) -> Side:
    """The cookie route."""
    return open_side(COOKIE)


@pytest.fixture
def key(open_side: Start) -> Side:
    """The key route."""
    return open_side(KEY)


@pytest.fixture(params=[COOKIE, KEY])
def route(request: pytest.FixtureRequest) -> str:
    """The name of a route, for tests that start a server of their own."""
    name: str = request.param
    return name


@pytest.fixture
def start(upstream: Upstream, tmp_path: Path) -> Iterator[Start]:
    """Start a server of a route with settings of the test's choice; it ends with the test."""
    with ExitStack() as stack:

        def start_one(name: str, **given: Any) -> Side:
            data_dir = Path(tempfile.mkdtemp(dir=tmp_path))
            settings = settings_for(upstream.url, data_dir, **{**SIDES[name], **given})
            return Side(name, stack.enter_context(live(settings)), upstream)

        yield start_one
