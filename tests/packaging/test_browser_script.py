"""scripts/browser on machines of every kind, played by small stand-ins for browsers and apt."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

# All that the script may rely on besides .venv.
TOOLS = ("sh", "cat", "cp", "dirname", "grep", "head", "mkdir")

BROWSER = '#!/bin/sh\n[ "$*" = --version ] && echo Chromium 1\n'
BROKEN = "#!/bin/sh\necho 'error while loading shared libraries: libnss3.so' >&2\nexit 127\n"
ID = '#!/bin/sh\necho "$USER_ID"\n'
# Asked where Playwright keeps its browser; what it would run stays unread.
PYTHON = '#!/bin/sh\ncat >/dev/null\necho "$MACHINE/cache/chrome"\n'
PLAYWRIGHT = """#!/bin/sh
echo "playwright $*" >>"$MACHINE/calls"
case "$*" in
"install chromium")
    [ -e "$MACHINE/download" ] || { echo "Error: no route" >&2; exit 1; }
    mkdir -p "$MACHINE/cache"
    cp "$MACHINE/download" "$MACHINE/cache/chrome" ;;
"install-deps chromium") [ ! -e "$MACHINE/whole" ] || cp "$MACHINE/whole" "$MACHINE/cache/chrome" ;;
esac
"""
APT = """#!/bin/sh
echo "apt-get $*" >>"$MACHINE/calls"
case "$*" in
install*) [ -e "$MACHINE/package" ] && cp "$MACHINE/package" "$MACHINE/bin/chromium" ;;
esac
"""


@dataclass
class Machine:
    """A machine with nothing but what a test gives it, and a checkout that is set up."""

    folder: Path
    checkout: Path
    user: int = 1000

    def file(self, name: str, text: str) -> Path:
        """A program somewhere on the machine."""
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, "utf-8")
        file.chmod(0o755)
        return file

    def browser(self, **given: str) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        (self.folder / "calls").write_text("", "utf-8")
        environment = {"PATH": str(self.folder / "bin"), "MACHINE": str(self.folder)}
        return subprocess.run(
            ["sh", "scripts/browser"],
            cwd=self.checkout,
            env={**environment, "USER_ID": str(self.user), **given},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    @property
    def calls(self) -> list[str]:
        """What was downloaded or installed."""
        return (self.folder / "calls").read_text("utf-8").splitlines()


@pytest.fixture
def machine(root: Path, tmp_path: Path) -> Machine:
    checkout = tmp_path / "check out"  # a path with a space, as on many laptops
    (checkout / "scripts").mkdir(parents=True)
    shutil.copy(root / "scripts/browser", checkout / "scripts/browser")
    machine = Machine(tmp_path, checkout)
    machine.file("bin/id", ID)
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(os.path.realpath(found))
    (checkout / ".venv/bin").mkdir(parents=True)
    for name, text in {"python": PYTHON, "playwright": PLAYWRIGHT}.items():
        (checkout / ".venv/bin" / name).write_text(text, "utf-8")
        (checkout / ".venv/bin" / name).chmod(0o755)
    return machine


def test_the_named_one_is_taken(machine: Machine) -> None:
    machine.file("bin/chromium", BROWSER)
    named = machine.file("opt/my chrome", BROWSER)
    done = machine.browser(CHROMIUM_PATH=str(named))
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{named}\n", "")


@pytest.mark.parametrize(
    ("text", "why"), [(None, "there is no such program"), (BROKEN, "libnss3.so")]
)
def test_a_named_one_that_does_not_start_is_not_replaced(
    machine: Machine, text: str | None, why: str
) -> None:
    machine.file("bin/chromium", BROWSER)
    named = machine.folder / "opt/chrome"
    if text is not None:
        machine.file("opt/chrome", text)
    done = machine.browser(CHROMIUM_PATH=str(named))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"CHROMIUM_PATH={named} does not start: " in done.stderr
    assert why in done.stderr


@pytest.mark.parametrize("name", ["chromium", "chromium-browser", "google-chrome"])
def test_one_on_the_path_is_found_and_nothing_is_fetched(machine: Machine, name: str) -> None:
    found = machine.file(f"bin/{name}", BROWSER)
    done = machine.browser()
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{found}\n", "")
    assert machine.calls == []


def test_a_stub_on_the_path_is_passed_over(machine: Machine) -> None:
    machine.file("bin/chromium-browser", "#!/bin/sh\necho 'requires the snap' >&2\nexit 1\n")
    found = machine.file("bin/google-chrome", BROWSER)
    assert machine.browser().stdout == f"{found}\n"


def test_else_playwrights_own_is_downloaded_once(machine: Machine) -> None:
    machine.file("download", BROWSER)
    done = machine.browser()
    assert (done.returncode, done.stdout) == (0, f"{machine.folder}/cache/chrome\n")
    assert machine.calls == ["playwright install chromium"]
    again = machine.browser()
    assert (again.stdout, again.stderr) == (done.stdout, "")
    assert machine.calls == []


def test_root_also_gets_the_libraries_that_it_needs(machine: Machine) -> None:
    machine.user = 0
    machine.file("bin/apt-get", APT)
    machine.file("download", BROKEN)
    machine.file("whole", BROWSER)
    done = machine.browser()
    assert (done.returncode, done.stdout) == (0, f"{machine.folder}/cache/chrome\n")
    assert machine.calls == ["playwright install chromium", "playwright install-deps chromium"]


def test_where_nothing_can_be_downloaded_root_gets_the_package(machine: Machine) -> None:
    machine.user = 0
    machine.file("bin/apt-get", APT)
    machine.file("package", BROWSER)
    done = machine.browser()
    assert (done.returncode, done.stdout) == (0, f"{machine.folder}/bin/chromium\n")
    download, update, install = machine.calls
    assert download == "playwright install chromium"
    assert update == "apt-get update -qq"
    assert install.endswith("--no-install-recommends chromium")


def test_others_are_told_what_is_missing_and_what_to_do(machine: Machine) -> None:
    machine.file("bin/apt-get", APT)
    machine.file("download", BROKEN)
    done = machine.browser()
    assert (done.returncode, done.stdout) == (1, "")
    assert "does not start: error while loading shared libraries: libnss3.so" in done.stderr
    assert "apt-get install chromium" in done.stderr
    assert "CHROMIUM_PATH=" in done.stderr
    assert machine.calls == ["playwright install chromium"]


def test_what_hindered_the_download_is_shown(machine: Machine) -> None:
    done = machine.browser()
    assert done.returncode == 1
    assert "could not be downloaded: Error: no route" in done.stderr


def test_root_without_apt_is_told_too(machine: Machine) -> None:
    machine.user = 0
    done = machine.browser()
    assert done.returncode == 1
    assert "none could be had" in done.stderr


def test_before_the_set_up_a_browser_on_the_path_still_does(machine: Machine) -> None:
    shutil.rmtree(machine.checkout / ".venv")
    done = machine.browser()
    assert done.returncode == 1
    assert "make setup" in done.stderr
    found = machine.file("bin/chromium", BROWSER)
    assert machine.browser().stdout == f"{found}\n"
