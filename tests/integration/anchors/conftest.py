"""One embedded chain for each module, on a free port, ended by its process id; and a service on it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from anchors.chains.anvil import Anvil, free_port, start_anvil, stop_anvil
from anchors.chains.relayer import Relayer
from anchors.chains.rpc import RpcChain
from tests.support.consortium import APPROVER, NOTARY, Consortium
from tests.support.stage import Stage


@dataclass
class Node:
    """The embedded chain of a module; it can be stopped and started again."""

    directory: Path
    port: int
    anvil: Anvil

    @property
    def chain(self) -> RpcChain:
        return RpcChain(self.anvil.url)

    def stop(self) -> None:
        stop_anvil(self.anvil.pid)

    def start(self) -> None:
        self.anvil = start_anvil(self.directory, self.port, self.directory / "anvil.log")


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    directory, port = tmp_path_factory.mktemp("chain"), free_port()
    node = Node(directory, port, start_anvil(directory, port, directory / "anvil.log"))
    try:
        yield node
    finally:
        node.stop()


@pytest.fixture(scope="module")
def consortium(node: Node) -> Consortium:
    """Founded, with two notaries."""
    consortium, relayer = Consortium(), Relayer(b"\1" * 32)
    consortium.found(node.chain, relayer, node.anvil.url)
    for number in (NOTARY, APPROVER):
        consortium.admit(node.chain, relayer, number)
    return consortium


@pytest.fixture(scope="module")
def stage(node: Node, consortium: Consortium, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """A service whose worker has read the members, with three witnesses."""
    stage = Stage(tmp_path_factory.mktemp("service"), node.chain, consortium, Relayer(b"\2" * 32))
    stage.open()
    try:
        stage.worker.round()
        stage.deposit_cards()
        stage.invite_witnesses()
        yield stage
    finally:
        stage.close()
