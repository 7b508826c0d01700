"""pytest; its report also says which tests are marked ``optional``, for ``checks.py`` to read."""

import sys

import pytest


class MarksInReport:
    """JUnit reports carry properties, not markers."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Runs in the main process, also when workers run the tests."""
        optional = ("optional", "1")
        if "optional" in report.keywords and optional not in report.user_properties:
            report.user_properties.append(optional)


if __name__ == "__main__":
    sys.exit(pytest.main(sys.argv[1:], [MarksInReport()]))
