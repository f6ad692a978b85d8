"""One step of a case, from options to the service.

Guaranteed: the step stands on the head that the service told at that moment. Not guaranteed: that nobody else takes the
place before; then the answer is `case.position_taken`, and the step is made anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import typer

from tiezheng.cli.drafts import Place, build_draft, find_kind, opening, plan_signers
from tiezheng.cli.field_values import read_values
from tiezheng.cli.output import emit, progress, say, show
from tiezheng.cli.profile import parse_digest, parse_number
from tiezheng.cli.session import Session
from tiezheng.cli.times import now_ms, parse_time, show_time
from tiezheng.cli.uploads import send_file
from tiezheng.cli.wording import Wording, parse_holding, terms_for
from tiezheng.errors import IntegrityFault, Malformed
from tiezheng.procedures import JsonValue, Kind, Procedure, load_procedures
from tiezheng.statement import ZERO

Fields = Annotated[
    list[str] | None, typer.Option("--field", metavar="NAME=VALUE", help="内容字段，可多次 / a field, repeatable")
]
Attachments = Annotated[
    list[Path] | None, typer.Option("--attach", metavar="FILE", help="附件，可多次 / attachment, repeatable")
]
Signers = Annotated[
    list[str] | None, typer.Option("--signer", metavar="NUMBER", help="签名的执业人员编号 / practitioner who signs")
]
Subject = Annotated[
    Path | None, typer.Option("--subject", metavar="FILE", help="可供任何人查询的文件 / file that anyone may look up")
]
Occurred = Annotated[
    str | None, typer.Option("--occurred", metavar="TIME", help="发生时间，默认现在 / when it occurred, default now")
]
Counterparty = Annotated[str | None, typer.Option("--counterparty", metavar="NUMBER", help="相对方机构 / counterparty")]
Out = Annotated[Path | None, typer.Option("--out", metavar="DIR", help="回执存放处 / where receipts go")]


@dataclass(frozen=True, slots=True)
class Request:
    """What a person asked for; `values` where the fields are typed already."""

    fields: Sequence[str] = ()
    attachments: Sequence[Path] = ()
    signers: Sequence[str] = ()
    subject: Path | None = None
    occurred: str | None = None
    counterparty: int = 0
    confidential: bool = False
    target: str | None = None
    end: str | None = None
    holding: str | None = None
    late: str | None = None
    irregular: str | None = None
    values: dict[str, JsonValue] = field(default_factory=dict)


def take_step(
    session: Session, procedure: Procedure, kind: Kind, place: Place, asked: Request, out: Path | None
) -> dict[str, Any]:
    """Upload, build, sign, submit or open a collection; what happened."""
    institution = session.profile.institution
    signers = [parse_number(text) for text in asked.signers]
    plan = plan_signers(kind, institution, signers, asked.counterparty, asked.irregular is not None)
    target = None if asked.target is None else parse_digest(asked.target, "--target")
    end = None if asked.end is None else parse_time(asked.end)
    terms = terms_for(kind, target, end, parse_holding(asked.holding))
    values = {**asked.values, **read_values(kind, asked.fields)}
    files = [*asked.attachments, *([asked.subject] if asked.subject is not None else [])]
    with progress() as bar:
        sent = [send_file(session.client, place.case, path, bar) for path in dict.fromkeys(files)]
    by_path = dict(zip(dict.fromkeys(files), sent, strict=True))
    draft = build_draft(
        kind,
        place,
        institution,
        plan,
        values,
        now_ms() if asked.occurred is None else parse_time(asked.occurred),
        attachments=sent,
        subject=ZERO if asked.subject is None else by_path[asked.subject].digests.sm3,
        counterparty=asked.counterparty,
        confidential=asked.confidential,
        wording=Wording(terms, asked.late, asked.irregular),
    )
    return {**session.hand_in(draft, out), "procedure": procedure.code}


def first_place(session: Session, procedure: Procedure) -> Place:
    """A new case of this institution."""
    return opening(procedure, session.profile.institution)


def next_place(session: Session, case: bytes) -> tuple[Procedure, Place]:
    """Behind the last accepted statement. Raises NotFound `case.not_found`, Malformed `procedure.unknown`."""
    told = session.client.case(case)
    table = told.get("procedure")
    procedure = next((one for one in load_procedures() if table in (one.table_digest.hex(), one.code)), None)
    if procedure is None:
        raise Malformed("procedure.unknown", got=str(table)[:64])
    last, sequence = told.get("last"), told.get("sequence")
    if not isinstance(last, str) or not isinstance(sequence, int):
        raise IntegrityFault("case.not_found", detail="last, sequence")
    return procedure, Place(case, sequence + 1, parse_digest(last, "last"))


def kind_for(procedure: Procedure, code: str | None) -> Kind:
    """The kind named, or the one that opens."""
    return find_kind(procedure, code) if code else next(kind for kind in procedure.kinds if kind.opens)


def tell(told: dict[str, Any]) -> None:
    """The outcome for a person or a program."""
    if told["status"] == "collecting":
        say("已发起会签，等待其他签名人。", "A collection was opened; other signers are awaited.", "yellow")
        waiting = ", ".join(map(str, told["waiting"]))
        show([("会签编号", "collection", told["collection"]), ("等待", "waiting for", waiting)])
    else:
        say("已受理，平台已出具回执。", "Accepted; the service signed a receipt.", "green")
    show(
        [
            ("存证编号", "evidence id", told["digest"]),
            ("案件编号", "case", told["case"]),
            ("步骤", "step", f"{told['sequence']} {told['kind']}"),
            ("最迟上链", "on chain by", show_time(told["due"]) if "due" in told else None),
            ("回执", "receipt", told.get("receipt")),
        ]
    )
    emit(told)
