"""Collections of signatures.

Guaranteed: only the opener's and the planned signers' institutions see one, content and salts included, and each
institution signs for its own people alone. Not guaranteed: that the position stays free meanwhile; `stale` tells.
"""

from typing import Annotated, Final

from fastapi import APIRouter
from fastapi.responses import Response

from api.answers import json_answer, with_file
from api.auth import InRooms, Reader, Submitter, check_part
from api.bodies import (
    STATEMENT_BODY_MAX,
    body_up_to,
    bytes_of,
    digests_of,
    members_of,
    path_bytes,
    plan_of,
    signatures_of,
    with_content,
)
from api.views import View, collection_view
from ledger.services.collect_signatures import ID_SIZE, Progress
from tiezheng.statement import parse_statement

SIGNATURE_BODY_MAX: Final = 4_096
_REQUIRED: Final = frozenset({"plan", "statement"})
_OPTIONAL: Final = frozenset({"not_held", "signatures"})

router = APIRouter(prefix="/collections")


@router.post("")
def begin(rooms: InRooms, caller: Submitter, body: Annotated[bytes, body_up_to(STATEMENT_BODY_MAX)]) -> Response:
    """Fix statement, plan and content; signatures that are there already may come along."""
    value, private = with_content(body, _REQUIRED, _OPTIONAL)
    content = None if private is None else private.data
    statement = bytes_of(value["statement"], "statement")
    plan = plan_of(value["plan"])
    signatures = signatures_of(value.get("signatures", []), least=0)
    not_held = digests_of(value.get("not_held"), "not_held")
    check_part(rooms, caller, parse_statement(statement).case)
    return _answer(rooms.collect.open(caller.institution, statement, plan, content, signatures, not_held), 201)


@router.get("")
def waiting(rooms: InRooms, caller: Reader) -> Response:
    """Open ones that the institution began or that wait for one of its signers."""
    return json_answer({"collections": [collection_view(row) for row in rooms.collect.waiting(caller.institution)]})


@router.get("/{collection}")
def show(rooms: InRooms, caller: Submitter, collection: str) -> Response:
    """With the private content, from which a signer recomputes the root before signing."""
    view = rooms.collect.view(path_bytes(collection, ID_SIZE, "collection"), caller.institution)
    told: View = {**collection_view(view.row), "stale": view.stale}
    with rooms.store.read() as tables:
        receipt = tables.statements.receipt(view.row.digest)
    if receipt is None:
        return with_file(told, "content", b"null" if view.content is None else view.content)
    return with_file({**told, "content": None}, "receipt", receipt)


@router.post("/{collection}/signatures")
def sign(
    rooms: InRooms, caller: Submitter, collection: str, body: Annotated[bytes, body_up_to(SIGNATURE_BODY_MAX)]
) -> Response:
    """Add one signature; the last one submits the statement and brings the receipt."""
    wanted = path_bytes(collection, ID_SIZE, "collection")
    signature = bytes_of(members_of(body, frozenset({"signature"}))["signature"], "signature")
    rooms.collect.view(wanted, caller.institution)
    return _answer(rooms.collect.sign(wanted, signature, caller.institution), 200)


@router.delete("/{collection}")
def withdraw(rooms: InRooms, caller: Submitter, collection: str) -> Response:
    """End an open collection of one's own institution."""
    rooms.collect.withdraw(path_bytes(collection, ID_SIZE, "collection"), caller.institution)
    return json_answer({})


def _answer(progress: Progress, status: int) -> Response:
    accepted = progress.accepted
    return with_file(collection_view(progress.row), "receipt", None if accepted is None else accepted.receipt, status)
