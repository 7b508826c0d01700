"""Fixtures for everything that runs over sockets."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
import trustme
import uvicorn.server
from live import LiveServer, PromptAsyncio, live, settings_for

from genspark_emulator.serving import RunningEmulator, running
from genspark_emulator.state import EmulatorState
from proxy.settings import Settings

KEPT = {"PATH", "HOME", "TMPDIR", "LANG", "CHROMIUM_PATH", "CI", "NODE_PATH"}


@pytest.fixture(scope="session", autouse=True)
def _few_authorities(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing here speaks TLS to the world, and reading all the world's authorities takes each of
    thousands of clients 30 ms of CPU.
    """
    file = tmp_path_factory.mktemp("authorities") / "ca.pem"
    trustme.CA().cert_pem.write_to_path(file)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSL_CERT_FILE", str(file))
        yield


@pytest.fixture(scope="session", autouse=True)
def _prompt_ends() -> Iterator[None]:
    """Servers end without uvicorn's pauses; hundreds of them end here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(uvicorn.server, "asyncio", PromptAsyncio())
        yield


@pytest.fixture(scope="session", autouse=True)
def _brisk_worker() -> Iterator[None]:
    """Due times of jobs are met at once: how long the worker rests is tested with a clock."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("proxy.services.worker.TICK", 0.02)
        patch.setattr("proxy.services.worker.PACE", 0.002)
        yield


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the developer's own configures a server under test."""
    names = {name.upper() for name in Settings.model_fields} - KEPT
    for name in names & os.environ.keys():
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def _emulator() -> Iterator[RunningEmulator]:
    with running() as emulator:
        yield emulator


class Upstream:
    """The emulator as tests see it: script it, then read what reached it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx2.Client(base_url=url, timeout=10)

    def script(self, *rules: dict[str, Any]) -> None:
        """Queue rules; see genspark_emulator/README.md."""
        reply = self._client.post("/__emulator__/script", json={"rules": list(rules)})
        assert reply.status_code == 200, reply.text

    def log(self, flow: str | None = None) -> list[dict[str, Any]]:
        """What the emulator received, oldest first."""
        entries = self._client.get("/__emulator__/log").json()["entries"]
        return [entry for entry in entries if flow in (None, entry["flow"])]

    def projects(self) -> list[dict[str, Any]]:
        """All conversations with their threads."""
        found: list[dict[str, Any]] = self._client.get("/__emulator__/projects").json()["projects"]
        return found

    def reset(self) -> None:
        """Forget rules, log and projects."""
        assert self._client.post("/__emulator__/reset").status_code == 200

    def close(self) -> None:
        """Close the control connection."""
        self._client.close()


@pytest.fixture
def upstream(_emulator: RunningEmulator) -> Iterator[Upstream]:
    """A fresh emulator."""
    upstream = Upstream(_emulator.url)
    upstream.reset()
    yield upstream
    upstream.close()


@pytest.fixture
def emulator_state(_emulator: RunningEmulator) -> EmulatorState:
    """The emulator's inside, for its clock."""
    return _emulator.state


Serve = Callable[..., LiveServer]


@pytest.fixture
def serve(upstream: Upstream, tmp_path: Path) -> Iterator[Serve]:
    """Start servers with settings of the test's choice; they end with the test."""
    with ExitStack() as stack:

        def start(*, demo: bool = False, **given: Any) -> LiveServer:
            settings = settings_for(upstream.url, tmp_path, **given)
            return stack.enter_context(live(settings, demo=demo))

        yield start


@pytest.fixture
def server(serve: Serve) -> LiveServer:
    """A server with one cookie account."""
    return serve()


@pytest.fixture
def key_server(serve: Serve) -> LiveServer:
    """A server with one official key."""
    return serve(gs_cookie=None, gsk_api_key=["gsk-alice"])
