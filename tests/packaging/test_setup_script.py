"""scripts/setup on machines of every kind, played by small stand-ins for Python and apt."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

# All that the script may rely on besides Python.
TOOLS = ("sh", "cat", "cksum", "dirname", "rm", "mkdir", "cp", "touch")

# A stand-in for an interpreter: it notes its calls, and `-m venv` makes a .venv of stand-ins.
PYTHON = """#!/bin/sh
echo "{name} $*" >>"$MACHINE/calls"
case "$*" in
"-c import sys;"*) echo {version} ;;
"-c import ensurepip, venv") [ -e "$MACHINE/{name}-has-venv" ] ;;
-V) echo "Python {version}" ;;
"-m venv"*)
    mkdir -p .venv/bin
    for program in python pip; do cp "$MACHINE/inner" ".venv/bin/$program"; done
    echo {version} >.venv/version ;;
esac
"""
INNER = """#!/bin/sh
echo "inner $*" >>"$MACHINE/calls"
case "$*" in
"-c import sys;"*) cat .venv/version ;;
*requirements-setup.lock) [ ! -e "$MACHINE/no-uv" ] ;;
*requirements.lock) [ ! -e "$MACHINE/no-packages" ] ;;
esac
"""
ID = '#!/bin/sh\necho "$USER_ID"\n'
APT = """#!/bin/sh
echo "apt-get $*" >>"$MACHINE/calls"
case "$*" in install*) touch "$MACHINE/python3-has-venv" ;; esac
"""


@dataclass
class Machine:
    """A machine with nothing but what a test gives it, and a checkout."""

    folder: Path
    checkout: Path
    user: int = 1000

    def program(self, name: str, text: str) -> None:
        """Put a program on the path."""
        file = self.folder / "bin" / name
        file.write_text(text, "utf-8")
        file.chmod(0o755)

    def python(self, name: str, version: int, *, venv: bool = True) -> None:
        """Put a Python on the path; ``version`` as 311 for 3.11."""
        self.program(name, PYTHON.format(name=name, version=version))
        if venv:
            self.has(f"{name}-has-venv")

    def has(self, fact: str) -> None:
        """Make one of the facts true that the stand-ins look at."""
        (self.folder / fact).touch()

    def setup(self, **given: str) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        (self.folder / "calls").write_text("", "utf-8")
        environment = {"PATH": str(self.folder / "bin"), "MACHINE": str(self.folder)}
        return subprocess.run(
            ["sh", "scripts/setup"],
            cwd=self.checkout,
            env={**environment, "USER_ID": str(self.user), **given},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def calls(self, start: str = "") -> list[str]:
        """What the stand-ins were called with."""
        lines = (self.folder / "calls").read_text("utf-8").splitlines()
        return [line for line in lines if line.startswith(start)]


@pytest.fixture
def machine(root: Path, tmp_path: Path) -> Machine:
    checkout = tmp_path / "check out"  # a path with a space, as on many laptops
    (checkout / "scripts").mkdir(parents=True)
    shutil.copy(root / "scripts/setup", checkout / "scripts/setup")
    for name in ("requirements.lock", "requirements-setup.lock", "pyproject.toml"):
        (checkout / name).write_text(name, "utf-8")
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (bin_folder / tool).symlink_to(os.path.realpath(found))
    machine = Machine(tmp_path, checkout)
    machine.program("id", ID)
    inner = tmp_path / "inner"
    inner.write_text(INNER, "utf-8")
    inner.chmod(0o755)
    return machine


def test_the_newest_python_that_works_is_taken(machine: Machine) -> None:
    machine.python("python3", 311)
    machine.program("python3.14", "#!/bin/sh\nexit 127\n")  # a shim without a version behind it
    machine.python("python3.13", 313)
    machine.python("python3.12", 312)
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    assert len(machine.calls("python3.13 -m venv --clear .venv")) == 1


def test_among_equals_plain_python3_is_taken(machine: Machine) -> None:
    machine.python("python3", 312)
    machine.python("python3.12", 312)
    assert machine.setup().returncode == 0
    assert len(machine.calls("python3 -m venv")) == 1


def test_the_caller_may_name_another(machine: Machine) -> None:
    machine.python("python3", 314)
    machine.python("my-python", 311)
    assert machine.setup(PYTHON="my-python").returncode == 0
    assert len(machine.calls("my-python -m venv")) == 1


def test_naming_another_version_later_makes_the_environment_anew(machine: Machine) -> None:
    machine.python("python3", 311)
    machine.python("my-python", 313)
    machine.setup()
    assert machine.setup(PYTHON="my-python").returncode == 0
    assert len(machine.calls("my-python -m venv --clear .venv")) == 1
    assert machine.setup(PYTHON="my-python").stdout == ""
    assert machine.setup().stdout == ""


@pytest.mark.parametrize("versions", [{}, {"python3": 310}, {"python3": 309, "python3.11": 310}])
def test_without_a_new_enough_python_it_says_so(machine: Machine, versions: dict[str, int]) -> None:
    for name, version in versions.items():
        machine.python(name, version)
    done = machine.setup()
    assert done.returncode == 1
    assert "no Python 3.11 or newer found" in done.stderr
    assert "make setup PYTHON=" in done.stderr


def test_packages_come_with_hashes_and_the_project_without_dependencies(machine: Machine) -> None:
    machine.python("python3", 311)
    assert machine.setup().returncode == 0
    installs = [call for call in machine.calls("inner") if " install " in call]
    by_pip, packages, project = installs
    assert by_pip.endswith("--require-hashes -r requirements-setup.lock")
    assert "-m uv pip install" in packages
    assert packages.endswith("--require-hashes -r requirements.lock")
    assert project.endswith("--no-deps --no-build-isolation --editable .")


def test_a_second_time_nothing_is_done(machine: Machine) -> None:
    machine.python("python3", 311)
    assert machine.setup().returncode == 0
    again = machine.setup()
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    assert machine.calls() == ["inner -c "]


@pytest.mark.parametrize("name", ["requirements.lock", "pyproject.toml", "scripts/setup"])
def test_a_change_is_installed_into_the_same_environment(machine: Machine, name: str) -> None:
    machine.python("python3", 311)
    machine.setup()
    with (machine.checkout / name).open("a") as file:
        file.write("# changed\n")
    assert machine.setup().returncode == 0
    assert machine.calls("python3") == []
    assert len([call for call in machine.calls("inner") if " install " in call]) == 3


def test_an_environment_that_does_not_start_is_made_anew(machine: Machine) -> None:
    machine.python("python3", 311)
    machine.setup()
    for name in ("python", "pip"):
        (machine.checkout / ".venv/bin" / name).write_text("#!/nowhere/python\n", "utf-8")
    assert machine.setup().returncode == 0
    assert len(machine.calls("python3 -m venv --clear .venv")) == 1


def test_where_uv_cannot_be_had_pip_does_it(machine: Machine) -> None:
    machine.python("python3", 311)
    machine.has("no-uv")
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    packages, project = [call for call in machine.calls("inner") if " install " in call][1:]
    assert "-m pip install" in packages
    assert packages.endswith("--require-hashes -r requirements.lock")
    assert project.endswith("--no-deps --no-build-isolation --editable .")


def test_a_failed_installation_is_not_taken_for_done(machine: Machine) -> None:
    machine.python("python3", 311)
    machine.has("no-packages")
    done = machine.setup()
    assert done.returncode == 1
    assert "could not be installed" in done.stderr
    (machine.folder / "no-packages").unlink()
    assert "ready" in machine.setup().stdout


def test_an_older_python_that_can_make_environments_is_preferred(machine: Machine) -> None:
    machine.python("python3.13", 313, venv=False)
    machine.python("python3.11", 311)
    assert machine.setup().returncode == 0
    assert len(machine.calls("python3.11 -m venv")) == 1


def test_root_gets_the_missing_venv_module_from_apt(machine: Machine) -> None:
    machine.user = 0
    machine.python("python3", 311, venv=False)
    machine.program("apt-get", APT)
    done = machine.setup()
    assert done.returncode == 0, done.stderr
    [install] = machine.calls("apt-get install")
    assert install.endswith("python3.11-venv")


@pytest.mark.parametrize("has_apt", [True, False])
def test_others_are_told_which_package_is_missing(machine: Machine, has_apt: bool) -> None:
    machine.python("python3", 312, venv=False)
    if has_apt:
        machine.program("apt-get", APT)
    done = machine.setup()
    assert done.returncode == 1
    assert "apt-get install python3.12-venv" in done.stderr
    assert machine.calls("apt-get") == []
