"""`tiezheng submit`: any step from a JSON file, for systems.

The file: `{"type","step"?,"case"?,"fields"?,"attachments"?,"signers"?,"subject"?,"occurred"?,"counterparty"?,
"confidential"?}`: type of case, step's code, case id (absent: a new case), values by name, paths relative to the file.
Guaranteed: an unknown member is refused. Not guaranteed: anything beyond what `tiezheng case` does.
"""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tiezheng.canonical import loads_loose
from tiezheng.cli.drafts import find_procedure
from tiezheng.cli.files import read_small
from tiezheng.cli.output import AsJson
from tiezheng.cli.profile import ProfileFile, parse_digest
from tiezheng.cli.session import open_session
from tiezheng.cli.steps import Out, Request, first_place, kind_for, next_place, take_step, tell
from tiezheng.errors import Malformed

MAX_BYTES: Final = 16 << 20
_MEMBERS: Final[dict[str, tuple[type, ...]]] = {
    "type": (str,),
    "step": (str,),
    "case": (str,),
    "fields": (dict,),
    "attachments": (list,),
    "signers": (list,),
    "subject": (str,),
    "occurred": (str,),
    "counterparty": (int,),
    "confidential": (bool,),
    "target": (str,),
    "end": (str,),
    "holding": (str,),
    "late": (str,),
    "irregular": (str,),
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("submit")(submit)


def submit(
    file: Annotated[Path, typer.Argument(metavar="JSON", help="步骤说明文件 / file that describes the step")],
    out: Out = None,
    profile: ProfileFile = None,
    _json: AsJson = False,
) -> None:
    """按 JSON 提交任一步骤 / submit any step from JSON"""
    asked = read_request(file)
    procedure = find_procedure(asked["type"])
    request = Request(
        attachments=[file.parent / str(one) for one in asked.get("attachments", ())],
        signers=[str(one) for one in asked.get("signers", ())],
        subject=None if "subject" not in asked else file.parent / asked["subject"],
        occurred=asked.get("occurred"),
        counterparty=asked.get("counterparty", 0),
        confidential=asked.get("confidential", False),
        target=asked.get("target"),
        end=asked.get("end"),
        holding=asked.get("holding"),
        late=asked.get("late"),
        irregular=asked.get("irregular"),
        values=asked.get("fields", {}),
    )
    with open_session(profile) as session:
        if "case" in asked:
            pinned, place = next_place(session, parse_digest(asked["case"], "case"))
            if pinned.table_digest != procedure.table_digest:
                raise Malformed("procedure.unknown", expected=pinned.code, got=procedure.code)
        else:
            place = first_place(session, procedure)
        tell(take_step(session, procedure, kind_for(procedure, asked.get("step")), place, request, out))


def read_request(file: Path) -> dict[str, Any]:
    """The members of the file. Raises Malformed `json.syntax`, `json.member_*`."""
    try:
        value = loads_loose(read_small(file, MAX_BYTES))
    except ValueError as error:
        raise Malformed("json.syntax", got=str(file)) from error
    if not isinstance(value, dict) or "type" not in value:
        raise Malformed("json.member_missing", detail="type")
    for name, member in value.items():
        if name not in _MEMBERS:
            raise Malformed("json.member_unknown", expected=", ".join(_MEMBERS), detail=name[:64])
        if not isinstance(member, _MEMBERS[name]):
            raise Malformed("json.member_type", expected=_MEMBERS[name][0].__name__, detail=name)
    return value
