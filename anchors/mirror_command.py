"""`tiezheng mirror`: keep a verified copy of what a service publishes, and be told when it shows something else.

Guaranteed: exit code 1 as soon as a conflict was found, also one of an earlier run that is still shown; each conflict
is told once, on standard error. Not guaranteed: a node's or a service's presence; with `--follow` both are waited for.
"""

import signal
import threading
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from anchors.chains.rpc import RpcChain
from anchors.mirror import Conflict, Mirror
from anchors.mirror_folder import MirrorFolder
from anchors.witness_state import hold
from tiezheng.cli.output import AsJson, emit, say, show, show_error
from tiezheng.cli.proof_report import TrustFile, read_trust
from tiezheng.client import Client
from tiezheng.error_catalogue import CATALOGUE
from tiezheng.errors import Unavailable

PAUSE_SECONDS: Final = 5.0


def mirror(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="镜像文件夹 / the mirror's folder")],
    service: Annotated[str, typer.Option("--service", metavar="URL", help="服务地址 / the service")],
    trust: TrustFile,
    rpc: Annotated[str | None, typer.Option("--rpc", metavar="URL", help="自己的节点 / a node of your own")] = None,
    follow: Annotated[bool, typer.Option("--follow", help="持续监视 / go on watching")] = False,
    recheck: Annotated[bool, typer.Option("--recheck", help="重新取叶子文件比对 / fetch kept leaves anew")] = False,
    _json: AsJson = False,
) -> None:
    """镜像公开数据并监视：0 一致，1 发现矛盾 / mirror and watch: 0 consistent, 1 a conflict was found"""
    trusted = read_trust(trust)
    stop = threading.Event()
    if follow:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    chain = None if rpc is None else RpcChain(rpc)
    if chain is None:
        say(
            "未给出节点：运营机构的密钥和批次是否上链，只有服务方的说法。",
            "No node was given: the operator's key, and whether batches are anchored, is the service's word alone.",
            "yellow",
        )
    folder.mkdir(parents=True, exist_ok=True)
    told = 0
    with hold(folder, "mirror"), Client(service) as client:
        watch = Mirror(
            client, MirrorFolder(folder, trusted), trusted, lambda: time.time_ns() // 1_000_000, chain, recheck
        )
        watch.open()
        while True:
            try:
                watch.round()
            except Unavailable as error:
                if not follow:
                    raise
                show_error(error, beside_answer=True)
            told = _tell(watch.conflicts, told)
            if not follow or stop.wait(PAUSE_SECONDS):
                break
    _summary(watch)
    if watch.conflicts:
        raise SystemExit(1)


def _tell(conflicts: list[Conflict], told: int) -> int:
    for one in conflicts[told:]:
        zh, en = CATALOGUE[one.code]
        say(f"矛盾 {one.name}：{zh}", f"CONFLICT {one.name}: {en}", "bold red", error=True)
        say(f"双方所示：{one.kept}", f"Both versions: {one.kept}", "red", error=True, indent=2)
        if one.fork is not None:
            say(f"分叉证明：{one.fork}", f"Proof of the fork: {one.fork}", "red", error=True, indent=2)
    return len(conflicts)


def _summary(watch: Mirror) -> None:
    batches, heights = watch.folder.batches(), watch.folder.heights()
    show(
        [
            ("批次", "batches", f"{len(batches)} (+{watch.counts['batches']})"),
            ("检查点", "checkpoints", f"{len(heights)} (+{watch.counts['checkpoints']})"),
            ("新的见证签名", "new cosignatures", watch.counts["cosignatures"]),
            ("矛盾", "conflicts", len(watch.conflicts) or None),
        ]
    )
    if not watch.conflicts:
        say("与此前镜像的内容一致。", "Consistent with everything mirrored before.", "green")
    found = [
        {"code": one.code, "fork": None if one.fork is None else str(one.fork), "kept": str(one.kept), "name": one.name}
        for one in watch.conflicts
    ]
    emit({"batches": len(batches), "checkpoints": len(heights), "conflicts": found, "new": watch.counts})
