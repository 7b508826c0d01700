"""Both event loops the bench can run on; everything is done over real sockets on loopback."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.loops import new_loop

if TYPE_CHECKING:
    from bench_serving import RunOn

# pytest's importlib mode puts no test directory on the path, and bench_serving is here.
sys.path.append(str(Path(__file__).parent))


@pytest.fixture(params=[asyncio.new_event_loop, new_loop], ids=["asyncio", "uvloop"])
def run_on(request: pytest.FixtureRequest) -> RunOn:
    """Runs a test's coroutine to its end on one of the loops."""

    def run(test: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(asyncio.wait_for(test, 15))

    return run
