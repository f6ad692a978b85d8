"""`tiezheng receipts check`: which promises were kept, by a node of one's own.

Guaranteed: exit code 0 only where no receipt is broken, late, invalid or unknown; a proof that is written was checked
by the kernel. Not guaranteed: finality of the node's head; an exported proof says what it lacks.
"""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from anchors.chains.rpc import RpcChain
from anchors.deployment import read_deployment
from anchors.published import Nothing, Published, PublishedByService, PublishedInFolder
from anchors.receipt_check import BREACHES, FetchRefusal, Judged, ReceiptChecker
from anchors.receipt_folder import read_folder
from anchors.receipt_proof import prove_breach
from anchors.receipt_report import counted, describe, show_judged, to_json
from tiezheng.cli.files import write_new
from tiezheng.cli.output import AsJson, emit, progress, say, show_error
from tiezheng.cli.profile import load_profile
from tiezheng.cli.proof_report import TrustFile, read_trust
from tiezheng.cli.times import parse_time
from tiezheng.client import Client
from tiezheng.errors import Malformed, NotFound, TiezhengError
from tiezheng.receipt import RefusalFile, parse_refusal_file

receipts = typer.Typer(
    help="核对回执是否兑现 / check which receipts were kept",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@receipts.callback()
def _group() -> None:
    """核对回执是否兑现 / check which receipts were kept"""


@receipts.command("check")
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="回执文件夹,可含拒绝书 / receipts, refusals")],
    trust: TrustFile,
    rpc: Annotated[str | None, typer.Option("--rpc", metavar="URL", help="自己的节点 / a node of your own")] = None,
    deployment: Annotated[
        Path | None, typer.Option("--deployment", metavar="FILE", help="部署文件,可代替 --rpc / instead of --rpc")
    ] = None,
    service: Annotated[
        str | None, typer.Option("--service", metavar="URL", help="只用来取叶子和检查点 / for leaves, checkpoints")
    ] = None,
    mirror: Annotated[
        Path | None, typer.Option("--mirror", metavar="DIR", help="镜像文件夹,代替服务 / a mirror, instead of it")
    ] = None,
    profile: Annotated[
        Path | None, typer.Option("--profile", metavar="FILE", help="用来向服务取拒绝书 / to ask for refusals")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="写出违约证明;多份时加编号 / write proofs of breach")
    ] = None,
    at: Annotated[str | None, typer.Option("--at", metavar="TIME", help="以此时间为准 / as of this time")] = None,
    _json: AsJson = False,
) -> None:
    """逐份核对回执：兑现、拒绝、迟延、违约、未到期 / say of each receipt what became of it"""
    trusted = read_trust(trust)
    at_ms = time.time_ns() // 1_000_000 if at is None else parse_time(at)
    address = rpc if rpc is not None or deployment is None else read_deployment(deployment).rpc
    if address is None:
        raise Malformed("config.missing", detail="--rpc or --deployment: only a node shows what is on the chain")
    chain = RpcChain(address)
    with ExitStack() as stack, progress() as bar:
        published: Published = Nothing()
        if mirror is not None:
            published = PublishedInFolder(mirror, trusted)
        elif service is not None:
            published = PublishedByService(stack.enter_context(Client(service)), trusted)
        reading = bar.add_task("读取 / reading", total=None)
        found = read_folder(folder, lambda count: bar.update(reading, completed=count))
        checking = bar.add_task("核对 / checking", total=len(found.receipts))
        checker = ReceiptChecker(chain, trusted, published, at_ms, _refusals(stack, profile))
        judged = checker.check(found, lambda count: bar.update(checking, completed=count))
        proofs = [] if out is None else _export(checker, judged, out)
    head = checker.words.header
    show_judged(judged, found.others, head.number, head.timestamp)
    answer = [to_json(one) for one in judged]
    emit({"block": {"hash": head.hash.hex(), "number": head.number, "time": head.timestamp}, "receipts": answer,
          "counts": counted(judged), "others": found.others, "proofs": proofs})  # fmt: skip
    if any(not describe(one).good for one in judged):
        raise SystemExit(1)


def _refusals(stack: ExitStack, profile: Path | None) -> FetchRefusal:
    if profile is None:
        return lambda _digest: None
    known = load_profile(profile)
    client = stack.enter_context(Client(known.service, known.token))

    def fetch(digest: bytes) -> RefusalFile | None:
        try:
            return parse_refusal_file(client.refusal(digest))
        except NotFound:
            return None

    return fetch


def _export(checker: ReceiptChecker, judged: list[Judged], out: Path) -> list[dict[str, object]]:
    """One proof for each breach: to `out` itself where there is one, else beside it with the evidence id."""
    breaches = [one for one in judged if one.state in BREACHES and one.file is not None]
    written: list[dict[str, object]] = []
    for one in breaches:
        assert one.file is not None
        digest = one.file.receipt.statement.hex()
        target = out if len(breaches) == 1 else out.with_name(f"{out.stem}-{digest[:16]}{out.suffix or '.json'}")
        try:
            proof, breach = prove_breach(checker.chain, checker.trust, checker.published, one, checker.at_ms)
        except TiezhengError as error:
            say(f"{one.path}：尚不能导出证明。", f"{one.path}: no proof can be written yet.", "yellow", error=True)
            show_error(error, beside_answer=True)
            continue
        write_new(target, proof.to_bytes())
        written.append({"file": str(target), "missing": [code for code, _ in breach.gaps], "statement": digest})
        say(f"违约证明：{target}", f"Proof of the breach: {target}", "cyan")
    return written
