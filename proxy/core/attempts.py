"""Decisions about attempts: what a failure does to the account, and how the request goes on."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from proxy.core.accounts import Lock
from proxy.core.failures import EFFECTS, REACTIONS, EffectKind, Failure, Kind, Reaction
from proxy.core.products import Credential, Product, Route

# A key's 429 is given before any work, so one wait this short is kinder than an error.
SHORT_WAIT: Final = 5.0
# One breath before asking an overloaded upstream again; the caller's chance spreads it.
BACK_OFF: Final = 0.5


@dataclass(frozen=True, slots=True)
class TryAnother:
    """Ask a further account of the same route (or, if there is none, the next route)."""


@dataclass(frozen=True, slots=True)
class TryAgain:
    """Ask the same account once more after a pause: the failure was not its fault."""

    pause: float


@dataclass(frozen=True, slots=True)
class NextRoute:
    """This route is out of the question for this request; another may serve."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Tell the caller."""


Step = TryAnother | TryAgain | NextRoute | GiveUp


@dataclass(slots=True)
class AttemptLog:
    """What one request has tried so far."""

    limit: int
    failures: list[tuple[Route, Failure]] = field(default_factory=list)
    repeated: bool = False

    @property
    def count(self) -> int:
        """How many attempts have failed."""
        return len(self.failures)

    def seen(self, route: Route, kind: Kind) -> int:
        """How often this kind was met on this route."""
        return Counter((r, f.kind) for r, f in self.failures)[(route, kind)]


def next_step(
    log: AttemptLog,
    route: Route,
    failure: Failure,
    *,
    others_left: bool,
    reactions: Mapping[Kind, Reaction] = REACTIONS,
) -> Step:
    """Decide how the request goes on after ``failure`` (already entered into ``log``).

    ``others_left``: a further account of this route, not yet tried, can be asked.
    """
    reaction = reactions[failure.kind]
    if log.count >= log.limit:
        return GiveUp()
    if failure.kind is Kind.STALE_PROJECT and not log.repeated:
        # The project was at fault, not the account: the same one is asked without it.
        return TryAgain(0.0)
    if others_left and log.seen(route, failure.kind) <= reaction.others:
        return TryAnother()
    if not others_left and not log.repeated and (pause := _pause(log, route, failure)) is not None:
        return TryAgain(pause)
    return NextRoute() if reaction.other_route else GiveUp()


def _pause(log: AttemptLog, route: Route, failure: Failure) -> float | None:
    if REACTIONS[failure.kind].same_again:
        # An upstream in trouble is asked once more in all, by another account or by the same.
        return BACK_OFF if log.seen(route, failure.kind) == 1 else None
    short = failure.retry_after is not None and failure.retry_after <= SHORT_WAIT
    return failure.retry_after if short and _waits_on_key(failure, route) else None


def _waits_on_key(failure: Failure, route: Route) -> bool:
    return route.credential is Credential.KEY and failure.kind is Kind.RATE_LIMITED


@dataclass(frozen=True, slots=True)
class Durations:
    """The operator's own lengths of locks, in seconds, by kind of failure."""

    own: dict[Kind, float] = field(default_factory=dict)

    def seconds(self, kind: Kind) -> float:
        """How long an account rests when the upstream gave no time."""
        return self.own.get(kind, EFFECTS[kind].seconds)


def lock_for(
    account_id: str, product: Product, failure: Failure, durations: Durations, now: float
) -> Lock | None:
    """The lock that a failure puts on an account, or None when it is not the account's matter."""
    effect = EFFECTS[failure.kind]
    if effect.kind in (EffectKind.NONE, EffectKind.RECHECK):
        return None
    until = failure.until or now + (failure.retry_after or durations.seconds(failure.kind))
    scope = Product.ALL if effect.whole_account else failure.product or product
    capped = min(until, now + max(effect.cap, durations.seconds(failure.kind)))
    return Lock(account_id, scope, failure.kind.value, now, max(capped, now + 1))


def dead_lock(account_id: str, now: float) -> Lock:
    """The credential was refused and the re-check agreed: no end until a check passes again."""
    return Lock(account_id, Product.ALL, Kind.DEAD_CREDENTIAL.value, now, None)
