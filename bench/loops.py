"""The event loop all of the bench runs on, and a listener on it."""

import asyncio
import gc
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
LOOPBACK = "127.0.0.1"
BACKLOG = 4096
# Signals that must not leave servers behind; Ctrl-C is handled by asyncio.Runner.
STOP_SIGNALS = ("SIGTERM", "SIGHUP")


def new_loop() -> asyncio.AbstractEventLoop:
    """uvloop where it exists (it has no Windows build)."""
    try:
        import uvloop
    except ImportError:
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


def run(main: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(_stoppable(main))


async def _stoppable(main: Coroutine[Any, Any, T]) -> T:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    for name in STOP_SIGNALS:
        if hasattr(signal, name):
            # NotImplementedError: event loops on Windows take no signal handlers.
            try:
                loop.add_signal_handler(getattr(signal, name), task.cancel)
            except NotImplementedError:
                break
    return await main


async def listen(factory: Callable[[], asyncio.Protocol], port: int = 0) -> asyncio.Server:
    """A started listener on loopback; port 0 takes a free one."""
    loop = asyncio.get_running_loop()
    return await loop.create_server(factory, LOOPBACK, port, backlog=BACKLOG)


async def serve(factory: Callable[[], asyncio.Protocol], port: int) -> None:
    """Serve until cancelled; the main of the mock and of the raw pass-through."""
    server = await listen(factory, port)
    gc.freeze()
    async with server:
        await server.serve_forever()


def port_of(server: asyncio.Server) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port
