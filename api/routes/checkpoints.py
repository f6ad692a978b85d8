"""Public: checkpoints, and the cosignatures of witnesses.

Guaranteed: a cosignature is taken from nobody but a witness that the trust file pins: its signature is the authority.
Not guaranteed: that a checkpoint is final; `cosignatures` tells who stood by it.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.answers import json_answer
from api.auth import InRooms
from api.bodies import body_up_to, bytes_of, members_of, number, path_number, read_query
from api.bootstrap import Rooms
from api.views import checkpoint_view
from ledger.domain.chain_records import Checkpoint
from ledger.domain.limits import PAGE_MAX
from ledger.services.list_forks import list_forks
from ledger.services.receive_cosignature import receive_cosignature
from tiezheng.canonical import loads_strict
from tiezheng.digest import DIGEST_SIZE
from tiezheng.errors import NotFound
from tiezheng.json_members import read_hex, read_integer
from tiezheng.verify.fork import MAX_SIZE

COSIGNATURE_BODY_MAX: Final = 2_048
# A header is half a kilobyte, each cosignature a quarter.
PAGE_DEFAULT: Final = 50
_MEMBERS: Final = frozenset({"block_hash", "height", "seen", "signature"})
_MAX_HEIGHT: Final = (1 << 53) - 1

router = APIRouter()


@router.get("/checkpoints")
def checkpoints(request: Request, rooms: InRooms) -> Response:
    """Highest first; `next` is the `before` of the next page, or null."""
    asked = read_query(request, {"limit": number(PAGE_MAX), "before": number(_MAX_HEIGHT)})
    limit = max(1, asked.get("limit", PAGE_DEFAULT))
    with rooms.store.read() as tables:
        rows = tables.proofs.page(asked.get("before"), limit)
        views = [checkpoint_view(row, tables.proofs.cosignatures(row.height)) for row in rows]
    return json_answer({"checkpoints": views, "next": rows[-1].height if len(rows) == limit else None})


@router.get("/forks")
def forks(rooms: InRooms) -> Response:
    """Proofs (SPEC §14) that witnesses were shown another chain; never forgotten once there is one."""
    return json_answer(
        {"forks": [loads_strict(proof.to_bytes(), MAX_SIZE) for proof in list_forks(rooms.store, rooms.trust)]}
    )


@router.get("/checkpoints/latest")
def latest(rooms: InRooms) -> Response:
    """The last checkpoint."""
    with rooms.store.read() as tables:
        row = tables.proofs.latest()
    return _answer(rooms, row)


@router.get("/checkpoints/{height}")
def checkpoint(rooms: InRooms, height: str) -> Response:
    """The checkpoint at a height."""
    wanted = path_number(height, _MAX_HEIGHT)
    with rooms.store.read() as tables:
        row = tables.proofs.checkpoint(wanted)
    return _answer(rooms, row)


@router.post("/cosignatures")
def cosign(rooms: InRooms, body: Annotated[bytes, body_up_to(COSIGNATURE_BODY_MAX)]) -> Response:
    """201 for a new cosignature, 200 for one that is there; 409 `cosignature.fork` for another block."""
    value = members_of(body, _MEMBERS)
    new = receive_cosignature(
        rooms.store,
        rooms.clock,
        rooms.trust,
        height=read_integer(value["height"], "height", _MAX_HEIGHT),
        block_hash=read_hex(value["block_hash"], "block_hash", DIGEST_SIZE),
        seen=read_integer(value["seen"], "seen", (1 << 48) - 1),
        signature=bytes_of(value["signature"], "signature"),
    )
    return json_answer({"new": new}, 201 if new else 200)


def _answer(rooms: Rooms, row: Checkpoint | None) -> Response:
    if row is None:
        raise NotFound("checkpoint.not_found")
    with rooms.store.read() as tables:
        cosignatures = tables.proofs.cosignatures(row.height)
    return json_answer(checkpoint_view(row, cosignatures))
