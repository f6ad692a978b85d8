"""One file, one deposit, by the registry lane."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tiezheng.cli.drafts import Draft, build_draft, find_kind, find_procedure, opening, plan_signers
from tiezheng.cli.files import open_file
from tiezheng.cli.output import emit, progress, say, show
from tiezheng.cli.session import Session
from tiezheng.cli.times import now_ms, show_time
from tiezheng.cli.uploads import send_file, unfinished
from tiezheng.digest import digest_file
from tiezheng.procedures import JsonValue


def deposit_file(
    session: Session, path: Path, values: Mapping[str, JsonValue], confidential: bool, out: Path | None
) -> None:
    """Upload, sign, submit, and say what the receipt says."""
    with progress() as bar:
        draft, sm3 = draft_deposit(session, "deposit", path, values, confidential, bar)
    told = {**session.hand_in(draft, out), "file": str(path), "sm3": sm3.hex()}
    say("已受理存证，平台已出具回执。", "The deposit was accepted; the service signed a receipt.", "green")
    show_receipt(told)
    emit(told)


def draft_deposit(
    session: Session, code: str, path: Path, values: Mapping[str, JsonValue], confidential: bool, bar: Any
) -> tuple[Draft, bytes]:
    """Upload a file into a new case, and the deposit of it; with the file's SM3."""
    procedure = find_procedure(code)
    kind = find_kind(procedure, "deposit")
    institution = session.profile.institution
    place, upload = opening(procedure, institution), None
    open_file(path).close()
    digests = digest_file(path)
    if (begun := unfinished(session.client, digests)) is not None:
        place, upload = replace(place, case=begun[0]), begun[1]
    attachment = send_file(session.client, place.case, path, bar, digests, upload)
    draft = build_draft(
        kind,
        place,
        institution,
        plan_signers(kind, institution, ()),
        values,
        now_ms(),
        attachments=[attachment],
        subject=attachment.digests.sm3,
        confidential=confidential,
    )
    return draft, attachment.digests.sm3


def show_receipt(told: Mapping[str, Any]) -> None:
    """Evidence id, case, file and due time."""
    show(
        [
            ("存证编号", "evidence id", told["digest"]),
            ("案件编号", "case", told["case"]),
            ("文件 SM3", "file SM3", told.get("sm3")),
            ("记录数", "records", told.get("records")),
            ("最迟上链", "on chain by", show_time(told["due"])),
            ("回执", "receipt", told.get("receipt")),
        ]
    )
