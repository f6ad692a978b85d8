"""Public: batches and their leaves files.

Guaranteed: the leaves file is the one that the worker published, byte for byte. Not guaranteed: that its batch is
anchored; `block_number` tells, and whoever mirrors the file checks it against the chain.
"""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, Response

from anchors.leaves import leaves_path
from api.answers import json_answer
from api.auth import InRooms
from api.bodies import number, path_number, read_query
from api.views import batch_view
from ledger.domain.limits import PAGE_MAX
from tiezheng.errors import NotFound

PAGE_DEFAULT: Final = 50
_MAX_NUMBER: Final = (1 << 53) - 1

router = APIRouter(prefix="/batches")


@router.get("")
def batches(request: Request, rooms: InRooms) -> Response:
    """Latest first; `next` is the `before` of the next page, or null."""
    asked = read_query(request, {"limit": number(PAGE_MAX), "before": number(_MAX_NUMBER)})
    limit = max(1, asked.get("limit", PAGE_DEFAULT))
    with rooms.store.read() as tables:
        rows = tables.batches.page(asked.get("before"), limit)
    following = rows[-1].number if len(rows) == limit else None
    return json_answer({"batches": [batch_view(row) for row in rows], "next": following})


@router.get("/{batch}/leaves")
def leaves(rooms: InRooms, batch: str) -> Response:
    """The leaves file (SPEC §6)."""
    wanted = path_number(batch, _MAX_NUMBER)
    with rooms.store.read() as tables:
        row = tables.batches.get(wanted)
    path = leaves_path(rooms.leaves, wanted)
    if row is None or not path.is_file():
        raise NotFound("batch.not_found", got=wanted)
    return FileResponse(path, media_type="application/octet-stream", filename=path.name)
