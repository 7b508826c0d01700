"""What the tests of the surroundings share: the checkout, its files, its scripts."""

import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout."""
    return ROOT


@pytest.fixture(scope="session")
def files() -> list[str]:
    """Every file that is, or with the next commit will be, in the repository."""
    # In a container the checkout may belong to somebody else, which git would refuse.
    git = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
    listed = subprocess.run(
        [*git, "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return sorted(name for name in set(listed.stdout.split("\0")) if (ROOT / name).is_file())


@pytest.fixture(scope="session")
def script() -> Callable[[str], SimpleNamespace]:
    """Loads a file of ``scripts/``, which is no package."""
    return lambda name: SimpleNamespace(**runpy.run_path(str(ROOT / f"scripts/{name}.py")))


@pytest.fixture(scope="session")
def tool() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs a program of the virtual environment on files of the checkout."""

    def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        program = Path(sys.executable).with_name(name)
        assert program.exists(), f"{name} is not installed: make setup"
        return subprocess.run(
            [program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False
        )

    return run
