"""What a failure does to the account and to the request, as tables."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.core.accounts import Lock
from proxy.core.attempts import (
    BACK_OFF,
    SHORT_WAIT,
    AttemptLog,
    Durations,
    GiveUp,
    NextRoute,
    Step,
    TryAgain,
    TryAnother,
    dead_lock,
    lock_for,
    next_step,
)
from proxy.core.failures import DAY, HOUR, MINUTE, REACTIONS, Failure, Kind
from proxy.core.products import Product, Route

OTHER, ROUTE, STOP = TryAnother(), NextRoute(), GiveUp()
AGAIN, AT_ONCE = TryAgain(BACK_OFF), TryAgain(0.0)

ACCOUNTS_FAULT = [
    Kind.RATE_LIMITED, Kind.DAILY_QUOTA, Kind.WINDOW_QUOTA, Kind.FUNDS, Kind.PLAN_REQUIRED,
    Kind.DEAD_CREDENTIAL, Kind.ACCOUNT_FORBIDDEN, Kind.SETTING_REQUIRED,
]  # fmt: skip
ONE_OTHER = [
    Kind.FORBIDDEN, Kind.CHALLENGE, Kind.UPSTREAM_BROKEN, Kind.ERROR_FRAME, Kind.UNREADABLE,
]  # fmt: skip
ONE_RETRY = [
    Kind.OUTAGE, Kind.OVERLOADED, Kind.EMPTY, Kind.BROKEN_STREAM, Kind.UNREACHABLE,
    Kind.UPLOAD_FAILED,
]  # fmt: skip
ROUTES_FAULT = [
    Kind.EDGE_BLOCK, Kind.MODEL_UNKNOWN, Kind.MODEL_BROKEN, Kind.RETIRED, Kind.TIMEOUT,
    Kind.NO_TOKEN,
]  # fmt: skip
NOBODY_HELPS = [
    Kind.BAD_REQUEST, Kind.TASK_FAILED, Kind.TASK_UNKNOWN, Kind.ALL_BUSY,
    Kind.NO_ACCOUNT, Kind.POLICY, Kind.UNCONFIRMED, Kind.NOT_UNDERSTOOD, Kind.RESULT_LOST,
    Kind.OVERDUE, Kind.CANCELLED, Kind.BROKEN,
]  # fmt: skip

# Steps after the 1st, 2nd and 3rd failure of the kind: while others are left, and without others.
STEPS: dict[Kind, tuple[list[Step], list[Step]]] = {
    **dict.fromkeys(ACCOUNTS_FAULT, ([OTHER, OTHER, OTHER], [ROUTE, ROUTE, ROUTE])),
    **dict.fromkeys(ONE_OTHER, ([OTHER, ROUTE, ROUTE], [ROUTE, ROUTE, ROUTE])),
    **dict.fromkeys(ONE_RETRY, ([OTHER, ROUTE, ROUTE], [AGAIN, ROUTE, ROUTE])),
    **dict.fromkeys(ROUTES_FAULT, ([ROUTE, ROUTE, ROUTE], [ROUTE, ROUTE, ROUTE])),
    **dict.fromkeys(NOBODY_HELPS, ([STOP, STOP, STOP], [STOP, STOP, STOP])),
    Kind.STALE_PROJECT: ([AT_ONCE, AT_ONCE, AT_ONCE], [AT_ONCE, AT_ONCE, AT_ONCE]),
    Kind.REJECTED: ([OTHER, STOP, STOP], [STOP, STOP, STOP]),
}


def _log(
    *kinds: Kind, limit: int = 10, route: Route = Route.COOKIE, repeated: bool = False
) -> AttemptLog:
    return AttemptLog(limit, [(route, Failure(kind)) for kind in kinds], repeated)


def _step(log: AttemptLog, *, others_left: bool, route: Route = Route.COOKIE) -> Step:
    return next_step(log, route, log.failures[-1][1], others_left=others_left)


def test_the_table_has_every_kind_of_failure() -> None:
    assert set(STEPS) == set(Kind)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("others_left", [True, False])
@pytest.mark.parametrize("kind", Kind)
def test_the_next_step(kind: Kind, others_left: bool, count: int) -> None:
    step = _step(_log(*[kind] * count), others_left=others_left)
    assert step == STEPS[kind][0 if others_left else 1][count - 1]


@pytest.mark.parametrize("others_left", [True, False])
@pytest.mark.parametrize("kind", Kind)
def test_the_last_attempt_is_the_last(kind: Kind, others_left: bool) -> None:
    log = _log(Kind.FUNDS, kind, limit=2)
    assert _step(log, others_left=others_left) == STOP


@pytest.mark.parametrize("others_left", [True, False])
@pytest.mark.parametrize("kind", Kind)
def test_a_request_asks_the_same_account_again_only_once(kind: Kind, others_left: bool) -> None:
    step = _step(_log(kind, repeated=True), others_left=others_left)
    assert not isinstance(step, TryAgain)


def test_failures_on_another_route_count_for_that_route() -> None:
    log = _log(Kind.CHALLENGE, Kind.CHALLENGE, route=Route.KEY)
    log.failures.append((Route.COOKIE, Failure(Kind.CHALLENGE)))
    assert _step(log, others_left=True) == OTHER
    assert log.count == 3
    assert log.seen(Route.KEY, Kind.CHALLENGE) == 2


def test_two_refusals_without_a_reason_end_the_request_on_all_routes() -> None:
    log = _log(Kind.REJECTED, Kind.REJECTED)
    assert _step(log, others_left=True) == STOP


@pytest.mark.parametrize(
    ("route", "wait", "others_left", "step"),
    [
        (Route.KEY, 2.0, False, TryAgain(2.0)),
        (Route.KEY, SHORT_WAIT, False, TryAgain(SHORT_WAIT)),
        (Route.KEY, SHORT_WAIT + 1, False, ROUTE),
        (Route.KEY, None, False, ROUTE),
        (Route.KEY, 2.0, True, OTHER),
        (Route.COOKIE, 2.0, False, ROUTE),
        (Route.LEGACY, 2.0, False, ROUTE),
    ],
)
def test_only_a_lone_keys_short_limit_is_waited_for(
    route: Route, wait: float | None, others_left: bool, step: Step
) -> None:
    log = AttemptLog(4, [(route, Failure(Kind.RATE_LIMITED, retry_after=wait))])
    assert _step(log, others_left=others_left, route=route) == step


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(list(Kind)), min_size=1), st.data())
def test_every_request_comes_to_its_end(kinds: list[Kind], data: st.DataObject) -> None:
    """At most ``limit`` asks, whatever fails and whoever is left."""
    limit = data.draw(st.integers(1, 6))
    log = AttemptLog(limit)
    for _ in range(limit):
        log.failures.append((Route.COOKIE, Failure(data.draw(st.sampled_from(kinds)))))
        step = _step(log, others_left=data.draw(st.booleans()))
        if isinstance(step, TryAgain):
            assert not log.repeated
            log.repeated = True
    assert step == STOP


# --- Locks

NOW = 1_790_000_000.0
RESTS = {
    Kind.RATE_LIMITED: (Product.ALL, 600.0),
    Kind.DAILY_QUOTA: (Product.CHAT, 24 * HOUR),
    Kind.WINDOW_QUOTA: (Product.CHAT, 90 * MINUTE),
    Kind.FUNDS: (Product.ALL, HOUR),
    Kind.PLAN_REQUIRED: (Product.ALL, HOUR),
    Kind.ACCOUNT_FORBIDDEN: (Product.ALL, DAY),
    Kind.CHALLENGE: (Product.ALL, 600.0),
    Kind.EDGE_BLOCK: (Product.ALL, 600.0),
}


def _lock(failure: Failure, own: dict[Kind, float] | None = None) -> Lock | None:
    return lock_for("alice", Product.CHAT, failure, Durations(own or {}), NOW)


def _rest(failure: Failure, own: dict[Kind, float] | None = None) -> float:
    lock = _lock(failure, own)
    assert lock is not None
    assert lock.until is not None
    return lock.until - NOW


@pytest.mark.parametrize("kind", Kind)
def test_how_long_an_account_rests_and_from_what(kind: Kind) -> None:
    lock = _lock(Failure(kind))
    if kind not in RESTS:
        assert lock is None, "not the account's matter, or to be checked first"
        return
    product, seconds = RESTS[kind]
    assert lock == Lock("alice", product, kind.value, NOW, NOW + seconds)


@pytest.mark.parametrize(
    ("failure", "seconds"),
    [
        (Failure(Kind.RATE_LIMITED, retry_after=30), 30),
        (Failure(Kind.RATE_LIMITED, retry_after=7 * HOUR), 6 * HOUR),
        (Failure(Kind.RATE_LIMITED, retry_after=0.2), 1),
        (Failure(Kind.WINDOW_QUOTA, until=NOW + 2 * HOUR), 2 * HOUR),
        (Failure(Kind.WINDOW_QUOTA, until=NOW + 7 * HOUR), 6 * HOUR),
        (Failure(Kind.WINDOW_QUOTA, until=NOW - HOUR), 1),
        (Failure(Kind.WINDOW_QUOTA, until=NOW + HOUR, retry_after=5), HOUR),
        (Failure(Kind.DAILY_QUOTA, retry_after=2 * HOUR), 2 * HOUR),
        (Failure(Kind.DAILY_QUOTA, until=NOW + 3 * DAY), DAY),
        (Failure(Kind.FUNDS, retry_after=2 * DAY), DAY),
    ],
)
def test_the_upstreams_own_time_is_believed_up_to_a_cap(failure: Failure, seconds: float) -> None:
    assert _rest(failure) == seconds


def test_the_operators_duration_replaces_ours_and_may_exceed_the_cap() -> None:
    assert _rest(Failure(Kind.RATE_LIMITED), {Kind.RATE_LIMITED: 42.0}) == 42
    assert _rest(Failure(Kind.RATE_LIMITED), {Kind.RATE_LIMITED: 2 * DAY}) == 2 * DAY
    assert _rest(Failure(Kind.RATE_LIMITED, retry_after=30), {Kind.RATE_LIMITED: 42.0}) == 30
    assert _rest(Failure(Kind.CHALLENGE), {Kind.RATE_LIMITED: 42.0}) == 600


@pytest.mark.parametrize("product", [Product.IMAGE, Product.VIDEO])
def test_a_window_locks_the_product_that_it_names(product: Product) -> None:
    lock = _lock(Failure(Kind.WINDOW_QUOTA, product=product))
    assert lock is not None
    assert lock.product is product


def test_a_whole_accounts_matter_locks_all_whatever_is_named() -> None:
    lock = _lock(Failure(Kind.FUNDS, product=Product.IMAGE))
    assert lock is not None
    assert lock.product is Product.ALL


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(sorted(RESTS)),
    st.none() | st.floats(0, 1e12),
    st.none() | st.floats(0, 1e12),
)
def test_any_lock_ends_between_a_second_and_a_day_from_now(
    kind: Kind, retry_after: float | None, until: float | None
) -> None:
    assert 1 <= _rest(Failure(kind, "", retry_after, until)) <= DAY


def test_a_dead_credential_rests_until_a_check_passes() -> None:
    lock = dead_lock("alice", NOW)
    assert lock == Lock("alice", Product.ALL, "dead_credential", NOW, None)


def test_every_kind_has_a_reaction() -> None:
    assert set(REACTIONS) == set(Kind)
