"""Who may knock, and how often: addresses, the blacklist and the per-address rate limit.

slowapi's Limiter does the counting; its middlewares are not used (one breaks event streams by
resending the response's start). Shared counters go through its engine's asyncio storage.
"""

import ipaddress
import math
import time
from typing import Final, Protocol

from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from slowapi import Limiter

from proxy.telemetry import log

# A counter is not worth a longer wait.
REDIS_SECONDS: Final = 2.0

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
        return _wait(self._limiter.get_window_stats(self._item, address).reset_time)

    async def aclose(self) -> None:
        """Nothing is shared."""


class SharedLimit:
    """Counts in Redis or Valkey, for all replicas; in this process while that is out of reach."""

    def __init__(self, per_minute: int, redis_url: str) -> None:
        self._item: Final = RateLimitItemPerMinute(per_minute)
        # valkey:// is the same protocol; redis-py knows it by the older name only.
        url = (
            redis_url.replace("valkey", "redis", 1) if redis_url.startswith("valkey") else redis_url
        )
        self._connections = ConnectionPool.from_url(
            url,
            socket_timeout=REDIS_SECONDS,
            socket_connect_timeout=REDIS_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        storage = RedisStorage(
            f"async+{url}",
            wrap_exceptions=True,
            implementation="redispy",
            connection_pool=self._connections,
        )
        self._limiter = FixedWindowRateLimiter(storage)
        self._local = LocalLimit(per_minute)

    async def hit(self, address: str) -> float | None:
        """None, or the seconds until the window ends."""
        try:
            if await self._limiter.hit(self._item, address):
                return None
            stats = await self._limiter.get_window_stats(self._item, address)
        except StorageError as error:
            log.warning("caller_limit.local", error=type(error.storage_error).__name__)
            return await self._local.hit(address)
        return _wait(stats.reset_time)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connections.aclose()


def _wait(reset_time: float) -> float:
    return max(1.0, math.ceil(reset_time - time.time()))


def caller_limit(per_minute: int, redis_url: str | None) -> CallerLimit:
    """The limit that the settings ask for."""
    if per_minute == 0:
        return NoLimit()
    return SharedLimit(per_minute, redis_url) if redis_url else LocalLimit(per_minute)
