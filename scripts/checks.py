"""Run the project's checks, all of them, and end with one plain summary.

With ``CI`` set a skipped test counts as failed, unless it is marked ``optional``: there, everything
a test needs must be present. The summary is kept in ``.pytest_cache`` for ``.ci/run``.
"""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPORT = Path(".pytest_cache/junit.xml")
SUMMARY = Path(".pytest_cache/summary.txt")

CHECKS: dict[str, list[list[str]]] = {
    "format": [["ruff", "format", "--check", "."]],
    "lint": [["ruff", "check", "."]],
    "types": [["mypy"], ["mypy", "scripts"]],
    "contracts": [["lint-imports"]],
}
# Two workers: the usual small CI machine, and a laptop that is also used for something else.
TESTS = ["python", "scripts/tests.py", "-n", "2", f"--junit-xml={REPORT}"]


@dataclass(slots=True)
class Counts:
    """What the tests' report says; each of ``skipped`` is a required test with its reason."""

    passed: int = 0
    failed: int = 0
    skipped: list[str] = field(default_factory=list)
    optional: int = 0

    def __str__(self) -> str:
        skipped = f", {len(self.skipped)} skipped" if self.skipped else ""
        optional = f", {self.optional} optional skipped" if self.optional else ""
        return f"{self.passed} passed, {self.failed} failed{skipped}{optional}"


def main(arguments: list[str]) -> int:
    """The exit status: 0 when every step is well."""
    os.chdir(ROOT)
    steps = {name: all(run(command) for command in c) for name, c in CHECKS.items()}
    counts = None
    if "--without-tests" not in arguments:
        REPORT.unlink(missing_ok=True)
        steps["tests"] = run(TESTS)
        counts = count(REPORT)
    lines, good = summary(steps, counts, strict=bool(os.environ.get("CI")))
    SUMMARY.parent.mkdir(exist_ok=True)
    SUMMARY.write_text("\n".join(lines) + "\n", "utf-8")
    show("\nSummary", *lines)
    return 0 if good else 1


def run(command: list[str]) -> bool:
    """One command of ours; its output goes where ours goes."""
    show(f"\n$ {' '.join(command)}")
    program = Path(sys.executable).parent / command[0]
    return subprocess.run([program, *command[1:]], check=False).returncode == 0  # noqa: S603


def count(report: Path) -> Counts | None:
    """Read a JUnit report; None when the test run did not get as far as writing one."""
    try:
        root = ET.parse(report).getroot()  # noqa: S314 (written by our own pytest)
    except (OSError, ET.ParseError):
        return None
    counts = Counts()
    for case in root.iter("testcase"):
        skips = [s for s in case.iter("skipped") if s.get("type") != "pytest.xfail"]
        if case.find("failure") is not None or case.find("error") is not None:
            counts.failed += 1
        elif skips and case.find("properties/property[@name='optional']") is not None:
            counts.optional += 1
        elif skips:
            name = f"{case.get('classname')}::{case.get('name')}"
            counts.skipped.append(f"{name}: {skips[0].get('message')}")
        else:
            counts.passed += 1
    return counts


def summary(
    steps: dict[str, bool], counts: Counts | None, *, strict: bool
) -> tuple[list[str], bool]:
    """The summary's lines and whether all is well; ``strict`` counts skipped tests as failed."""
    told = "tests" in steps
    skipped = counts.skipped if counts and strict else []
    good = all(steps.values()) and not skipped and not (told and counts is None)
    lines = list(_lines(steps, counts, skipped))
    if told:
        passed, failed = (counts.passed, counts.failed + len(skipped)) if counts else (0, 0)
        # A step that failed without a failed test to show for it is one failure too.
        others = sum(not well for name, well in steps.items() if name != "tests" or not failed)
        lines.append(f"{passed} passed, {failed + others} failed")
    return lines, good


def _lines(steps: dict[str, bool], counts: Counts | None, skipped: list[str]) -> Iterator[str]:
    for name, well in steps.items():
        is_tests = name == "tests"
        word = "ok" if well and not (is_tests and skipped) else "FAILED"
        yield f"  {name:10} {word:7} {(counts or 'no report') if is_tests else ''}".rstrip()
    for test in skipped:
        yield f"  skipped, but required here: {test}"


def show(*lines: str) -> None:
    """To standard output at once: the commands' own output must not overtake it."""
    print(*lines, sep="\n", flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
