"""Break the first of two providers in five ways, and read what each job's history says.

Needs nothing but this repository: both providers are emulated here, nothing is bought.

    .venv/bin/python docs/examples/fallback.py
"""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
from rich.console import Console
from rich.table import Table

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from providers import runway_server
from providers.runway_script import Answer, failing
from providers.runway_server import RunwayServer

from genspark_emulator.serving import running as running_genspark

TROUBLES: dict[str, Answer | str | None] = {
    "refuses the key": "bad_key",
    "has no funds left": "no_funds",
    "limits the rate": Answer(429, {"error": "Too many requests"}, {"retry-after": "60"}),
    "breaks while answering": Answer(502, {"error": "Bad gateway"}, buys=True),
    "accepts, then fails": None,
}


def main() -> None:
    """Each trouble gets a fresh server, so that no lock of the last one is in the way."""
    console = Console(width=110)
    for trouble, answer in TROUBLES.items():
        with runway_server.running() as runway, running_genspark() as genspark:
            if answer is None:
                runway.next_life(failing("INTERNAL"))
            else:
                runway.answer(answer, times=5)
            with _server(runway, genspark.url) as client:
                console.rule(f"Runway {trouble}")
                _tell(console, client, runway)


def _tell(console: Console, client: httpx2.Client, runway: RunwayServer) -> None:
    made = client.post("/v1/videos", json={"model": "auto", "prompt": "a cat", "seconds": 4})
    job = _ended(client, made.json()["id"])
    table = Table("event", "route", "account", "note", box=None)
    for line in job["history"]:
        cells = [line.get(name, "") for name in ("event", "route", "account", "note")]
        table.add_row(*cells)
    console.print(table)
    end = job["error"]["code"] if job["error"] else f"served by {job['provider']}"
    bought = len(runway.purchases)
    console.print(f"[bold]{job['state']}[/bold]: {end}; bought at Runway: {bought}\n")


def _ended(client: httpx2.Client, job_id: str) -> dict[str, Any]:
    while True:
        job: dict[str, Any] = client.get(f"/v1/jobs/{job_id}").json()
        if job["state"] in ("completed", "failed"):
            return job
        time.sleep(0.1)


@contextlib.contextmanager
def _server(runway: RunwayServer, genspark: str) -> Iterator[httpx2.Client]:
    """A real server process that knows both providers."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "PATH": os.environ["PATH"],
            "PORT": str(port),
            "DATA_DIR": folder,
            "GENSPARK_BASE_URL": genspark,
            "GSK_API_KEY": "gsk-example",
            "RUNWAY_API_KEY": runway.key,
            "RUNWAY_BASE_URL": runway.url,
            "VIDEO_PROVIDER_ORDER": "runway,genspark",
            "VIDEO_POLL_INTERVAL": "0.1",
            "REQUEST_RATE_LIMIT": "0",
        }
        command = [sys.executable, "-m", "proxy", "serve"]
        with subprocess.Popen(
            command,
            cwd=folder,
            env=environment | {"PYTHONPATH": str(ROOT)},
            stdout=subprocess.DEVNULL,
        ) as process:
            client = httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=30)
            try:
                _until_ready(client)
                yield client
            finally:
                client.close()
                process.terminate()


def _until_ready(client: httpx2.Client) -> None:
    for _ in range(200):
        with contextlib.suppress(httpx2.HTTPError):
            if client.get("/readyz").status_code == 200:
                return
        time.sleep(0.05)
    raise SystemExit("the server did not start")


if __name__ == "__main__":
    main()
