"""Where the local stack names the chain clients that it uses.

Guaranteed: nothing else under `api.dev` does. Not guaranteed: that they suit a deployment; `api.bootstrap` composes
the service itself.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from anchors.chains import anvil
from anchors.chains.port import Chain
from anchors.chains.relayer import Relayer, create_relayer
from anchors.chains.rpc import RpcChain


@dataclass(frozen=True, slots=True)
class ChainAccess:
    """A chain and an account that nobody else uses meanwhile."""

    chain: Chain
    relayer: Relayer


@contextmanager
def open_chain(rpc: str, relayer: Relayer) -> Iterator[ChainAccess]:
    """A chain by its address."""
    yield ChainAccess(RpcChain(rpc), relayer)


def create_account(path: Path) -> Relayer:
    """A fresh account; its key goes into a new file of mode 0600."""
    return create_relayer(path)


def start_chain(state: Path, port: int, log: Path) -> tuple[int, str]:
    """Process id and address. Raises Conflict `chain.port_busy`, NotFound `chain.tool_missing`."""
    started = anvil.start_anvil(state, port, log)
    return started.pid, started.url


def free_port() -> int:
    """A loopback port that nobody holds at this moment."""
    return anvil.free_port()
