"""What every test shares: skips of foreign counterparts become failures where they are required."""

import os
from collections.abc import Generator

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark by folder, so that nobody forgets it."""
    for item in items:
        parts = item.path.parts
        for folder in ("integration", "e2e"):
            if folder in parts:
                item.add_marker(folder)


def _demanded(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Fail a skip where the counterparts are required: CI installs them itself."""
    skipped = report.skipped and not hasattr(report, "wasxfail")
    if skipped and os.environ.get("YUJING_REQUIRE_PEERS") == "1":
        reason = report.longrepr[-1] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason}, although YUJING_REQUIRE_PEERS=1"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge the skips of tests."""
    report = yield
    _demanded(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Judge the skips of whole modules."""
    report = yield
    _demanded(report)
    return report
