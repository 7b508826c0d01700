"""The wire between the server and its sidecar: pure reading and writing, nothing else.

``GET /genspark`` is the original companion's contract (a failure is HTTP 200 with ``code`` 500);
``POST /token`` says the same with proper statuses.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Final

from recaptcha_sidecar.failures import Failure, Reason
from recaptcha_sidecar.flows import FLOWS, Flow

MAX_COOKIE: Final = 16 * 1024
MAX_BODY: Final = 32 * 1024
_NAME: Final = re.compile(r"[A-Za-z0-9/_]{1,100}")
_SITE_KEY: Final = re.compile(r"[A-Za-z0-9_-]{20,100}")
_COOKIE: Final = re.compile(r"[\x20-\x7e]+")


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A wish for one token. ``site_key`` and ``action`` are None when the page decides."""

    cookie: str
    flow: Flow
    site_key: str | None = None
    action: str | None = None

    def __repr__(self) -> str:
        return f"TokenRequest(flow={self.flow.name})"


@dataclass(frozen=True, slots=True)
class Token:
    """A fresh token; times are epoch seconds."""

    value: str
    minted_at: float
    expires_at: float
    flow: str
    action: str
    site_key: str

    def __repr__(self) -> str:
        return f"Token(flow={self.flow})"


def read_cookie_header(cookie: str, flow: str | None = None) -> TokenRequest:
    """The original's request: a ``Cookie`` header; our server adds which flow it is for."""
    return TokenRequest(_cookie(cookie), _flow(flow))


def read_token_request(body: bytes) -> TokenRequest:
    """``{"cookie", "site_key"?, "action"?, "flow"?}``. Raises ``Failure``."""
    try:
        wish = json.loads(body)
    except (ValueError, RecursionError):
        raise _wrong("the body is not JSON") from None
    if not isinstance(wish, dict):
        raise _wrong("the body must be a JSON object")
    return TokenRequest(
        _cookie(wish.get("cookie")),
        _flow(wish.get("flow")),
        _matching(wish, "site_key", _SITE_KEY),
        _matching(wish, "action", _NAME),
    )


def _cookie(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _wrong("'cookie' must be the account's Cookie header")
    if len(value) > MAX_COOKIE or not _COOKIE.fullmatch(value):
        raise _wrong("'cookie' is too long or has characters that no cookie has")
    cookie = value.strip()
    return cookie if "=" in cookie else f"session_id={cookie}"


def _flow(name: Any) -> Flow:
    flow = FLOWS.get(name or "chat") if isinstance(name, str | None) else None
    if flow is None:
        raise _wrong(f"'flow' must be one of {', '.join(FLOWS)}")
    return flow


def _matching(wish: dict[str, Any], name: str, pattern: re.Pattern[str]) -> str | None:
    value = wish.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise _wrong(f"'{name}' is not of the form of one")
    return value


def _wrong(message: str) -> Failure:
    return Failure(Reason.BAD_REQUEST, message)


def token_body(token: Token) -> dict[str, Any]:
    """The reply of ``POST /token``."""
    return {
        "token": token.value,
        "minted_at": token.minted_at,
        "expires_at": token.expires_at,
        "flow": token.flow,
        "action": token.action,
        "site_key": token.site_key,
    }


def error_body(failure: Failure) -> dict[str, Any]:
    """The error of ``POST /token``."""
    return {"error": {"code": failure.reason.value, "message": failure.message}}


def original_token_body(token: Token) -> dict[str, Any]:
    """The original's success."""
    return {"code": 200, "message": "ok", "token": token.value}


def original_error_body(failure: Failure) -> dict[str, Any]:
    """The original's failure, sent with HTTP 200."""
    return {"code": 500, "message": failure.message}


def cookie_pairs(cookie: str) -> list[tuple[str, str]]:
    """The name and value pairs of a ``Cookie`` header."""
    pairs = (part.strip().partition("=") for part in cookie.split(";"))
    return [(name.strip(), value.strip()) for name, sign, value in pairs if sign and name.strip()]
