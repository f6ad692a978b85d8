"""Statements: hand in, look after, receipt, refusal, bundle.

Guaranteed: the bytes that were signed reach the ledger as they came; what the caller's institution takes no part in is
404. Not guaranteed: finality of what was accepted; the receipt says until when it is anchored or refused.
"""

import asyncio
from concurrent.futures import Future
from typing import Final

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from api.answers import file_answer, json_answer, with_file
from api.auth import InRooms, Reader, SubmitCredential, caller_of
from api.bodies import (
    STATEMENT_BODY_MAX,
    body_of,
    bytes_of,
    digests_of,
    flag,
    is_small,
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
from ledger.services.check_group import Accepted
from ledger.services.commit_group import ANSWER_SECONDS
from ledger.services.list_refusals import refused_already
from ledger.services.look_up import find_own_statement, read_receipt, read_refusal
from ledger.services.manage_tokens import Caller
from tiezheng.content import read_private
from tiezheng.digest import DIGEST_SIZE
from tiezheng.errors import TiezhengError, Unavailable
from tiezheng.procedures.schema import MAX_RECORDS

_REQUIRED: Final = frozenset({"signatures", "statement"})
_OPTIONAL: Final = frozenset({"not_held"})

router = APIRouter(prefix="/statements")


@router.post("")
async def submit(request: Request, rooms: InRooms, credential: SubmitCredential) -> Response:
    """201 for a new statement, 200 with the same receipt for the same one again, 409 where it was refused since.

    A statement of usual size waits for its group without a thread of its own, and the group looks up who calls; the
    caller of a larger one is asked for before its body is read.
    """
    small = is_small(request)
    if not small:
        await run_in_threadpool(caller_of, rooms, credential, Scope.SUBMIT)
    body = await body_of(request, STATEMENT_BODY_MAX)
    try:
        outcome = (
            _hand_in(rooms, body, credential) if small else await run_in_threadpool(_hand_in, rooms, body, credential)
        )
    except TiezhengError:
        # Whoever has no token does not learn what is wrong with a body.
        await run_in_threadpool(caller_of, rooms, credential, Scope.SUBMIT)
        raise
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            accepted = await asyncio.wrap_future(outcome)
    except TimeoutError as error:
        raise Unavailable("service.unavailable", detail="busy; submit the same bytes again") from error
    request.state.institution = accepted.institution
    if not accepted.new:
        await run_in_threadpool(_check_not_refused, rooms, accepted.digest)
    return with_file(
        {"digest": accepted.digest.hex()}, "receipt", accepted.receipt, status=201 if accepted.new else 200
    )


def _hand_in(rooms: Rooms, body: bytes, credential: bytes) -> "Future[Accepted]":
    value, private = with_content(body, _REQUIRED, _OPTIONAL)
    return rooms.submit.hand_in(
        bytes_of(value["statement"], "statement"),
        b"".join(signatures_of(value["signatures"], least=1)),
        None if private is None else private.data,
        digests_of(value.get("not_held"), "not_held"),
        credential=credential,
        parsed=None if private is None else read_private(private.value),
    )


def _check_not_refused(rooms: Rooms, digest: bytes) -> None:
    with rooms.store.read() as tables:
        refused = refused_already(tables, digest)
    if refused is not None:
        raise refused


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
