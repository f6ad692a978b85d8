"""A local chain whose gas figures repeat: fixed genesis, fixed block times, one block a transaction.

Guaranteed: every figure is taken from the receipt of a transaction that succeeded, under the EVM rules of the ledger's
own chain; the same transactions in the same order give the same figures to the last unit. Not guaranteed: anything
about other EVM rules; a chain that prices calldata otherwise gives other figures.
"""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests
from eth_abi.abi import encode
from eth_abi.grammar import parse

from anchors.chains.anvil import CHAIN_ID, GENESIS_TIME, HOST, find_anvil, free_port
from tiezheng.evm.keccak import keccak256

BLOCK_GAS: Final = 400_000_000
# EIP-170 and the price list of a transaction before it executes (Yellow Paper, appendix G; EIP-2028, EIP-3860).
LARGEST_CODE_BYTES: Final = 24_576
TRANSACTION_GAS: Final = 21_000
CREATION_GAS: Final = 32_000
ZERO_BYTE_GAS: Final = 4
OTHER_BYTE_GAS: Final = 16
INITCODE_WORD_GAS: Final = 2
_START_SECONDS: Final = 30.0
_MINED_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.02


def intrinsic_gas(data: bytes, *, creates: bool = False) -> int:
    """What a transaction costs before its first instruction: base and calldata."""
    zeros = data.count(0)
    gas = TRANSACTION_GAS + ZERO_BYTE_GAS * zeros + OTHER_BYTE_GAS * (len(data) - zeros)
    return gas + (CREATION_GAS + INITCODE_WORD_GAS * -(-len(data) // 32) if creates else 0)


def calldata(signature: str, *values: Any) -> bytes:
    """The call of `name(type,…)` with its arguments; tuples are written `(type,…)`."""
    return keccak256(signature.encode("ascii"))[:4] + arguments(signature[signature.index("(") :], *values)


def arguments(types: str, *values: Any) -> bytes:
    """Arguments alone, as a constructor takes them; `types` is `(type,…)`."""
    return encode([one.to_type_str() for one in parse(types).components], values) if values else b""


@dataclass(frozen=True, slots=True)
class Spent:
    """One mined transaction: the whole of its gas, and what of it was execution."""

    gas: int
    execution: int
    contract: str
    logs: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class GasChain:
    """A running chain and its one account."""

    url: str
    sender: str

    def ask(self, method: str, *parameters: Any) -> Any:
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": method, "params": parameters}
        answer = requests.post(self.url, json=body, timeout=60).json()
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    def send(self, to: str | None, data: bytes) -> Spent:
        """Mine a transaction; RuntimeError when it fails."""
        fields = {"from": self.sender, "data": "0x" + data.hex(), "gas": hex(BLOCK_GAS), "gasPrice": "0x0"}
        fields |= {"to": to} if to else {}
        receipt = self._receipt(self.ask("eth_sendTransaction", fields))
        if int(receipt["status"], 16) != 1:
            raise RuntimeError(f"transaction failed: {self.ask('eth_call', fields, 'latest')}")
        gas = int(receipt["gasUsed"], 16)
        own = intrinsic_gas(data, creates=to is None)
        return Spent(gas, gas - own, receipt["contractAddress"] or "", tuple(receipt["logs"]))

    def _receipt(self, transaction: str) -> dict[str, Any]:
        deadline = time.monotonic() + _MINED_SECONDS
        while time.monotonic() < deadline:
            receipt: dict[str, Any] | None = self.ask("eth_getTransactionReceipt", transaction)
            if receipt is not None:
                return receipt
            time.sleep(_POLL_SECONDS)
        raise RuntimeError("a transaction was not mined in time")

    def create(self, code: str, types: str = "()", *values: Any) -> Spent:
        """Create a contract from its hex creation code and constructor arguments."""
        return self.send(None, bytes.fromhex(code.removeprefix("0x")) + arguments(types, *values))

    def call(self, to: str, data: bytes) -> bytes:
        """What a call would answer, without a transaction."""
        return bytes.fromhex(self.ask("eth_call", {"to": to, "data": "0x" + data.hex()}, "latest")[2:])

    def code_bytes(self, at: str) -> int:
        """Size of the deployed code."""
        return len(self.ask("eth_getCode", at, "latest")) // 2 - 1

    def check(self, to: str, data: bytes) -> int:
        """Execution gas of a check that must answer true, sent as a transaction of its own."""
        if int.from_bytes(self.call(to, data), "big") != 1:
            raise RuntimeError("a check that has to pass did not")
        return self.send(to, data).execution


@contextmanager
def gas_chain() -> Iterator[GasChain]:
    """A chain on the loopback that ends with the block."""
    port = free_port()
    command = [str(find_anvil()), "--host", HOST, "--port", str(port), "--chain-id", str(CHAIN_ID), "--quiet"]
    command += ["--hardfork", "shanghai", "--timestamp", str(GENESIS_TIME), "--gas-limit", str(BLOCK_GAS)]
    command += ["--gas-price", "0", "--block-base-fee-per-gas", "0", "--disable-min-priority-fee", "--accounts", "1"]
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield _ready(process, f"http://{HOST}:{port}")
        finally:
            process.terminate()
            process.wait()


def _ready(process: "subprocess.Popen[bytes]", url: str) -> GasChain:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            (sender,) = GasChain(url, "").ask("eth_accounts")
            break
        except requests.ConnectionError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(_POLL_SECONDS)
    chain = GasChain(url, sender)
    chain.ask("anvil_setBlockTimestampInterval", 1)
    return chain
