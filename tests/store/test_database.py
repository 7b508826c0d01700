"""Opening the database: the schema is current, and trouble is told in one way."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from proxy.store.database import MIGRATIONS, open_database
from proxy.store.failures import StoreUnavailable
from proxy.store.schema import HEAD, metadata


def _in(url: str, work: Any) -> Any:
    """What ``work`` makes of a connection to a freshly opened database."""

    async def run() -> Any:
        async with open_database(url) as engine, engine.begin() as connection:
            return await connection.run_sync(work)

    return asyncio.run(run())


def _url(folder: Path) -> str:
    return f"sqlite+aiosqlite:///{folder}/x.db"


def test_the_migrations_make_exactly_the_schema_of_the_code(tmp_path: Path) -> None:
    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found: list[Any] = compare_metadata(context, metadata)
        return found

    assert _in(_url(tmp_path), differences) == []


def test_keys_and_lengths_are_migrated_too(tmp_path: Path) -> None:
    """Autogenerate looks at neither."""

    def shape(connection: Connection) -> dict[str, Any]:
        inspector = inspect(connection)
        return {
            name: {
                "key": inspector.get_pk_constraint(name)["constrained_columns"],
                "columns": {
                    column["name"]: (str(column["type"]), column["nullable"])
                    for column in inspector.get_columns(name)
                },
            }
            for name in metadata.tables
        }

    wanted = {
        name: {
            "key": [column.name for column in table.primary_key],
            "columns": {c.name: (str(c.type), bool(c.nullable)) for c in table.columns},
        }
        for name, table in metadata.tables.items()
    }
    assert _in(_url(tmp_path), shape) == wanted


def test_the_newest_migration_is_the_one_that_the_code_expects() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_opening_again_keeps_what_is_there(tmp_path: Path) -> None:
    def write(connection: Connection) -> None:
        row = "INSERT INTO account_locks VALUES ('a', 'all', 'funds', 1.0, NULL)"
        connection.execute(text(row))

    def count(connection: Connection) -> Any:
        return connection.execute(text("SELECT count(*) FROM account_locks")).scalar()

    _in(_url(tmp_path), write)
    assert _in(_url(tmp_path), count) == 1


@pytest.mark.parametrize("scheme", ["sqlite", "sqlite+aiosqlite"])
def test_a_missing_folder_is_made(tmp_path: Path, scheme: str) -> None:
    _in(f"{scheme}:///{tmp_path}/deep/er/x.db", lambda _: None)
    assert (tmp_path / "deep/er/x.db").exists()


def test_sqlite_writes_are_durable_and_do_not_lock_readers_out(tmp_path: Path) -> None:
    def pragmas(connection: Connection) -> list[Any]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [connection.execute(text(f"PRAGMA {name}")).scalar() for name in names]

    full = 2
    assert _in(_url(tmp_path), pragmas) == ["wal", full, 1, 5000]


@pytest.mark.parametrize(
    "url", ["nonsense", "sqlite+aiosqlite:////proc/nowhere/x.db"], ids=["no URL", "no folder"]
)
def test_a_database_that_cannot_be_opened_has_one_name(url: str) -> None:
    with pytest.raises(StoreUnavailable):
        _in(url, lambda _: None)


def test_a_file_that_is_no_database_has_one_name(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StoreUnavailable, match=r"^DatabaseError$"):
        _in(_url(tmp_path), lambda _: None)


def test_servers_may_start_together_on_a_fresh_database(tmp_path: Path) -> None:
    async def opened(ready: asyncio.Barrier) -> None:
        await ready.wait()
        async with open_database(_url(tmp_path)) as engine, engine.connect() as connection:
            names = await connection.run_sync(lambda c: inspect(c).get_table_names())
            assert set(names) >= set(metadata.tables)

    async def together() -> None:
        ready = asyncio.Barrier(3)
        async with asyncio.TaskGroup() as tasks:
            for _ in range(3):
                tasks.create_task(opened(ready))

    asyncio.run(together())


def test_a_fresh_file_that_another_server_prepares_is_waited_for(tmp_path: Path) -> None:
    """SQLite refuses at once to turn such a file to WAL."""

    async def opened() -> list[str]:
        async with open_database(_url(tmp_path)) as engine, engine.connect() as connection:
            return await connection.run_sync(lambda c: inspect(c).get_table_names())

    async def story() -> None:
        other = sqlite3.connect(tmp_path / "x.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        async with asyncio.TaskGroup() as tasks:
            opening = tasks.create_task(opened())
            await asyncio.wait([opening], timeout=0.1)
            other.execute("COMMIT")
        other.close()
        assert set(opening.result()) >= set(metadata.tables)

    asyncio.run(story())
