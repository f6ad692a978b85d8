"""Starting and stopping the whole stack of one home.

Guaranteed: what `up` starts, `down` ends, and a start that fails ends what it had started; processes that live already
are left as they are. Not guaranteed: readiness of the chain for others than this stack.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from api.dev import composition, processes
from api.dev.consortium import WITNESSES, witness_key
from api.dev.founding import found, is_founded, prepare, write_profiles
from api.dev.home import Home, replace_file
from api.dev.ports import check_port
from tiezheng.client import Client
from tiezheng.errors import IntegrityFault, Unavailable

HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 8321
DEFAULT_CHAIN_PORT: Final = 8546
READY_SECONDS: Final = 60.0
_POLL_SECONDS: Final = 0.1
CHAIN: Final = "chain"
SERVICES: Final = ("service", "worker", *map(witness_key, WITNESSES))

Tell = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a running stack answers."""

    service: str
    chain: str


def up(root: Path, port: int, chain_port: int, tell: Tell) -> Addresses:
    """Found at first start, start everything, wait until it answers.

    Raises Conflict `config.port_busy`, `chain.port_busy`, Unavailable `service.not_started`, and as the founding.
    """
    home = Home(root.resolve())
    prepare(home)
    known = read_addresses(home)
    alive = {one.name for one in processes.all_running(home)}
    if known is not None and alive >= {CHAIN, *SERVICES}:
        tell("已在运行", "it is running already")
        return known
    if alive:
        tell("先停止上次留下的进程", "ending what an earlier run left")
        down(root)
    try:
        return _start(home, port, chain_port, tell)
    except BaseException:
        down(root)
        raise


def down(root: Path) -> list[str]:
    """End every process of this home, the chain last; the names of those that lived."""
    home = Home(root.resolve())
    live = [one.name for one in processes.all_running(home)]
    ended = processes.stop(home, [name for name in live if name != CHAIN])
    ended += processes.stop(home, [CHAIN])
    home.addresses.unlink(missing_ok=True)
    return ended


def read_addresses(home: Home) -> Addresses | None:
    """Addresses of the last start; None after `down`."""
    try:
        value = json.loads(home.addresses.read_bytes())
        return Addresses(value["service"], value["chain"])
    except (OSError, ValueError, KeyError):
        return None


def _start(home: Home, port: int, chain_port: int, tell: Tell) -> Addresses:
    check_port(port)
    tell("启动区块链（anvil，仅本机）", "starting the chain (anvil, this machine only)")
    pid, rpc = composition.start_chain(home.chain, chain_port, home.log(CHAIN))
    processes.record(home, CHAIN, pid)
    if not is_founded(home):
        found(home, rpc, tell)
    service = f"http://{HOST}:{port}"
    write_profiles(home, service)
    addresses = Addresses(service, rpc)
    replace_file(home.addresses, json.dumps({"service": service, "chain": rpc}).encode())
    tell("启动服务与上链进程", "starting the service and the worker")
    root = str(home.root)
    processes.start(home, "service", ["serve", "--home", root, "--port", str(port)])
    processes.start(home, "worker", ["worker", "--home", root, "--rpc", rpc])
    tell("启动三家见证方，各用自己的进程和密钥", "starting three witnesses, each with a process and key of its own")
    for number in WITNESSES:
        arguments = ["witness", "--home", root, "--number", str(number), "--service", service, "--rpc", rpc]
        processes.start(home, witness_key(number), arguments)
    _wait_ready(home, service)
    return addresses


def _wait_ready(home: Home, service: str) -> None:
    """Until the service answers and its worker has seen a block."""
    with Client(service) as client:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            for name in (CHAIN, *SERVICES):
                processes.check_alive(home, name)
            try:
                if _is_ready(client.health()):
                    return
            except Unavailable:
                pass
            if time.monotonic() > deadline:
                raise Unavailable("service.not_started", got="service", detail=str(home.log("service")))
            time.sleep(_POLL_SECONDS)


def _is_ready(health: dict[str, Any]) -> bool:
    if health.get("status") == "fault":
        raise IntegrityFault("integrity.fault", got=str(health["fault"]["code"]))
    return health.get("status") == "ok"
