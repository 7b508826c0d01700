"""A fresh emulator for each soak; run with ``make soak``, never by the gate."""

from collections.abc import Iterator

import pytest
from emulated import Emulator

from genspark_emulator.serving import running


@pytest.fixture
def emulator() -> Iterator[Emulator]:
    """A running emulator."""
    with running() as started:
        yield Emulator(started.url)
