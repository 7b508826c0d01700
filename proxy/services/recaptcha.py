"""When a reCAPTCHA token is fetched, and what happens when there is none.

``never`` and ``always`` speak for themselves. ``auto`` asks the sidecar only after Genspark has
shown that it wants a token, and keeps doing so for a while. Each attempt gets a token of its own.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from proxy.core.breaker import Breaker
from proxy.core.failures import Failure, Kind, UpstreamError
from proxy.core.products import Product
from proxy.core.recaptcha import Policy
from proxy.telemetry import Metrics, log
from proxy.upstreams.recaptcha import Sidecar

# How long a refusal is remembered: long enough to spare each request its own refusal.
REMEMBERED: Final = 3600.0


@dataclass(slots=True)
class Tokens:
    """Tokens for asks on the cookie routes; without a sidecar there are none."""

    sidecar: Sidecar | None
    policies: Mapping[Product, Policy]
    breaker: Breaker
    clock: Callable[[], float]
    metrics: Metrics
    _wanted_until: dict[Product, float] = field(default_factory=dict)

    async def before_ask(self, cookie: str, product: Product) -> str:
        """The token to send along; empty when none is needed, or none can be had for a chat."""
        policy = self.policies[product]
        wanted = self._wanted_until.get(product, 0.0) > self.clock()
        if policy is Policy.ALWAYS or (policy is Policy.AUTO and wanted):
            return await self._fetch(cookie, product)
        return ""

    async def after_refusal(self, cookie: str, product: Product) -> str:
        """Genspark refused an ask without a token: the token for one more try, or nothing."""
        if self.sidecar is None or self.policies[product] is not Policy.AUTO:
            return ""
        self._wanted_until[product] = self.clock() + REMEMBERED
        return await self._fetch(cookie, product)

    async def _fetch(self, cookie: str, product: Product) -> str:
        try:
            return await self._ask(cookie, product)
        except UpstreamError as error:
            log.warning("recaptcha.none", product=product.value, detail=error.failure.detail)
            self.metrics.tokens_failed.labels(product.value).inc()
            # A chat without a token is worth trying; paid media would only be refused.
            if product is Product.CHAT:
                return ""
            raise

    async def _ask(self, cookie: str, product: Product) -> str:
        if self.sidecar is None:
            raise _none("RECAPTCHA_PROXY_URL is not set")
        if not self.breaker.allows(self.clock()):
            raise _none("the sidecar failed repeatedly and is left alone for a moment")
        try:
            token = await self.sidecar.token(cookie, product)
        except UpstreamError:
            self.breaker.failed(self.clock())
            raise
        except BaseException:
            self.breaker.abandoned()
            raise
        self.breaker.succeeded()
        return token


def _none(detail: str) -> UpstreamError:
    return UpstreamError(Failure(Kind.NO_TOKEN, detail))
