"""Runs the openai-node scripts beside this file; their packages are installed on first use."""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from conformance.sides import Side
from live import SECRET

FOLDER = Path(__file__).with_name("node")
LOCK = FOLDER / "package-lock.json"
STAMP = FOLDER / "node_modules" / ".installed"
SECONDS = 120


def install() -> None:
    """``npm ci``, once for each state of the lock file, however many workers ask for it."""
    for program in ("node", "npm"):
        if shutil.which(program) is None:
            _unavailable(f"{program} is not installed; these tests need Node.js 18 or newer")
    with _one_at_a_time():
        wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
        if STAMP.exists() and STAMP.read_text("utf-8") == wanted:
            return
        command = ["npm", "ci", "--prefer-offline", "--no-progress", "--loglevel=error"]
        done = subprocess.run(
            command, cwd=FOLDER, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        if done.returncode != 0:
            _unavailable(f"npm ci failed: {(done.stderr or done.stdout).strip()[-600:]}")
        STAMP.write_text(wanted, "utf-8")


def run_script(side: Side, script: str, *arguments: str, **environment: str) -> list[Any]:
    """The JSON lines that a script printed about this server."""
    install()
    done = subprocess.run(
        ["node", script, *arguments],
        cwd=FOLDER,
        env={**os.environ, "BASE_URL": f"{side.url}/v1", "API_KEY": SECRET, **environment},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.stdout.strip(), done.stderr
    # Not splitlines: JSON may hold U+2028.
    return [json.loads(line) for line in done.stdout.strip().split("\n")]


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with LOCK.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _unavailable(why: str) -> NoReturn:
    """In CI everything must be there; at home the tests are only left out."""
    if os.environ.get("CI"):
        pytest.fail(why, pytrace=False)
    pytest.skip(why)
