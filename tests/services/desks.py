"""A desk with a real store, a clock that a test moves and a login check that it scripts."""

import asyncio
import random
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from proxy.core.accounts import Account, Lock, Secret
from proxy.core.attempts import Durations
from proxy.core.catalogue import Candidate
from proxy.core.failures import UpstreamError
from proxy.core.pool import Policy, Pool
from proxy.core.products import Credential, Product, Route
from proxy.services.desk import Borrowed, Desk, Tried
from proxy.store.database import open_database
from proxy.store.locks import LockStore
from proxy.telemetry import Metrics

T = TypeVar("T")

COOKIE = Candidate(Route.COOKIE, "gpt-5.4")
KEY = Candidate(Route.KEY, "gpt-5.4")
START = 1_790_000_000.0


def account(name: str, limit: int = 1, kind: Credential = Credential.COOKIE) -> Account:
    """An account of which the name is the id."""
    return Account(name, name, kind, Secret(f"secret of {name}"), limit)


def lock(name: str, until: float | None, product: Product = Product.ALL) -> Lock:
    """A lock by an operator."""
    return Lock(name, product, "operator", START, until)


@dataclass
class World:
    """The desk, and what surrounds it."""

    desk: Desk
    store: LockStore
    now: float = START
    alive: bool | UpstreamError | None = True
    checked: list[str] = field(default_factory=list)

    async def check(self, asked: Account) -> bool | None:
        """The login check, as scripted."""
        self.checked.append(asked.id)
        if isinstance(self.alive, UpstreamError):
            raise self.alive
        return self.alive

    async def borrow(
        self, *, tried: Tried | None = None, product: Product = Product.CHAT
    ) -> Borrowed:
        """A seat of a cookie account."""
        return await self.desk.borrow([COOKIE], tried or set(), product)

    async def stored(self) -> dict[tuple[str, str], float | None]:
        """What the database holds: ends by account and product."""
        return {(k.account_id, k.product.value): k.until for k in await self.store.load()}

    def busy(self) -> dict[str, int]:
        """How many requests run on each account."""
        return {seat.account.id: seat.busy for seat in self.desk.pool.seats()}


@asynccontextmanager
async def world(
    folder: Path, *accounts: Account, wait: float = 5.0, policy: Policy = Policy.ROUND_ROBIN
) -> AsyncIterator[World]:
    """Open everything; locks of an earlier world in the same folder are there again."""
    async with open_database(f"sqlite+aiosqlite:///{folder}/desk.db") as engine:
        store = LockStore(engine)
        pool = Pool(accounts, await store.load(), policy, chance=random.Random(7))
        made: World

        async def check(asked: Account) -> bool | None:
            return await made.check(asked)

        desk = Desk(pool, store, check, Durations(), lambda: made.now, wait, Metrics())
        made = World(desk, store)
        yield made


def run(work: Coroutine[Any, Any, T]) -> T:
    """One test's story."""
    return asyncio.run(work)


async def settled() -> None:
    """Let every task run until it waits for something."""
    for _ in range(5):
        await asyncio.sleep(0)
