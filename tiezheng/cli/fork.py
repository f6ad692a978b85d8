"""`tiezheng fork check`: a proof that two signed objects contradict each other, against a trust file, offline.

Guaranteed: exit code 0 only for a proof that is conclusive. Not guaranteed: which of the two objects is true.
"""

from typing import Final

import typer

from tiezheng.cli.output import AsJson, say, show
from tiezheng.cli.proof_report import AtTime, ProofFile, TrustFile, end_invalid, end_with, read_proof, read_trust
from tiezheng.cli.times import now_ms, parse_time
from tiezheng.errors import TiezhengError
from tiezheng.verify.fork import MAX_SIZE, Kind, check_fork, parse_fork

_SENTENCES: Final = {
    Kind.WITNESS: (
        "同一高度的两个区块都有见证签名：链曾以两副面目示人。",
        "Two blocks of one height were cosigned: the chain was shown with two faces.",
    ),
    Kind.BATCH: (
        "运营机构为同一批次号签署了两个批次头。",
        "The operator sealed two batches with one number.",
    ),
    Kind.STATEMENT: (
        "同一密钥为案件的同一位置签署了两份声明；仅当两者都被承认才有错，链上只能有其一。",
        "One key signed two statements for one position of a case; the chain takes only one of them.",
    ),
    Kind.RECEIPT: (
        "运营机构为同一位置的两份声明出具了回执；除非其一已被签署拒绝，否则必有一份失信。",
        "The operator gave receipts for two statements at one position; one is broken unless it was refused.",
    ),
}


def register(app: typer.Typer) -> None:
    """Add the group."""
    group = typer.Typer(no_args_is_help=True, help="分叉证明 / proofs of forks")
    group.callback()(_group)
    group.command("check")(check)
    app.add_typer(group, name="fork")


def _group() -> None:
    """Keeps `check` a word of its own."""


def check(file: ProofFile, trust: TrustFile, at: AtTime = None, _json: AsJson = False) -> None:
    """离线核验分叉证明：0 成立，1 不成立，3 不能定论 / check offline: 0 holds, 1 does not, 3 inconclusive"""
    data, trusted = read_proof(file, MAX_SIZE), read_trust(trust)
    try:
        fork = check_fork(parse_fork(data), trusted, now_ms() if at is None else parse_time(at))
    except TiezhengError as error:
        end_invalid(error)
    labels = {"height": "高度", "batch": "批次", "case": "案件", "sequence": "序号"}
    rows: list[tuple[str, str, object]] = [(labels[name], name, value) for name, value in fork.about.items()]
    show([*rows, ("签名人", "signed by", ", ".join(map(str, fork.signers)))])
    say(*_SENTENCES[fork.kind], "red")
    end_with(fork.gaps, {"about": dict(fork.about), "kind": fork.kind.value, "signers": list(fork.signers)})
