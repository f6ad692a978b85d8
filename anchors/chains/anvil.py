"""The embedded development chain: anvil, on loopback only, its state kept in one file.

Guaranteed: block 0 keeps its hash over restarts (fixed timestamp), block times follow the clock, and the process that
was started is ended by its own id. Not guaranteed: durability of the last seconds when the process is killed, since
anvil writes its state at intervals and at exit; the worker finds such a chain younger than its database and stops.
It is never a deployment: anyone on the machine can make up its blocks.
"""

import os
import platform
import shutil
import signal
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from requests.exceptions import RequestException
from web3 import HTTPProvider
from web3.types import RPCEndpoint

from tiezheng.errors import Conflict, NotFound, Unavailable

HOST: Final = "127.0.0.1"
# Not the chain id of any public network, nor of any tool's default.
CHAIN_ID: Final = 712_026
# 2026-01-01T00:00:00Z: block 0 must not depend on when the chain was first started.
GENESIS_TIME: Final = 1_767_225_600
BLOCK_SECONDS: Final = 1
STATE_SECONDS: Final = 5
KEPT_STATES: Final = 64
# Some 250 statements a block; block 0 holds this number, so it never changes.
GAS_LIMIT: Final = 200_000_000
START_SECONDS: Final = 30.0
STOP_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.05
_PACKAGE: Final = "@foundry-rs"
# Chains that this process started: their end is collected here, and nobody else waits for them.
_started: Final[dict[int, "subprocess.Popen[bytes]"]] = {}


@dataclass(frozen=True, slots=True)
class Anvil:
    """A running chain: its process id and address."""

    pid: int
    url: str


def find_anvil(root: Path | None = None) -> Path:
    """The program: the npm platform package below `root` (default: this checkout), else the one on PATH.

    Raises NotFound `chain.tool_missing`.
    """
    system = "darwin" if platform.system() == "Darwin" else "linux"
    machine = "arm64" if platform.machine().lower() in {"arm64", "aarch64"} else "amd64"
    place = root if root is not None else Path(__file__).resolve().parents[2]
    packaged = place / "node_modules" / _PACKAGE / f"anvil-{system}-{machine}" / "bin" / "anvil"
    if packaged.is_file():
        return packaged
    found = shutil.which("anvil")
    if found is None:
        raise NotFound("chain.tool_missing")
    return Path(found)


def free_port() -> int:
    """A loopback port that nobody holds at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def start_anvil(state_dir: Path, port: int, log: Path, program: Path | None = None) -> Anvil:
    """Start the chain whose state lies in `state_dir` (made if absent) and wait until it makes blocks.

    Raises Conflict `chain.port_busy`, NotFound `chain.tool_missing`, Unavailable `chain.not_started`.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise Conflict("chain.port_busy", got=port) from error
    state_dir.mkdir(parents=True, exist_ok=True)
    arguments = [str(program or find_anvil()), "--host", HOST, "--port", str(port), "--chain-id", str(CHAIN_ID)]
    arguments += ["--hardfork", "shanghai", "--timestamp", str(GENESIS_TIME), "--gas-limit", str(GAS_LIMIT)]
    arguments += ["--gas-price", "0", "--block-base-fee-per-gas", "0", "--disable-min-priority-fee"]
    arguments += ["--accounts", "1", "--disable-default-create2-deployer", "--no-mining", "--quiet"]
    arguments += ["--prune-history", str(KEPT_STATES)]
    arguments += ["--state", str(state_dir / "state.json"), "--state-interval", str(STATE_SECONDS)]
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603  a fixed program with fixed arguments
            arguments, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
        )
    url = f"http://{HOST}:{port}"
    try:
        _begin_blocks(process, url)
    except BaseException:
        process.kill()
        process.wait()
        raise
    _started[process.pid] = process
    return Anvil(process.pid, url)


def stop_anvil(pid: int, timeout_seconds: float = STOP_SECONDS) -> None:
    """End the chain with this process id, letting it write its state; harmless if it has ended."""
    deadline = time.monotonic() + timeout_seconds
    sent = signal.SIGTERM
    try:
        os.kill(pid, sent)
        while not _has_ended(pid):
            if sent is signal.SIGTERM and time.monotonic() > deadline:
                sent = signal.SIGKILL
                os.kill(pid, sent)
            time.sleep(_POLL_SECONDS)
    except ProcessLookupError:
        pass
    _started.pop(pid, None)


def _begin_blocks(process: "subprocess.Popen[bytes]", url: str) -> None:
    """Wait for the node, set its clock (it starts at block 0's time), then let it make blocks."""
    provider = HTTPProvider(url, request_kwargs={"timeout": 5.0}, exception_retry_configuration=None)
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            provider.make_request(RPCEndpoint("eth_chainId"), [])
            break
        except (RequestException, ValueError):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Unavailable("chain.not_started", got=process.returncode) from None
            time.sleep(_POLL_SECONDS)
    for method, value in (("evm_setTime", int(time.time())), ("evm_setIntervalMining", BLOCK_SECONDS)):
        if provider.make_request(RPCEndpoint(method), [value]).get("error") is not None:
            raise Unavailable("chain.not_started", detail=method)


def _has_ended(pid: int) -> bool:
    """Whether a process is gone; one that this process started is collected."""
    own = _started.get(pid)
    if own is not None:
        return own.poll() is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
