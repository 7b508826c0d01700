"""What callers are told: a row for every kind, a wait where one helps, no gateway's red flag."""

import math

import pytest
from fixtures.genspark.properties import QUICK, texts
from hypothesis import given
from hypothesis import strategies as st

from proxy.core.ask import InvalidRequest
from proxy.core.failures import WAITING_HELPS, Failure, Kind
from proxy.wire.openai_errors import (
    ALL_COOKIES,
    CHALLENGE,
    OUTAGE,
    for_failure,
    invalid,
    model_not_found,
)

# Gateways switch a channel off for these, for good.
FLAGS = ("credit", "balance", "permission denied", "api key not valid", "已欠费")
FLAG_TYPES = {"insufficient_quota", "authentication_error", "permission_error", "forbidden"}


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_an_answer_that_no_gateway_takes_for_a_dead_channel(kind: Kind) -> None:
    reply = for_failure(Failure(kind, "Your CREDIT balance: Permission Denied, 已欠费"))
    assert 400 <= reply.status < 600
    assert reply.status not in (401, 403)
    assert reply.type not in FLAG_TYPES
    assert not [flag for flag in FLAGS if flag in reply.message.lower()]
    assert set(reply.body()["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("kind", sorted(WAITING_HELPS))
def test_a_limit_is_a_429_with_a_wait(kind: Kind) -> None:
    reply = for_failure(Failure(kind), 120.4)
    assert (reply.status, reply.type, reply.message) == (429, "rate_limit_error", ALL_COOKIES)
    headers = dict(reply.headers())
    assert headers[b"retry-after"] == b"120"
    assert dict(for_failure(Failure(kind)).headers())[b"retry-after"] == b"60"


@pytest.mark.parametrize(
    ("kind", "status", "message"),
    [
        (Kind.NO_ACCOUNT, 503, ALL_COOKIES),
        (Kind.CHALLENGE, 503, CHALLENGE),
        (Kind.OUTAGE, 503, OUTAGE),
        (Kind.RETIRED, 501, None),
        (Kind.TIMEOUT, 504, None),
        (Kind.MODEL_UNKNOWN, 404, None),
        (Kind.BAD_REQUEST, 400, None),
        (Kind.EMPTY, 502, None),
    ],
)
def test_the_rows_that_users_search_for(kind: Kind, status: int, message: str | None) -> None:
    reply = for_failure(Failure(kind))
    assert reply.status == status
    assert message in (None, reply.message)


def test_sdks_are_told_not_to_retry_what_they_would_retry_too_early() -> None:
    long, short = Failure(Kind.RATE_LIMITED, retry_after=61), Failure(Kind.RATE_LIMITED, "", 60)
    assert (b"x-should-retry", b"false") in for_failure(long).headers()
    assert (b"x-should-retry", b"false") not in for_failure(short).headers()


@QUICK
@given(
    st.sampled_from(list(Kind)),
    st.none() | st.floats(0, 1e9),
    st.none() | st.floats(0, 1e9),
    texts,
)
def test_any_wait_is_a_whole_number_of_seconds_from_one(
    kind: Kind, own: float | None, soonest: float | None, detail: str
) -> None:
    reply = for_failure(Failure(kind, detail, own), soonest)
    for name, value in reply.headers():
        if name == b"retry-after":
            assert int(value) >= 1
            wait = soonest if soonest is not None else own
            assert wait is None or math.isclose(int(value), wait, abs_tol=1.0) or not wait


def test_only_explanations_for_the_caller_are_quoted() -> None:
    told = for_failure(Failure(Kind.BAD_REQUEST, "field x")).message
    assert told.endswith("field x")
    assert "internals" not in for_failure(Failure(Kind.UPSTREAM_BROKEN, "internals")).message


def test_the_callers_own_mistake_keeps_its_place() -> None:
    error = InvalidRequest("'n' is wrong", param="n", code="invalid_value")
    assert invalid(error).body()["error"] == {
        "message": "'n' is wrong",
        "type": "invalid_request_error",
        "param": "n",
        "code": "invalid_value",
    }


@QUICK
@given(texts)
def test_an_unknown_model_is_quoted_only_when_harmless(model: str) -> None:
    reply = model_not_found(f"{model} balance")
    assert (reply.status, reply.code) == (404, "model_not_found")
    assert "balance" not in reply.message
