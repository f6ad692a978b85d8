"""One embedded chain for each module, and a service on it."""

from collections.abc import Iterator

import pytest

from tests.support.consortium import Consortium
from tests.support.stage import Stage
from tests.support.staging import Node, founded, opened_stage, started_node


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    with started_node(tmp_path_factory.mktemp("chain")) as node:
        yield node


@pytest.fixture(scope="module")
def consortium(node: Node) -> Consortium:
    return founded(node)


@pytest.fixture(scope="module")
def stage(node: Node, consortium: Consortium, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with opened_stage(tmp_path_factory.mktemp("service"), node, consortium) as stage:
        yield stage
