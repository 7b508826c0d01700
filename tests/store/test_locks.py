"""Locks in the database: what is written is read back, by anyone, and nothing else is there."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from proxy.core.accounts import Lock
from proxy.core.products import Product
from proxy.credentials import AccountBook
from proxy.settings import Settings
from proxy.store.database import open_database
from proxy.store.failures import StoreUnavailable
from proxy.store.locks import LockStore

Work = Callable[[LockStore], Awaitable[object]]


def _lock(name: str = "a", product: Product = Product.ALL, until: float | None = 10.5) -> Lock:
    return Lock(name, product, "funds", 1.25, until)


def _with(path: Path, *steps: Work) -> list[object]:
    """Each step in a process of its own, as far as the database can tell."""

    async def step(work: Work) -> object:
        async with open_database(f"sqlite+aiosqlite:///{path}") as engine:
            return await work(LockStore(engine))

    return [asyncio.run(step(work)) for work in steps]


def _load(store: LockStore) -> Awaitable[list[Lock]]:
    return store.load()


def test_a_lock_survives_a_restart(tmp_path: Path) -> None:
    locks = [
        _lock("a"),
        _lock("a", Product.IMAGE, None),
        Lock("b", Product.CHAT, "window_quota", 1_790_000_000.123, 1_790_000_001.987),
    ]

    async def write(store: LockStore) -> None:
        for lock in locks:
            await store.put(lock)

    _, found = _with(tmp_path / "x.db", write, _load)
    assert isinstance(found, list)
    assert {(lock.account_id, lock.product): lock for lock in found} == {
        (lock.account_id, lock.product): lock for lock in locks
    }


def test_the_newest_word_on_an_account_and_product_wins(tmp_path: Path) -> None:
    def put(lock: Lock) -> Work:
        return lambda store: store.put(lock)

    steps = [put(_lock(until=10.0)), put(_lock(until=None)), put(_lock(until=5.0)), _load]
    assert _with(tmp_path / "x.db", *steps)[-1] == [_lock(until=5.0)]


def test_only_the_lock_that_is_meant_is_removed(tmp_path: Path) -> None:
    async def work(store: LockStore) -> None:
        for lock in (_lock("a"), _lock("a", Product.CHAT), _lock("b")):
            await store.put(lock)
        await store.remove([_lock("a"), _lock("never there")])
        # Somebody has written a newer one meanwhile: it is not the one that is meant.
        await store.remove([_lock("b", until=99.0)])
        await store.remove([])

    _, found = _with(tmp_path / "x.db", work, _load)
    assert isinstance(found, list)
    assert {(lock.account_id, lock.product) for lock in found} == {
        ("a", Product.CHAT),
        ("b", Product.ALL),
    }


finite = st.floats(allow_nan=False, allow_infinity=False, width=64)
locks = st.builds(
    Lock,
    st.from_regex(r"[0-9a-f]{24}", fullmatch=True),
    st.sampled_from(list(Product)),
    st.sampled_from(["funds", "operator", "rate_limited"]),
    finite,
    st.none() | finite,
)


@settings(max_examples=10, deadline=None)
@given(written=st.lists(locks, max_size=6))
def test_any_locks_are_read_back_to_the_last_bit(
    tmp_path_factory: pytest.TempPathFactory, written: list[Lock]
) -> None:
    async def work(store: LockStore) -> list[Lock]:
        for lock in written:
            await store.put(lock)
        return await store.load()

    (found,) = _with(tmp_path_factory.mktemp("locks") / "x.db", work)
    wanted = {(lock.account_id, lock.product): lock for lock in written}
    assert isinstance(found, list)
    assert {(lock.account_id, lock.product): lock for lock in found} == wanted


def test_no_credential_is_ever_in_the_database_or_beside_it(tmp_path: Path) -> None:
    secrets = ["session_id=marker-cookie", "gsk-marker-key"]
    made = Settings(
        _env_file=None, data_dir=tmp_path, gs_cookie=secrets[0], gsk_api_key=[secrets[1]]
    )
    accounts = AccountBook(made).read()
    assert len(accounts) == 2

    async def work(store: LockStore) -> None:
        for account in accounts:
            await store.put(_lock(account.id))

    _with(tmp_path / "x.db", work)
    held = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert accounts[0].id.encode() in held["x.db"]
    for name, data in held.items():
        assert b"marker" not in data, name


@pytest.mark.parametrize("operation", ["load", "put", "remove"])
def test_trouble_with_the_database_has_one_name_and_quotes_no_data(
    tmp_path: Path, operation: str
) -> None:
    async def work() -> None:
        async with open_database(f"sqlite+aiosqlite:///{tmp_path}/x.db") as engine:
            async with engine.begin() as connection:
                await connection.execute(text("DROP TABLE account_locks"))
            store = LockStore(engine)
            do: dict[str, Callable[[], Awaitable[object]]] = {
                "load": store.load,
                "put": lambda: store.put(_lock("marker")),
                "remove": lambda: store.remove([_lock("marker")]),
            }
            await do[operation]()

    with pytest.raises(StoreUnavailable) as caught:
        asyncio.run(work())
    assert str(caught.value) == "OperationalError"
