"""`tiezheng breach check`: a proof of a broken receipt against a trust file, offline.

Guaranteed: exit code 0 only for a proof that is conclusive. Not guaranteed: that no refusal exists; the report says so.
"""

from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from tiezheng.cli.output import AsJson, say, show
from tiezheng.cli.proof_report import AtTime, ProofFile, TrustFile, end_invalid, end_with, read_proof, read_trust
from tiezheng.cli.times import now_ms, parse_time, show_time
from tiezheng.errors import TiezhengError
from tiezheng.verify.breach import MAX_SIZE, Kind, check_breach, parse_breach


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, help="违约证明 / proofs of broken receipts")
    group.callback()(_group)
    group.command("check")(check)
    app.add_typer(group, name="breach")


def _group() -> None:
    """Keeps `check` a word of its own."""


def check(
    file: ProofFile,
    trust: TrustFile,
    leaves: Annotated[
        Path | None,
        typer.Option("--leaves", metavar="DIR", help="批次叶子文件夹，批量通道需要 / leaves files, for the batch lane"),
    ] = None,
    at: AtTime = None,
    _json: AsJson = False,
) -> None:
    """离线核验违约证明：0 成立，1 不成立，3 不能定论 / check offline: 0 holds, 1 does not, 3 inconclusive"""
    data, trusted = read_proof(file, MAX_SIZE), read_trust(trust)
    at_ms = now_ms() if at is None else parse_time(at)
    try:
        proof = parse_breach(data)
        breach = check_breach(proof, trusted, at_ms, None if leaves is None else lambda batch: _open(leaves, batch))
    except TiezhengError as error:
        end_invalid(error)
    receipt = breach.receipt
    late = breach.kind is Kind.ANCHORED_LATE
    show(
        [
            ("存证编号", "evidence id", receipt.statement.hex()),
            ("运营机构", "operator", proof.key.number),
            ("收到", "received", show_time(receipt.received)),
            ("承诺期限", "due", show_time(receipt.due)),
            ("所依区块", "block", f"{breach.header_number}  {show_time(breach.header_time * 1000)}"),
            ("上链时间", "anchored", show_time(None if breach.block_time is None else breach.block_time * 1000)),
        ]
    )
    if late:
        say("期限过后才上链：违约。", "Anchored after the due time: a breach.", "red")
    else:
        say("期限过后仍未上链：违约。", "Not anchored after the due time: a breach.", "red")
    if breach.refused_late:
        say("运营机构在期限之后才签署拒绝。", "The operator refused it, after the due time.", "red")
    elif not late:
        say(
            "无人能证明不存在拒绝书；运营机构如能出示引用期限内区块的拒绝书，即可反驳。",
            "Nobody can prove that there is no refusal: one that names a block up to the due time would answer this.",
        )
    answer = {
        "block_time": breach.block_time,
        "due": receipt.due,
        "header": {"number": breach.header_number, "time": breach.header_time},
        "kind": breach.kind.value,
        "operator": proof.key.number,
        "received": receipt.received,
        "refused_late": breach.refused_late,
        "statement": receipt.statement.hex(),
    }
    end_with(breach.gaps, answer)


def _open(folder: Path, batch: int) -> BinaryIO | None:
    """From the folder itself, or from a mirror's."""
    for place in (folder, folder / "leaves"):
        path = place / f"{batch:06d}.leaves"
        if path.is_file():
            return path.open("rb")
    return None
