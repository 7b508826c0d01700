"""Run the application under uvicorn, and end it gently on SIGTERM."""

import asyncio
import contextlib
import gc
import signal
import socket
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Final

import uvicorn
import uvloop

from proxy.app import Application, open_application
from proxy.protocol import GuardedProtocol
from proxy.services.health import Health
from proxy.settings import Settings
from proxy.telemetry import log

# After the drain time: cancelled streams still send their last, honest event.
LAST_WORDS_SECONDS: Final = 2


class DrainingServer(uvicorn.Server):
    """Keeps listening while it drains, so that ``/readyz`` can say 503 to whoever asks."""

    def __init__(self, config: uvicorn.Config, health: Health, drain_seconds: float) -> None:
        super().__init__(config)
        self._health = health
        self._drain_seconds = drain_seconds
        self._deadline: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None = None) -> None:
        """The first signal drains, a second one ends at once."""
        if self._health.draining:
            self.should_exit = True
            return
        self._health.draining = True
        self._deadline = time.monotonic() + self._drain_seconds
        self._health.drained_by = self._deadline
        log.info("draining", in_flight=self._health.in_flight, seconds=self._drain_seconds)

    async def on_tick(self, counter: int) -> bool:
        """Exit once nothing runs any more, or when the time is over."""
        done = self._health.draining and (
            not self._health.busy or time.monotonic() >= (self._deadline or 0)
        )
        self.should_exit = self.should_exit or done
        return await super().on_tick(counter)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are the event loop's; uvicorn's own way would re-raise them over our closing."""
        loop = asyncio.get_running_loop()
        signals = (signal.SIGTERM, signal.SIGINT)
        for sig in signals:
            loop.add_signal_handler(sig, self.handle_exit, sig)
        try:
            yield
        finally:
            for sig in signals:
                loop.remove_signal_handler(sig)


def config_for(application: Application, settings: Settings) -> uvicorn.Config:
    """uvicorn as the bench wants it: no access log, no own log set-up."""
    return uvicorn.Config(
        application.asgi,
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=GuardedProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        # X-Forwarded-For is ours to judge (FORWARDED_ALLOW_IPS); uvicorn would believe loopback.
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=LAST_WORDS_SECONDS,
        backlog=4096,
    )


async def serve(
    settings: Settings, *, demo: bool, started: Callable[[str], None], sock: socket.socket
) -> None:
    """Serve until a signal comes. ``started`` is told the base URL once requests are answered."""
    async with open_application(settings, demo=demo) as application:
        server = DrainingServer(
            config_for(application, settings),
            application.services.health,
            settings.drain_seconds,
        )
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, application.reload_accounts)
        host, port = sock.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        # What is loaded by now stays: full collections over it would cost 50 ms stalls.
        gc.collect()
        gc.freeze()
        loop.call_soon(started, f"http://{shown}:{port}")
        await server.serve(sockets=[sock])


def bind(host: str, port: int) -> socket.socket:
    """The listening socket; a port that is taken is an ``OSError`` before anything else starts."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((host, port))
    sock.setblocking(False)
    return sock


def run(
    settings: Settings, *, demo: bool, started: Callable[[str], None], sock: socket.socket
) -> None:
    """``serve`` in an event loop of its own."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(settings, demo=demo, started=started, sock=sock))
