"""The caller's own key, compared in constant time."""

import hashlib
import hmac

from proxy.wire.openai_errors import ErrorReply

UNAUTHORISED = ErrorReply(
    401,
    "Incorrect API key provided. Send one of the server's API_SECRET values as a Bearer token.",
    "authentication_error",
    "invalid_api_key",
)


class Keys:
    """The accepted keys; none means that everybody is let in."""

    def __init__(self, keys: list[str]) -> None:
        self._digests = [_digest(key.encode()) for key in keys]

    def admits(self, headers: list[tuple[bytes, bytes]]) -> bool:
        """Whether the request carries an accepted key, as Bearer or in the Azure-style headers."""
        if not self._digests:
            return True
        presented = _presented(headers)
        if presented is None:
            return False
        digest = _digest(presented)
        # Every key is compared, so that the time tells nothing about which one came close.
        return sum(hmac.compare_digest(digest, known) for known in self._digests) > 0


class Callers:
    """Who a caller is in rows and lists: a keyed hash of the key it presented.

    ``operator`` is the first API_SECRET, whose holder may see every caller's jobs.
    """

    def __init__(self, secret: bytes, operator: str | None) -> None:
        self._secret = secret
        self._operator = None if operator is None else self._hash(operator.encode())

    def caller(self, headers: list[tuple[bytes, bytes]]) -> str:
        """32 hexadecimal digits, or ``anonymous``."""
        presented = _presented(headers)
        return "anonymous" if presented is None else self._hash(presented)

    def sees(self, headers: list[tuple[bytes, bytes]]) -> str | None:
        """Whose jobs a caller may look at; None means everybody's."""
        caller = self.caller(headers)
        return None if caller == self._operator else caller

    def _hash(self, key: bytes) -> str:
        return hmac.new(self._secret, b"caller\0" + key, hashlib.sha256).hexdigest()[:32]


def _presented(headers: list[tuple[bytes, bytes]]) -> bytes | None:
    fallback = None
    for name, value in headers:
        if name == b"authorization":
            scheme, _, token = value.partition(b" ")
            return token.strip() if scheme.lower() == b"bearer" else None
        if name in (b"x-api-key", b"api-key"):
            fallback = value.strip()
    return fallback


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()
