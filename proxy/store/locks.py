"""Locks that survive restarts and are shared by replicas and the command line."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import Delete, delete, insert, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from proxy.core.accounts import Lock
from proxy.core.products import Product
from proxy.store.failures import StoreUnavailable
from proxy.store.schema import account_locks


class LockStore:
    """Reads and writes whole locks; the newest word on an account and product wins."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def load(self) -> list[Lock]:
        """Every lock, those on trial included."""
        async with self._transaction() as connection:
            rows = await connection.execute(select(account_locks))
            return [
                Lock(row.account_id, Product(row.product), row.reason, row.since, row.until)
                for row in rows
            ]

    async def put(self, lock: Lock) -> None:
        """Write a lock in place of an older one; durable when this returns."""
        async with self._transaction() as connection:
            # Two statements in one transaction read the same on SQLite and PostgreSQL.
            await connection.execute(_this(lock))
            await connection.execute(
                insert(account_locks).values(
                    account_id=lock.account_id,
                    product=lock.product.value,
                    reason=lock.reason,
                    since=lock.since,
                    until=lock.until,
                )
            )

    async def remove(self, locks: list[Lock]) -> None:
        """Take locks away."""
        async with self._transaction() as connection:
            for lock in locks:
                # Not a newer one that somebody else wrote meanwhile.
                await connection.execute(
                    _this(lock).where(
                        account_locks.c.since == lock.since,
                        account_locks.c.until.is_not_distinct_from(lock.until),
                    )
                )

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._engine.begin() as connection:
                yield connection
        except (SQLAlchemyError, OSError) as error:
            raise StoreUnavailable(type(error).__name__) from error


def _this(lock: Lock) -> Delete:
    return delete(account_locks).where(
        account_locks.c.account_id == lock.account_id,
        account_locks.c.product == lock.product.value,
    )
