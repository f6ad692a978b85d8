"""A service with the simulated world's keys, on a real socket."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.support.served import Served, serve
from tests.support.world import World


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A command that is run within the test process configures its logs for the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Served]:
    with serve(tmp_path / "home") as running:
        yield running


@pytest.fixture
def world(service: Served) -> World:
    return service.world


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One service for all tests of a module that leave nothing behind."""
    with serve(tmp_path_factory.mktemp("steady") / "home") as running:
        yield running
