"""The commands: all there, all listed, each with its own set-up."""

import re
import subprocess
from pathlib import Path

import pytest

COMMANDS = {
    "help", "setup", "run", "sidecar", "test", "check", "bench", "bench-sidecar", "bench-jobs",
    "soak", "format", "lock", "docs", "clean",
}  # fmt: skip


@pytest.fixture(scope="module")
def targets(root: Path) -> dict[str, str]:
    """Each target with what it depends on."""
    text = (root / "Makefile").read_text("utf-8")
    return dict(re.findall(r"^([a-z-]+):([^#=\n]*)", text, re.MULTILINE))


def _make(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_the_commands_are_these(targets: dict[str, str]) -> None:
    assert set(targets) == COMMANDS


def test_help_is_the_default_and_lists_all(root: Path, targets: dict[str, str]) -> None:
    listed = re.findall(r"^  make ([a-z-]+) +\S", _make(root), re.MULTILINE)
    assert sorted(listed) == sorted(targets)
    assert _make(root) == _make(root, "help")


@pytest.mark.parametrize("name", sorted(COMMANDS - {"help", "setup", "clean"}))
def test_a_command_sets_itself_up(targets: dict[str, str], name: str) -> None:
    assert targets[name].split() == ["setup"]


def test_no_file_can_hide_a_command(root: Path, targets: dict[str, str]) -> None:
    phony = re.search(r"^\.PHONY: (.*)$", (root / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert phony is not None
    assert set(phony[1].split()) == set(targets)


def test_run_serves_and_falls_back_to_the_demo(root: Path) -> None:
    last = _make(root, "-n", "run").splitlines()[-1]
    assert last.endswith(".venv/bin/genspark2api serve --demo-without-credentials")


@pytest.mark.parametrize(
    ("name", "module"),
    [("bench", "bench"), ("bench-sidecar", "bench.sidecar"), ("bench-jobs", "bench.jobs")],
)
def test_benches_pass_options_on(root: Path, name: str, module: str) -> None:
    last = _make(root, "-n", name, "BENCH=--quick").splitlines()[-1]
    assert last.endswith(f".venv/bin/python -m {module} --quick")


def test_whatever_needs_a_browser_gets_one_and_serving_needs_none(
    root: Path, targets: dict[str, str]
) -> None:
    planned = {name: _make(root, "-n", name) for name in targets}
    asking = {name for name, steps in planned.items() if "scripts/browser" in steps}
    assert asking == {"test", "sidecar", "bench-sidecar", "soak"}
    assert all("CHROMIUM_PATH=" in planned[name] for name in asking)


def test_the_sidecar_is_started_by_its_console_script(root: Path) -> None:
    assert _make(root, "-n", "sidecar").rstrip().endswith(" exec .venv/bin/genspark2api-sidecar")


def test_clean_leaves_data_and_settings_alone(root: Path) -> None:
    removed = _make(root, "-n", "clean").split()
    assert not {"data", "data/", ".env", "."} & set(removed) - {"."}
    assert ".venv" in removed
