"""Run the sidecar under uvicorn; SIGTERM lets running mints finish, then closes Chromium."""

import asyncio
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from recaptcha_sidecar.app import Doors
from recaptcha_sidecar.browser import Chromium
from recaptcha_sidecar.failures import Failure
from recaptcha_sidecar.minting import Mint
from recaptcha_sidecar.settings import Settings
from recaptcha_sidecar.telemetry import Metrics, configure_logs, log

TIDY_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Sidecar:
    """The ASGI app and what the process around it needs."""

    asgi: ASGIApp
    mint: Mint
    chromium: Chromium


@asynccontextmanager
async def open_sidecar(settings: Settings) -> AsyncIterator[Sidecar]:
    """Everything, opened in order; Chromium is closed whatever happens."""
    metrics = Metrics()
    chromium = Chromium(settings)
    mint = Mint(settings, chromium, metrics)
    try:
        async with asyncio.TaskGroup() as tasks:
            background = [
                tasks.create_task(_launch_ahead(chromium), name="launch-ahead"),
                tasks.create_task(_tidy(chromium), name="tidy"),
            ]
            try:
                yield Sidecar(Doors(settings, mint, chromium, metrics).app(), mint, chromium)
            finally:
                for task in background:
                    task.cancel()
    finally:
        await chromium.aclose()


async def _launch_ahead(chromium: Chromium) -> None:
    """The first request should not wait for the browser; one that cannot start is only noted."""
    try:
        await chromium.start()
    except Failure as failure:
        log.error("browser.not_started", reason=failure.message)


async def _tidy(chromium: Chromium) -> None:
    while True:
        await asyncio.sleep(TIDY_SECONDS)
        await chromium.tidy()
        if not chromium.is_up:
            # Nobody is sent to a sidecar that is not ready, so no request would start it again.
            await _launch_ahead(chromium)


class DrainingServer(uvicorn.Server):
    """Answers what runs, refuses what comes, then exits."""

    def __init__(self, config: uvicorn.Config, mint: Mint, drain_seconds: float) -> None:
        super().__init__(config)
        self._mint = mint
        self._drain_seconds = drain_seconds
        self._deadline = 0.0

    def handle_exit(self, sig: int, frame: FrameType | None = None) -> None:
        """The first signal drains, a second one ends at once."""
        if self._mint.draining:
            self.should_exit = True
            return
        self._mint.draining = True
        self._deadline = time.monotonic() + self._drain_seconds
        log.info("draining", running=self._mint.running, waiting=self._mint.waiting)

    async def on_tick(self, counter: int) -> bool:
        """Exit once nothing runs any more, or when the time is over."""
        idle = self._mint.running + self._mint.waiting == 0
        over = idle or time.monotonic() >= self._deadline
        self.should_exit = self.should_exit or (self._mint.draining and over)
        return await super().on_tick(counter)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the event loop's, so that closing Chromium is never cut short."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)
        for sig in signals:
            loop.add_signal_handler(sig, self.handle_exit, sig)
        try:
            yield
        finally:
            for sig in signals:
                loop.remove_signal_handler(sig)


def server_for(sidecar: Sidecar, settings: Settings) -> DrainingServer:
    """uvicorn without an access log: its lines would hold nothing of use."""
    config = uvicorn.Config(
        sidecar.asgi,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    return DrainingServer(config, sidecar.mint, settings.drain_seconds)


def bind(host: str, port: int) -> socket.socket:
    """The listening socket.

    asyncio switches Nagle's delay off only where the protocol is named: without that, each reply
    (head and body are two writes) took 40 ms.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    return sock


def run(settings: Settings) -> None:
    """Serve in an event loop of its own until a signal comes."""
    configure_logs(settings.log_format)
    try:
        sock = bind(settings.host, settings.port)
    except OSError as error:
        raise SystemExit(
            f"Cannot listen on {settings.host}:{settings.port}: {error.strerror}."
        ) from None
    asyncio.run(_serve(settings, sock))


async def _serve(settings: Settings, sock: socket.socket) -> None:
    async with open_sidecar(settings) as sidecar:
        host, port = sock.getsockname()[:2]
        log.info("listening", host=host, port=port, site=settings.genspark_base_url)
        await server_for(sidecar, settings).serve(sockets=[sock])
