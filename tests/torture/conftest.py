"""Bad input, load and faults: how many tries a test makes, and the figures it reports at the end of a run."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture
def scaled(pytestconfig: pytest.Config) -> Callable[..., int]:
    """A function that chooses a number: `full` under `make torture`, `short` in every other run of the tests."""

    def choose(*, short: int, full: int) -> int:
        return full if pytestconfig.getoption("torture") else short

    return choose


@pytest.fixture
def report_figures(record_property: Callable[[str, object], None]) -> Callable[..., None]:
    """A function that reports what a test has measured; all of it is printed when the run ends."""

    def report(subject: str, **figures: object) -> None:
        record_property("figures", f"{subject}: " + ", ".join(f"{name} {value}" for name, value in figures.items()))

    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the figures of the tests that passed."""
    reports = terminalreporter.getreports("passed")
    lines = sorted(value for report in reports for name, value in report.user_properties if name == "figures")
    if lines:
        terminalreporter.section("figures")
        for line in lines:
            terminalreporter.write_line(str(line))
