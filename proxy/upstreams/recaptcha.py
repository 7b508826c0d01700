"""The reCAPTCHA sidecar as a client sees it. The cookie goes there and nowhere else."""

import asyncio
from dataclasses import dataclass

import msgspec

from proxy.core.accounts import Secret
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.products import Product
from proxy.upstreams.http import Http
from proxy.wire.recaptcha import read_token, token_url

# A token has about 500 to 2,000 characters.
REPLY_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Sidecar:
    """One sidecar. ``seconds`` bounds a whole call: a cold browser takes its time."""

    http: Http
    url: str
    secret: Secret | None
    seconds: float

    async def token(self, cookie: str, product: Product) -> str:
        """A fresh token for this account. Raises ``UpstreamError``."""
        headers = {"Cookie": cookie, "Accept": "application/json", "User-Agent": "genspark2api"}
        if self.secret is not None:
            headers["Authorization"] = f"Bearer {self.secret.reveal()}"
        try:
            async with asyncio.timeout(self.seconds):
                status, body = await self._ask(headers, product)
        except TimeoutError:
            raise _unavailable("no token in time") from None
        except UpstreamError as error:
            raise _unavailable(error.failure.detail) from None
        try:
            token = read_token(msgspec.json.decode(body))
        except (msgspec.DecodeError, RecursionError):
            token = None
        if status != 200 or token is None:
            raise _unavailable(f"HTTP {status} without a token")
        return token

    async def _ask(self, headers: dict[str, str], product: Product) -> tuple[int, bytes]:
        exchange = await self.http.send("GET", token_url(self.url, product), headers)
        try:
            return exchange.status, await exchange.read_all(REPLY_LIMIT)
        finally:
            await exchange.aclose()


def _unavailable(detail: str) -> UpstreamError:
    return UpstreamError(Failure(Kind.NO_TOKEN, f"reCAPTCHA sidecar: {detail}"))
