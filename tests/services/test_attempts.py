"""One request's way through accounts and routes: who is asked, how often, and what is told."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from services.desks import COOKIE, KEY, START, World, account, lock, run, world

from proxy.core.accounts import Account
from proxy.core.attempts import BACK_OFF
from proxy.core.catalogue import Candidate
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.products import Credential, Product, Route
from proxy.services.attempts import Attempts, GaveUp, Success
from proxy.services.desk import Borrowed

LEGACY = Candidate(Route.LEGACY, "gpt-5.2")
OK = "an answer"
Outcome = Kind | Failure | str
KEY_ACCOUNT = Credential.KEY


class Upstream:
    """Answers each account's asks as scripted, in order; then it answers well."""

    def __init__(self, **script: Sequence[Outcome]) -> None:
        self._script = {name: list(outcomes) for name, outcomes in script.items()}
        self.asked: list[str] = []
        self.again: list[bool] = []
        self.pauses: list[float] = []
        self.retired: list[Route] = []

    async def open_one(self, borrowed: Borrowed, again: bool) -> str:
        """One ask."""
        name = borrowed.seat.account.id
        self.asked.append(f"{borrowed.candidate.route.value}:{name}")
        self.again.append(again)
        outcomes = self._script.get(name, [])
        outcome = outcomes.pop(0) if outcomes else OK
        if isinstance(outcome, str) and not isinstance(outcome, Kind):
            return outcome
        raise UpstreamError(outcome if isinstance(outcome, Failure) else Failure(Kind(outcome)))

    async def pause(self, seconds: float) -> None:
        """A pause that is only noted."""
        self.pauses.append(seconds)


async def _ask(
    here: World,
    upstream: Upstream,
    candidates: Sequence[Candidate] = (COOKIE,),
    limit: int = 4,
    product: Product = Product.CHAT,
) -> Success[str] | GaveUp:
    attempts = Attempts(
        here.desk,
        list(candidates),
        product,
        upstream.open_one,
        limit,
        upstream.retired.append,
        upstream.pause,
    )
    try:
        return await attempts.run()
    except GaveUp as gave_up:
        return gave_up


def _tell(
    tmp_path: Path,
    upstream: Upstream,
    *accounts: Account,
    candidates: Sequence[Candidate] = (COOKIE,),
    limit: int = 4,
) -> Success[str] | GaveUp:
    """One request; afterwards no seat is taken but the success's."""

    async def story() -> Success[str] | GaveUp:
        async with world(tmp_path, *accounts) as here:
            told = await _ask(here, upstream, candidates, limit)
            taken = {told.borrowed.seat.account.id: 1} if isinstance(told, Success) else {}
            assert {name: busy for name, busy in here.busy().items() if busy} == taken
            return told

    return run(story())


A, B, C = account("a"), account("b"), account("c")
K = account("k", kind=KEY_ACCOUNT)


def test_the_first_account_that_answers_is_the_last_that_is_asked(tmp_path: Path) -> None:
    upstream = Upstream(a=[Kind.RATE_LIMITED], b=[Kind.FUNDS])
    told = _tell(tmp_path, upstream, A, B, C)
    assert upstream.asked == ["cookie:a", "cookie:b", "cookie:c"]
    assert isinstance(told, Success)
    assert (told.opened, told.attempts) == (OK, 3)


def test_no_account_is_asked_twice(tmp_path: Path) -> None:
    upstream = Upstream(a=[Kind.SETTING_REQUIRED] * 9, b=[Kind.SETTING_REQUIRED] * 9)
    told = _tell(tmp_path, upstream, A, B, limit=9)
    assert sorted(upstream.asked) == ["cookie:a", "cookie:b"]
    assert isinstance(told, GaveUp)
    assert (told.failure.kind, told.attempts) == (Kind.SETTING_REQUIRED, 2)


@pytest.mark.parametrize("limit", [1, 2, 3])
def test_no_more_attempts_than_the_operator_allows(tmp_path: Path, limit: int) -> None:
    upstream = Upstream(a=[Kind.FUNDS], b=[Kind.FUNDS], c=[Kind.FUNDS])
    told = _tell(tmp_path, upstream, A, B, C, limit=limit)
    assert len(upstream.asked) == limit
    assert isinstance(told, GaveUp)
    assert told.attempts == limit


def test_a_lone_account_is_asked_once_more_after_a_breath(tmp_path: Path) -> None:
    upstream = Upstream(a=[Kind.OVERLOADED])
    told = _tell(tmp_path, upstream, A)
    assert (upstream.again, upstream.pauses) == ([False, True], [BACK_OFF])
    assert isinstance(told, Success)
    assert told.attempts == 2


def test_an_upstream_in_trouble_is_asked_once_more_in_all(tmp_path: Path) -> None:
    upstream = Upstream(a=[Kind.OUTAGE] * 9, b=[Kind.OUTAGE] * 9, c=[Kind.OUTAGE] * 9)
    told = _tell(tmp_path, upstream, A, B, C, limit=9)
    assert len(upstream.asked) == 2
    assert isinstance(told, GaveUp)
    assert told.failure.kind is Kind.OUTAGE


