"""`tiezheng case show`: a case's timeline, as the service tells it."""

from typing import Annotated, Any, Final

import typer

from tiezheng.cli.language import pick
from tiezheng.cli.output import AsJson, emit, say, show, table
from tiezheng.cli.profile import ProfileFile, parse_digest
from tiezheng.cli.refusal_words import reason_named
from tiezheng.cli.session import open_session
from tiezheng.cli.times import show_time
from tiezheng.procedures import STATUS_LABELS, Kind, Procedure, load_procedures

STATUSES: Final = {
    "accepted": ("已受理", "accepted"),
    "sent": ("已发送", "sent"),
    "anchored": ("已上链", "anchored"),
    "final": ("已终局", "final"),
    "refused": ("被拒绝", "refused"),
}

MARKS: Final = {
    "late": ("事后补录", "filled in late"),
    "irregular": ("违规记录", "irregular"),
    "supplemented": ("已有补正", "supplemented"),
}


def case_show(
    case: Annotated[str, typer.Argument(metavar="CASE", help="案件编号 / case id")],
    profile: ProfileFile = None,
    _json: AsJson = False,
) -> None:
    """查看案件 / show a case"""
    with open_session(profile) as session:
        told = session.client.case(parse_digest(case, "case"))
    procedure = next(
        (one for one in load_procedures() if told.get("procedure") in (one.table_digest.hex(), one.code)), None
    )
    state = None if procedure is None else procedure.state(told.get("state", -1))
    closed = told.get("closed")
    show(
        [
            ("案件编号", "case", case),
            ("类型", "type", None if procedure is None else pick(procedure.zh, procedure.en)),
            ("状态", "state", told.get("state") if state is None else pick(state.zh, state.en)),
            ("中止中", "paused", yes_no(told.get("paused") or None)),
            ("冻结中", "frozen", yes_no(told.get("frozen") or None)),
            ("有违规记录", "irregular seen", pick("是", "yes") if told.get("irregular") else None),
            ("期满", "period ends", show_time(told["end"]) if told.get("end") else None),
            ("办结", "closed", yes_no(closed)),
        ]
    )
    heads = [
        ("序", "no."),
        ("步骤", "step"),
        ("发生", "occurred"),
        ("状态", "status"),
        ("效力", "standing"),
        ("存证编号", "evidence id"),
    ]
    table(heads, [_row(one, procedure) for one in told.get("statements", [])])
    refused = told.get("refused", [])
    if refused:
        say("曾被链拒绝，未成为案件的一部分：", "Refused by the chain, and no part of the case:", "red")
    for one in refused:
        step = f"{one.get('sequence')} {kind_named(one.get('kind', 0), procedure)}"
        show([("步骤", "step", step), ("拒绝时间", "refused", show_time(one.get("refused")))])
        say(*reason_named(int(one.get("reason", 0))), indent=2)
    emit(told)


def yes_no(value: bool | None) -> str | None:
    """In words; None where it was not told."""
    return None if value is None else pick("是", "yes") if value else pick("否", "no")


def kind_named(number: int, procedure: Procedure | None = None) -> str:
    """A kind's name by its number."""
    candidates = [procedure] if procedure is not None else list(load_procedures())
    found: list[Kind] = [kind for one in candidates if (kind := one.kind(number)) is not None]
    return pick(found[0].zh, found[0].en) if found else f"{number:#06x}"


def status_named(status: str) -> str:
    """A status in words."""
    return pick(*STATUSES.get(status, (status, status)))


def _row(one: dict[str, Any], procedure: Procedure | None) -> list[object]:
    return [
        one.get("sequence"),
        kind_named(one.get("kind", 0), procedure),
        show_time(one.get("occurred")),
        status_named(str(one.get("status"))),
        _standing(one.get("standing")),
        one.get("digest"),
    ]


def _standing(told: dict[str, Any] | None) -> str:
    """Status and marks of a record, in words."""
    if told is None:
        return "-"
    status = next((labels for one, labels in STATUS_LABELS.items() if one.name.lower() == told["status"]), None)
    words = [told["status"] if status is None else pick(*status)]
    return "\n".join([*words, *(pick(*MARKS[mark]) for mark in told["marks"] if mark in MARKS)])
