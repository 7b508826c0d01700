"""Try accounts and routes until one answers. Nothing visible has gone out while this runs."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from proxy.core.attempts import AttemptLog, GiveUp, NextRoute, TryAgain, TryAnother, next_step
from proxy.core.catalogue import Candidate
from proxy.core.failures import (
    EFFECTS,
    REACTIONS,
    WAITING_HELPS,
    EffectKind,
    Failure,
    Kind,
    Reaction,
    UpstreamError,
)
from proxy.core.pool import Seat
from proxy.core.products import Product, Route
from proxy.services.desk import Borrowed, Desk, NoAccount, Tried
from proxy.telemetry import log

T = TypeVar("T")
# The last argument is true when the operator's project must not be used (any more).
Open = Callable[[Borrowed, bool], Awaitable[T]]


async def _nothing_to_close(opened: object, borrowed: Borrowed) -> None:
    """For openings that hold nothing."""


class GaveUp(Exception):
    """No attempt worked; the failure is the one worth telling."""

    def __init__(self, failure: Failure, retry_after: float | None, attempts: int) -> None:
        super().__init__(failure.kind.value)
        self.failure = failure
        self.retry_after = retry_after
        self.attempts = attempts


@dataclass(frozen=True, slots=True)
class Success(Generic[T]):
    """An opened answer, and the seat that is borrowed until it ends."""

    opened: T
    borrowed: Borrowed
    attempts: int


@dataclass(slots=True)
class Attempts(Generic[T]):
    """One request's way through the pool."""

    desk: Desk
    candidates: list[Candidate]
    product: Product
    open_one: Open[T]
    limit: int
    retire: Callable[[Route], None]
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    # What was opened must be closed when its seat is lost in the same moment.
    close: Callable[[T, Borrowed], Awaitable[None]] = _nothing_to_close
    reactions: Mapping[Kind, Reaction] = field(default_factory=lambda: REACTIONS)
    _log: AttemptLog = field(init=False)
    _all: list[Candidate] = field(init=False)
    _tried: Tried = field(default_factory=set)

    def __post_init__(self) -> None:
        self._log = AttemptLog(self.limit)
        self._all = self.candidates

    async def run(self) -> Success[T]:
        """The first success. Raises ``GaveUp``."""
        while True:
            borrowed = await self._borrow()
            opened = await self._try(borrowed)
            if opened is not None:
                return Success(opened, borrowed, self._log.count + 1)

    async def _borrow(self) -> Borrowed:
        try:
            return await self.desk.borrow(self.candidates, self._tried, self.product)
        except NoAccount as refusal:
            if not self._log.failures:
                raise GaveUp(refusal.failure, refusal.retry_after, 0) from None
            raise self._gave_up() from None

    async def _try(self, borrowed: Borrowed) -> T | None:
        """One account, at most twice; None when the next one is to be asked."""
        # A project that one account was refused is no good for the next one either.
        seat = borrowed.seat
        again = any(failure.kind is Kind.STALE_PROJECT for _, failure in self._log.failures)
        route = borrowed.candidate.route
        self._tried.add((route, seat.account.id))
        try:
            while True:
                try:
                    opened = await self.open_one(borrowed, again)
                except UpstreamError as error:
                    pause = await self._decide(borrowed, error.failure)
                    if pause is None:
                        self.desk.give_back(seat)
                        return None
                    again = True
                    await self.pause(pause)
                else:
                    return await self._succeed(opened, borrowed)
        except BaseException:
            self.desk.give_back(seat)
            raise

    async def _succeed(self, opened: T, borrowed: Borrowed) -> T:
        self.desk.metrics.attempts.labels(borrowed.candidate.route.value, "ok").inc()
        try:
            await self.desk.succeeded(borrowed.seat, self.product)
        except BaseException:
            await self.close(opened, borrowed)
            raise
        return opened

    async def _decide(self, borrowed: Borrowed, failure: Failure) -> float | None:
        """A pause before the same account is asked again, or None for another one."""
        route, seat = borrowed.candidate.route, borrowed.seat
        self._note(route, seat, failure)
        await self.desk.punish(seat, self.product, failure)
        if failure.kind is Kind.RETIRED:
            self.retire(route)
        others = self.desk.others_left(route, self._tried, self.product)
        step = next_step(self._log, route, failure, others_left=others, reactions=self.reactions)
        if isinstance(step, TryAgain):
            self._log.repeated = True
            return step.pause
        if isinstance(step, NextRoute):
            self.candidates = [c for c in self.candidates if c.route is not route]
        if isinstance(step, GiveUp) or not self.candidates:
            raise self._gave_up()
        assert isinstance(step, TryAnother | NextRoute)
        return None

    def _note(self, route: Route, seat: Seat, failure: Failure) -> None:
        self._log.failures.append((route, failure))
        self.desk.metrics.attempts.labels(route.value, failure.kind.value).inc()
        log.info(
            "attempt.failed",
            account=seat.account.label,
            route=route.value,
            failure=failure.kind.value,
            detail=failure.detail,
        )

    def _gave_up(self) -> GaveUp:
        """The last failure is told, with the soonest end of a rest when waiting helps."""
        failure = self._log.failures[-1][1]
        # An account that recovers by itself is worth waiting for, whatever the last one met; the
        # next request would hear the same from the desk.
        waiting = [each for _, each in self._log.failures if each.kind in WAITING_HELPS]
        if waiting and EFFECTS[failure.kind].kind is not EffectKind.NONE:
            failure = waiting[-1]
        retry_after = failure.retry_after
        if failure.kind in WAITING_HELPS:
            retry_after = self.desk.soonest(self._all, self.product) or retry_after
        return GaveUp(failure, retry_after, self._log.count)
