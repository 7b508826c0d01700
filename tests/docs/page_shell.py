"""Runs what the pages tell their readers to type: curl lines, Python and JavaScript examples."""

import os
import re
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from conformance.node_client import FOLDER, install
from live import SECRET, LiveServer

ADDRESS = "http://127.0.0.1:7055"
STAND_IN = "choose-a-long-random-value"
SECONDS = 50
ENDED = {"completed", "failed", "cancelled"}


@dataclass
class Shell:
    """As much of a shell and of curl as the pages use. ``folder`` is where it runs."""

    client: httpx2.Client
    folder: Path
    names: dict[str, str] = field(default_factory=dict)

    def curl(self, line: str) -> httpx2.Response:
        """Run one line; ids in its answer get the names that later lines use."""
        options, address = _read(shlex.split(self._filled(line))[1:])
        method = "".join(options.get("-X", ())) or ("POST" if options.keys() & {"-d", "-F"} else "")
        reply = self.client.request(
            method or "GET",
            address.removeprefix(ADDRESS),
            headers=dict(header.split(": ", 1) for header in options.get("-H", ())),
            **self._body(options),
        )
        for name in options.get("-o", ()):
            (self.folder / name).write_bytes(reply.content)
        self._note(reply)
        return reply

    def _filled(self, line: str) -> str:
        known = {"API_SECRET": SECRET, **self.names}
        return re.sub(r"\$([A-Z_]+)", lambda match: known[match[1]], line)

    def _body(self, options: dict[str, list[str]]) -> dict[str, Any]:
        if "-d" in options:
            return {"content": options["-d"][0].encode()}
        pairs = [pair.split("=", 1) for pair in options.get("-F", ())]
        files = [
            (name, (value[1:], (self.folder / value[1:]).read_bytes(), "application/octet-stream"))
            for name, value in pairs
            if value.startswith("@")
        ]
        texts = {name: value for name, value in pairs if not value.startswith("@")}
        return {"data": texts, "files": files} if pairs else {}

    def _note(self, reply: httpx2.Response) -> None:
        job = reply.headers.get("x-genspark2api-job", "").partition(",")[0]
        if job.startswith("video_"):
            self.names |= {"VIDEO": job, "TASK": job.replace("video_", "task_")}
            self.wait(job)

    def wait(self, job: str) -> None:
        """Until the job has ended, as a person would."""
        deadline = time.monotonic() + 20
        while self.client.get(f"/v1/jobs/{job}").json()["status"] not in ENDED:
            assert time.monotonic() < deadline, job
            time.sleep(0.05)


def _read(words: list[str]) -> tuple[dict[str, list[str]], str]:
    """curl's options, and the address."""
    options: dict[str, list[str]] = {}
    [address] = [word for word in words if word.startswith(ADDRESS)]
    rest = iter(word for word in words if word != address)
    for word in rest:
        options.setdefault(word, []).append("" if word == "-N" else next(rest))
    return options, address


def shell_lines(page: Any, word: str) -> list[str]:
    """The lines of a page's shell blocks that begin with this command."""
    return [
        line for block in page.examples("sh") for line in block.splitlines() if word in line[:20]
    ]


def at_server(code: str, server: LiveServer) -> str:
    """An example with this server's address and key in it."""
    found = code.replace(ADDRESS, server.url).replace(STAND_IN, SECRET)
    assert found != code
    # The waits are for real videos.
    return re.sub(r"\b5000\b", "50", found.replace("sleep(5)", "sleep(0.05)"))


def run_python(code: str, folder: Path) -> str:
    """What a program prints, run by itself: its SDK may leave connections open to its end."""
    (folder / "example.py").write_text(code, "utf-8")
    # LiteLLM would look for a list of prices in the internet.
    environment = {**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"}
    return _printed([sys.executable, "-W", "error", "example.py"], folder, environment)


def run_node(code: str, folder: Path) -> str:
    """What a module prints; its packages are those of the conformance tests."""
    install()
    (folder / "example.mjs").write_text(code, "utf-8")
    # Packages are looked for beside the script.
    (folder / "node_modules").symlink_to(FOLDER / "node_modules")
    return _printed(["node", "example.mjs"], folder, dict(os.environ))


def _printed(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
