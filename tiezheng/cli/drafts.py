"""From what a person typed to a statement with its content, ready for signing.

Guaranteed: the content root, the reserved fields and the plan of signers agree before anybody signs. Not guaranteed:
that the case takes the step; the service and the chain answer that.
"""

import mimetypes
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tiezheng.cli.wording import PLAIN, Wording
from tiezheng.content import SALT_SIZE, Attachment, Content, ContentType, Record, build_content
from tiezheng.digest import FileDigests
from tiezheng.errors import Malformed
from tiezheng.procedures import IRREGULAR_ROLE, Kind, Lane, Procedure, load_procedures
from tiezheng.procedures.roles import LABELS, Role
from tiezheng.procedures.schema import FLAG_REASON, SIGNERS, JsonValue
from tiezheng.statement import CASE_RANDOM_SIZE, ZERO, Flag, Statement, new_case_id

OCTETS: Final = "application/octet-stream"
Plan = tuple[tuple[int, int], ...]
_DAY_MS: Final = 86_400_000
# Days begin at midnight in UTC+8.
_EIGHT_HOURS_MS: Final = 8 * 3_600_000


@dataclass(frozen=True, slots=True)
class Draft:
    """An unsigned statement, its content and who signs it: (number, role) ascending by number."""

    statement: Statement
    content: Content
    plan: Plan
    kind: Kind


@dataclass(frozen=True, slots=True)
class Place:
    """Where in which case a statement goes; `previous` is the case's head, or the table's digest for the first."""

    case: bytes
    sequence: int
    previous: bytes


def salt() -> bytes:
    """16 fresh random bytes."""
    return secrets.token_bytes(SALT_SIZE)


def opening(procedure: Procedure, institution: int) -> Place:
    """The first place of a new case."""
    return Place(new_case_id(institution, secrets.token_bytes(CASE_RANDOM_SIZE)), 0, procedure.table_digest)


def find_procedure(code: str) -> Procedure:
    """By code, also without the domain. Raises Malformed `procedure.unknown`."""
    for procedure in load_procedures():
        if code in (procedure.code, procedure.code.rpartition(".")[2]):
            return procedure
    raise Malformed("procedure.unknown", expected=", ".join(one.code for one in load_procedures()), got=code[:64])


def find_kind(procedure: Procedure, code: str) -> Kind:
    """By code or path. Raises Malformed `statement.kind`."""
    for kind in procedure.kinds:
        if code in (kind.code, kind.path):
            return kind
    raise Malformed("statement.kind", expected=", ".join(kind.code for kind in procedure.kinds), got=code[:64])


def plan_signers(
    kind: Kind, institution: int, signers: Sequence[int], counterparty: int = 0, irregular: bool = False
) -> Plan:
    """Who signs in which role: persons in the order given, the institutions by themselves.

    Of an irregular act the institution answers (role 0xFF), and of the persons as many sign as there are, in the order
    of the places. Raises Malformed `signature.count` where persons are missing or too many.
    """
    persons = [slot for slot in kind.slots if slot.is_person]
    named = [number for number in signers if number not in (institution, counterparty)]
    if len(named) > len(persons) or (len(named) < len(persons) and not irregular):
        roles = ", ".join(LABELS[Role(slot.role)][1] for slot in persons) or "-"
        raise Malformed("signature.count", expected=len(persons), got=len(named), detail=f"--signer: {roles}")
    plan = [(number, slot.role) for number, slot in zip(named, persons, strict=False)]
    if irregular:
        return tuple(sorted([*plan, (institution, IRREGULAR_ROLE)]))
    seals = [slot for slot in kind.slots if not slot.is_person]
    plan += [(counterparty if slot.is_counterparty else institution, slot.role) for slot in seals]
    return tuple(sorted(plan))


def build_draft(
    kind: Kind,
    place: Place,
    institution: int,
    plan: Plan,
    values: Mapping[str, JsonValue],
    occurred: int,
    *,
    attachments: Sequence[Attachment] = (),
    records: Sequence[Record] = (),
    subject: bytes = ZERO,
    counterparty: int = 0,
    confidential: bool = False,
    wording: Wording = PLAIN,
) -> Draft:
    """Build content and statement. `occurred` in ms. Raises Malformed `content.*`, `statement.*`."""
    given: dict[str, JsonValue] = {**values, SIGNERS: [list(pair) for pair in plan]}
    if wording.reason is not None:
        given[FLAG_REASON] = wording.reason
    if kind.whole_days:
        occurred -= (occurred + _EIGHT_HOURS_MS) % _DAY_MS
    content = build_content(ContentType.STATEMENT, kind.schema, given, attachments, records, draw_salt=salt)
    flags = wording.flags | (Flag.CONFIDENTIAL if confidential else Flag(0))
    statement = Statement(
        kind=kind.number,
        flags=flags | Flag.BATCH if kind.lane is Lane.BATCH else flags,
        sequence=place.sequence,
        institution=institution,
        counterparty=counterparty,
        occurred=occurred,
        case=place.case,
        previous=place.previous,
        subject=ZERO if confidential else subject,
        content=content.root,
        terms=wording.terms,
    )
    return Draft(statement, content, plan, kind)


def attach(path: Path, digests: FileDigests) -> Attachment:
    """An attachment under the file's own name."""
    return Attachment(path.name, media_type(path), digests, salt())


def media_type(path: Path) -> str:
    """By the file's name."""
    return mimetypes.guess_type(path.name)[0] or OCTETS
