"""Servers that start together on a fresh database, and URLs that lead to none."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from proxy.store.database import open_database
from proxy.store.failures import StoreUnavailable
from proxy.store.locks import LockStore

OPEN = """
import asyncio, sys
from proxy.store.database import open_database
async def main():
    async with open_database(sys.argv[1]):
        pass
asyncio.run(main())
"""


def test_processes_that_start_at_once_agree_on_the_schema(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/fresh.db"
    starts = [subprocess.Popen([sys.executable, "-c", OPEN, url]) for _ in range(4)]
    assert [start.wait(60) for start in starts] == [0, 0, 0, 0]


def test_openings_at_once_in_one_process_agree_too(tmp_path: Path) -> None:
    async def look() -> int:
        async with open_database(f"sqlite:///{tmp_path}/fresh.db") as engine:
            return len(await LockStore(engine).load())

    async def story() -> list[int]:
        return await asyncio.gather(*(look() for _ in range(4)))

    assert asyncio.run(story()) == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "url", ["foo://bar", "mysql://x/y", "postgresql://h:notaport/x", "", "sqlite:////proc/x/y.db"]
)
def test_an_unusable_url_is_a_store_failure(url: str) -> None:
    async def story() -> None:
        async with open_database(url):
            pass

    with pytest.raises(StoreUnavailable):
        asyncio.run(story())
