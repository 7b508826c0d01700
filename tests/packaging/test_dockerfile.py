"""The images: what goes in, who runs them, how they start and stop."""

import fnmatch
import json
import re
import subprocess
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.main import get_command

from proxy.cli import app
from proxy.settings import Settings
from recaptcha_sidecar.settings import Settings as SidecarSettings

Tool = Callable[..., subprocess.CompletedProcess[str]]
IMAGES = ("server", "sidecar")


@dataclass(frozen=True)
class Stage:
    """One ``FROM`` and what follows it: instruction and argument, continuation lines joined."""

    base: str
    instructions: list[tuple[str, str]]

    def all(self, name: str) -> list[str]:
        """The arguments of every such instruction."""
        return [argument for found, argument in self.instructions if found == name]

    def last(self, name: str) -> str:
        """The one that counts."""
        return self.all(name)[-1]


@pytest.fixture(scope="module")
def stages(root: Path) -> dict[str, Stage]:
    """Every stage by its name; the last one, which has none, is the server's image."""
    text = (root / "Dockerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    joined = "\n".join(lines).replace("\\\n", " ")
    found: dict[str, Stage] = {}
    stage = Stage("", [])
    for line in joined.splitlines():
        if not line.strip():
            continue
        name, argument = line.split(None, 1)
        if name == "FROM":
            base, _, given = argument.partition(" AS ")
            stage = found[given or "server"] = Stage(base, [])
        else:
            stage.instructions.append((name, argument.strip()))
    return found


def _all(stages: dict[str, Stage], name: str) -> list[str]:
    return [argument for stage in stages.values() for argument in stage.all(name)]


def _copied(stages: dict[str, Stage]) -> list[str]:
    """What is copied from the checkout."""
    copies = [c.split() for c in _all(stages, "COPY") if not c.startswith("--from")]
    return [source for words in copies for source in words[:-1]]


def test_hadolint_finds_nothing(tool: Tool) -> None:
    found = tool("hadolint", "Dockerfile")
    assert found.returncode == 0, found.stdout


def test_the_server_is_what_a_plain_build_makes(stages: dict[str, Stage]) -> None:
    assert list(stages)[-1] == "server"
    assert "sidecar" in stages


def test_everything_that_is_copied_exists_and_reaches_the_build(
    root: Path, stages: dict[str, Stage]
) -> None:
    ignore = (root / ".dockerignore").read_text("utf-8").split("\n")
    let_in = {line[1:] for line in ignore if line.startswith("!")}
    copied = _copied(stages)
    assert [source for source in copied if not (root / source).exists()] == []
    assert set(copied) == let_in


def test_every_package_of_the_project_is_in_the_build(root: Path, stages: dict[str, Stage]) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert set(packages) <= set(_copied(stages))


def test_the_build_sees_only_what_is_named(root: Path) -> None:
    lines = (root / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*"
    let_in = {rule[1:] for rule in rules if rule.startswith("!")}
    secrets = (".env", ".env.sidecar", "data", "data/secret.key", "accounts.toml", ".git", ".venv")
    for secret in secrets:
        assert not any(fnmatch.fnmatch(secret, pattern) for pattern in let_in)
    # Also not from inside a directory that is let in.
    assert {"**/.env*", "**/data", "**/__pycache__"} <= set(rules)


def test_the_entry_points_are_our_console_scripts_with_a_command_they_have(
    root: Path, stages: dict[str, Stage]
) -> None:
    scripts = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    # JSON lists: no shell between the signal and the program.
    entries = {image: json.loads(stages[image].last("ENTRYPOINT")) for image in IMAGES}
    assert entries == {"server": ["genspark2api"], "sidecar": ["genspark2api-sidecar"]}
    assert {entry[0] for entry in entries.values()} == set(scripts)
    assert json.loads(stages["server"].last("CMD")) == ["serve"]
    assert "serve" in getattr(get_command(app), "commands", {})
    assert stages["sidecar"].all("CMD") == []


def test_a_production_start_cannot_fall_into_the_demo(root: Path) -> None:
    for name in ("Dockerfile", "docker-compose.yml"):
        text = (root / name).read_text("utf-8")
        assert "demo-without-credentials" not in text


def _environment(stage: Stage) -> dict[str, str]:
    return dict(re.findall(r"(\w+)=(\S+)", stage.last("ENV")))


def test_the_server_listens_where_the_settings_say_and_needs_a_callers_key(
    stages: dict[str, Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = _environment(stages["server"])
    port = str(Settings.model_fields["port"].default)
    assert given["PORT"] == stages["server"].last("EXPOSE") == port
    assert json.loads(stages["server"].last("VOLUME")) == [given["DATA_DIR"]]
    for name in ("HOST", "PORT", "DATA_DIR"):
        monkeypatch.setenv(name, given[name])
    with pytest.raises(ValueError, match="set API_SECRET, or ALLOW_ANONYMOUS=1"):
        Settings(_env_file=None)
    monkeypatch.setenv("API_SECRET", "x")
    assert str(Settings(_env_file=None).data_dir) == given["DATA_DIR"]


def test_the_sidecar_listens_where_its_settings_say_and_needs_a_secret(
    stages: dict[str, Stage], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = _environment(stages["sidecar"])
    port = str(SidecarSettings.model_fields["port"].default)
    assert given["PORT"] == stages["sidecar"].last("EXPOSE") == port
    for name in ("HOST", "PORT", "CHROMIUM_PATH"):
        monkeypatch.setenv(name, given[name])
    with pytest.raises(ValueError, match="can be reached by others: set SIDECAR_SECRET"):
        SidecarSettings(_env_file=None)
    monkeypatch.setenv("SIDECAR_SECRET", "x")
    assert SidecarSettings(_env_file=None).chromium_path == "/usr/bin/chromium"


def test_only_the_sidecar_has_a_browser_and_can_write_where_it_keeps_things(
    stages: dict[str, Stage],
) -> None:
    installs = {name for name, stage in stages.items() if "apt-get" in " ".join(stage.all("RUN"))}
    assert installs == {"sidecar"}
    assert "--no-install-recommends chromium " in stages["sidecar"].last("RUN")
    # The root file system is read-only in Compose; /tmp is not.
    assert _environment(stages["sidecar"])["HOME"] == "/tmp"


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_runs_as_nobody_special_and_stops_on_sigterm(
    stages: dict[str, Stage], image: str
) -> None:
    user, group = stages[image].last("USER").split(":")
    assert int(user) >= 10_000
    assert int(group) >= 10_000
    assert stages[image].last("STOPSIGNAL") == "SIGTERM"


@pytest.mark.parametrize("image", IMAGES)
def test_its_health_check_asks_healthz_without_a_shell(
    stages: dict[str, Stage], image: str
) -> None:
    command = json.loads(stages[image].last("HEALTHCHECK").split(" CMD ", 1)[1])
    assert command[:2] == ["python", "-c"]
    assert "/healthz" in command[2]
    compile(command[2], "HEALTHCHECK", "exec")


def test_packages_are_installed_with_hashes_only(stages: dict[str, Stage]) -> None:
    steps = [step for run in _all(stages, "RUN") for step in run.split("&&")]
    installs = [step for step in steps if "pip install" in step or "pip wheel" in step]
    assert len(installs) == 6
    assert [s for s in installs if "--require-hashes" not in s and "--no-deps" not in s] == []


@pytest.mark.parametrize(("image", "lock"), [("server", "runtime"), ("sidecar", "sidecar")])
def test_each_image_gets_the_packages_of_its_own_lock(
    stages: dict[str, Stage], image: str, lock: str
) -> None:
    [copied] = [c for c in stages[image].all("COPY") if c.startswith("--from=")]
    source = copied.removeprefix("--from=").split()[0]
    assert f"-r requirements-{lock}.lock" in " ".join(stages[source].all("RUN"))


def test_all_stages_stand_on_the_same_python(stages: dict[str, Stage]) -> None:
    assert len({stage.base for stage in stages.values()} - set(stages)) == 1
