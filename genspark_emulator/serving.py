"""Serving the emulator: in a background thread for tests, or until interrupted."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import uvicorn

from genspark_emulator.app import create_app
from genspark_emulator.state import EmulatorState

START_SECONDS = 10
BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class RunningEmulator:
    """A served emulator. ``state`` may be read, and its script filled, from any thread."""

    url: str
    state: EmulatorState


def _listening_socket(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)


def _server(state: EmulatorState) -> uvicorn.Server:
    """Logging is left as it is: a proxy under test may run in the same process."""
    return uvicorn.Server(
        uvicorn.Config(
            create_app(state),
            log_config=None,
            log_level=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            backlog=BACKLOG,
            timeout_graceful_shutdown=1,
        )
    )


def _url(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("the emulator did not start")
        time.sleep(0.005)


@contextmanager
def running(host: str = "127.0.0.1", port: int = 0) -> Iterator[RunningEmulator]:
    """Serve a fresh emulator in a background thread; port 0 picks a free one.

    On leaving, open streams are broken off rather than waited for.
    """
    state = EmulatorState()
    server = _server(state)
    with _listening_socket(host, port) as listener:
        thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="genspark-emulator", daemon=True
        )
        thread.start()
        try:
            _wait_until_started(server, thread)
            yield RunningEmulator(_url(host, listener), state)
        finally:
            server.force_exit = True
            server.should_exit = True
            thread.join(START_SECONDS)


def serve(host: str, port: int) -> None:
    """Serve until interrupted."""
    with _listening_socket(host, port) as listener:
        url = _url(host, listener)
        print(f"Genspark emulator on {url} - control interface at {url}/__emulator__/", flush=True)
        _server(EmulatorState()).run(sockets=[listener])
