"""Open the database and bring its schema up to date."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiosqlite
from sqlalchemy import Connection, event, inspect, make_url, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from proxy.store.failures import StoreUnavailable
from proxy.store.schema import HEAD

_DRIVERS = {
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
}
# How long one server waits for another's write.
BUSY_SECONDS: Final = 5
_ONE_AT_A_TIME = threading.Lock()
MIGRATIONS = Path(__file__).parent / "migrations"


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[AsyncEngine]:
    """The engine of a database whose schema is current; SQLite's folder is made if missing.

    A plain ``postgresql://`` URL means the asyncpg driver.
    """
    engine = await _engine(url)
    try:
        await _bring_up_to_date(engine)
        yield engine
    finally:
        await engine.dispose()


async def _engine(url: str) -> AsyncEngine:
    try:
        parsed = make_url(url)
        if parsed.drivername in _DRIVERS:
            parsed = parsed.set(drivername=_DRIVERS[parsed.drivername])
        is_sqlite = parsed.get_backend_name() == "sqlite"
        if is_sqlite and parsed.database:
            await asyncio.to_thread(_make_folder, Path(parsed.database).parent)
        engine = create_async_engine(parsed, pool_pre_ping=not is_sqlite)
    except (SQLAlchemyError, ImportError, ValueError) as error:
        raise StoreUnavailable(f"not a usable URL, {type(error).__name__}") from error
    if is_sqlite:
        event.listen(engine.sync_engine, "connect", _sqlite_pragmas)
    return engine


async def _bring_up_to_date(engine: AsyncEngine) -> None:
    """One process at a time: servers may start together on a fresh database."""
    try:
        async with engine.begin() as connection:
            if await connection.run_sync(_revision) == HEAD:
                return
        async with engine.connect() as connection:
            await _lock_schema(connection)
            # Alembic keeps its context in a global, so within a process it is one at a time too.
            await connection.run_sync(_upgrade)
            await connection.commit()
    except (SQLAlchemyError, OSError) as error:
        raise StoreUnavailable(type(error).__name__) from error


async def _lock_schema(connection: AsyncConnection) -> None:
    if connection.dialect.name == "postgresql":
        await connection.execute(text("SELECT pg_advisory_xact_lock(7055)"))
    else:
        await connection.exec_driver_sql("BEGIN IMMEDIATE")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnavailable(f"{folder}: {error.strerror}") from error


def _sqlite_pragmas(connection: Any, _record: Any) -> None:
    # WAL: the command line may read and write while the server runs. FULL: a lock that was
    # announced to a caller must survive a power cut.
    connection.run_async(_turn_to_wal)
    cursor = connection.cursor()
    for pragma in ("synchronous=FULL", f"busy_timeout={BUSY_SECONDS * 1000}", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


async def _turn_to_wal(connection: aiosqlite.Connection) -> None:
    """SQLite itself never waits for this, whatever its busy timeout: of several servers that start
    together on a fresh file, some would find it locked.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + BUSY_SECONDS
    while True:
        try:
            async with connection.execute("PRAGMA journal_mode=WAL"):
                return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or loop.time() > end:
                raise
        await asyncio.sleep(0.01)


def _upgrade(connection: Connection) -> None:
    # Only a schema that must change pays for loading alembic (a tenth of a second).
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    with _ONE_AT_A_TIME:
        if _revision(connection) == HEAD:
            return
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise StoreUnavailable("it was written by a newer version") from error


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
