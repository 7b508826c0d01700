"""Node and Chromium for the tests that execute the captcha's script; both are plain programs.

Chromium runs in real time: with a virtual one (``--dump-dom --virtual-time-budget``) the timers of
a page overtake its requests.
"""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from emulator_client import SESSION, EmulatorClient

SECONDS = 40
"""A program that takes longer is stuck; Chromium needs one or two to start."""

CHROMIUM_FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-dev-shm-usage", "--mute-audio"),
)

RUN_IN_NODE = """
const vm = require("node:vm");
const given = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const waits = [];
const page = {
  URL,
  waits,
  stillWaiting: () => new Promise((resolve) => setTimeout(resolve, 50, "still waiting")),
  setTimeout: (callback, ms) => waits.push(ms) && setTimeout(callback, 0),
  fetch: (path, init) =>
    fetch(given.base + path, { ...init, headers: { ...init.headers, cookie: given.cookie } }),
  document: {
    currentScript: { src: given.base + given.address },
    querySelectorAll: () => given.keys.map((key) => ({ getAttribute: () => key })),
  },
};
page.window = page;
vm.createContext(page);
vm.runInContext(given.script, page);
vm.runInContext(`(async () => { ${given.code} })()`, page)
  .then((value) => ({ value }), (error) => ({ error: error.message }))
  .then((outcome) => process.stdout.write(JSON.stringify(outcome), () => process.exit(0)));
"""
"""Just enough of a page. Timers fire at once and are noted in ``waits``."""


def program(*names: str) -> str:
    """The path of the first of these programs; CI must have one, a laptop need not."""
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None and not os.environ.get("CI"):
        pytest.skip(f"{names[0]} is not installed")
    assert found, f"none of {names} is installed"
    return found


def in_node(emulator: EmulatorClient, address: str, code: str, keys: tuple[str, ...] = ()) -> Any:
    """What an async function body returns, or the message it fails with, next to the script.

    ``keys`` are the ``data-sitekey`` attributes of the page.
    """
    given = {
        "base": emulator.emulator.url,
        "address": address,
        "script": emulator.get(address).text,
        "cookie": f"session_id={SESSION}",
        "keys": keys,
        "code": code,
    }
    command = [program("node"), "-e", RUN_IN_NODE]
    done = subprocess.run(
        command, input=json.dumps(given), capture_output=True, text=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr
    outcome = json.loads(done.stdout)
    return outcome["error"] if "error" in outcome else outcome.get("value")


@contextmanager
def browser(url: str, profile: Path) -> Iterator[None]:
    """Chromium with one page open, until the block ends."""
    names = (os.environ.get("CHROMIUM_PATH", "chromium"), "chromium", "google-chrome")
    command = [program(*names), *CHROMIUM_FLAGS, f"--user-data-dir={profile}", url]
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    ) as process:
        try:
            yield
        finally:
            os.killpg(process.pid, signal.SIGTERM)
