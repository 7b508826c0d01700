"""Who is calling: the session cookie of the web routes, or the API key of the key routes."""

from collections.abc import Mapping
from typing import Literal

Credential = Literal["session", "key", "either", "none"]

KEY_PREFIXES = ("gsk-", "gsk_")
"""Both spellings appear in the vendor's own documents (observed 2026-09-22)."""


def session_of(headers: Mapping[str, str]) -> str | None:
    """The ``session_id`` cookie; it alone is enough (observed 2026-09-23)."""
    for pair in headers.get("cookie", "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == "session_id" and value.strip():
            return value.strip()
    return None


def bearer_of(headers: Mapping[str, str]) -> str | None:
    """The bearer token, if it has the form of a Genspark key."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    token = token.strip()
    return token if scheme.lower() == "bearer" and token.startswith(KEY_PREFIXES) else None


def key_of(headers: Mapping[str, str]) -> str | None:
    """The API key from ``X-Api-Key`` or from the bearer token."""
    given = headers.get("x-api-key", "").strip()
    return given if given.startswith(KEY_PREFIXES) else bearer_of(headers)


class Accounts:
    """Any session id or key is an account of its own; refreshed session ids are aliases."""

    def __init__(self) -> None:
        self._owner_of: dict[str, str] = {}

    def identify(self, headers: Mapping[str, str], credential: Credential) -> str | None:
        """The account behind a request, or None for an anonymous one."""
        if credential == "none":
            return None
        if credential == "key":
            return key_of(headers)
        session = session_of(headers)
        if session is None:
            return key_of(headers) if credential == "either" else None
        return self._owner_of.get(session, session)

    def refresh(self, account: str) -> str:
        """A new session id that belongs to the same account."""
        session = f"{account}-refreshed-{len(self._owner_of) + 1}"
        self._owner_of[session] = account
        return session

    def clear(self) -> None:
        """Forget the refreshed session ids."""
        self._owner_of.clear()
