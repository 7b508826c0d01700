"""A Google service account's access token: the signed claims, and the reply to them.

RFC 7523 as Google has it (OAuth 2.0 for server to server applications; google-auth 2.62). Signing
needs cryptography and a clock, and is done elsewhere.
"""

import binascii
from typing import Final
from urllib.parse import urlencode, urlsplit

import msgspec
from msgspec import Struct

from proxy.core.accounts import Secret
from proxy.core.failures import Failure, Kind
from proxy.wire.genspark_failures import Reply
from proxy.wire.json_values import number_at, text_at
from proxy.wire.provider import Call

SCOPE: Final = "https://www.googleapis.com/auth/cloud-platform"
# The longest life that Google allows an assertion, and the usual one of a token.
LIFE: Final = 3600.0
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"


class ServiceAccount(Struct, frozen=True, kw_only=True):
    """A service account's JSON file, as far as it matters. ``private_key`` is PEM."""

    email: str
    private_key: Secret
    token_uri: str
    key_id: str = ""
    project: str = ""


class Token(Struct, frozen=True):
    """An access token; ``expires_at`` is an epoch second."""

    access: Secret
    expires_at: float


def read_service_account(text: str) -> ServiceAccount | None:
    """The account in a JSON text, or None when that is no service account."""
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
        return None
    email, key, where = (text_at(found, k) for k in ("client_email", "private_key", "token_uri"))
    if not (email and key and _is_address(where)):
        return None
    return ServiceAccount(
        email=email,
        private_key=Secret(key),
        token_uri=where,
        key_id=text_at(found, "private_key_id"),
        project=text_at(found, "project_id"),
    )


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("https", "http") and bool(parts.hostname)


def signing_input(account: ServiceAccount, now: float) -> bytes:
    """What RS256 is to sign: header and claims of a JWT that is good for an hour."""
    header = {"alg": "RS256", "typ": "JWT"}
    claims = {
        "iss": account.email,
        "scope": SCOPE,
        "aud": account.token_uri,
        "iat": int(now),
        "exp": int(now + LIFE),
    }
    if account.key_id:
        header["kid"] = account.key_id
    return _segment(msgspec.json.encode(header)) + b"." + _segment(msgspec.json.encode(claims))


def _segment(data: bytes) -> bytes:
    """Base64 for addresses, without padding (RFC 7515)."""
    encoded = binascii.b2a_base64(data, newline=False)
    return encoded.translate(bytes.maketrans(b"+/", b"-_")).rstrip(b"=")


def exchange(account: ServiceAccount, signed: bytes, signature: bytes) -> Call:
    """The request for a token."""
    assertion = (signed + b"." + _segment(signature)).decode()
    return Call(
        method="POST",
        path=account.token_uri,
        content=urlencode({"grant_type": _GRANT, "assertion": assertion}).encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        signed=False,
    )


def read_token(reply: Reply) -> Token | Failure:
    """The token, or why there is none. A refusal says ``{error, error_description}``."""
    if reply.status != 200:
        return _refusal(reply)
    access = text_at(reply.json, "access_token")
    if not access or not access.isascii() or not access.isprintable():
        return Failure(Kind.UNREADABLE, "the token endpoint's answer holds no token")
    life = number_at(reply.json, "expires_in")
    life = LIFE if life is None or life <= 0 else min(life, LIFE)
    return Token(Secret(access), reply.now + life)


_HINTS: Final = {
    "invalid_grant": "its key was deleted or is another's, or this server's clock is wrong",
    "invalid_client": "it was deleted or disabled",
    "unauthorized_client": "it may not have this scope",
}


def _refusal(reply: Reply) -> Failure:
    if reply.status == 429:
        return Failure(Kind.RATE_LIMITED, "the token endpoint's rate limit", reply.retry_after())
    if reply.status >= 500:
        return Failure(Kind.OUTAGE, f"the token endpoint answers HTTP {reply.status}")
    code = text_at(reply.json, "error")
    if reply.status in (400, 401) and code:
        hint = _HINTS.get(code, f"error {code[:40]}")
        return Failure(Kind.DEAD_CREDENTIAL, f"Google refuses the service account: {hint}")
    return Failure(
        Kind.ACCOUNT_FORBIDDEN, f"Google gives the service account no token (HTTP {reply.status})"
    )
