"""Access tokens for Google's service accounts: signed for, fetched, kept, and renewed in time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from proxy.core.accounts import Account
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.upstreams.http import Http
from proxy.wire.genspark_failures import Reply
from proxy.wire.google_token import (
    ServiceAccount,
    Token,
    exchange,
    read_service_account,
    read_token,
    signing_input,
)

# A token is renewed so long before its end, as requests may take their time.
EARLY: Final = 300.0
# While there is no new one, the old one does until so shortly before its end.
LAST_USE: Final = 30.0
LARGEST_REPLY: Final = 64 * 1024


@dataclass(slots=True)
class _Kept:
    """One account's token, and what became of the last attempt to renew it.

    ``round`` counts the attempts: who waited for one shares its outcome.
    """

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: Token | None = None
    failure: Failure | None = None
    round: int = 0


class GoogleTokens:
    """The token source of all service accounts. ``clock`` gives epoch seconds."""

    def __init__(self, http: Http, clock: Callable[[], float]) -> None:
        self._http = http
        self._clock = clock
        self._kept: dict[str, _Kept] = {}

    async def unlock(self, account: Account) -> str:
        """The access token of an account whose secret is a service account's JSON.

        Raises ``UpstreamError``; whoever asks while a renewal is on its way shares its outcome.
        """
        kept = self._kept.setdefault(account.id, _Kept())
        if not self._lasts(kept.token, EARLY):
            seen = kept.round
            async with kept.turn:
                if kept.round == seen:
                    await self._renew(account, kept)
        if kept.token is not None and self._lasts(kept.token, LAST_USE):
            return kept.token.access.reveal()
        raise UpstreamError(kept.failure or Failure(Kind.UNREADABLE, "the token ended at once"))

    def _lasts(self, token: Token | None, seconds: float) -> bool:
        return token is not None and token.expires_at - self._clock() > seconds

    async def _renew(self, account: Account, kept: _Kept) -> None:
        """One attempt. A cancelled one does not count: the next in line makes its own."""
        try:
            kept.token = await self._fetch(account)
            kept.failure = None
        except UpstreamError as error:
            kept.failure = error.failure
        kept.round += 1

    async def _fetch(self, account: Account) -> Token:
        service = read_service_account(account.secret.reveal())
        if service is None:
            raise _unusable("it is no service account's JSON")
        signed = signing_input(service, self._clock())
        call = exchange(service, signed, _signature(service, signed))
        headers = {"User-Agent": "genspark2api", "Accept-Encoding": "identity", **call.headers}
        reply = await self._http.send(
            call.method, call.path, headers, call.content, proxy=account.proxy
        )
        try:
            body = await reply.read_all(LARGEST_REPLY)
        finally:
            await reply.aclose()
        found = read_token(Reply(reply.status, reply.headers, body, self._clock()))
        if isinstance(found, Failure):
            raise UpstreamError(found)
        return found


def _signature(service: ServiceAccount, signed: bytes) -> bytes:
    """RS256. About a millisecond, once an hour."""
    pem = service.private_key.reveal().encode("utf-8", "replace")
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # Its text may quote the key.
        raise _unusable("its private key cannot be read") from None
    if not isinstance(key, RSAPrivateKey):
        raise _unusable("its private key is not an RSA key")
    return key.sign(signed, PKCS1v15(), hashes.SHA256())


def _unusable(why: str) -> UpstreamError:
    detail = f"GOOGLE_APPLICATION_CREDENTIALS: {why}"
    return UpstreamError(Failure(Kind.DEAD_CREDENTIAL, detail))
