"""`tiezheng collect sign`: look at what is to be signed, check it against its digest, sign it.

Guaranteed: the content that is shown is the one that the statement commits to, recomputed here, salts included; the
plan in the content is the plan that is signed. Not guaranteed: that the person reads it.
"""

from typing import Annotated, Any, Final

import typer

from tiezheng.canonical import dumps
from tiezheng.cli.case_show import kind_named
from tiezheng.cli.language import is_json, pick
from tiezheng.cli.output import AsJson, emit, say, show
from tiezheng.cli.profile import ProfileFile, parse_number
from tiezheng.cli.session import open_session
from tiezheng.cli.times import show_time
from tiezheng.cli.verify_sections import shown_value
from tiezheng.content import Content, parse_private_json
from tiezheng.errors import Conflict, VerificationFailed
from tiezheng.procedures import load_procedures
from tiezheng.procedures.schema import RESERVED, SIGNERS
from tiezheng.statement import Statement, parse_statement

_OPEN: Final = "open"
_RESERVED: Final = frozenset(one.name for one in RESERVED)


def collect_sign(
    collection: Annotated[str, typer.Argument(metavar="COLLECTION", help="会签编号 / collection id")],
    signer: Annotated[str, typer.Option("--signer", metavar="NUMBER", help="签名人编号 / who signs")],
    yes: Annotated[bool, typer.Option("--yes", help="不询问 / do not ask")] = False,
    profile: ProfileFile = None,
    _json: AsJson = False,
) -> None:
    """核对内容后签署 / check the content, then sign"""
    number = parse_number(signer)
    with open_session(profile) as session:
        told = session.client.collection(collection)
        if told.get("state") != _OPEN:
            raise Conflict("collection.closed", got=str(told.get("state")))
        statement, content, plan = _checked(told)
        _show(statement, content, plan)
        if not yes and not is_json():
            typer.confirm(pick("签署？", "Sign?"), abort=True)
        answer = session.client.sign_collection(collection, session.sign(statement, plan, number))
    if answer.get("state") == "submitted":
        say("签名齐全，已提交。", "All signatures are there; it was submitted.", "green")
    else:
        say("已签署，等待其他签名人。", "Signed; others are awaited.", "yellow")
    show([("存证编号", "evidence id", statement.digest.hex())])
    emit({"collection": collection, "digest": statement.digest.hex(), "state": answer.get("state")})


def _checked(told: dict[str, Any]) -> tuple[Statement, Content, list[tuple[int, int]]]:
    """Raises VerificationFailed `content.root_mismatch`, `content.signers_mismatch`."""
    statement = parse_statement(bytes.fromhex(told["statement"]))
    content = parse_private_json(dumps(told["content"]))
    if content.root != statement.content:
        raise VerificationFailed("content.root_mismatch", expected=statement.content, got=content.root)
    plan = [(signer, role) for signer, role in told["plan"]]
    if content.get(SIGNERS).value != [list(pair) for pair in plan]:
        raise VerificationFailed("content.signers_mismatch")
    return statement, content, plan


def _show(statement: Statement, content: Content, plan: list[tuple[int, int]]) -> None:
    kind = next((kind for one in load_procedures() if (kind := one.kind(statement.kind)) is not None), None)
    labels = {} if kind is None else {spec.name: (spec.zh, spec.en) for spec in kind.schema.fields}
    show(
        [
            ("步骤", "step", f"{statement.sequence} {kind_named(statement.kind)}"),
            ("发生时间", "occurred", show_time(statement.occurred)),
            ("案件编号", "case", statement.case.hex()),
            ("签名人", "signers", ", ".join(str(number) for number, _ in plan)),
            *(
                (*labels.get(leaf.name, (leaf.name, leaf.name)), shown_value(leaf.value))
                for leaf in content.fields
                if leaf.value is not None and leaf.name not in _RESERVED
            ),
            *(("附件", "attachment", f"{one.name} SM3 {one.digests.sm3.hex()}") for one in content.attachments),
        ]
    )
