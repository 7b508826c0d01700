"""The story of one token: a place in the queue, the account's turn, a warm page, two tries."""

import asyncio
import contextlib
import hashlib
import time
from collections import OrderedDict, defaultdict
from collections.abc import AsyncIterator
from typing import Final

from recaptcha_sidecar.browser import Chromium, account_key
from recaptcha_sidecar.contract import Token, TokenRequest
from recaptcha_sidecar.failures import WORTH_A_SECOND_TRY, Failure, Reason
from recaptcha_sidecar.settings import Settings
from recaptcha_sidecar.telemetry import Metrics, log

TRIES: Final = 2
RETRY_AFTER: Final = 5
# Tokens live two minutes; a repeated one inside that time would be refused upstream.
REMEMBERED: Final = 2000


class Mint:
    """Hands out each token once; requests for one account queue, accounts mint in parallel."""

    def __init__(self, settings: Settings, chromium: Chromium, metrics: Metrics) -> None:
        self._settings = settings
        self._chromium = chromium
        self._metrics = metrics
        self._room = asyncio.Semaphore(settings.max_concurrency)
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._handed_out: OrderedDict[bytes, None] = OrderedDict()
        self.waiting = 0
        self.running = 0
        self.draining = False

    async def token(self, request: TokenRequest) -> Token:
        """A fresh token. Raises ``Failure``, at the latest after ``SIDECAR_TIMEOUT``."""
        started = time.monotonic()
        try:
            self._admit()
            async with asyncio.timeout(self._settings.sidecar_timeout):
                token = await self._in_turn(request)
        except TimeoutError:
            failure = Failure(Reason.TIMEOUT, "no token within SIDECAR_TIMEOUT")
            self._note(request, failure.reason.value, started)
            raise failure from None
        except Failure as failure:
            self._note(request, failure.reason.value, started)
            raise
        self._note(request, "ok", started)
        return token

    def _admit(self) -> None:
        if self.draining:
            raise Failure(Reason.SHUTTING_DOWN, "the sidecar is shutting down", RETRY_AFTER)
        if self._must_wait() and self.waiting >= self._settings.sidecar_queue:
            raise Failure(Reason.BUSY, "too many requests are waiting", RETRY_AFTER)

    def _must_wait(self) -> bool:
        return self.waiting > 0 or self.running > 0

    async def _in_turn(self, request: TokenRequest) -> Token:
        account = account_key(request.cookie)
        async with self._turn(account):
            for attempt in range(1, TRIES + 1):
                try:
                    return await self._once(account, request)
                except Failure as failure:
                    if attempt == TRIES or failure.reason not in WORTH_A_SECOND_TRY:
                        raise
                    log.info("mint.again", flow=request.flow.name, reason=failure.reason.value)
            raise AssertionError("the last try returns or raises")

    @contextlib.asynccontextmanager
    async def _turn(self, account: str) -> AsyncIterator[None]:
        """The account's turn and one of the places for minting."""
        lock = self._turns[account]
        self.waiting += 1
        try:
            await lock.acquire()
            try:
                await self._room.acquire()
            except BaseException:
                lock.release()
                raise
        finally:
            self.waiting -= 1
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1
            self._room.release()
            lock.release()
            if not lock.locked():
                self._turns.pop(account, None)

    async def _once(self, account: str, request: TokenRequest) -> Token:
        chromium = self._chromium
        async with chromium.warm(account, request) as warm:
            page = await chromium.open_page(warm, request.flow.path)
            value, site_key, action = await chromium.mint(warm, page, request)
            self._never_twice(value)
        now = time.time()
        expires = now + self._settings.token_max_age
        return Token(value, now, expires, request.flow.name, action, site_key)

    def _never_twice(self, value: str) -> None:
        digest = hashlib.sha256(value.encode()).digest()
        if digest in self._handed_out:
            raise Failure(Reason.STALE_TOKEN, "the page gave a token that it had given before")
        self._handed_out[digest] = None
        if len(self._handed_out) > REMEMBERED:
            self._handed_out.popitem(last=False)

    def _note(self, request: TokenRequest, outcome: str, started: float) -> None:
        seconds = time.monotonic() - started
        self._metrics.mints.labels(request.flow.name, outcome).inc()
        self._metrics.seconds.observe(seconds)
        log.info("mint", flow=request.flow.name, outcome=outcome, total_ms=round(seconds * 1000, 1))
