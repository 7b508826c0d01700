"""What is measured. A further baseline is one more ``Target`` in ``ALL``."""

import json
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench import dialect, nginx
from bench.dialect import SECRET, Dialect
from bench.frames import Route
from bench.loops import LOOPBACK

REPOSITORY = Path(__file__).resolve().parents[1]
COOKIES = [f"session_id=bench-{number}" for number in range(1, 65)]
KEYS = [f"gsk-bench-{number}" for number in range(1, 9)]


@dataclass(frozen=True, slots=True)
class Site:
    """Where one server is to run: its port, its upstream, its own empty directory."""

    port: int
    upstream_port: int
    route: Route
    directory: Path


@dataclass(frozen=True, slots=True)
class Launch:
    command: list[str]
    env: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Target:
    """A server to measure: how to start it, how to talk to it, and why it may be missing."""

    name: str
    launch: Callable[[Site], Launch]
    dialect: Callable[[Route], Dialect]
    missing: Callable[[], str] = lambda: ""


def beside_python(name: str) -> str:
    return str(Path(sys.executable).parent / name)


def python_module(module: str, *arguments: object) -> Launch:
    command = [sys.executable, "-m", module, *map(str, arguments)]
    return Launch(command, {"PYTHONPATH": str(REPOSITORY)})


def proxy(command: list[str] | None = None) -> Target:
    """The proxy, as its users start it; ``command`` measures another build of it."""
    serve = command or [beside_python("genspark2api"), "serve"]
    return Target(
        "proxy",
        lambda site: Launch(serve, _proxy_env(site)),
        lambda route: dialect.OPENAI,
    )


def _proxy_env(site: Site) -> dict[str, str]:
    accounts = (
        {"GS_COOKIE": json.dumps(COOKIES)}
        if site.route is Route.COOKIE
        else {"GSK_API_KEY": ",".join(KEYS)}
    )
    return accounts | {
        "HOST": LOOPBACK,
        "PORT": str(site.port),
        "DATA_DIR": str(site.directory),
        "GENSPARK_BASE_URL": f"http://{LOOPBACK}:{site.upstream_port}",
        "API_SECRET": SECRET,
        # The limits are not what is measured: set where no figure can meet them.
        "REQUEST_RATE_LIMIT": "100000000",
        "COOKIE_CONCURRENCY": "1000",
        "KEY_CONCURRENCY": "1000",
        "LOG_FORMAT": "json",
    }


RAW = Target(
    "raw",
    lambda site: python_module("bench.passthrough", site.port, site.upstream_port),
    dialect.of_route,
)
NGINX = Target(
    "nginx",
    lambda site: Launch(nginx.command(site.port, site.upstream_port, site.directory)),
    dialect.of_route,
    lambda: "" if shutil.which("nginx") else "not installed",
)


def everything(command: list[str] | None = None) -> list[Target]:
    """The proxy first, then the baselines, in the order of the table's columns."""
    return [proxy(command), RAW, NGINX]


def environment(launch: Launch) -> dict[str, str]:
    """What a server sees of ours: enough to find programs, none of our configuration."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT")
    return {name: os.environ[name] for name in kept if name in os.environ} | launch.env
