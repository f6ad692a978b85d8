"""What all tests share: the databases, and what the end of a run says of them."""

import pytest

from tests.support.databases import MISSING, cluster, database, postgresql
from tests.support.postgresql import find_binaries

__all__ = ["cluster", "database", "postgresql"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if find_binaries() is None:
        terminalreporter.section("PostgreSQL")
        terminalreporter.line(MISSING)
