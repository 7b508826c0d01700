"""The lock files: everything with hashes, and all of them of one mind."""

import re
import tomllib
from pathlib import Path

import pytest

LOCKS = [
    "requirements.lock",
    "requirements-runtime.lock",
    "requirements-sidecar.lock",
    "requirements-setup.lock",
]
Lock = dict[str, tuple[str, ...]]


def _read(path: Path) -> Lock:
    """Each requirement line (name, version, marker) with its hashes."""
    found: dict[str, list[str]] = {}
    current = ""
    for line in path.read_text("utf-8").splitlines():
        if line and not line.startswith((" ", "#")):
            current = line.rstrip(" \\")
            found[current] = []
        elif "--hash=" in line:
            found[current].append(line.strip().rstrip(" \\"))
    return {requirement: tuple(hashes) for requirement, hashes in found.items()}


def _names(lock: Lock) -> set[str]:
    return {re.split(r"[=\[ ]", requirement)[0] for requirement in lock}


@pytest.fixture(scope="module")
def locks(root: Path) -> dict[str, Lock]:
    return {name: _read(root / name) for name in LOCKS}


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_is_pinned_with_hashes(locks: dict[str, Lock], name: str) -> None:
    assert locks[name]
    assert [line for line, hashes in locks[name].items() if "==" not in line or not hashes] == []


@pytest.mark.parametrize("name", LOCKS[1:])
def test_the_small_locks_agree_with_the_large_one(locks: dict[str, Lock], name: str) -> None:
    whole = {line.split(" ;")[0]: hashes for line, hashes in locks["requirements.lock"].items()}
    small = {line.split(" ;")[0]: hashes for line, hashes in locks[name].items()}
    # uv installs; it is no part of what is installed.
    differing = {
        line: hashes
        for line, hashes in small.items()
        if whole.get(line) != hashes and not line.startswith("uv==")
    }
    assert list(differing) == [], "run: make lock"


@pytest.mark.parametrize("extra", [None, "sidecar"])
def test_an_image_gets_all_that_its_program_needs_and_no_tools(
    root: Path, locks: dict[str, Lock], extra: str | None
) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    more = project["optional-dependencies"][extra] if extra else []
    wanted = {re.split(r"[\[><=; ]", line)[0] for line in [*project["dependencies"], *more]}
    packages = _names(locks[f"requirements-{extra or 'runtime'}.lock"])
    assert wanted <= packages
    assert not {"pytest", "mypy", "ruff", "hypothesis", "uv", "hatchling"} & packages


def test_the_server_s_image_has_no_use_for_a_browser(locks: dict[str, Lock]) -> None:
    assert "playwright" not in _names(locks["requirements-runtime.lock"])


def test_set_up_has_what_builds_and_installs(root: Path, locks: dict[str, Lock]) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    builders = {line.split(">=")[0] for line in project["build-system"]["requires"]}
    setup = _names(locks["requirements-setup.lock"])
    assert builders | {"uv"} <= setup
    # Without uv, plain pip finds the builders in the large lock.
    assert builders <= _names(locks["requirements.lock"])
