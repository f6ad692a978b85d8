"""Refusals: what the chain refused after the receipt, each with the operator's signed reason.

Guaranteed: the caller's institution sees its own and those of its cases, no others; `refusal` is the file that was
signed. Not guaranteed: that the reason can be mended by signing again; the reason's sentence says what to do.
"""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.answers import json_answer
from api.auth import InRooms, Reader, unseen
from api.bodies import number, path_bytes, read_query
from api.views import refused_view
from ledger.domain.limits import PAGE_MAX
from ledger.services.list_refusals import list_refusals
from tiezheng.digest import DIGEST_SIZE

PAGE_DEFAULT: Final = 50

router = APIRouter(prefix="/refusals")


@router.get("")
def refusals(request: Request, rooms: InRooms, caller: Reader) -> Response:
    """Refused last first; `next` is the `before` of the next page (an evidence id), or null."""

    def digest(text: str) -> bytes:
        return path_bytes(text, DIGEST_SIZE, "before")

    asked = read_query(request, {"limit": number(PAGE_MAX), "before": digest})
    limit, before = max(1, asked.get("limit", PAGE_DEFAULT)), asked.get("before")
    with unseen("evidence.not_found", before or b""):
        rows = list_refusals(rooms.store, caller.institution, before, limit)
    following = rows[-1].statement.digest.hex() if len(rows) == limit else None
    return json_answer({"refusals": [refused_view(row) for row in rows], "next": following})
