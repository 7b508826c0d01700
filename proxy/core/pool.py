"""The account pool's brain: synchronous, without a clock of its own, it decides and returns.

``choose`` and ``release`` are the only ways in and out of a seat, so the invariant (never more
than ``limit`` at once, one at a time on trial, nothing while locked) is kept in one place.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from proxy.core.accounts import Account, Lock
from proxy.core.products import Credential, Product


class Chance(Protocol):
    """The part of ``random.Random`` that spreads load; a test brings its own."""

    def choice(self, seq: Sequence["Seat"], /) -> "Seat":
        """Any one of these."""

    def choices(self, population: Sequence["Seat"], weights: Sequence[float]) -> list["Seat"]:
        """One of these, by weight."""


class Policy(StrEnum):
    """Which of the free accounts is next (``ACCOUNT_POLICY``)."""

    LEAST_BUSY = "least_busy"
    ROUND_ROBIN = "round_robin"
    RANDOM = "random"


@dataclass(slots=True, eq=False)
class Seat:
    """An account's place in the pool: what runs on it and what it may not do.

    ``turn`` is when round robin comes to it again, on a clock that counts requests by weight.
    """

    account: Account
    busy: int = 0
    turn: float = 0.0
    locks: dict[Product, Lock] = field(default_factory=dict)

    def locked(self, product: Product, now: float) -> list[Lock]:
        """The locks that forbid this product now."""
        if not self.locks:
            return []
        return [lock for lock in self.locks.values() if lock.forbids(product, now)]

    def on_trial(self, product: Product, now: float) -> bool:
        """Whether only one request may go through until it has succeeded."""
        return any(lock.on_trial(product, now) for lock in self.locks.values())

    def room(self, product: Product, now: float) -> bool:
        """Whether one more request fits, leaving locks aside."""
        on_trial = bool(self.locks) and self.on_trial(product, now)
        return self.busy < (1 if on_trial else self.account.limit)


@dataclass(frozen=True, slots=True)
class Granted:
    """This account may be asked; give the seat back with ``release``."""

    seat: Seat


@dataclass(frozen=True, slots=True)
class AllBusy:
    """Some account would do, but all that would are at their limit."""


@dataclass(frozen=True, slots=True)
class AllResting:
    """Every account that would do is locked; ``soonest`` is the first end (None: no end known)."""

    soonest: float | None
    reasons: frozenset[str]


@dataclass(frozen=True, slots=True)
class NoneLeft:
    """No such account exists, or every one was already tried for this request."""


Choice = Granted | AllBusy | AllResting | NoneLeft


class Pool:
    """Seats of all accounts; see the module docstring."""

    def __init__(
        self,
        accounts: Iterable[Account] = (),
        locks: Iterable[Lock] = (),
        policy: Policy = Policy.LEAST_BUSY,
        *,
        chance: Chance,
    ) -> None:
        self._seats: dict[str, Seat] = {}
        self._enabled: dict[Credential, list[Seat]] = {}
        self._policy = policy
        self._turns = dict.fromkeys(Credential, 0.0)
        self._chance = chance
        self.replace(accounts)
        for lock in locks:
            self.lock(lock)

    def __repr__(self) -> str:
        busy = sum(seat.busy for seat in self._seats.values())
        locks = sum(len(seat.locks) for seat in self._seats.values())
        return f"<Pool {len(self._seats)} accounts, {busy} busy, {locks} locks>"

    def seats(self) -> list[Seat]:
        """All seats in the operator's order."""
        return list(self._seats.values())

    def seat(self, account_id: str) -> Seat | None:
        """The seat of this account, if it is (still) in the pool."""
        return self._seats.get(account_id)

    def has(self, credential: Credential) -> bool:
        """Whether any enabled account carries this kind of credential."""
        return bool(self._enabled[credential])

    def replace(self, accounts: Iterable[Account]) -> None:
        """Take over a new list; accounts that stay keep their locks and running requests."""
        old = self._seats
        self._seats = {}
        for account in accounts:
            seat = old.get(account.id) or Seat(account)
            seat.account = account
            self._seats[account.id] = seat
        self._enabled = {
            kind: [
                seat
                for seat in self._seats.values()
                if seat.account.credential is kind and not seat.account.disabled
            ]
            for kind in Credential
        }

    def choose(
        self, credential: Credential, product: Product, tried: Collection[str], now: float
    ) -> Choice:
        """Take a seat for one request, or say why there is none."""
        free = self.look(credential, product, tried, now)
        if not isinstance(free, list):
            return free
        seat = self._pick(free, product, now)
        if self._policy is Policy.ROUND_ROBIN:
            self._pass_turn(seat, free)
        seat.busy += 1
        return Granted(seat)

    def look(
        self, credential: Credential, product: Product, tried: Collection[str], now: float
    ) -> "list[Seat] | AllBusy | AllResting | NoneLeft":
        """The seats that ``choose`` would pick from, or why there is none; nothing changes."""
        fitting = self._enabled[credential]
        if tried:
            fitting = [seat for seat in fitting if seat.account.id not in tried]
        if not fitting:
            return NoneLeft()
        unlocked = [s for s in fitting if not s.locks or not s.locked(product, now)]
        if not unlocked:
            return _resting(fitting, product, now)
        return [seat for seat in unlocked if seat.room(product, now)] or AllBusy()

    def open_to(self, seat: Seat, product: Product, now: float) -> bool:
        """Whether this seat could be chosen: enabled, not locked, not at its limit."""
        enabled = seat in self._enabled[seat.account.credential]
        return enabled and not seat.locked(product, now) and seat.room(product, now)

    def release(self, seat: Seat) -> None:
        """Give a seat back, whatever became of the request."""
        seat.busy -= 1

    def succeeded(self, seat: Seat, product: Product, now: float) -> list[Lock]:
        """A request went through: end the trials it has passed and return their locks."""
        if not seat.locks:
            return []
        passed = [lock for lock in seat.locks.values() if lock.on_trial(product, now)]
        for lock in passed:
            del seat.locks[lock.product]
        return passed

    def lock(self, lock: Lock) -> Lock | None:
        """Put a lock in place; a longer one for the same product stays. Returns what holds."""
        seat = self._seats.get(lock.account_id)
        if seat is None:
            return None
        present = seat.locks.get(lock.product)
        if present and _end(present) > _end(lock):
            return present
        seat.locks[lock.product] = lock
        return lock

    def unlock(self, account_id: str, product: Product | None = None) -> list[Lock]:
        """Lift one lock, or all of an account; return what was lifted."""
        seat = self._seats.get(account_id)
        if seat is None:
            return []
        lifted = [lock for lock in seat.locks.values() if product in (None, lock.product)]
        for lock in lifted:
            del seat.locks[lock.product]
        return lifted

    def set_locks(self, locks: Iterable[Lock]) -> None:
        """Take over what the store says (another replica or the command line may have written)."""
        by_account: dict[str, dict[Product, Lock]] = {}
        for lock in locks:
            by_account.setdefault(lock.account_id, {})[lock.product] = lock
        for account_id, seat in self._seats.items():
            seat.locks = by_account.get(account_id, {})

    def _pick(self, free: list[Seat], product: Product, now: float) -> Seat:
        if len(free) == 1:
            return free[0]
        # A rested account is tried before whole ones would hide it for ever, one request at a time.
        trials = [seat for seat in free if seat.locks and seat.on_trial(product, now)]
        if trials:
            return trials[0]
        if self._policy is Policy.RANDOM:
            return self._chance.choices(free, [seat.account.weight for seat in free])[0]
        if self._policy is Policy.ROUND_ROBIN:
            return min(free, key=self._due)
        least = min(map(_load, free))
        return self._chance.choice([seat for seat in free if _load(seat) == least])

    def _due(self, seat: Seat) -> float:
        # Whoever was away (new, locked, at its limit) has nothing to make up for: it rejoins at
        # the present turn, or it would get all the traffic until it had caught up.
        return max(seat.turn, self._turns[seat.account.credential])

    def _pass_turn(self, seat: Seat, free: list[Seat]) -> None:
        self._turns[seat.account.credential] = min(map(self._due, free))
        seat.turn = self._due(seat) + 1 / seat.account.weight


def _load(seat: Seat) -> float:
    return seat.busy / seat.account.weight


def _end(lock: Lock) -> float:
    return math.inf if lock.until is None else lock.until


def _resting(seats: list[Seat], product: Product, now: float) -> AllResting:
    locks = [lock for seat in seats for lock in seat.locked(product, now)]
    # An account is free again when the last of its locks has ended.
    ends = [max(map(_end, seat.locked(product, now))) for seat in seats]
    soonest = min(ends)
    return AllResting(
        None if math.isinf(soonest) else soonest, frozenset(lock.reason for lock in locks)
    )
