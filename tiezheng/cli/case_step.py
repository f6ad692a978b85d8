"""`tiezheng case step`: the next statement of a case."""

from typing import Annotated

import typer

from tiezheng.cli.output import AsJson
from tiezheng.cli.profile import ProfileFile, parse_digest, parse_number
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
    kind_for,
    next_place,
    take_step,
    tell,
)
from tiezheng.cli.wording import End, Held, Irregular, Late, Target


def case_step(
    case: Annotated[str, typer.Argument(metavar="CASE", help="案件编号 / case id")],
    step: Annotated[str, typer.Argument(metavar="STEP", help="步骤：accept、review… / step")],
    field: Fields = None,
    attach: Attachments = None,
    signer: Signers = None,
    subject: Subject = None,
    occurred: Occurred = None,
    counterparty: Counterparty = None,
    target: Target = None,
    end: End = None,
    holding: Held = None,
    late: Late = None,
    irregular: Irregular = None,
    out: Out = None,
    profile: ProfileFile = None,
    _json: AsJson = False,
) -> None:
    """推进案件；签名人的密钥在别处时发起会签 / next step; opens a collection where a key is elsewhere"""
    asked = Request(
        fields=field or (),
        attachments=attach or (),
        signers=signer or (),
        subject=subject,
        occurred=occurred,
        counterparty=0 if counterparty is None else parse_number(counterparty),
        target=target,
        end=end,
        holding=holding,
        late=late,
        irregular=irregular,
    )
    with open_session(profile) as session:
        procedure, place = next_place(session, parse_digest(case, "case"))
        tell(take_step(session, procedure, kind_for(procedure, step), place, asked, out))
