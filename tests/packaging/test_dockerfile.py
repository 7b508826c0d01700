"""The image: what goes in, who runs it, how it starts and stops."""

import fnmatch
import json
import re
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.main import get_command

from proxy.cli import app
from proxy.settings import Settings

Tool = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def instructions(root: Path) -> list[tuple[str, str]]:
    """Instruction and argument, continuation lines joined."""
    text = (root / "Dockerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    pairs = [line.split(None, 1) for line in joined.splitlines() if line.strip()]
    return [(name, argument.strip()) for name, argument in pairs]


def _all(instructions: list[tuple[str, str]], name: str) -> list[str]:
    return [argument for found, argument in instructions if found == name]


def _last(instructions: list[tuple[str, str]], name: str) -> str:
    return _all(instructions, name)[-1]


def _copied(instructions: list[tuple[str, str]]) -> list[str]:
    """What is copied from the checkout."""
    copies = [c.split() for c in _all(instructions, "COPY") if not c.startswith("--from")]
    return [source for words in copies for source in words[:-1]]


def test_hadolint_finds_nothing(tool: Tool) -> None:
    found = tool("hadolint", "Dockerfile")
    assert found.returncode == 0, found.stdout


def test_everything_that_is_copied_exists_and_reaches_the_build(
    root: Path, instructions: list[tuple[str, str]]
) -> None:
    ignore = (root / ".dockerignore").read_text("utf-8").split("\n")
    let_in = {line[1:] for line in ignore if line.startswith("!")}
    copied = _copied(instructions)
    assert [source for source in copied if not (root / source).exists()] == []
    assert set(copied) == let_in


def test_the_build_sees_only_what_is_named(root: Path) -> None:
    lines = (root / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    for secret in (".env", "data", "data/secret.key", "accounts.toml", ".git", ".venv"):
        assert not any(fnmatch.fnmatch(secret, pattern) for pattern in let_in)
    # Also not from inside a directory that is let in.
    assert {"**/.env*", "**/data", "**/__pycache__"} <= set(rules)


def test_the_entry_point_is_our_console_script_with_a_command_it_has(
    root: Path, instructions: list[tuple[str, str]]
) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
    # JSON lists: no shell between the signal and the server.
    assert json.loads(_last(instructions, "ENTRYPOINT")) == [next(iter(project["scripts"]))]
    command = json.loads(_last(instructions, "CMD"))
    assert command == ["serve"]
    assert command[0] in getattr(get_command(app), "commands", {})


def test_a_production_start_cannot_fall_into_the_demo(root: Path) -> None:
    for name in ("Dockerfile", "docker-compose.yml"):
        text = (root / name).read_text("utf-8")
        assert "demo-without-credentials" not in text


def test_it_listens_where_the_settings_say_and_needs_a_callers_key(
    instructions: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = dict(re.findall(r"(\w+)=(\S+)", _last(instructions, "ENV")))
    port = str(Settings.model_fields["port"].default)
    assert given["PORT"] == _last(instructions, "EXPOSE") == port
    assert json.loads(_last(instructions, "VOLUME")) == [given["DATA_DIR"]]
    for name in ("HOST", "PORT", "DATA_DIR"):
        monkeypatch.setenv(name, given[name])
    with pytest.raises(ValueError, match="set API_SECRET, or ALLOW_ANONYMOUS=1"):
        Settings(_env_file=None)
    monkeypatch.setenv("API_SECRET", "x")
    assert str(Settings(_env_file=None).data_dir) == given["DATA_DIR"]


def test_it_runs_as_nobody_special_and_stops_on_sigterm(
    instructions: list[tuple[str, str]],
) -> None:
    user, group = _last(instructions, "USER").split(":")
    assert int(user) >= 10_000
    assert int(group) >= 10_000
    assert _last(instructions, "STOPSIGNAL") == "SIGTERM"


def test_its_health_check_asks_healthz_without_a_shell(
    instructions: list[tuple[str, str]],
) -> None:
    command = json.loads(_last(instructions, "HEALTHCHECK").split(" CMD ", 1)[1])
    assert command[:2] == ["python", "-c"]
    assert "/healthz" in command[2]
    compile(command[2], "HEALTHCHECK", "exec")


def test_packages_are_installed_with_hashes_only(instructions: list[tuple[str, str]]) -> None:
    steps = [step for run in _all(instructions, "RUN") for step in run.split("&&")]
    installs = [step for step in steps if "pip install" in step or "pip wheel" in step]
    assert len(installs) == 4
    assert [s for s in installs if "--require-hashes" not in s and "--no-deps" not in s] == []


def test_both_stages_stand_on_the_same_python(instructions: list[tuple[str, str]]) -> None:
    first, second = (argument.split()[0] for argument in _all(instructions, "FROM"))
    assert first == second
