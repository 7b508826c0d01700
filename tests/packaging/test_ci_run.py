""".ci/run: what it asks of a machine, and its last line."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

TOOLS = ("bash", "cat", "dirname", "rm", "tail", "mkdir")
MAKE = """#!/usr/bin/env bash
echo "make $* CI=$CI stdin=$(cat)" >>calls
mkdir -p .pytest_cache
[ -z "$SUMMARY" ] || echo "$SUMMARY" >.pytest_cache/summary.txt
exit "$STATUS"
"""


@pytest.fixture
def checkout(root: Path, tmp_path: Path) -> Path:
    (tmp_path / ".ci").mkdir()
    shutil.copy(root / ".ci/run", tmp_path / ".ci/run")
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(os.path.realpath(found))
    _program(tmp_path, "make", MAKE)
    for name in ("node", "npm"):
        _program(tmp_path, name, "#!/bin/sh\n")
    _program(tmp_path, "id", "#!/bin/sh\necho 0\n")
    _program(tmp_path, "apt-get", '#!/bin/sh\necho "apt-get $*" >>calls\n')
    return tmp_path


def _program(checkout: Path, name: str, text: str) -> None:
    file = checkout / "bin" / name
    file.write_text(text.replace("/usr/bin/env bash", shutil.which("bash") or "bash"), "utf-8")
    file.chmod(0o755)


def _run(checkout: Path, status: int = 0, summary: str = "3 passed, 0 failed") -> tuple[int, str]:
    done = subprocess.run(
        ["bash", ".ci/run"],
        cwd=checkout,
        env={"PATH": str(checkout / "bin"), "STATUS": str(status), "SUMMARY": summary},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def _calls(checkout: Path) -> list[str]:
    return (checkout / "calls").read_text("utf-8").splitlines()


def test_it_runs_make_test_for_ci_without_input(checkout: Path) -> None:
    assert _run(checkout) == (0, "")
    assert _calls(checkout) == ["make --no-print-directory test CI=true stdin="]


def test_after_a_failure_the_counts_come_last(checkout: Path) -> None:
    assert _run(checkout, 2, "  lint FAILED\n3 passed, 1 failed") == (2, "3 passed, 1 failed\n")


def test_a_run_that_never_got_to_the_tests_is_one_failure(checkout: Path) -> None:
    assert _run(checkout, 2, "") == (2, "0 passed, 1 failed\n")


def test_an_old_summary_is_not_taken_for_a_new_one(checkout: Path) -> None:
    _run(checkout)
    assert _run(checkout, 2, "") == (2, "0 passed, 1 failed\n")


def test_root_gets_node_when_it_is_missing(checkout: Path) -> None:
    (checkout / "bin/node").unlink()
    status, _ = _run(checkout)
    assert status == 0
    update, install, _ = _calls(checkout)
    assert update == "apt-get update -qq"
    assert install.endswith("nodejs npm")


def test_others_are_told_that_node_is_missing(checkout: Path) -> None:
    (checkout / "bin/npm").unlink()
    _program(checkout, "id", "#!/bin/sh\necho 1000\n")
    _, told = _run(checkout)
    assert "node or npm is missing" in told
    assert len(_calls(checkout)) == 1


def test_it_can_be_executed(root: Path) -> None:
    for name in (".ci/run", "scripts/setup", "scripts/lock", "scripts/browser"):
        assert os.access(root / name, os.X_OK)
