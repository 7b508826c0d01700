"""The account desk: the pool's waiting room, its durable locks and the re-check of credentials."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from proxy.core.accounts import Account, Lock
from proxy.core.attempts import Durations, dead_lock, lock_for
from proxy.core.catalogue import Candidate
from proxy.core.failures import EFFECTS, WAITING_HELPS, EffectKind, Failure, Kind, UpstreamError
from proxy.core.pool import AllBusy, AllResting, Granted, NoneLeft, Pool, Seat
from proxy.core.products import Credential, Product, Route
from proxy.store.failures import StoreUnavailable
from proxy.store.locks import LockStore
from proxy.telemetry import Metrics, log

Tried = set[tuple[Route, str]]
Check = Callable[[Account], Awaitable[bool | None]]

# An account that was refused but is logged in after all: something is odd, so not at once again.
ODD_REST = 60.0
# A request waits for this look-up.
CHECK_SECONDS = 10.0


class NoAccount(Exception):
    """No account can take the request; the failure says why, ``retry_after`` when one can."""

    def __init__(self, failure: Failure, retry_after: float | None = None) -> None:
        super().__init__(failure.kind.value)
        self.failure = failure
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Borrowed:
    """A seat taken for one way of serving the request."""

    candidate: Candidate
    seat: Seat


@dataclass(slots=True, eq=False)
class _Waiter:
    candidates: list[Candidate]
    tried: Tried
    product: Product
    turn: asyncio.Future[Borrowed]


@dataclass(slots=True)
class Desk:
    """See the module docstring. ``wait`` is in seconds, ``clock`` gives epoch seconds."""

    pool: Pool
    store: LockStore
    check: Check
    durations: Durations
    clock: Callable[[], float]
    wait: float
    metrics: Metrics
    _waiters: list[_Waiter] = field(default_factory=list)
    # Pool and store change together, so that a sync never forgets a lock that is being written.
    _writing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def borrow(self, candidates: list[Candidate], tried: Tried, product: Product) -> Borrowed:
        """A seat on the first candidate that has one free; waits while all that fit are busy."""
        if self._waiters:
            # A lock may have run out since: whoever came first is served first.
            self._serve_waiters()
        choice = self._choose(candidates, tried, product)
        if isinstance(choice, Borrowed):
            return choice
        if not isinstance(choice, AllBusy):
            raise self._refused(choice)
        return await self._wait_for_turn(candidates, tried, product)

    def borrow_at_once(
        self, account_id: str, candidate: Candidate, product: Product
    ) -> Borrowed | None:
        """This very account's seat, if it may be asked now; nobody who waits is overtaken.

        None for an account on trial too: whether it is well again is for a fresh ask to show.
        """
        seat, now = self.pool.seat(account_id), self.clock()
        if seat is None or self._waiters or seat.on_trial(product, now):
            return None
        if not self.pool.open_to(seat, product, now):
            return None
        seat.busy += 1
        return Borrowed(candidate, seat)

    def others_left(self, route: Route, tried: Tried, product: Product) -> bool:
        """Whether a further account of this route can be asked (it may be busy just now)."""
        now = self.clock()
        return any(
            seat.account.credential is route.credential
            and not seat.account.disabled
            and (route, seat.account.id) not in tried
            and not seat.locked(product, now)
            for seat in self.pool.seats()
        )

    def give_back(self, seat: Seat) -> None:
        """End a borrowing and hand the seat to whoever waits for it."""
        self.pool.release(seat)
        self._serve_waiters(only_first=True)

    async def succeeded(self, seat: Seat, product: Product) -> None:
        """A request went through: trials are over."""
        if not seat.locks:
            return
        async with self._writing:
            passed = self.pool.succeeded(seat, product, self.clock())
            if not passed:
                return
            log.info("account.recovered", account=seat.account.label)
            try:
                await self.store.remove(passed)
            except StoreUnavailable as error:
                # A good answer is not thrown away; the trial is repeated after a restart.
                log.error("store.failed", error=str(error))
        self._serve_waiters()

    def replace(self, accounts: Iterable[Account]) -> None:
        """Take over a new list of accounts."""
        self.pool.replace(accounts)
        self._serve_waiters()

    async def punish(self, seat: Seat, product: Product, failure: Failure) -> None:
        """Carry out what a failure means for the account; durable when this returns."""
        effect = EFFECTS[failure.kind].kind
        if effect is EffectKind.NONE:
            return
        if effect is EffectKind.RECHECK:
            await self._recheck(seat)
            return
        seats = [seat]
        if effect is EffectKind.REST_ALL_COOKIES:
            cookies = Credential.COOKIE
            seats = [s for s in self.pool.seats() if s.account.credential is cookies] or seats
        for rested in seats:
            lock = lock_for(rested.account.id, product, failure, self.durations, self.clock())
            if lock is not None:
                await self._lock(rested, lock)

    async def lock(self, lock: Lock) -> None:
        """Put a lock in place for good: in the pool and in the store."""
        seat = self.pool.seat(lock.account_id)
        if seat is not None:
            await self._lock(seat, lock)

    async def unlock(self, account_id: str, product: Product | None = None) -> list[Lock]:
        """Lift an account's locks."""
        async with self._writing:
            lifted = self.pool.unlock(account_id, product)
            await self.store.remove(lifted)
        self._serve_waiters()
        return lifted

    async def sync(self) -> None:
        """Take over locks that other replicas or the command line have written."""
        async with self._writing:
            self.pool.set_locks(await self.store.load())
        self._serve_waiters()

    async def recheck_dead(self) -> None:
        """Ask again about credentials that were found dead: an operator may have logged in."""
        for seat in self.pool.seats():
            lock = seat.locks.get(Product.ALL)
            if lock is None or lock.until is not None or lock.reason != Kind.DEAD_CREDENTIAL:
                continue
            if await self._is_alive(seat):
                await self.unlock(seat.account.id, Product.ALL)
                log.info("account.alive_again", account=seat.account.label)

    def soonest(self, candidates: list[Candidate], product: Product) -> float | None:
        """Seconds until the first fitting account is free of locks; None when no end is known."""
        ends = [
            choice.soonest
            for candidate in candidates
            if isinstance(choice := self._look(candidate, product), AllResting)
            and choice.soonest is not None
        ]
        return max(1.0, min(ends) - self.clock()) if ends else None

    def _look(self, candidate: Candidate, product: Product) -> object:
        return self.pool.look(candidate.route.credential, product, (), self.clock())

    def _choose(
        self, candidates: list[Candidate], tried: Tried, product: Product
    ) -> Borrowed | AllBusy | AllResting | NoneLeft:
        now = self.clock()
        verdict: AllBusy | AllResting | NoneLeft = NoneLeft()
        for candidate in candidates:
            route = candidate.route
            seen = {account for r, account in tried if r is route} if tried else ()
            choice = self.pool.choose(route.credential, product, seen, now)
            if isinstance(choice, Granted):
                return Borrowed(candidate, choice.seat)
            verdict = _worse(verdict, choice)
        return verdict

    async def _wait_for_turn(
        self, candidates: list[Candidate], tried: Tried, product: Product
    ) -> Borrowed:
        turn: asyncio.Future[Borrowed] = asyncio.get_running_loop().create_future()
        waiter = _Waiter(candidates, tried, product, turn)
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(self.wait):
                return await asyncio.shield(turn)
        except TimeoutError:
            self._return_unclaimed(turn)
            raise NoAccount(Failure(Kind.ALL_BUSY, "every account stayed busy")) from None
        except asyncio.CancelledError:
            self._return_unclaimed(turn)
            raise
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)

    def _return_unclaimed(self, turn: asyncio.Future[Borrowed]) -> None:
        """A seat was handed over in the very moment in which its taker left."""
        if turn.done() and not turn.cancelled() and turn.exception() is None:
            self.give_back(turn.result().seat)
        turn.cancel()

    def _serve_waiters(self, *, only_first: bool = False) -> None:
        for waiter in list(self._waiters):
            if waiter.turn.done():
                continue
            choice = self._choose(waiter.candidates, waiter.tried, waiter.product)
            if isinstance(choice, AllBusy):
                continue
            self._waiters.remove(waiter)
            if isinstance(choice, Borrowed):
                waiter.turn.set_result(choice)
                if only_first:
                    return
            else:
                waiter.turn.set_exception(self._refused(choice))

    def _refused(self, choice: AllResting | NoneLeft | AllBusy) -> NoAccount:
        if not isinstance(choice, AllResting):
            return NoAccount(Failure(Kind.NO_ACCOUNT, "no account can serve this request"))
        waiting = bool(choice.reasons & {kind.value for kind in WAITING_HELPS})
        retry_after = None if choice.soonest is None else max(1.0, choice.soonest - self.clock())
        reasons = ", ".join(sorted(choice.reasons))
        return NoAccount(_resting_failure(choice, reasons, waiting=waiting), retry_after)

    async def _lock(self, seat: Seat, lock: Lock) -> None:
        async with self._writing:
            if self.pool.lock(lock) is lock:
                await self.store.put(lock)
        self.metrics.locks.labels(lock.reason).inc()
        log.warning(
            "account.locked",
            account=seat.account.label,
            product=lock.product.value,
            failure=lock.reason,
            seconds=None if lock.until is None else round(lock.until - lock.since),
        )
        self._serve_waiters()

    async def _recheck(self, seat: Seat) -> None:
        """One refusal is no proof: the login is asked for before the account counts as dead."""
        alive, now = await self._is_alive(seat), self.clock()
        if alive is False:
            await self._lock(seat, dead_lock(seat.account.id, now))
            return
        rest = ODD_REST if alive else EFFECTS[Kind.DEAD_CREDENTIAL].seconds
        reason = Kind.DEAD_CREDENTIAL.value
        await self._lock(seat, Lock(seat.account.id, Product.ALL, reason, now, now + rest))

    async def _is_alive(self, seat: Seat) -> bool | None:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                return await self.check(seat.account)
        except (UpstreamError, TimeoutError):
            return None


def _worse(
    so_far: AllBusy | AllResting | NoneLeft, choice: AllBusy | AllResting | NoneLeft
) -> AllBusy | AllResting | NoneLeft:
    """What to report over several routes: somebody busy, else the soonest to be rested."""
    if isinstance(so_far, AllBusy) or isinstance(choice, NoneLeft):
        return so_far
    if isinstance(choice, AllBusy) or isinstance(so_far, NoneLeft):
        return choice
    ends = [end for end in (so_far.soonest, choice.soonest) if end is not None]
    return AllResting(min(ends, default=None), so_far.reasons | choice.reasons)


def _resting_failure(choice: AllResting, reasons: str, *, waiting: bool) -> Failure:
    if waiting:
        return Failure(Kind.RATE_LIMITED, f"all accounts rest: {reasons}")
    only = next(iter(choice.reasons)) if len(choice.reasons) == 1 else ""
    edge = only in (Kind.CHALLENGE, Kind.EDGE_BLOCK)
    return Failure(Kind(only) if edge else Kind.NO_ACCOUNT, f"all accounts rest: {reasons}")
