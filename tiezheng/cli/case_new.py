"""`tiezheng case new`: the first statement of a new case."""

from typing import Annotated

import typer

from tiezheng.cli.drafts import find_procedure
from tiezheng.cli.output import AsJson
from tiezheng.cli.profile import ProfileFile, parse_number
from tiezheng.cli.session import open_session
from tiezheng.cli.steps import (
    Attachments,
    Counterparty,
    Fields,
    Occurred,
    Out,
    Request,
    Signers,
    Subject,
    first_place,
    kind_for,
    take_step,
    tell,
)
from tiezheng.cli.wording import End, Held, Irregular, Target


def case_new(
    procedure: Annotated[str, typer.Argument(metavar="TYPE", help="案件类型：matter、deposit… / type of case")],
    field: Fields = None,
    attach: Attachments = None,
    signer: Signers = None,
    subject: Subject = None,
    occurred: Occurred = None,
    counterparty: Counterparty = None,
    target: Target = None,
    end: End = None,
    holding: Held = None,
    irregular: Irregular = None,
    confidential: Annotated[
        bool, typer.Option("--confidential", help="不可按文件查询 / cannot be looked up by the file")
    ] = False,
    out: Out = None,
    profile: ProfileFile = None,
    _json: AsJson = False,
) -> None:
    """开立案件 / open a case"""
    chosen = find_procedure(procedure)
    asked = Request(
        fields=field or (),
        attachments=attach or (),
        signers=signer or (),
        subject=subject,
        occurred=occurred,
        counterparty=0 if counterparty is None else parse_number(counterparty),
        confidential=confidential,
        target=target,
        end=end,
        holding=holding,
        irregular=irregular,
    )
    with open_session(profile) as session:
        tell(take_step(session, chosen, kind_for(chosen, None), first_place(session, chosen), asked, out))
