"""Tokens of a service account, from an endpoint that checks the signature."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, TypeVar

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from providers import vertex_server
from providers.google_answers import Answer
from providers.vertex_server import VertexServer

from proxy.core.accounts import Account, Secret
from proxy.core.failures import Kind, UpstreamError
from proxy.core.products import Credential
from proxy.upstreams.google_token import GoogleTokens
from proxy.upstreams.http import Http

T = TypeVar("T")
START = 1_795_000_000.0


class Clock:
    """A time that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def google(clock: Clock) -> Iterator[VertexServer]:
    with vertex_server.running(clock) as server:
        yield server


def _account(google: VertexServer, text: str | None = None, **other: Any) -> Account:
    secret = json.dumps(google.service_account(**other)) if text is None else text
    return Account(f"id-{hash(secret)}", "vertex-1", Credential.VERTEX, Secret(secret))


def _run(clock: Clock, work: Callable[[GoogleTokens], Awaitable[T]]) -> T:
    async def main() -> T:
        http = Http(None, connect_timeout=2, idle_timeout=2)
        try:
            return await work(GoogleTokens(http, clock))
        finally:
            await http.aclose()

    return asyncio.run(main())


def _failure(clock: Clock, account: Account) -> UpstreamError:
    with pytest.raises(UpstreamError) as refused:
        _run(clock, lambda tokens: tokens.unlock(account))
    return refused.value


def test_a_signed_assertion_gets_a_token(google: VertexServer, clock: Clock) -> None:
    token = _run(clock, lambda tokens: tokens.unlock(_account(google)))
    assert google.tokens == {token: START + 3599}
    assert google.refused == []


def test_a_token_is_kept_and_renewed_five_minutes_early(google: VertexServer, clock: Clock) -> None:
    account = _account(google)

    async def work(tokens: GoogleTokens) -> list[str]:
        found = []
        for moment in (0, 3298, 3300, 3301):
            clock.now = START + moment
            found.append(await tokens.unlock(account))
        return found

    first, same, renewed, kept = _run(clock, work)
    assert first == same != renewed == kept
    assert len(google.asked("token")) == 2


def test_tasks_share_one_renewal(google: VertexServer, clock: Clock) -> None:
    account = _account(google)

    async def work(tokens: GoogleTokens) -> list[str]:
        return await asyncio.gather(*(tokens.unlock(account) for _ in range(50)))

    assert len(set(_run(clock, work))) == 1
    assert len(google.asked("token")) == 1


def test_tasks_share_one_failure(google: VertexServer, clock: Clock) -> None:
    account = _account(google)
    google.answer(Answer(503, {}), to="token", times=2)

    async def work(tokens: GoogleTokens) -> list[Any]:
        waiting = (tokens.unlock(account) for _ in range(20))
        return await asyncio.gather(*waiting, return_exceptions=True)

    found = _run(clock, work)
    assert {error.failure.kind for error in found} == {Kind.OUTAGE}
    assert len({id(error) for error in found}) == 20
    assert len(google.asked("token")) == 1


def test_a_cancelled_renewal_leaves_the_next_task_to_its_own(
    google: VertexServer, clock: Clock
) -> None:
    account = _account(google)

    async def work(tokens: GoogleTokens) -> str:
        async with asyncio.TaskGroup() as group:
            first = group.create_task(tokens.unlock(account), name="first")
            second = group.create_task(tokens.unlock(account), name="second")
            await asyncio.sleep(0)
            first.cancel()
            return await second

    assert _run(clock, work) in google.tokens


def test_two_accounts_have_two_tokens(google: VertexServer, clock: Clock) -> None:
    one, other = _account(google), _account(google, private_key_id="9f")

    async def work(tokens: GoogleTokens) -> set[str]:
        return {await tokens.unlock(one), await tokens.unlock(other)}

    assert len(_run(clock, work)) == 2


def test_the_old_token_does_while_there_is_no_new_one(google: VertexServer, clock: Clock) -> None:
    account = _account(google)

    async def work(tokens: GoogleTokens) -> tuple[str, str]:
        first = await tokens.unlock(account)
        clock.now = START + 3400
        google.answer(Answer(503, {}), to="token")
        return first, await tokens.unlock(account)

    first, second = _run(clock, work)
    assert first == second


def test_an_ended_token_does_not(google: VertexServer, clock: Clock) -> None:
    account = _account(google)

    async def work(tokens: GoogleTokens) -> None:
        await tokens.unlock(account)
        clock.now = START + 3580
        google.answer(Answer(429, {}, {"Retry-After": "9"}), to="token")
        with pytest.raises(UpstreamError) as refused:
            await tokens.unlock(account)
        assert refused.value.failure.kind is Kind.RATE_LIMITED
        assert refused.value.failure.retry_after == 9
        await tokens.unlock(account)

    _run(clock, work)


def test_a_wrong_clock_is_told_as_a_possible_cause(google: VertexServer, clock: Clock) -> None:
    google.clock = lambda: START + 7200
    failure = _failure(clock, _account(google)).failure
    assert failure.kind is Kind.DEAD_CREDENTIAL
    assert "clock" in failure.detail
    assert "timeframe" in google.refused[0]


@pytest.mark.parametrize(
    "other",
    [
        {"client_email": "nobody@emulated-1.iam.gserviceaccount.com"},
        {"private_key": "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"},
        {"private_key": "s3cret"},
        {"private_key": 7},
    ],
)
def test_a_bad_file_is_a_dead_credential_and_stays_unquoted(
    google: VertexServer, clock: Clock, other: dict[str, Any]
) -> None:
    error = _failure(clock, _account(google, **other))
    assert error.failure.kind is Kind.DEAD_CREDENTIAL
    assert "s3cret" not in f"{error!r} {error.failure} {error.__cause__!r}"
    assert google.tokens == {}


def test_a_key_of_another_kind_cannot_sign(google: VertexServer, clock: Clock) -> None:
    pem = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    failure = _failure(clock, _account(google, private_key=pem.decode())).failure
    assert "not an RSA key" in failure.detail


@pytest.mark.parametrize("text", ["", "not json", "[]", '{"type": "authorized_user"}'])
def test_a_file_of_another_kind(google: VertexServer, clock: Clock, text: str) -> None:
    failure = _failure(clock, _account(google, text)).failure
    assert failure.kind is Kind.DEAD_CREDENTIAL
    assert "GOOGLE_APPLICATION_CREDENTIALS" in failure.detail


def test_a_broken_endpoint_is_a_failure_like_any_other(google: VertexServer, clock: Clock) -> None:
    google.answer(Answer(200, {"access_token": "x"}, cut=True), to="token")
    assert _failure(clock, _account(google)).failure.kind is Kind.BROKEN_STREAM
    nowhere = _account(google, token_uri="http://127.0.0.1:9/token")
    assert _failure(clock, nowhere).failure.kind is Kind.UNREACHABLE


def test_a_token_that_ends_at_once_is_of_no_use(google: VertexServer, clock: Clock) -> None:
    google.token_life = 20
    account = _account(google)
    google.answer(Answer(503, {}), to="token")

    async def work(tokens: GoogleTokens) -> list[Kind]:
        found = []
        for _ in range(2):
            with pytest.raises(UpstreamError) as refused:
                await tokens.unlock(account)
            found.append(refused.value.failure.kind)
        return found

    assert _run(clock, work) == [Kind.OUTAGE, Kind.UNREADABLE]
