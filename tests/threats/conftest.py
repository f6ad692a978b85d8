"""One embedded chain with a service on it, and one served home with something of everything, for all threats."""

from collections.abc import Iterator

import pytest

from tests.support.populated import Populated, populated
from tests.support.stage import Stage
from tests.support.staging import founded, opened_stage, started_node


@pytest.fixture(scope="session")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    chain, service = tmp_path_factory.mktemp("chain"), tmp_path_factory.mktemp("service")
    with started_node(chain) as node, opened_stage(service, node, founded(node)) as stage:
        yield stage


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Populated]:
    with populated(tmp_path_factory.mktemp("threatened") / "home") as filled:
        yield filled
