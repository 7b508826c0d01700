"""A server that is killed and started again on the same data, and callers who do not give up."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
from conftest import Upstream
from program import Program, environment, free_port

HELD_SERVER = Path(__file__).with_name("held_server.py")
LEASE = 2.0
PATIENCE = 90.0
SIDES = {
    "key": {"GSK_API_KEY": ",".join(f"gsk-{n}" for n in range(8))},
    "cookie": {"GS_COOKIE": "\n".join(f"session_id=s{n}" for n in range(40))},
}
MODEL = {"video": "gemini/veo3.1", "image": "gpt-image-2"}
ENDED = {"completed", "failed", "cancelled"}

Json = dict[str, Any]


@contextmanager
def killable(folder: Path, *, lease: float | None = LEASE, **given: str) -> Iterator[Program]:
    """The program as a process: with points to be held at, or (``lease`` None) as it is."""
    port = given.setdefault("PORT", str(free_port()))
    if lease is None:
        command = [str(Path(sys.executable).with_name("genspark2api")), "serve"]
    else:
        command = [sys.executable, str(HELD_SERVER), str(lease), "serve"]
    process = subprocess.Popen(
        command,
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


def kill(server: Program) -> None:
    """kill -9, and the end of it."""
    server.signal(signal.SIGKILL)
    server.process.wait()


def wait_for(what: str, done: Callable[[], object], server: Program | None = None) -> None:
    """Look until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not done():
        said = server.output()[-3000:] if server is not None else ""
        assert time.monotonic() < deadline, f"never: {what}\n{said}"
        time.sleep(0.03)


@dataclass
class Customer:
    """Orders one generation, as often as it takes, with a key of its own."""

    prompt: str
    kind: str = "video"
    sync: bool = False

    @property
    def key(self) -> str:
        """Its idempotency key."""
        return f"key of {self.prompt}"

    def ask(self, client: httpx2.Client) -> httpx2.Response:
        """One request."""
        body: Json = {"model": MODEL[self.kind], "prompt": self.prompt}
        if not self.sync and self.kind == "video":
            body["async"] = True
        path = f"/v1/{self.kind}s/generations"
        return client.post(path, json=body, headers={"Idempotency-Key": self.key}, timeout=60)


def jobs_of(server: Program) -> dict[str, Json]:
    """Every job by its prompt; a prompt has one."""
    found: dict[str, Json] = {}
    after = ""
    while True:
        page = server.client.get(f"/v1/jobs?limit=200&after={after}").json()
        for job in page["data"]:
            assert job["prompt"] not in found, job["prompt"]
            found[job["prompt"]] = job
        if not page["has_more"]:
            return found
        after = page["data"][-1]["id"]


def tasks_of(upstream: Upstream) -> list[Json]:
    """Everything that was bought."""
    found: list[Json] = httpx2.get(f"{upstream.url}/__emulator__/tasks").json()["tasks"]
    return found


def live_for(upstream: Upstream, **seconds: float) -> None:
    """How long new tasks take."""
    reply = httpx2.post(f"{upstream.url}/__emulator__/tasks", json={"seconds": seconds})
    assert reply.status_code == 200, reply.text


def purchases(upstream: Upstream) -> Counter[str]:
    """How often each prompt was bought."""
    return Counter(task["prompt"] for task in tasks_of(upstream))


def all_ended(server: Program) -> bool:
    """Whether nothing is alive any more."""
    return all(job["state"] in ENDED for job in jobs_of(server).values())


def check_result(server: Program, upstream: Upstream, job: Json) -> None:
    """A completed job's file is there, whole, and that of the one task that was bought for it."""
    (task,) = [task for task in tasks_of(upstream) if task["prompt"] == job["prompt"]]
    (file,) = job["files"]
    body = server.client.get(job["urls"][0]).content
    assert len(body) == file["bytes"]
    assert task["id"].encode() in body
