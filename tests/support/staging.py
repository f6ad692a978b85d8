"""Fixtures' parts: an embedded chain that is ended by its process id, a founded consortium, and a service on both."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from anchors.chains.anvil import Anvil, free_port, start_anvil, stop_anvil
from anchors.chains.relayer import Relayer
from anchors.chains.rpc import RpcChain
from tests.support.consortium import APPROVER, NOTARY, Consortium
from tests.support.stage import Stage


@dataclass
class Node:
    """An embedded chain; it can be stopped and started again."""

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


@contextmanager
def started_node(directory: Path) -> Iterator[Node]:
    """On a free port."""
    port = free_port()
    node = Node(directory, port, start_anvil(directory, port, directory / "anvil.log"))
    try:
        yield node
    finally:
        node.stop()


def founded(node: Node) -> Consortium:
    """Founded, with two notaries."""
    consortium, relayer = Consortium(), Relayer(b"\1" * 32)
    consortium.found(node.chain, relayer, node.anvil.url)
    for number in (NOTARY, APPROVER):
        consortium.admit(node.chain, relayer, number)
    return consortium


@contextmanager
def opened_stage(directory: Path, node: Node, consortium: Consortium) -> Iterator[Stage]:
    """A service whose worker has read the members, with three witnesses."""
    stage = Stage(directory, node.chain, consortium, Relayer(b"\2" * 32))
    stage.open()
    try:
        stage.worker.round()
        stage.deposit_cards()
        stage.invite_witnesses()
        yield stage
    finally:
        stage.close()
