"""The pool's decisions, one by one: who is next, what a lock forbids, when something is free."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.accounts import Account, Lock, Secret
from proxy.core.pool import AllBusy, AllResting, Granted, NoneLeft, Policy, Pool, Seat
from proxy.core.products import Credential, Product

COOKIE, KEY = Credential.COOKIE, Credential.KEY
CHAT, IMAGE, VIDEO, ALL = Product.CHAT, Product.IMAGE, Product.VIDEO, Product.ALL
NOW = 1000.0


def _account(name: str, limit: int = 2, weight: float = 1.0, kind: Credential = COOKIE) -> Account:
    return Account(name, name, kind, Secret(f"session_id={name}"), limit, weight)


def _lock(name: str, until: float | None, product: Product = ALL, reason: str = "funds") -> Lock:
    return Lock(name, product, reason, 0.0, until)


def _pool(*accounts: Account, policy: Policy = Policy.LEAST_BUSY) -> Pool:
    return Pool(accounts, policy=policy, chance=random.Random(7))


def _take(pool: Pool, product: Product = CHAT, *, tried: Sequence[str] = ()) -> Seat:
    choice = pool.choose(COOKIE, product, tried, NOW)
    assert isinstance(choice, Granted)
    return choice.seat


def _next(pool: Pool, kind: Credential = COOKIE) -> str:
    """Whose turn it is, for a request that ends at once."""
    choice = pool.choose(kind, CHAT, (), NOW)
    assert isinstance(choice, Granted)
    pool.release(choice.seat)
    return choice.seat.account.id


class Recorder(random.Random):
    """Chance that remembers what it was asked to choose from, and takes the last."""

    def __init__(self) -> None:
        super().__init__(7)
        self.asked: list[tuple[list[str], list[float]]] = []

    def choice(self, seq: Sequence[Seat]) -> Seat:  # type: ignore[override]
        self.asked.append(([seat.account.id for seat in seq], []))
        return seq[-1]

    def choices(  # type: ignore[override]
        self, population: Sequence[Seat], weights: Sequence[float]
    ) -> list[Seat]:
        self.asked.append(([seat.account.id for seat in population], list(weights)))
        return [population[-1]]


# --- Least busy


def test_the_least_busy_account_is_next() -> None:
    pool = _pool(*(_account(name) for name in "abc"))
    assert {_take(pool).account.id for _ in range(3)} == set("abc")


def test_load_is_counted_by_weight() -> None:
    pool = _pool(_account("small", 8), _account("big", 8, weight=3.0))
    taken = Counter(_take(pool).account.id for _ in range(8))
    assert taken == {"big": 6, "small": 2}


def test_chance_decides_among_the_equally_busy_and_only_among_them() -> None:
    chance = Recorder()
    pool = Pool([_account(name) for name in "abc"], chance=chance)
    assert [_take(pool).account.id for _ in range(3)] == ["c", "b", "a"]
    assert [ids for ids, _ in chance.asked] == [["a", "b", "c"], ["a", "b"], ["a"]]


# --- Round robin


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=5), st.integers(1, 20))
def test_round_robin_is_fair_by_weight(weights: list[int], rounds: int) -> None:
    accounts = [_account(f"a{n}", weight=float(weight)) for n, weight in enumerate(weights)]
    pool = _pool(*accounts, policy=Policy.ROUND_ROBIN)
    taken = Counter(_next(pool) for _ in range(rounds * sum(weights)))
    for n, weight in enumerate(weights):
        assert abs(taken[f"a{n}"] - rounds * weight) <= 1


def test_round_robin_goes_in_the_operators_order() -> None:
    pool = _pool(*(_account(name) for name in "abc"), policy=Policy.ROUND_ROBIN)
    assert [_next(pool) for _ in range(6)] == list("abcabc")


@pytest.mark.parametrize("weight", [1.0, 10.0, 0.1])
def test_a_newcomer_is_not_flooded(weight: float) -> None:
    old = [_account("a"), _account("b")]
    pool = _pool(*old, policy=Policy.ROUND_ROBIN)
    for _ in range(1000):
        _next(pool)
    pool.replace([*old, _account("new", weight=weight)])
    taken = Counter(_next(pool) for _ in range(120))
    fair = 120 * weight / (2 + weight)
    assert fair - 2 <= taken["new"] <= fair + 2


def test_an_account_whose_weight_grew_is_not_flooded() -> None:
    pool = _pool(_account("a"), _account("b"), policy=Policy.ROUND_ROBIN)
    for _ in range(1000):
        _next(pool)
    pool.replace([_account("a"), _account("b", weight=3.0)])
    assert Counter(_next(pool) for _ in range(40)) == {"a": 10, "b": 30}


def test_an_account_that_comes_back_from_a_lock_is_not_flooded() -> None:
    pool = _pool(_account("a"), _account("b"), policy=Policy.ROUND_ROBIN)
    pool.lock(_lock("b", None))
    for _ in range(1000):
        assert _next(pool) == "a"
    pool.unlock("b")
    assert Counter(_next(pool) for _ in range(40)) == {"a": 20, "b": 20}


def test_the_turns_of_keys_leave_those_of_cookies_alone() -> None:
    cookies = [_account("a"), _account("b")]
    pool = _pool(*cookies, _account("k", kind=KEY), policy=Policy.ROUND_ROBIN)
    order = []
    for _ in range(4):
        order.append(_next(pool))
        for _ in range(3):
            assert _next(pool, KEY) == "k"
    assert order == list("abab")


# --- Random


def test_random_is_by_weight_and_among_the_free_only() -> None:
    chance = Recorder()
    accounts = [_account("a", weight=2.0), _account("b"), _account("c", 1, weight=5.0)]
    pool = Pool(accounts, policy=Policy.RANDOM, chance=chance)
    assert [_take(pool).account.id for _ in range(2)] == ["c", "b"]
    assert chance.asked == [(["a", "b", "c"], [2.0, 1.0, 5.0]), (["a", "b"], [2.0, 1.0])]


# --- Who is asked at all


def test_only_the_wanted_kind_of_credential_is_asked() -> None:
    pool = _pool(_account("c"), _account("k", kind=KEY))
    assert isinstance(pool.choose(KEY, CHAT, {"k"}, NOW), NoneLeft)
    assert _take(pool).account.id == "c"
    assert pool.has(KEY)


def test_a_disabled_account_is_not_there() -> None:
    pool = _pool(replace(_account("a"), disabled=True))
    assert isinstance(pool.choose(COOKIE, CHAT, (), NOW), NoneLeft)
    assert not pool.has(COOKIE)
    assert pool.seat("a") is not None, "its locks and its label stay"


def test_an_account_at_its_limit_is_busy_until_a_seat_comes_back() -> None:
    pool = _pool(_account("a", 2))
    first, _ = _take(pool), _take(pool)
    assert isinstance(pool.choose(COOKIE, CHAT, (), NOW), AllBusy)
    pool.release(first)
    assert _take(pool) is first


def test_no_account_was_left_untried() -> None:
    pool = _pool(_account("a"), _account("b"))
    assert _take(pool, tried=["a"]).account.id == "b"
    assert isinstance(pool.choose(COOKIE, CHAT, {"a", "b"}, NOW), NoneLeft)


# --- Locks


@pytest.mark.parametrize(
    ("locked", "asked", "forbidden"),
    [
        (ALL, CHAT, True), (ALL, IMAGE, True), (ALL, VIDEO, True),
        (CHAT, CHAT, True), (CHAT, IMAGE, False), (CHAT, VIDEO, False),
        (IMAGE, CHAT, False), (IMAGE, IMAGE, True), (VIDEO, IMAGE, False),
    ],
)  # fmt: skip
def test_what_a_lock_covers(locked: Product, asked: Product, forbidden: bool) -> None:
    pool = _pool(_account("a"))
    pool.lock(_lock("a", NOW + 1, locked))
    choice = pool.choose(COOKIE, asked, (), NOW)
    assert isinstance(choice, AllResting if forbidden else Granted)


@pytest.mark.parametrize(
    ("first", "second", "holds"),
    [(10.0, 20.0, 20.0), (20.0, 10.0, 20.0), (None, 10.0, None), (10.0, None, None)],
)
def test_the_longer_lock_wins(
    first: float | None, second: float | None, holds: float | None
) -> None:
    pool = _pool(_account("a"))
    pool.lock(_lock("a", first))
    held = pool.lock(_lock("a", second))
    assert held is not None
    assert held.until == holds
    seat = pool.seat("a")
    assert seat is not None
    assert [lock.until for lock in seat.locks.values()] == [holds]


def test_locks_of_different_products_stand_side_by_side() -> None:
    pool = _pool(_account("a"))
    for product in (CHAT, IMAGE, ALL):
        pool.lock(_lock("a", NOW + 5, product))
    lifted = pool.unlock("a", IMAGE)
    assert [lock.product for lock in lifted] == [IMAGE]
    assert {lock.product for lock in pool.unlock("a")} == {CHAT, ALL}
    assert _take(pool).account.id == "a"


def test_a_lock_without_an_end_never_ends_by_itself() -> None:
    pool = _pool(_account("a"))
    pool.lock(_lock("a", None))
    choice = pool.choose(COOKIE, CHAT, (), NOW + 1e9)
    assert choice == AllResting(None, frozenset({"funds"}))


def test_the_soonest_end_is_when_the_last_lock_of_some_account_ends() -> None:
    pool = _pool(_account("a"), _account("b"), _account("c"))
    pool.lock(_lock("a", NOW + 10, ALL, "funds"))
    pool.lock(_lock("a", NOW + 50, CHAT, "daily_quota"))
    pool.lock(_lock("b", NOW + 30, CHAT, "window_quota"))
    pool.lock(_lock("c", None, ALL, "dead_credential"))
    assert pool.choose(COOKIE, CHAT, (), NOW) == AllResting(
        NOW + 30, frozenset({"funds", "daily_quota", "window_quota", "dead_credential"})
    )
    assert pool.choose(COOKIE, CHAT, {"b"}, NOW) == AllResting(
        NOW + 50, frozenset({"funds", "daily_quota", "dead_credential"})
    )


def test_a_lock_of_an_unknown_account_is_nowhere() -> None:
    pool = _pool(_account("a"))
    assert pool.lock(_lock("z", None)) is None
    assert pool.unlock("z") == []


# --- Trials


def test_after_a_lock_one_request_at_a_time_until_one_succeeds() -> None:
    pool = _pool(_account("a", 3))
    pool.lock(_lock("a", NOW))
    seat = _take(pool)
    assert isinstance(pool.choose(COOKIE, CHAT, (), NOW), AllBusy)
    passed = pool.succeeded(seat, CHAT, NOW)
    assert [lock.account_id for lock in passed] == ["a"]
    assert [_take(pool), _take(pool)] == [seat, seat]


def test_a_failed_trial_changes_nothing_by_itself() -> None:
    pool = _pool(_account("a", 3))
    pool.lock(_lock("a", NOW))
    pool.release(_take(pool))
    _take(pool)
    assert isinstance(pool.choose(COOKIE, CHAT, (), NOW), AllBusy)


def test_a_trial_is_over_for_the_products_that_it_proved() -> None:
    pool = _pool(_account("a"))
    pool.lock(_lock("a", NOW, IMAGE))
    pool.lock(_lock("a", NOW, CHAT))
    seat = _take(pool)
    assert [lock.product for lock in pool.succeeded(seat, CHAT, NOW)] == [CHAT]
    assert seat.on_trial(IMAGE, NOW)
    assert not seat.on_trial(CHAT, NOW)


def test_a_success_lifts_no_lock_that_still_runs() -> None:
    pool = _pool(_account("a"))
    seat = _take(pool)
    pool.lock(_lock("a", NOW + 60))
    assert pool.succeeded(seat, CHAT, NOW) == []
    assert seat.locked(CHAT, NOW)


@pytest.mark.parametrize("policy", Policy)
def test_a_rested_account_is_tried_before_whole_ones_hide_it(policy: Policy) -> None:
    pool = _pool(_account("a"), _account("b"), _account("c"), policy=policy)
    pool.lock(_lock("b", NOW))
    assert _take(pool).account.id == "b"
    assert {_take(pool).account.id for _ in range(3)} <= {"a", "c"}


# --- A new list of accounts


def test_accounts_that_stay_keep_their_requests_and_locks() -> None:
    pool = _pool(_account("a", 1), _account("b"))
    seat = _take(pool, tried=["b"])
    pool.lock(_lock("b", NOW + 9))
    pool.replace([replace(_account("a", 1), label="renamed"), _account("b"), _account("c", 1)])
    assert pool.seat("a") is seat
    assert (seat.busy, seat.account.label) == (1, "renamed")
    assert isinstance(pool.choose(COOKIE, CHAT, {"c"}, NOW), AllBusy)
    assert _take(pool).account.id == "c"


def test_an_account_that_left_can_still_be_released() -> None:
    pool = _pool(_account("a"))
    seat = _take(pool)
    pool.replace([])
    pool.release(seat)
    assert isinstance(pool.choose(COOKIE, CHAT, (), NOW), NoneLeft)


def test_a_lowered_limit_counts_for_new_requests() -> None:
    pool = _pool(_account("a", 3))
    seats = [_take(pool) for _ in range(3)]
    pool.replace([_account("a", 2)])
    pool.release(seats[0])
    assert isinstance(pool.choose(COOKIE, CHAT, (), NOW), AllBusy)
    pool.release(seats[1])
    assert _take(pool).busy == 2


def test_the_stores_word_replaces_all_locks() -> None:
    pool = _pool(_account("a"), _account("b"))
    pool.lock(_lock("a", NOW + 5))
    pool.set_locks([_lock("b", NOW + 5, CHAT), _lock("gone", None)])
    assert _take(pool).account.id == "a"
    assert isinstance(pool.choose(COOKIE, CHAT, {"a"}, NOW), AllResting)


def test_a_pool_shows_numbers_and_no_credentials() -> None:
    pool = _pool(_account("alice"), _account("bob"))
    _take(pool)
    pool.lock(_lock("bob", None))
    shown = f"{pool!r} {pool.seats()!r}"
    assert "<Pool 2 accounts, 1 busy, 1 locks>" in shown
    assert "session_id=" not in shown
