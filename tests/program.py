"""The real program as a process, for what only a process can show: signals, crashes, output."""

import contextlib
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from unittest import mock

import httpx2

from proxy import terminal
from proxy.cli import app

PROGRAM = str(Path(sys.executable).with_name("genspark2api"))
START_SECONDS = 30.0


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def environment(folder: Path, **given: str) -> dict[str, str]:
    """An environment of its own: nothing of the developer's reaches the program."""
    names = ("PATH", "HOME", "LANG", "SSL_CERT_FILE")
    kept = {name: os.environ[name] for name in names if name in os.environ}
    return {**kept, "DATA_DIR": str(folder / "data"), "LOG_FORMAT": "json", **given}


def run(folder: Path, *arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
    """Run the program to its end."""
    return subprocess.run(
        [PROGRAM, *arguments],
        cwd=folder,
        env=environment(folder, **given),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


def typed(folder: Path, *arguments: str, **given: str) -> subprocess.CompletedProcess[str]:
    """The same within this process, for commands that end by themselves and serve nothing: a
    process of its own takes up to two seconds of CPU to read its modules.
    """
    alone = mock.patch.dict(os.environ, environment(folder, **given), clear=True)
    err = io.StringIO()
    with contextlib.chdir(folder), alone, _printed() as out, contextlib.redirect_stderr(err):
        try:
            app(list(arguments), prog_name="genspark2api")
        except SystemExit as ended:
            said = (out.getvalue(), err.getvalue())
            return subprocess.CompletedProcess(arguments, int(ended.code or 0), *said)
    raise AssertionError("a command ends with its status")


@contextlib.contextmanager
def _printed() -> Iterator[io.StringIO]:
    """What commands print: to standard output itself go the logs of servers in this process too."""
    terminal.out.file = said = io.StringIO()
    try:
        yield said
    finally:
        # Whatever standard output is then.
        terminal.out.file = None  # type: ignore[assignment]


@dataclass
class Program:
    """A running server process. ``lines`` collects what it prints."""

    process: subprocess.Popen[str]
    url: str
    lines: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.client = httpx2.Client(base_url=self.url, timeout=30)

    def _read(self) -> None:
        assert self.process.stdout is not None
        self.lines.extend(self.process.stdout)

    def output(self) -> str:
        """Everything printed so far (all of it, once the process has ended)."""
        if self.process.poll() is not None:
            self._reader.join(5)
        return "".join(self.lines)

    def wait_ready(self) -> None:
        """Until requests are answered."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise AssertionError(f"the program ended early:\n{self.output()}")
            try:
                if self.client.get("/healthz").status_code == 200:
                    return
            except httpx2.TransportError:
                time.sleep(0.02)
        raise AssertionError(f"the program did not start:\n{self.output()}")

    def chat(self, text: str = "Hello") -> httpx2.Response:
        """One plain chat."""
        body = {"model": "gpt-5.4", "messages": [{"role": "user", "content": text}]}
        return self.client.post("/v1/chat/completions", json=body)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """The exit status."""
        return self.process.wait(START_SECONDS)


@contextmanager
def program(folder: Path, *arguments: str, **given: str) -> Iterator[Program]:
    """Start the server; it is killed with the block if it still runs."""
    port = given.setdefault("PORT", str(free_port()))
    process = subprocess.Popen(
        [PROGRAM, *(arguments or ("serve",))],
        cwd=folder,
        env=environment(folder, **given),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    started = Program(process, f"http://127.0.0.1:{port}")
    try:
        started.wait_ready()
        yield started
    finally:
        started.client.close()
        process.kill()
        process.wait()
        started.output()
        assert process.stdout is not None
        process.stdout.close()
