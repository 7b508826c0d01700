"""Links that open one file until a given second, for whoever holds them, without a row anywhere.

The signature is one segment of the path, so that the name behind it can end the URL and players
that look at the extension see it.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from typing import Final, Self

# 144 bits: more than anybody can guess, and 24 base64 characters without padding or spare bits.
MAC_BYTES: Final = 18
SHORTEST_KEY: Final = 16
# An expiry has up to 13 digits in base 36; anything much longer is not ours.
_LONGEST_SEGMENT: Final = 64
_VERSION: Final = b"genspark2api media link 1\0"
_DIGITS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


class LinkSigner:
    """Signs and checks with one key; replicas that share the key accept each other's links."""

    def __init__(self, key: bytes) -> None:
        """Raises ``ValueError`` for a key that could be guessed."""
        if len(key) < SHORTEST_KEY:
            raise ValueError(f"a signing key has at least {SHORTEST_KEY} bytes")
        self._key = key

    @classmethod
    def derived(cls, secret: bytes) -> Self:
        """A signer whose key tells nothing about the secret, which serves other purposes too.

        HKDF-SHA256 (RFC 5869) without salt. Raises ``ValueError`` for an empty secret.
        """
        if not secret:
            raise ValueError("links cannot be signed without a secret")
        extracted = hmac.digest(bytes(hashlib.sha256().digest_size), secret, "sha256")
        return cls(hmac.digest(extracted, _VERSION + b"\x01", "sha256"))

    def sign(self, name: str, expires: int) -> str:
        """The path segment ``<expires in base 36>-<mac>`` for a name, until an epoch second.

        Raises ``ValueError`` when ``expires`` is negative or does not fit 64 bits.
        """
        if not 0 <= expires < 2**64:
            raise ValueError("an expiry is an epoch second")
        # The expiry has a fixed width, so no other pair of name and expiry reads the same. A lone
        # surrogate can stand in a requested path; its name is then simply never a signed one.
        message = _VERSION + expires.to_bytes(8) + name.encode("utf-8", "surrogatepass")
        mac = hmac.digest(self._key, message, "sha256")[:MAC_BYTES]
        return f"{_base36(expires)}-{urlsafe_b64encode(mac).decode()}"

    def check(self, segment: str, name: str, now: float) -> bool:
        """Whether this is our signature for the name and has not expired; False if malformed."""
        if len(segment) > _LONGEST_SEGMENT or not segment.isascii():
            return False
        try:
            expires = int(segment.partition("-")[0], 36)
            expected = self.sign(name, expires)
        except ValueError:
            return False
        # The whole segment is compared: "0A-" and "a-" are numbers too, but not what we wrote.
        return hmac.compare_digest(expected, segment) and now < expires


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _DIGITS[digit] + digits
    return digits or "0"
