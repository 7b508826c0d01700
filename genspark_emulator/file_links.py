"""Signed links: whoever has one may fetch the file, until it expires."""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping

LIFETIME_SECONDS = 24 * 3600
"""About how long a download link holds (vendor software of 2026-09-22)."""


class Links:
    """Makes links and recognises its own."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._secret = secrets.token_bytes(32)

    def signed(self, path: str) -> str:
        """The path with expiry and signature in the query."""
        expires = str(int(self._clock() + LIFETIME_SECONDS))
        return f"{path}?se={expires}&sig={self._signature(path, expires)}"

    def holds(self, path: str, query: Mapping[str, str]) -> bool:
        """Whether the signature is right and the time not over."""
        expires, signature = query.get("se", ""), query.get("sig", "")
        if not expires.isascii() or not expires.isdecimal():
            return False
        right = hmac.compare_digest(self._signature(path, expires), signature)
        return right and self._clock() <= int(expires)

    def _signature(self, path: str, expires: str) -> str:
        return hmac.new(self._secret, f"{path}\n{expires}".encode(), hashlib.sha256).hexdigest()
