"""Cases: list, timeline, evidence files; and the public lookup.

Guaranteed: files are streamed both ways, with memory that does not grow with them; a case that the caller takes no part
in is 404. Not guaranteed: a file's meaning; media types are what the sender said, and browsers are told to save, not to
show.
"""

from collections.abc import Iterator
from typing import Final

import anyio
from anyio import CapacityLimiter
from fastapi import APIRouter, Request
from fastapi.responses import Response, StreamingResponse

from api.answers import json_answer
from api.auth import InRooms, Reader, Submitter, check_part, unseen
from api.bodies import ThreadReader, content_length, number, path_bytes, read_query
from api.views import lookup_view, summary_view, timeline_view
from ledger.domain.limits import FILE_MAX_BYTES, PAGE_MAX
from ledger.services.list_cases import list_cases, read_timeline
from ledger.services.look_up import look_up
from ledger.services.permissions import CASE_SIZE
from ledger.services.receive_file import Received
from tiezheng.digest import DIGEST_SIZE
from tiezheng.errors import Malformed

# Each upload holds a thread and some 15 MiB of pieces on their way.
UPLOADS_AT_ONCE: Final = 8
PAGE_DEFAULT: Final = 50
_MAX_TIME: Final = (1 << 48) - 1

router = APIRouter()
INTAKE: Final = CapacityLimiter(UPLOADS_AT_ONCE)


@router.get("/cases")
def cases(request: Request, rooms: InRooms, caller: Reader) -> Response:
    """The institution's cases, last changed first; `next` is the `before_ms` of the next page, or null."""
    readers = {"limit": number(PAGE_MAX), "before_ms": number(_MAX_TIME), "kind": number((1 << 16) - 1)}
    asked = read_query(request, readers)
    limit = max(1, asked.get("limit", PAGE_DEFAULT))
    rows = list_cases(rooms.store, caller.institution, asked.get("before_ms"), limit, asked.get("kind"))
    following = rows[-1].updated if len(rows) >= limit else None
    return json_answer({"cases": [summary_view(row, rooms.trust) for row in rows], "next": following})


@router.get("/cases/{case}")
def case(rooms: InRooms, caller: Reader, case: str) -> Response:
    """The case's state, statements and files."""
    wanted = path_bytes(case, CASE_SIZE, "case")
    with unseen("case.not_found", wanted):
        timeline = read_timeline(rooms.store, rooms.trust, wanted, caller.institution)
        files = rooms.read_file.list(wanted, caller.institution)
    return json_answer(timeline_view(timeline, files, rooms.trust))


@router.put("/cases/{case}/files")
async def upload(request: Request, rooms: InRooms, caller: Submitter, case: str) -> Response:
    """Take in a file: 201 if it is new in the case, else 200. `Tiezheng-Sm3` is a claim that is refused if false."""
    wanted = path_bytes(case, CASE_SIZE, "case")
    claim = request.headers.get("tiezheng-sm3")
    claimed = None if claim is None else path_bytes(claim, DIGEST_SIZE, "Tiezheng-Sm3")
    media_type = request.headers.get("content-type")
    if media_type is None:
        raise Malformed("file.media_type", expected="type/subtype")
    announced = content_length(request)
    reader = ThreadReader(request, FILE_MAX_BYTES)

    def receive() -> Received:
        check_part(rooms, caller, wanted)
        return rooms.receive.receive(wanted, caller.institution, media_type, reader, claimed, announced)

    received = await anyio.to_thread.run_sync(receive, limiter=INTAKE)
    digests = received.digests
    answer = {"size": digests.size, "sm3": digests.sm3.hex(), "sha256": digests.sha256.hex()}
    return json_answer(answer, 201 if received.new else 200)


@router.get("/cases/{case}/files/{sm3}")
def download(rooms: InRooms, caller: Reader, case: str, sm3: str) -> Response:
    """The file, decrypted piece by piece; the connection is cut where a piece does not hold."""
    wanted, digest = path_bytes(case, CASE_SIZE, "case"), path_bytes(sm3, DIGEST_SIZE, "sm3")
    with unseen("case.not_found", wanted):
        opened = rooms.read_file.open(wanted, digest, caller.institution)
    headers = {"Content-Length": str(opened.row.size), "Content-Disposition": "attachment"}
    return StreamingResponse(_begun(opened.pieces), headers=headers, media_type=opened.row.media_type)


@router.get("/lookup/{sm3}")
def lookup(rooms: InRooms, sm3: str) -> Response:
    """Public: what the ledger says about a file with this SM3."""
    found = look_up(rooms.store, path_bytes(sm3, DIGEST_SIZE, "sm3"))
    return json_answer({"statements": [lookup_view(row) for row in found]})


def _begun(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same, with the first piece read now: an object that is missing or damaged at once is an error, not a cut."""
    first = next(pieces, b"")

    def rest() -> Iterator[bytes]:
        yield first
        yield from pieces

    return rest()
