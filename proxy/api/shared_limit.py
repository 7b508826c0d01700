"""The rate limit that several replicas count together, through slowapi's engine."""

from typing import Final

from limits import RateLimitItemPerMinute
from limits.aio.storage import RedisStorage
from limits.aio.strategies import FixedWindowRateLimiter
from limits.errors import StorageError
from redis.asyncio import ConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from proxy.api.limits import LocalLimit, wait_until
from proxy.telemetry import log

# A counter is not worth a longer wait.
REDIS_SECONDS: Final = 2.0


class SharedLimit:
    """Counts in Redis or Valkey, for all replicas; in this process while that is out of reach."""

    def __init__(self, per_minute: int, redis_url: str, local: LocalLimit) -> None:
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
            connection_pool=self._connections,  # type: ignore[arg-type]  # typed too narrowly
        )
        self._limiter = FixedWindowRateLimiter(storage)
        self._local = local

    async def hit(self, address: str) -> float | None:
        """None, or the seconds until the window ends."""
        try:
            if await self._limiter.hit(self._item, address):
                return None
            stats = await self._limiter.get_window_stats(self._item, address)
        except StorageError as error:
            log.warning("caller_limit.local", error=type(error.storage_error).__name__)
            return await self._local.hit(address)
        return wait_until(stats.reset_time)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connections.aclose()
