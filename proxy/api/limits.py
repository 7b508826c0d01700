"""Who may knock, and how often: addresses, the blacklist and the per-address rate limit.

slowapi's Limiter does the counting; its middlewares are not used (one breaks event streams by
resending the response's start). Shared counters go through its engine's asyncio storage.
"""

import ipaddress
import math
import time
from typing import Final, Protocol

from limits import RateLimitItemPerMinute
from slowapi import Limiter

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Networks:
    """A set of addresses and networks."""

    def __init__(self, entries: list[str]) -> None:
        self._networks: list[Network] = [ipaddress.ip_network(e, strict=False) for e in entries]

    def __contains__(self, address: str) -> bool:
        if not self._networks:
            return False
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        mapped = getattr(found, "ipv4_mapped", None)
        return any(found in net or (mapped and mapped in net) for net in self._networks)


def caller_address(peer: str, forwarded: str, trusted: Networks) -> str:
    """The caller's address: the last hop in ``X-Forwarded-For`` that is no trusted proxy."""
    if not forwarded or peer not in trusted:
        return peer
    hops = [hop.strip() for hop in forwarded.split(",") if hop.strip()]
    for hop in reversed(hops):
        if hop not in trusted:
            return hop
    return hops[0] if hops else peer


class CallerLimit(Protocol):
    """Counts a request; returns seconds to wait when it is one too many."""

    async def hit(self, address: str) -> float | None:
        """None when the request may pass."""

    async def aclose(self) -> None:
        """Let go of what is shared."""


class NoLimit:
    """``REQUEST_RATE_LIMIT=0``."""

    async def hit(self, address: str) -> float | None:
        """Everybody may pass."""
        return None

    async def aclose(self) -> None:
        """Nothing is shared."""


class LocalLimit:
    """Counts in this process."""

    def __init__(self, per_minute: int) -> None:
        self._item: Final = RateLimitItemPerMinute(per_minute)
        self._limiter = Limiter(key_func=str).limiter

    async def hit(self, address: str) -> float | None:
        """None, or the seconds until the window ends."""
        if self._limiter.hit(self._item, address):
            return None
        return wait_until(self._limiter.get_window_stats(self._item, address).reset_time)

    async def aclose(self) -> None:
        """Nothing is shared."""


def wait_until(reset_time: float) -> float:
    return max(1.0, math.ceil(reset_time - time.time()))


def caller_limit(per_minute: int, redis_url: str | None) -> CallerLimit:
    """The limit that the settings ask for."""
    if per_minute == 0:
        return NoLimit()
    if redis_url is None:
        return LocalLimit(per_minute)
    # Loaded only where it is used: the client library is large.
    from proxy.api.shared_limit import SharedLimit

    return SharedLimit(per_minute, redis_url, LocalLimit(per_minute))
