"""`tiezheng bundle`: fetch the file that proves a statement offline."""

import time
from pathlib import Path
from typing import Annotated, Final

import typer

from tiezheng.cli.files import write_new
from tiezheng.cli.output import AsJson, emit, say, show
from tiezheng.cli.profile import ProfileFile, parse_digest
from tiezheng.cli.refusal_words import tell_refusal
from tiezheng.cli.session import Session, open_session
from tiezheng.cli.verify_inputs import SUFFIX
from tiezheng.client.refusals import RefusalChecker
from tiezheng.digest import digest_file
from tiezheng.errors import Conflict, NotFound, Unavailable

POLL_SECONDS: Final = 1.0
_NOT_YET: Final = frozenset({"bundle.not_final", "bundle.not_ready"})


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("bundle")(bundle)


def bundle(
    digest: Annotated[
        str,
        typer.Argument(metavar="EVIDENCE-ID|FILE", help="存证编号，或已存证的文件 / evidence id, or a deposited file"),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help=f"默认 <编号>{SUFFIX} / where it goes")
    ] = None,
    without_names: Annotated[
        bool, typer.Option("--without-names", help="不公开执业人员姓名 / withhold practitioners' names")
    ] = False,
    target_only: Annotated[
        bool, typer.Option("--target-only", help="不含同案其他步骤 / without the case's other steps")
    ] = False,
    record: Annotated[
        int | None, typer.Option("--record", min=0, help="公开记录集中的这一条 / disclose this record of the set")
    ] = None,
    pending: Annotated[
        bool, typer.Option("--pending", help="未终局也取 / also before it is final (never VALID)")
    ] = False,
    wait: Annotated[int, typer.Option("--wait", min=0, metavar="SECONDS", help="等待终局 / wait until final")] = 0,
    profile: ProfileFile = None,
    _json: AsJson = False,
) -> None:
    """取得证据包 / fetch a bundle"""
    with open_session(profile) as session:
        target = _target(session, digest)
        path = out or Path(f"{target.hex()}{SUFFIX}")
        if path.exists():
            raise Conflict("file.exists", got=str(path))
        until = time.monotonic() + wait
        while True:
            try:
                data = _fetch(session, target, without_names, target_only, record, pending)
                break
            except (Conflict, Unavailable) as error:
                if error.code == "statement.refused":
                    tell_refusal(RefusalChecker(session.client, session.ledger).fetch(target))
                if error.code not in _NOT_YET or time.monotonic() >= until:
                    raise
                time.sleep(POLL_SECONDS)
    write_new(path, data)
    say("已取得证据包，请用 tiezheng verify 核验。", "Here is the bundle; check it with tiezheng verify.", "green")
    show([("文件", "file", path), ("大小", "size", f"{len(data)} B")])
    emit({"digest": target.hex(), "file": str(path), "size": len(data)})


def _target(session: Session, text: str) -> bytes:
    """An evidence id, or that of the last deposit of a file. Raises NotFound `evidence.not_found`."""
    if not Path(text).is_file():
        return parse_digest(text, "evidence id")
    sm3 = digest_file(Path(text)).sm3
    found = session.client.lookup(sm3)
    if not found:
        raise NotFound("evidence.not_found", got=sm3)
    return parse_digest(str(found[-1]["digest"]), "digest")


def _fetch(
    session: Session, target: bytes, without_names: bool, target_only: bool, record: int | None, pending: bool
) -> bytes:
    return session.client.bundle(
        target, names=not without_names, whole_case=not target_only, record=record, pending=pending
    )
