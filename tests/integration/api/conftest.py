"""A service with the simulated world's keys, on a real socket."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import structlog

from tests.support.postgresql import Cluster
from tests.support.served import Served, serve
from tests.support.world import World

# What is accepted, and what waits for signatures; the rest asks little of the database.
ON_BOTH_DATABASES = {"test_statements", "test_collections"}


@pytest.fixture(autouse=True)
def logs_as_they_were() -> Iterator[None]:
    """A command that is run within the test process configures its logs for the whole process."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "service" in metafunc.fixturenames and metafunc.module.__name__.rpartition(".")[2] in ON_BOTH_DATABASES:
        metafunc.parametrize("service", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def service(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    with ExitStack() as stack:
        address = None
        if getattr(request, "param", "sqlite") == "postgresql":
            cluster: Cluster = request.getfixturevalue("cluster")
            address = stack.enter_context(cluster.database())
        yield stack.enter_context(serve(tmp_path / "home", address=address))


@pytest.fixture
def world(service: Served) -> World:
    return service.world


@pytest.fixture(scope="module")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One service for all tests of a module that leave nothing behind."""
    with serve(tmp_path_factory.mktemp("steady") / "home") as running:
        yield running
