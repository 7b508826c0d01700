"""Service accounts, the assertion, and the token endpoint's replies."""

import base64
import json
from typing import Any
from urllib.parse import parse_qs

import pytest
from fixtures.gemini.replies import ANYTHING, NOW, STATUSES, recorded, reply
from fixtures.genspark.properties import QUICK, texts
from hypothesis import given

from proxy.core.accounts import Secret
from proxy.core.failures import Failure, Kind
from proxy.wire.google_token import (
    ServiceAccount,
    Token,
    exchange,
    read_service_account,
    read_token,
    signing_input,
)

FILE = {
    "type": "service_account",
    "project_id": "acme-1",
    "private_key_id": "0a1b",
    "private_key": "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n",
    "client_email": "videos@acme-1.iam.gserviceaccount.com",
    "client_id": "1",
    "token_uri": "https://oauth2.googleapis.com/token",
}


def _account(**other: Any) -> ServiceAccount:
    account = read_service_account(json.dumps(FILE | other))
    assert account is not None
    return account


def _decoded(segment: bytes) -> Any:
    return json.loads(base64.urlsafe_b64decode(segment + b"=" * (-len(segment) % 4)))


def test_a_service_account_says_nothing_of_its_key() -> None:
    account = _account()
    assert account.email == FILE["client_email"]
    assert account.project == "acme-1"
    assert account.private_key.reveal() == FILE["private_key"]
    assert "MIIE" not in repr(account)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "7", '"text"', "\ud800",
        json.dumps({**FILE, "client_email": ""}),
        json.dumps({**FILE, "private_key": 7}),
        json.dumps({**FILE, "token_uri": "file:///etc/passwd"}),
        json.dumps({**FILE, "token_uri": "https://[broken"}),
        json.dumps({"type": "authorized_user", "refresh_token": "1//x"}),
    ],
)  # fmt: skip
def test_anything_else_is_none(text: str) -> None:
    assert read_service_account(text) is None


def test_the_claims_are_good_for_an_hour() -> None:
    header, claims = map(_decoded, signing_input(_account(), NOW + 0.5).split(b"."))
    assert header == {"alg": "RS256", "typ": "JWT", "kid": "0a1b"}
    assert claims == {
        "iss": FILE["client_email"],
        "scope": "https://www.googleapis.com/auth/cloud-platform",
        "aud": FILE["token_uri"],
        "iat": int(NOW),
        "exp": int(NOW) + 3600,
    }
    assert "kid" not in _decoded(signing_input(_account(private_key_id=""), NOW).split(b".")[0])


def test_the_request_for_a_token() -> None:
    call = exchange(_account(), b"head.claims", b"\xfb\xff\xfe\x00")
    assert (call.method, call.path, call.signed) == ("POST", FILE["token_uri"], False)
    assert call.headers == {"Content-Type": "application/x-www-form-urlencoded"}
    assert parse_qs(call.content.decode()) == {
        "grant_type": ["urn:ietf:params:oauth:grant-type:jwt-bearer"],
        "assertion": ["head.claims.-__-AA"],
    }


def test_a_token_ends_when_it_says() -> None:
    token = read_token(recorded("token", "vertex"))
    assert token == Token(Secret("ya29.c.c0ASRK0GZ-example"), NOW + 3599)
    assert "ya29" not in repr(token)


@pytest.mark.parametrize(
    ("told", "life"),
    [(None, 3600), (0, 3600), (-5, 3600), ("120", 120), (10**9, 3600), ("x", 3600)],
)
def test_an_odd_life_is_no_longer_than_an_hour(told: Any, life: float) -> None:
    token = read_token(reply({"access_token": "t", "expires_in": told}))
    assert isinstance(token, Token)
    assert token.expires_at == NOW + life


@pytest.mark.parametrize(
    ("name", "status", "word"),
    [
        ("token_bad_signature", 400, "clock"),
        ("token_account_gone", 400, "deleted"),
        ("token_disabled", 401, "disabled"),
    ],
)
def test_a_dead_service_account(name: str, status: int, word: str) -> None:
    failure = read_token(recorded(name, "vertex", status))
    assert isinstance(failure, Failure)
    assert failure.kind is Kind.DEAD_CREDENTIAL
    assert word in failure.detail


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, {}, Kind.ACCOUNT_FORBIDDEN),
        (403, {"error": "access_denied"}, Kind.ACCOUNT_FORBIDDEN),
        (404, {}, Kind.ACCOUNT_FORBIDDEN),
        (429, {"retry_after": 5}, Kind.RATE_LIMITED),
        (500, {}, Kind.OUTAGE),
        (503, {"error": "backend_error"}, Kind.OUTAGE),
        (200, {"id_token": "eyJ"}, Kind.UNREADABLE),
        (200, {"access_token": "two\nlines"}, Kind.UNREADABLE),
        (200, {"access_token": "blé"}, Kind.UNREADABLE),
        (200, [], Kind.UNREADABLE),
    ],
)
def test_no_token(status: int, body: Any, kind: Kind) -> None:
    failure = read_token(reply(body, status))
    assert isinstance(failure, Failure)
    assert failure.kind is kind


@QUICK
@given(ANYTHING, STATUSES)
def test_any_reply_is_a_token_or_a_failure(body: Any, status: int) -> None:
    assert isinstance(read_token(reply(body, status)), Token | Failure)


@QUICK
@given(texts)
def test_any_text_is_an_account_or_none(text: str) -> None:
    assert read_service_account(text) is None
