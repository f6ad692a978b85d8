"""A founded home of the test consortium on a chain whose blocks come five times a second."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import httpx

from anchors.chains.anvil import Anvil, free_port, start_anvil, stop_anvil
from anchors.chains.relayer import Relayer
from anchors.chains.rpc import RpcChain
from api.bootstrap import issue_token_in, migrate, put_cards
from api.settings import Home
from tests.support.consortium import APPROVER, NOTARY, OFFICE, OPERATOR, WITNESSES, Consortium
from tiezheng.signature import PrivateKey
from tiezheng.signature.keyfile import write_private_key
from tiezheng.trust import Trust

BLOCK_SECONDS: Final = 0.2
# Some three seconds: witnesses look once a second.
CHECKPOINT_BLOCKS: Final = 16
DAY_MS: Final = 86_400_000
_PASSWORD: Final = b"only for tests"


@dataclass
class Ground:
    """The chain, the home, and who is who. The miner makes blocks; it rests while the chain is away."""

    root: Path
    anvil: Anvil
    port: int
    consortium: Consortium = field(default_factory=Consortium)
    relayer: Relayer = field(default_factory=lambda: Relayer(b"\1" * 32))
    trust: Trust = field(init=False)
    token: str = field(init=False)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread = field(init=False)

    @property
    def home(self) -> Home:
        return Home(self.root / "home")

    @property
    def chain(self) -> RpcChain:
        return RpcChain(self.anvil.url)

    def found(self) -> None:
        """Contracts, members, files, tokens: everything that a service needs to start."""
        chain, home = self.chain, self.home
        self.consortium.found(chain, self.relayer, self.anvil.url)
        for number in (NOTARY, APPROVER):
            self.consortium.admit(chain, self.relayer, number)
        self.trust = self.consortium.trust()
        migrate(home.root)
        deployment = replace(self.consortium.deployment, checkpoint_interval=CHECKPOINT_BLOCKS)
        home.deployment.write_bytes(deployment.to_bytes())
        home.trust.write_bytes(self.trust.to_bytes())
        home.key(OPERATOR).parent.mkdir()
        self._write_key(str(OPERATOR), self.consortium.keys[OPERATOR])
        for number in WITNESSES:
            self._write_key(f"witness-{number}", self.consortium.witness_keys[number])
        home.relayer_key.write_text("02" * 32 + "\n")
        office = [number for number in self.consortium.cards if number > OFFICE + 1000]
        owners = {number: OFFICE if number in office else number for number in self.consortium.cards}
        put_cards(home.root, [(number, owners[number], card) for number, card in self.consortium.cards.items()])
        self.token = issue_token_in(home.root, OFFICE, "测试 Test", ("submit", "read", "names"), DAY_MS)

    def _write_key(self, name: str, key: PrivateKey) -> None:
        write_private_key(self.home.root / "keys" / f"{name}.pem", key, _PASSWORD)
        (self.home.root / "secrets" / f"{name}.password").write_bytes(_PASSWORD + b"\n")

    def ask(self, method: str, *params: object) -> Any:
        """One request to the node."""
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        return httpx.post(self.anvil.url, json=body, timeout=10, trust_env=False).json()

    def mine(self) -> None:
        """Make blocks until `rest`."""
        self._stop.clear()
        self.ask("evm_setIntervalMining", 0)
        self._thread = threading.Thread(target=self._mine, daemon=True)
        self._thread.start()

    def rest(self) -> None:
        """No more blocks."""
        self._stop.set()
        self._thread.join()

    def _mine(self) -> None:
        while not self._stop.wait(BLOCK_SECONDS):
            try:
                self.ask("evm_mine")
            except httpx.HTTPError:
                continue

    def restart_chain(self) -> None:
        """End the node in order, as it keeps its state, and start it again."""
        self.rest()
        stop_anvil(self.anvil.pid)
        self.anvil = start_anvil(self.root / "chain", self.port, self.root / "anvil.log")
        self.mine()

    def freeze_chain(self, seconds: float) -> None:
        """The node answers nobody for a while."""
        import os

        os.kill(self.anvil.pid, signal.SIGSTOP)
        time.sleep(seconds)
        os.kill(self.anvil.pid, signal.SIGCONT)


@contextmanager
def opened_ground(root: Path) -> Iterator[Ground]:
    """Found everything in `root`; the chain ends with the `with`."""
    root.mkdir(parents=True, exist_ok=True)
    port = free_port()
    ground = Ground(root, start_anvil(root / "chain", port, root / "anvil.log"), port)
    try:
        ground.mine()
        ground.found()
        yield ground
    finally:
        ground.rest()
        stop_anvil(ground.anvil.pid)
