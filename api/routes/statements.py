"""Statements: hand in, look after, receipt, refusal, bundle.

Guaranteed: the bytes that were signed reach the ledger as they came; what the caller's institution takes no part in is
404. Not guaranteed: finality of what was accepted; the receipt says until when it is anchored or refused.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.answers import file_answer, json_answer, with_file
from api.auth import InRooms, Reader, Submitter, check_part
from api.bodies import (
    STATEMENT_BODY_MAX,
    body_up_to,
    bytes_of,
    digests_of,
    flag,
    number,
    path_bytes,
    read_query,
    signatures_of,
    with_content,
)
from api.bootstrap import Rooms
from api.views import statement_view
from ledger.domain.records import Scope, StatementRow
from ledger.services.build_bundle import Wish
from ledger.services.list_refusals import refused_already
from ledger.services.look_up import find_own_statement, read_receipt, read_refusal
from ledger.services.manage_tokens import Caller
from tiezheng.digest import DIGEST_SIZE
from tiezheng.procedures.schema import MAX_RECORDS
from tiezheng.statement import parse_statement

_REQUIRED: Final = frozenset({"signatures", "statement"})
_OPTIONAL: Final = frozenset({"not_held"})

router = APIRouter(prefix="/statements")


@router.post("")
def submit(rooms: InRooms, caller: Submitter, body: Annotated[bytes, body_up_to(STATEMENT_BODY_MAX)]) -> Response:
    """201 for a new statement, 200 with the same receipt for the same one again, 409 where it was refused since."""
    value, content = with_content(body, _REQUIRED, _OPTIONAL)
    statement = bytes_of(value["statement"], "statement")
    signatures = b"".join(signatures_of(value["signatures"], least=1))
    not_held = digests_of(value.get("not_held"), "not_held")
    check_part(rooms, caller, parse_statement(statement).case)
    accepted = rooms.submit.submit(statement, signatures, content, not_held, caller.institution)
    if not accepted.new:
        with rooms.store.read() as tables:
            refused = refused_already(tables, accepted.digest)
        if refused is not None:
            raise refused
    return with_file(
        {"digest": accepted.digest.hex()}, "receipt", accepted.receipt, status=201 if accepted.new else 200
    )


@router.get("/{digest}")
def show(rooms: InRooms, caller: Reader, digest: str) -> Response:
    """Where the statement stands."""
    return json_answer(statement_view(_seen(rooms, caller, digest)))


@router.get("/{digest}/receipt")
def receipt(rooms: InRooms, caller: Reader, digest: str) -> Response:
    """The receipt file."""
    return file_answer(read_receipt(rooms.store, _seen(rooms, caller, digest).digest))


@router.get("/{digest}/refusal")
def refusal(rooms: InRooms, caller: Reader, digest: str) -> Response:
    """The refusal file; 404 `receipt.not_found` where nothing was refused."""
    return file_answer(read_refusal(rooms.store, _seen(rooms, caller, digest).digest))


@router.get("/{digest}/bundle")
def bundle(request: Request, rooms: InRooms, caller: Reader, digest: str) -> Response:
    """The bundle; names and personal fields need the scope `names`."""
    readers = {"names": flag, "whole_case": flag, "pending": flag, "record": number(MAX_RECORDS - 1)}
    wish = Wish(**read_query(request, readers))
    if wish.names:
        caller.require(Scope.NAMES)
    row = _seen(rooms, caller, digest)
    return file_answer(rooms.bundles.build(row.digest, caller.institution, wish).data)


def _seen(rooms: Rooms, caller: Caller, digest: str) -> StatementRow:
    return find_own_statement(rooms.store, path_bytes(digest, DIGEST_SIZE, "digest"), caller.institution)
