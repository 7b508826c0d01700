"""What must hold for every file: no traces of a machine, no registry, one version."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import proxy

# Put together from pieces, or this file would find itself.
_ANY_URL = r"https?:" + r"//[^\s\"'<>)]*"
TRACES = {
    "a package index": _ANY_URL + r"/simp" + r"le\b",
    "an index option": r"(?<!\w)--?(?:extra-)?inde" + r"x-url",
    "PyPI's address": r"(?:pyp" + r"i\.org|files\.pythonhos" + r"ted)",
    "npm's address": r"registry\.npm" + r"js|registry\.yarn" + r"pkg",
    "a resolved address in a lock": r"\"resol" + r"ved\": *\"https?:",
    "a registry setting": r"(?i)regis" + r"try *= *\"?https?:",
    "somebody's home": r"(?<![\w.])/(?:ho" + r"me|Use" + r"rs)/[a-z]\w*|/ro" + r"ot/",
}


@pytest.fixture(scope="module")
def texts(root: Path, files: list[str]) -> dict[str, str]:
    """All text files."""
    found = {}
    for name in files:
        data = (root / name).read_bytes()
        if b"\0" not in data:
            found[name] = data.decode("utf-8")
    return found


@pytest.mark.parametrize("what", TRACES)
def test_no_file_holds(what: str, texts: dict[str, str]) -> None:
    pattern = re.compile(TRACES[what])
    assert [(name, m[0]) for name, text in texts.items() for m in pattern.finditer(text)] == []


def test_no_file_names_the_place_of_this_checkout(root: Path, texts: dict[str, str]) -> None:
    # A checkout directly under / has no telling path.
    places = [str(place) + "/" for place in (root, root.parent) if len(place.parts) > 1]
    assert [n for n, text in texts.items() if any(place in text for place in places)] == []


@pytest.mark.parametrize(
    "pattern", [r"\.env$", r"\.env\.sidecar$", r"secret\.key$", r"\.db$", r"^data/", r"\.log$"]
)
def test_no_data_and_no_secrets_are_in_the_repository(pattern: str, files: list[str]) -> None:
    assert [name for name in files if re.search(pattern, name)] == []


@pytest.mark.parametrize("name", [".env", ".env.sidecar", "data/secret.key"])
def test_git_leaves_them_alone(root: Path, name: str) -> None:
    git = ["git", "-c", "safe.directory=*", "check-ignore", "-q", name]
    assert subprocess.run(git, cwd=root, check=False).returncode == 0


def test_one_version_everywhere(root: Path, texts: dict[str, str]) -> None:
    project = tomllib.loads(texts["pyproject.toml"])["project"]
    newest = re.search(r"^## (\d\S*)", texts["CHANGELOG.md"], re.MULTILINE)
    labels = re.findall(r"image\.version=\"([^\"]+)\"", texts["Dockerfile"])
    assert newest is not None
    assert len(labels) == 2
    assert {project["version"], newest[1], *labels} == {proxy.__version__}


def test_the_licence_is_the_one_that_is_declared(texts: dict[str, str]) -> None:
    project = tomllib.loads(texts["pyproject.toml"])["project"]
    assert project["license"] == "MIT"
    assert texts["LICENSE"].startswith("MIT License")
    assert "genspark2api contributors" in texts["LICENSE"]
