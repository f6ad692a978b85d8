"""Uploads that go on after a cut, after the model of the IETF's resumable uploads.

Guaranteed: as in `ledger.services.receive_upload`; another institution's upload looks like one that does not exist.
Not guaranteed: interoperation with clients of that draft: an upload is begun with JSON, its size has to be declared,
and no interim response is sent.
"""

from typing import Any, Final

import anyio
from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.answers import json_answer
from api.auth import InRooms, Submitter, check_part
from api.bodies import ThreadReader, body_up_to, content_length, members_of, path_bytes, path_number, read_query
from api.routes.cases import INTAKE
from ledger.domain.limits import FILE_MAX_BYTES, UPLOAD_LIFE_MS, UPLOAD_PIECE_MIN_BYTES
from ledger.domain.records import UploadRow
from ledger.services.permissions import CASE_SIZE
from ledger.services.receive_upload import ID_SIZE, Taken
from tiezheng.digest import DIGEST_SIZE
from tiezheng.errors import Malformed
from tiezheng.json_members import MAX_INTEGER, read_hex, read_integer

BEGIN_BODY_MAX: Final = 1_024
PIECE_TYPE: Final = "application/partial-upload"
_BOOLEANS: Final = {"?0": False, "?1": True}
_LIMIT: Final = f"max-size={FILE_MAX_BYTES}, min-append-size={UPLOAD_PIECE_MIN_BYTES}, max-age={UPLOAD_LIFE_MS // 1000}"

router = APIRouter()


@router.post("/cases/{case}/uploads")
def begin(rooms: InRooms, caller: Submitter, case: str, body: bytes = body_up_to(BEGIN_BODY_MAX)) -> Response:
    """Reserve room for a file: 201 with its id. `sm3` is a claim that is refused if false."""
    wanted = path_bytes(case, CASE_SIZE, "case")
    given = members_of(body, frozenset({"size", "media_type"}), frozenset({"sm3"}))
    size = read_integer(given["size"], "size", MAX_INTEGER)
    claimed = None if given.get("sm3") is None else read_hex(given["sm3"], "sm3", DIGEST_SIZE)
    media_type = given["media_type"]
    if not isinstance(media_type, str):
        raise Malformed("file.media_type", expected="type/subtype")
    check_part(rooms, caller, wanted)
    row = rooms.uploads.begin(wanted, caller.institution, size, media_type, claimed)
    answer = json_answer(_view(row), 201)
    answer.headers.update({**_state(row), "Location": f"/v1/uploads/{row.id.hex()}"})
    return answer


@router.get("/uploads")
def uploads(request: Request, rooms: InRooms, caller: Submitter) -> Response:
    """The institution's open uploads and those that ended in the last days, oldest first."""
    asked = read_query(request, {"case": lambda text: path_bytes(text, CASE_SIZE, "case")})
    rows = rooms.uploads.list(caller.institution, asked.get("case"))
    return json_answer({"uploads": [_view(row) for row in rows]})


@router.head("/uploads/{upload}")
def state(rooms: InRooms, caller: Submitter, upload: str) -> Response:
    """How many bytes are durable, in `Upload-Offset`."""
    row = rooms.uploads.get(path_bytes(upload, ID_SIZE, "upload"), caller.institution)
    return Response(status_code=204, headers=_state(row))


@router.get("/uploads/{upload}")
def upload(rooms: InRooms, caller: Submitter, upload: str) -> Response:
    """How many bytes are durable; with the digests once the upload is complete."""
    row = rooms.uploads.get(path_bytes(upload, ID_SIZE, "upload"), caller.institution)
    answer = json_answer(_view(row))
    answer.headers.update(_state(row))
    return answer


@router.patch("/uploads/{upload}")
async def append(request: Request, rooms: InRooms, caller: Submitter, upload: str) -> Response:
    """Append at `Upload-Offset`: 204 with the new offset; the last byte ends it as PUT /cases/{case}/files ends."""
    wanted = path_bytes(upload, ID_SIZE, "upload")
    offset = path_number(request.headers.get("upload-offset", ""), MAX_INTEGER)
    if request.headers.get("content-type") != PIECE_TYPE:
        raise Malformed("request.format", expected=PIECE_TYPE, detail="content-type")
    length = content_length(request)
    if length is None:
        raise Malformed("upload.piece", expected="Content-Length")
    last = _last(request)
    reader = ThreadReader(request, length)

    def receive() -> Taken:
        row = rooms.uploads.get(wanted, caller.institution)
        if last is not None and row.finished is None and last is not (offset + length == row.size):
            raise Malformed("upload.size", expected=row.size, got=offset + length, detail="Upload-Complete")
        return rooms.uploads.append(wanted, caller.institution, offset, length, reader)

    taken = await anyio.to_thread.run_sync(receive, limiter=INTAKE)
    row = taken.row
    if row.finished is None or row.sm3 is None or row.sha256 is None:
        return Response(status_code=204, headers=_state(row))
    digests = {"size": row.size, "sm3": row.sm3.hex(), "sha256": row.sha256.hex()}
    answer = json_answer(digests, 201 if taken.new else 200)
    answer.headers.update(_state(row))
    return answer


@router.delete("/uploads/{upload}")
def abandon(rooms: InRooms, caller: Submitter, upload: str) -> Response:
    """Drop an open upload and what arrived of it."""
    rooms.uploads.abandon(path_bytes(upload, ID_SIZE, "upload"), caller.institution)
    return Response(status_code=204)


def _last(request: Request) -> bool | None:
    """What the sender says of this piece, if it does: that it is the last, or that it is not."""
    text = request.headers.get("upload-complete")
    if text is not None and text not in _BOOLEANS:
        raise Malformed("request.format", expected="?0, ?1", detail="upload-complete")
    return None if text is None else _BOOLEANS[text]


def _state(row: UploadRow) -> dict[str, str]:
    return {
        "Upload-Offset": str(row.mark.offset),
        "Upload-Length": str(row.size),
        "Upload-Complete": "?0" if row.finished is None else "?1",
        "Upload-Limit": _LIMIT,
    }


def _view(row: UploadRow) -> dict[str, Any]:
    return {
        "id": row.id.hex(),
        "case": row.case.hex(),
        "size": row.size,
        "offset": row.mark.offset,
        "complete": row.finished is not None,
        "media_type": row.media_type,
        "sm3": (row.sm3 or row.claimed or b"").hex() or None,
        "sha256": None if row.sha256 is None else row.sha256.hex(),
        "expires": row.changed + UPLOAD_LIFE_MS,
    }