def test_a_stale_project_is_the_projects_matter_not_the_accounts(tmp_path: Path) -> None:
    upstream = Upstream(a=[Kind.STALE_PROJECT])
    _tell(tmp_path, upstream, A, B)
    assert upstream.asked == ["cookie:a", "cookie:a"]
    assert (upstream.again, upstream.pauses) == ([False, True], [0.0])


def test_a_lone_keys_short_limit_is_waited_for(tmp_path: Path) -> None:
    upstream = Upstream(k=[Failure(Kind.RATE_LIMITED, retry_after=2.0)])
    told = _tell(tmp_path, upstream, K, candidates=[KEY])
    assert upstream.pauses == [2.0]
    assert isinstance(told, Success)


def test_when_a_route_is_out_of_accounts_the_next_one_serves(tmp_path: Path) -> None:
    upstream = Upstream(k=[Kind.PLAN_REQUIRED])
    told = _tell(tmp_path, upstream, K, A, candidates=[KEY, COOKIE])
    assert upstream.asked == ["key:k", "cookie:a"]
    assert isinstance(told, Success)
    assert told.borrowed.candidate is COOKIE


def test_a_route_that_is_out_of_the_question_is_left_with_its_other_accounts(
    tmp_path: Path,
) -> None:
    other_key = account("l", kind=KEY_ACCOUNT)
    upstream = Upstream(k=[Kind.MODEL_BROKEN], l=[Kind.MODEL_BROKEN])
    _tell(tmp_path, upstream, K, other_key, A, candidates=[KEY, COOKIE])
    assert upstream.asked == ["key:k", "cookie:a"]


def test_a_retired_route_is_reported_and_left(tmp_path: Path) -> None:
    upstream = Upstream(a=[Kind.RETIRED])
    told = _tell(tmp_path, upstream, A, candidates=[LEGACY, COOKIE])
    assert upstream.retired == [Route.LEGACY]
    assert upstream.asked == ["legacy:a", "cookie:a"]
    assert isinstance(told, Success)


def test_the_callers_own_mistake_is_told_at_once(tmp_path: Path) -> None:
    upstream = Upstream(k=[Kind.BAD_REQUEST])
    told = _tell(tmp_path, upstream, K, A, candidates=[KEY, COOKIE])
    assert upstream.asked == ["key:k"]
    assert isinstance(told, GaveUp)
    assert told.failure.kind is Kind.BAD_REQUEST


def test_a_limit_is_told_with_the_soonest_end_of_all_routes(tmp_path: Path) -> None:
    upstream = Upstream(
        k=[Failure(Kind.RATE_LIMITED, retry_after=90)],
        a=[Failure(Kind.WINDOW_QUOTA, until=START + 50)],
        b=[Failure(Kind.RATE_LIMITED, retry_after=70)],
    )
    told = _tell(tmp_path, upstream, K, A, B, candidates=[KEY, COOKIE])
    assert len(upstream.asked) == 3
    assert isinstance(told, GaveUp)
    assert told.retry_after == 50


def test_when_all_rest_nobody_is_asked(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, A, B) as here:
            for name in "ab":
                await here.desk.lock(lock(name, START + 60))
            upstream = Upstream()
            told = await _ask(here, upstream)
            assert isinstance(told, GaveUp)
            assert (told.attempts, told.retry_after, upstream.asked) == (0, 60, [])

    run(story())


def test_a_trial_that_succeeds_ends_the_trial(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, A) as here:
            await here.desk.lock(lock("a", START))
            told = await _ask(here, Upstream())
            assert isinstance(told, Success)
            assert (await here.stored(), told.borrowed.seat.locks) == ({}, {})

    run(story())


def test_a_trial_that_fails_locks_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with world(tmp_path, A) as here:
            await here.desk.lock(lock("a", START))
            here.now = START + 1
            await _ask(here, Upstream(a=[Kind.RATE_LIMITED]))
            assert await here.stored() == {("a", "all"): START + 601}

    run(story())


@pytest.mark.parametrize("error", [asyncio.CancelledError(), RuntimeError("a bug")])
def test_whatever_ends_an_attempt_the_seat_comes_back(tmp_path: Path, error: BaseException) -> None:
    async def story() -> None:
        async with world(tmp_path, A) as here:

            async def fails(_borrowed: Borrowed, _again: bool) -> str:
                raise error

            attempts = Attempts(here.desk, [COOKIE], Product.CHAT, fails, 4, lambda _: None)
            with pytest.raises(type(error)):
                await attempts.run()
            assert here.busy() == {"a": 0}

    run(story())


def test_attempts_are_counted_by_route_and_outcome(tmp_path: Path) -> None:
    async def story() -> bytes:
        async with world(tmp_path, A, B) as here:
            await _ask(here, Upstream(a=[Kind.RATE_LIMITED]))
            return here.desk.metrics.render()

    shown = run(story()).decode()
    assert 'attempts_total{outcome="rate_limited",route="cookie"} 1.0' in shown
    assert 'attempts_total{outcome="ok",route="cookie"} 1.0' in shown
    assert 'locks_total{reason="rate_limited"} 1.0' in shown
