"""A server of ours on a real socket, in a thread with an event loop of its own."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import uvloop

from proxy.app import Application, open_application
from proxy.serving import DrainingServer, bind, config_for
from proxy.settings import Settings

SECRET = "test-secret"
START_SECONDS = 20
_ending = threading.Event()


class PromptAsyncio:
    """asyncio as uvicorn's server sees it here: its pauses are over once a server is to end."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    @staticmethod
    async def sleep(seconds: float) -> None:
        """At most so long, in steps of 20 ms."""
        for _ in range(max(1, round(seconds / 0.02))):
            await asyncio.sleep(0.001 if _ending.is_set() else 0.02)


@dataclass
class LiveServer:
    """``url`` has no ``/v1``; ``client`` sends the caller's key with every request."""

    url: str
    application: Application
    server: DrainingServer
    loop: asyncio.AbstractEventLoop
    thread: threading.Thread
    client: httpx2.Client = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx2.Client(
            base_url=self.url, headers={"Authorization": f"Bearer {SECRET}"}, timeout=30
        )

    def chat(self, text: str = "Hello", **fields: Any) -> httpx2.Response:
        """A chat request with one user message."""
        body = {"model": "gpt-5.4", "messages": [{"role": "user", "content": text}], **fields}
        return self.client.post("/v1/chat/completions", json=body)

    def call(self, work: Any) -> Any:
        """Run a coroutine inside the server's event loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(START_SECONDS)

    def drain(self) -> None:
        """What SIGTERM does."""
        self.loop.call_soon_threadsafe(self.server.handle_exit, 15)


def settings_for(upstream: str, data_dir: Path, **given: Any) -> Settings:
    """Settings that see neither the environment nor a .env file; one cookie unless told."""
    fields: dict[str, Any] = {
        "genspark_base_url": upstream,
        "gs_cookie": "session_id=alice",
        "api_secret": [SECRET],
        "request_rate_limit": 0,
        "data_dir": data_dir,
        "port": 0,
        "catalogue_refresh": 0,
        **given,
    }
    return Settings(_env_file=None, **fields)


@contextmanager
def live(settings: Settings, *, demo: bool = False) -> Iterator[LiveServer]:
    """Serve until the block ends."""
    sock = bind(settings.host, settings.port)
    ready: Future[tuple[Application, DrainingServer, asyncio.AbstractEventLoop]] = Future()

    async def serve() -> None:
        async with open_application(settings, demo=demo) as application:
            health = application.services.health
            config = config_for(application, settings)
            server = DrainingServer(config, health, settings.drain_seconds)
            asyncio.get_running_loop().call_soon(
                ready.set_result, (application, server, asyncio.get_running_loop())
            )
            await server._serve(sockets=[sock])

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(serve())
        except BaseException as error:
            if not ready.done():
                ready.set_exception(error)
            else:
                raise

    thread = threading.Thread(target=run, name="live-server", daemon=True)
    thread.start()
    application, server, loop = ready.result(START_SECONDS)
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    running = LiveServer(url, application, server, loop, thread)
    try:
        yield running
    finally:
        running.client.close()
        server.should_exit = True
        _ending.set()
        thread.join(START_SECONDS)
        _ending.clear()
