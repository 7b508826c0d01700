"""scripts/checks.py: all steps run, one summary, and in CI no required test is skipped."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

REPORT = """<testsuites><testsuite>
<testcase classname="tests.a" name="one"/>
<testcase classname="tests.a" name="two"/>
<testcase classname="tests.a" name="three"><failure message="x"/></testcase>
<testcase classname="tests.a" name="four"><error message="x"/></testcase>
<testcase classname="tests.a" name="five"><skipped type="pytest.xfail" message="known"/></testcase>
{skips}
</testsuite></testsuites>"""
SKIPPED = (
    '<testcase classname="tests.a" name="six"><skipped type="pytest.skip" message="no node"/>'
    "</testcase>"
)
OPTIONAL = (
    '<testcase classname="tests.a" name="seven"><properties><property name="optional" value="1"/>'
    '</properties><skipped type="pytest.skip" message="no Redis"/></testcase>'
)


@pytest.fixture(scope="module")
def checks(script: Callable[[str], SimpleNamespace]) -> Any:
    return script("checks")


@pytest.fixture
def report(tmp_path: Path) -> Callable[[str], Path]:
    def write(skips: str = "") -> Path:
        file = tmp_path / "junit.xml"
        file.write_text(REPORT.format(skips=skips), "utf-8")
        return file

    return write


GOOD = {"format": True, "lint": True, "types": True, "contracts": True, "tests": True}


def test_results_are_counted(checks: Any, report: Callable[[str], Path]) -> None:
    counts = checks.count(report(SKIPPED + OPTIONAL))
    assert (counts.passed, counts.failed, counts.optional) == (3, 2, 1)
    assert counts.skipped == ["tests.a::six: no node"]


@pytest.mark.parametrize("text", ["", "<testsuites>"])
def test_a_report_that_is_missing_or_torn_is_no_result(
    checks: Any, tmp_path: Path, text: str
) -> None:
    file = tmp_path / "junit.xml"
    assert checks.count(file) is None
    file.write_text(text, "utf-8")
    assert checks.count(file) is None


def test_all_well(checks: Any) -> None:
    lines, good = checks.summary(GOOD, checks.Counts(passed=12), strict=True)
    assert good
    assert [line.split() for line in lines[:5]] == [
        ["format", "ok"],
        ["lint", "ok"],
        ["types", "ok"],
        ["contracts", "ok"],
        ["tests", "ok", "12", "passed,", "0", "failed"],
    ]
    assert lines[-1] == "12 passed, 0 failed"


def test_failed_tests_are_counted_once(checks: Any) -> None:
    counts = checks.Counts(passed=10, failed=2)
    lines, good = checks.summary({**GOOD, "tests": False}, counts, strict=False)
    assert not good
    assert lines[-1] == "10 passed, 2 failed"


def test_a_failed_step_counts_as_a_failure(checks: Any) -> None:
    lines, good = checks.summary({**GOOD, "lint": False}, checks.Counts(passed=10), strict=False)
    assert not good
    assert lines[1].split() == ["lint", "FAILED"]
    assert lines[-1] == "10 passed, 1 failed"


def test_in_ci_a_skipped_test_is_a_failure_and_is_named(checks: Any) -> None:
    counts = checks.Counts(passed=10, skipped=["tests.a::six: no node"])
    lines, good = checks.summary(GOOD, counts, strict=True)
    assert not good
    assert "  skipped, but required here: tests.a::six: no node" in lines
    assert lines[4].split()[:2] == ["tests", "FAILED"]
    assert lines[-1] == "10 passed, 1 failed"


def test_elsewhere_it_is_only_counted(checks: Any) -> None:
    counts = checks.Counts(passed=10, skipped=["tests.a::six: no node"], optional=2)
    lines, good = checks.summary(GOOD, counts, strict=False)
    assert good
    assert lines[4].endswith("10 passed, 0 failed, 1 skipped, 2 optional skipped")


def test_optional_tests_may_be_skipped_everywhere(checks: Any) -> None:
    _, good = checks.summary(GOOD, checks.Counts(passed=10, optional=2), strict=True)
    assert good


def test_tests_that_never_reported_are_a_failure(checks: Any) -> None:
    lines, good = checks.summary({**GOOD, "tests": False}, None, strict=False)
    assert not good
    assert lines[-1] == "0 passed, 1 failed"


def test_checks_alone_say_nothing_about_tests(checks: Any) -> None:
    lines, good = checks.summary({"format": True, "lint": False}, None, strict=True)
    assert not good
    assert [line.split() for line in lines] == [["format", "ok"], ["lint", "FAILED"]]


def test_the_report_of_a_real_run_knows_optional_tests(
    checks: Any, root: Path, tmp_path: Path
) -> None:
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = optional: x\n", "utf-8")
    (tmp_path / "test_some.py").write_text(
        "import pytest\n"
        "def test_well(): pass\n"
        "def test_skipped(): pytest.skip('no node')\n"
        "@pytest.mark.optional\n"
        "def test_optional(): pytest.skip('no Redis')\n",
        "utf-8",
    )
    program = [sys.executable, str(root / "scripts/tests.py"), "-q", "-n", "1"]
    subprocess.run([*program, "--junit-xml=junit.xml"], cwd=tmp_path, check=True, timeout=50)
    counts = checks.count(tmp_path / "junit.xml")
    assert (counts.passed, counts.failed, counts.optional) == (1, 0, 1)
    assert [test.rpartition("::")[2] for test in counts.skipped] == ["test_skipped: no node"]
