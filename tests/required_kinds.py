"""Fails a test run in which tests of a required kind were skipped or none passed.

`SPOJKA_REQUIRE=kafka,postgres` names the kinds (markers). A machine without Java skips the tests that need Kafka, which is
right on a laptop and wrong where a change is to be judged: a run that skips them proves nothing about them.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable

import pytest

VARIABLE = "SPOJKA_REQUIRE"


def require_kinds(config: pytest.Config) -> None:
    """Watch over this run as SPOJKA_REQUIRE asks."""
    if kinds := [kind.strip() for kind in os.environ.get(VARIABLE, "").split(",") if kind.strip()]:
        config.pluginmanager.register(RequiredKinds(kinds))


class RequiredKinds:
    """A pytest plugin that counts what became of the tests with each required marker."""

    def __init__(self, kinds: Iterable[str]) -> None:
        self._kinds = tuple(kinds)
        self._kinds_of: dict[str, tuple[str, ...]] = {}
        self._passed: Counter[str] = Counter()
        self._skipped: Counter[str] = Counter()

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            kinds = tuple(kind for kind in self._kinds if item.get_closest_marker(kind))
            self._kinds_of[item.nodeid] = kinds

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for kind in self._kinds_of.get(report.nodeid, ()):
            self._skipped[kind] += report.skipped
            self._passed[kind] += report.passed and report.when == "call"

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self.shortfalls():
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for line in self.shortfalls():
            terminalreporter.write_line(line, red=True)

    def shortfalls(self) -> list[str]:
        """One sentence for each required kind that this run proves nothing about."""
        sentences = []
        for kind in self._kinds:
            if self._skipped[kind]:
                sentences.append(f"{VARIABLE}: {self._skipped[kind]} tests marked {kind} were skipped; none may be")
            elif not self._passed[kind]:
                sentences.append(f"{VARIABLE}: no test marked {kind} passed; at least one must")
        return sentences
