"""Runs the scripts of ``clients`` on a server, instructor's in a virtual environment of its own."""

import fcntl
import hashlib
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from conformance.sides import Side
from live import SECRET

TESTS = Path(__file__).parent.parent
LOCK = Path(__file__).parent / "instructor" / "requirements.lock"
VENV = LOCK.with_name(".venv")
STAMP = VENV / ".installed"
SECONDS = 120


def run_client(side: Side, module: str, python: str = sys.executable) -> list[dict[str, Any]]:
    """The JSON lines that ``clients/MODULE.py`` printed about this server."""
    done = subprocess.run(
        [python, "-m", f"conformance.clients.{module}"],
        cwd=TESTS,
        env={**os.environ, "BASE_URL": f"{side.url}/v1", "API_KEY": SECRET},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.stdout.strip(), done.stderr
    # Not splitlines: JSON may hold U+2028.
    return [json.loads(line) for line in done.stdout.strip().split("\n")]


def instructor_python() -> str:
    """The interpreter that has instructor, installed once for each state of the lock file.

    However many workers ask for it, one installs.
    """
    python = str(VENV / "bin" / "python")
    with LOCK.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        wanted = f"{sys.version} {hashlib.sha256(file.read()).hexdigest()}"
        if not STAMP.exists() or STAMP.read_text("utf-8") != wanted:
            _install(python)
            STAMP.write_text(wanted, "utf-8")
    return python


def _install(python: str) -> None:
    uv = [sys.executable, "-m", "uv"]
    if importlib.util.find_spec("uv"):
        _run([*uv, "venv", "--clear", "--python", sys.executable, str(VENV)])
        _run([*uv, "pip", "sync", "--require-hashes", "--python", python, str(LOCK)])
    else:
        _run([sys.executable, "-m", "venv", "--clear", str(VENV)])
        _run([python, "-m", "pip", "install", "--require-hashes", "-r", str(LOCK)])


def _run(command: list[str]) -> None:
    """In CI everything must be there; at home the tests are only left out."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode == 0:
        return
    why = f"instructor could not be installed: {done.stderr.strip()[-600:]}"
    if os.environ.get("CI"):
        pytest.fail(why, pytrace=False)
    pytest.skip(why)
