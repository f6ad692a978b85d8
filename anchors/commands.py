"""`tiezheng witness`, and the options and files that the commands of this room share.

Guaranteed: `witness` runs until it is told to stop or finds a fork. Not guaranteed: that the service takes what it
hands in.
"""

import json
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from anchors.chains.rpc import RpcChain
from anchors.deployment import read_deployment
from anchors.witness import Witness
from anchors.witness_state import hold
from tiezheng.cli.password import PasswordFd, PasswordFile, read_password
from tiezheng.client import Client
from tiezheng.errors import IntegrityFault, Malformed, NotFound, TiezhengError
from tiezheng.json_members import read_hex, read_integer
from tiezheng.signature import KeySigner, Signature
from tiezheng.signature.keyfile import decode_private
from tiezheng.trust import Trust, parse_trust

WITNESS_PAUSE_SECONDS: Final = 1.0
_HOME_HELP: Final = "服务的目录 / home directory of the service"

HomeOption = Annotated[Path | None, typer.Option("--home", metavar="DIR", help=_HOME_HELP)]
RpcOption = Annotated[str | None, typer.Option("--rpc", metavar="URL", help="自己的节点 / a node of your own")]
TrustOption = Annotated[Path | None, typer.Option("--trust", metavar="FILE", help="信任根文件 / trust file")]
ServiceOption = Annotated[str | None, typer.Option("--service", metavar="URL", help="服务地址 / the service")]


def witness(
    number: Annotated[int, typer.Option("--number", metavar="N", help="见证方编号 / the witness's number")],
    service: Annotated[str, typer.Option("--service", metavar="URL", help="服务地址 / the service")],
    home: HomeOption = None,
    rpc: RpcOption = None,
    trust: TrustOption = None,
    key: Annotated[Path | None, typer.Option("--key", metavar="FILE", help="见证密钥 / the witness's key")] = None,
    state: Annotated[
        Path | None, typer.Option("--state", metavar="DIR", help="状态目录,须备份 / state directory, to be backed up")
    ] = None,
    password_fd: PasswordFd = None,
    password_file: PasswordFile = None,
) -> None:
    """运行见证方 / follow the chain with a node of your own and cosign checkpoints."""
    trusted = read_trust_file(_required(trust or file_in(home, "trust.json"), "--trust"))
    key_file = _required(key or file_in(home, "keys", f"witness-{number}.pem"), "--key")
    if password_fd is None and password_file is None:
        password_file = file_in(home, "secrets", f"witness-{number}.password")
    try:
        private = decode_private(key_file.read_bytes(), read_password(password_fd, password_file, ask=False))
    except FileNotFoundError as error:
        raise NotFound("file.not_found", got=key_file.name) from error
    directory = state or (None if home is None else home / "witness" / str(number))
    if directory is None:
        raise Malformed("config.missing", detail="--state or --home")
    address = rpc
    if address is None:
        address = read_deployment(_required(file_in(home, "deployment.json"), "--rpc")).rpc
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    with hold(directory), Client(service) as client:
        _watch(
            lambda: Witness(
                RpcChain(address),
                trusted,
                number,
                KeySigner(private),
                directory,
                ServiceDesk(client),
                lambda: time.time_ns() // 1_000_000,
            ),
            number,
            stop,
        )


class ServiceDesk:
    """The service over HTTP, as a witness needs it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._told: dict[str, Any] = {}

    def latest(self) -> tuple[int, bytes] | None:
        """See `anchors.witness.Desk`."""
        try:
            checkpoint = self._client.latest_checkpoint()
        except NotFound:
            return None
        self._told = checkpoint
        return read_integer(checkpoint.get("height"), "height"), read_hex(checkpoint.get("hash"), "hash", 32)

    def holds(self, number: int, height: int) -> bool:
        """See `anchors.witness.Desk`: by what `latest` was told."""
        if self._told.get("height") != height:
            return True
        return any(one.get("signer") == number for one in self._told.get("cosignatures", ()))

    def hand_in(self, height: int, block_hash: bytes, seen_ms: int, signature: Signature) -> None:
        """See `anchors.witness.Desk`."""
        self._client.cosign(height, block_hash, seen_ms, signature)


def _watch(create: Callable[[], Witness], number: int, stop: threading.Event) -> None:
    """Step until told to stop. What passes is waited for; a fork or a state that is not its own ends the process."""
    running: Witness | None = None
    last: str | None = None
    while not stop.is_set():
        try:
            if running is None:
                running = create()
                _tell("witness.started", number, height=running.state.position.height)
            height = running.step()
            if height is not None:
                _tell("checkpoint.cosigned", number, height=height)
            last = None
        except IntegrityFault as error:
            _tell("witness.stopped", number, code=error.code)
            raise
        except (Malformed, NotFound) as error:
            if running is None:
                raise
            last = _tell_once(last, error, number)
        except TiezhengError as error:
            last = _tell_once(last, error, number)
        stop.wait(WITNESS_PAUSE_SECONDS)
    _tell("witness.ended", number)


def _tell_once(last: str | None, error: TiezhengError, number: int) -> str:
    if last != error.code:
        _tell("witness.waiting", number, code=error.code)
    return error.code


def _tell(event: str, number: int, **values: object) -> None:
    sys.stdout.write(json.dumps({"event": event, "witness": number, **values}, sort_keys=True) + "\n")
    sys.stdout.flush()


def read_trust_file(path: Path) -> Trust:
    try:
        return parse_trust(path.read_bytes().removesuffix(b"\n"))
    except FileNotFoundError as error:
        raise NotFound("file.not_found", got=path.name) from error


def file_in(home: Path | None, *parts: str) -> Path | None:
    """A path in the home directory, if it is there."""
    if home is None:
        return None
    path = home.joinpath(*parts)
    return path if path.exists() else None


def _required(path: Path | None, option: str) -> Path:
    if path is None:
        raise Malformed("config.missing", detail=option)
    return path
