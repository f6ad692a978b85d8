"""`tiezheng refusals`: what the chain refused after a receipt was given, why, and what to do next."""

from typing import Annotated, Any

import typer

from tiezheng.cli.case_show import kind_named
from tiezheng.cli.language import pick
from tiezheng.cli.output import AsJson, emit, say, table
from tiezheng.cli.profile import ProfileFile, parse_digest
from tiezheng.cli.refusal_words import reason_named
from tiezheng.cli.session import open_session
from tiezheng.cli.times import show_time
from tiezheng.client.refusals import RefusalChecker
from tiezheng.errors import Malformed, NotFound, VerificationFailed


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("refusals")(refusals)


def refusals(
    limit: Annotated[int, typer.Option("--limit", min=1, max=200, help="条数 / how many")] = 20,
    before: Annotated[
        str | None, typer.Option("--before", metavar="EVIDENCE-ID", help="从此编号之后续列 / go on after this one")
    ] = None,
    profile: ProfileFile = None,
    _json: AsJson = False,
) -> None:
    """列出被链拒绝的声明、原因和办法 / statements that the chain refused, why, and what to do"""
    with open_session(profile) as session:
        start = None if before is None else parse_digest(before, "--before")
        found, following = session.client.refusals(limit=limit, before=start)
        rows = checked(found, RefusalChecker(session.client, session.ledger))
    show_refusals(rows)
    emit({"refusals": rows, "next": following})
    if not rows:
        say("没有被拒绝的声明。", "Nothing was refused.", "green")
    else:
        say(
            "请勿原样重交：按上列办法更正，重新制作声明后再提交。",
            "Do not hand the same in again: correct it as it says above, and make a new statement.",
            "yellow",
        )
    if following is not None:
        say(f"续列：tiezheng refusals --before {following}", f"More: tiezheng refusals --before {following}")
    if not all(row["verified"] for row in rows):
        say(
            "有拒绝通知的签名无效：请保存其文件，它证明平台出示了不实的拒绝。",
            "A refusal's signature does not hold: keep its file, it shows that the service gave a false one.",
            "red",
            error=True,
        )
        raise typer.Exit(1)


def checked(found: list[dict[str, Any]], checker: RefusalChecker) -> list[dict[str, Any]]:
    """Each with `verified`, and with the sentences that belong to the number that was signed."""
    rows = []
    for told in found:
        try:
            number = checker.check(told).reason
            verified = True
        except (VerificationFailed, Malformed, NotFound):
            number, verified = int(told.get("reason", 0)), False
        zh, en = reason_named(number)
        rows.append({**told, "reason": number, "reason_zh": zh, "reason_en": en, "verified": verified})
    return rows


def show_refusals(rows: list[dict[str, Any]]) -> None:
    """A table, or lines with labels where the terminal is narrow."""
    heads = [
        ("拒绝时间", "refused"),
        ("步骤", "step"),
        ("原因与办法", "reason, and what to do"),
        ("签名", "signature"),
        ("存证编号", "evidence id"),
        ("案件编号", "case"),
    ]
    lines = [
        (
            show_time(row.get("refused")),
            f"{row.get('sequence')} {kind_named(row.get('kind', 0))}",
            pick(row["reason_zh"], row["reason_en"]),
            pick("有效", "holds") if row["verified"] else pick("无效", "DOES NOT HOLD"),
            row.get("digest"),
            row.get("case"),
        )
        for row in rows
    ]
    table(heads, lines)
