"""The server under test and the baselines as processes, with what they need in their folders."""

import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.dialect import SECRET
from bench.jobs import static_nginx
from bench.jobs.plan import Plan
from bench.loops import LOOPBACK
from bench.processes import LOG, Place, process
from bench.servers import free_port, wait_ready
from bench.sidecar.services import Emulator
from bench.targets import Launch, beside_python, python_module

MEDIA: Final = "media"


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is ready; ``folder`` is its ``DATA_DIR``."""

    port: int
    pid: int
    folder: Path

    @property
    def log(self) -> Path:
        """What it has written."""
        return self.folder / LOG

    @property
    def media(self) -> Path:
        """Where it keeps results."""
        return self.folder / MEDIA


@dataclass(frozen=True, slots=True)
class Baseline:
    """Something that serves a folder of files and does nothing else."""

    name: str
    launch: Callable[[int, Path, Path], Launch]
    missing: Callable[[], str] = lambda: ""


BASELINES: Final = (
    Baseline("sendfile", lambda port, files, _: python_module("bench.jobs.sendfile", port, files)),
    Baseline(
        "nginx",
        lambda port, files, own: Launch(static_nginx.command(port, files, own)),
        static_nginx.missing,
    ),
)


@contextlib.asynccontextmanager
async def running_server(
    emulator: Emulator, plan: Plan, place: Place, command: list[str] | None = None
) -> AsyncIterator[Server]:
    """A fresh server with the plan's accounts; ``command`` starts another build of it."""
    port, folder = free_port(), place.new_directory("server")
    accounts = folder / "accounts.toml"
    accounts.write_text(accounts_file(plan.accounts))
    env = _environment(emulator, plan, port, folder) | {"ACCOUNTS_FILE": str(accounts)}
    launch = Launch(command or [beside_python("genspark2api"), "serve"], env)
    with process(launch, place, folder) as child:
        await wait_ready(child, port, folder / LOG)
        yield Server(port, child.pid, folder)


def accounts_file(count: int) -> str:
    """So many accounts with a cookie each, as an operator writes them."""
    tables = (
        f'[[accounts]]\nlabel = "bench-{n}"\ncookie = {json.dumps(f"session_id=bench-{n}")}\n'
        for n in range(1, count + 1)
    )
    return "\n".join(tables)


def _environment(emulator: Emulator, plan: Plan, port: int, folder: Path) -> dict[str, str]:
    room = str(2 * (plan.jobs + plan.probes))
    return {
        "HOST": LOOPBACK,
        "PORT": str(port),
        "DATA_DIR": str(folder),
        "GENSPARK_BASE_URL": emulator.url,
        "API_SECRET": SECRET,
        "LOG_FORMAT": "json",
        # The limits are not what is measured: set where no figure can meet them.
        "REQUEST_RATE_LIMIT": "0",
        "MAX_ACTIVE_JOBS": room,
        "MAX_QUEUED_JOBS": room,
        "JOB_TIMEOUT": str(2 * plan.task_s),
        "JOB_QUEUE_TIMEOUT": str(plan.task_s),
    }


@contextlib.asynccontextmanager
async def running_baseline(baseline: Baseline, files: Path, place: Place) -> AsyncIterator[Server]:
    """A baseline that serves these files."""
    port, folder = free_port(), place.new_directory(baseline.name)
    launch = baseline.launch(port, files, folder)
    with process(launch, place, folder) as child:
        await wait_ready(child, port, folder / LOG)
        yield Server(port, child.pid, folder)
