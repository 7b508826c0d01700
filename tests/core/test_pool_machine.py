"""The pool's invariants under any order of borrowing, locking, reloading and passing time."""

import math
import random
from collections import Counter
from collections.abc import Iterable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from proxy.core.accounts import Account, Lock, Secret
from proxy.core.pool import AllBusy, AllResting, Granted, NoneLeft, Policy, Pool, Seat
from proxy.core.products import Credential, Product

NAMES = ["a", "b", "c", "k"]
WORK = [Product.CHAT, Product.IMAGE, Product.VIDEO]

names = st.sampled_from(NAMES)
work = st.sampled_from(WORK)
products = st.sampled_from(list(Product))
rests = st.sampled_from([-5.0, 0.0, 1.0, 10.0, 100.0, None])
# Drawn values tend to be the first and the small: mostly cookies, mostly nothing tried.
kinds = st.sampled_from([Credential.COOKIE, Credential.COOKIE, Credential.COOKIE, Credential.KEY])
tried_ones = st.sampled_from([frozenset[str](), frozenset("a"), frozenset("bc")])


@st.composite
def account_lists(draw: st.DrawFn) -> list[Account]:
    """Any selection of the names, with any limits, weights and switches."""
    return [
        Account(
            name,
            name,
            Credential.KEY if name == "k" else Credential.COOKIE,
            Secret(name),
            limit=draw(st.sampled_from([2, 1, 3])),
            weight=draw(st.sampled_from([1.0, 0.5, 3.0])),
            disabled=draw(st.sampled_from([False, False, False, False, True])),
        )
        for name in draw(st.sampled_from(["abk", "ba", "kcab", "a", "ck", ""]))
    ]


class PoolMachine(RuleBasedStateMachine):
    """Beside the pool a plain book is kept: who is there, who is locked, what runs."""

    @initialize(accounts=account_lists(), policy=st.sampled_from(Policy))
    def open(self, accounts: list[Account], policy: Policy) -> None:
        """Start with some accounts."""
        self.pool = Pool(accounts, policy=policy, chance=random.Random(7))
        self.accounts = {account.id: account for account in accounts}
        self.ends: dict[tuple[str, Product], float] = {}
        self.running: list[Seat] = []
        self.now = 1000.0

    # What happens.

    @rule(product=work)
    def choose_a_cookie(self, product: Product) -> None:
        """The usual request; twice as likely so."""
        self.choose(Credential.COOKIE, product, frozenset())

    @rule(kind=kinds, product=work, tried=tried_ones)
    def choose(self, kind: Credential, product: Product, tried: frozenset[str]) -> None:
        """A request asks for a seat."""
        before = Counter(seat.account.id for seat in self.pool.seats() for _ in range(seat.busy))
        fitting = [
            account
            for account in self.accounts.values()
            if account.credential is kind and not account.disabled and account.id not in tried
        ]
        open_ones = [a for a in fitting if self.end(a.id, product) <= self.now]
        free = [a for a in open_ones if before[a.id] < self.room(a, product)]
        choice = self.pool.choose(kind, product, tried, self.now)
        match choice:
            case Granted(seat):
                assert seat.account.id in {account.id for account in free}
                assert seat.busy == before[seat.account.id] + 1 <= seat.account.limit
                self.running.append(seat)
            case AllBusy():
                assert open_ones
                assert not free
            case AllResting(soonest):
                assert fitting
                assert not open_ones
                end = min(self.end(account.id, product) for account in fitting)
                assert (math.inf if soonest is None else soonest) == end > self.now
            case NoneLeft():
                assert not fitting

    @precondition(lambda self: self.running)
    @rule(data=st.data(), product=work, well=st.booleans())
    def finish(self, data: st.DataObject, product: Product, well: bool) -> None:
        """A request ends, well or not."""
        seat = data.draw(st.sampled_from(self.running))
        self.running.remove(seat)
        if well:
            present = self.pool.seat(seat.account.id) is seat
            passed = self.pool.succeeded(seat, product, self.now)
            for lock in passed:
                assert lock.product in (product, Product.ALL)
                if present:
                    assert self.ends.pop((lock.account_id, lock.product)) <= self.now
        self.pool.release(seat)

    @rule(name=names, product=products, rest=rests)
    def lock(self, name: str, product: Product, rest: float | None) -> None:
        """Somebody locks an account."""
        until = None if rest is None else self.now + rest
        self.pool.lock(Lock(name, product, "funds", self.now, until))
        if name in self.accounts:
            end = math.inf if until is None else until
            self.ends[name, product] = max(end, self.ends.get((name, product), -math.inf))

    @rule(product=products, ends=st.lists(rests, min_size=len(NAMES), max_size=len(NAMES)))
    def lock_everyone(self, product: Product, ends: list[float | None]) -> None:
        """A bad day."""
        for name, rest in zip(NAMES, ends, strict=True):
            self.lock(name, product, rest)

    @rule(name=names)
    def rest_is_over(self, name: str) -> None:
        """An account's lock has just run out."""
        self.lock(name, Product.ALL, 0.0)

    @rule(name=names, product=st.none() | products)
    def unlock(self, name: str, product: Product | None) -> None:
        """An operator lifts locks."""
        self.pool.unlock(name, product)
        self.forget(key for key in self.ends if key[0] == name and product in (None, key[1]))

    @rule(seconds=st.sampled_from([0.5, 1.0, 10.0, 1000.0]))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.now += seconds

    @rule(accounts=account_lists())
    def reload(self, accounts: list[Account]) -> None:
        """The operator's list changes."""
        staying = {a.id: self.pool.seat(a.id) for a in accounts if a.id in self.accounts}
        self.pool.replace(accounts)
        self.accounts = {account.id: account for account in accounts}
        self.forget(key for key in self.ends if key[0] not in self.accounts)
        assert all(self.pool.seat(name) is seat for name, seat in staying.items())

    @rule(name=names, product=products, rest=rests)
    def sync(self, name: str, product: Product, rest: float | None) -> None:
        """The store's word replaces all locks."""
        until = None if rest is None else self.now + rest
        self.pool.set_locks([Lock(name, product, "operator", self.now, until)])
        self.ends.clear()
        if name in self.accounts:
            self.ends[name, product] = math.inf if until is None else until

    # What always holds.

    @invariant()
    def the_book_and_the_pool_agree(self) -> None:
        """Locks, seats and running requests are what the book says."""
        held = {
            (lock.account_id, lock.product): math.inf if lock.until is None else lock.until
            for seat in self.pool.seats()
            for lock in seat.locks.values()
        }
        assert held == self.ends
        assert [seat.account for seat in self.pool.seats()] == list(self.accounts.values())
        running = Counter(map(id, self.running))
        assert all(seat.busy == running[id(seat)] for seat in self.pool.seats())

    def teardown(self) -> None:
        """Whatever happened, in the end every seat is free."""
        for seat in self.running:
            self.pool.release(seat)
            assert seat.busy >= 0
        assert all(seat.busy == 0 for seat in self.pool.seats())

    # The book.

    def end(self, name: str, product: Product) -> float:
        """When the last lock that concerns this product ends."""
        return max(self.ends.get((name, p), -math.inf) for p in (product, Product.ALL))

    def room(self, account: Account, product: Product) -> int:
        """How many may run: one while on trial."""
        on_trial = -math.inf < self.end(account.id, product) <= self.now
        return 1 if on_trial else account.limit

    def forget(self, keys: Iterable[tuple[str, Product]]) -> None:
        """Locks are gone."""
        for key in list(keys):
            del self.ends[key]


TestPoolMachine = PoolMachine.TestCase
TestPoolMachine.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
