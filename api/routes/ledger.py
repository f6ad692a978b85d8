"""What anyone may ask: health, which ledger this is, its trust file.

Guaranteed: no token is needed and nothing about a case is told. Not guaranteed: that the trust file served here is the
one to rely on; it is received another way and compared.
"""

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from anchors.deployment import Contract
from api.answers import json_answer
from api.auth import InRooms
from api.bodies import STATEMENT_BODY_MAX
from api.views import procedure_view
from ledger.domain.chain_records import Fault, Head
from ledger.domain.life import Status
from ledger.domain.limits import (
    COLLECTION_LIFE_MS,
    FILE_MAX_BYTES,
    FILES_PER_CASE_MAX,
    PAGE_MAX,
    RECEIPT_DUE_MS,
    STALE_MS,
    UPLOAD_LIFE_MS,
    UPLOAD_PIECE_MIN_BYTES,
)

TRUST_NOTE: Final = "Receive the trust file out of band and compare; this copy is for convenience alone."

router = APIRouter()


@router.get("/health")
def health(rooms: InRooms) -> Response:
    """`status`: ok, waiting (no block seen yet), stale (the worker saw nothing for a minute), fault."""
    with rooms.store.read() as tables:
        head, fault, latest = tables.chain.head(), tables.chain.fault(), tables.proofs.latest()
        counts = tables.statements.count_by_status()
    now = rooms.clock.now_ms()
    return json_answer(
        {
            "status": _status(head, fault, now),
            "time": now,
            "chain": None if head is None else _head(head),
            "fault": None if fault is None else {"code": fault.code, "since": fault.since},
            "checkpoint": None if latest is None else {"height": latest.height, "time": latest.time},
            "statements": {status.value: counts.get(status, 0) for status in Status},
        }
    )


@router.get("/ledger")
def ledger(rooms: InRooms) -> Response:
    """Ids, addresses, procedures and limits."""
    deployment, trust = rooms.deployment, rooms.trust
    registry = {**_contract(deployment.registry), "domain": deployment.domain}
    return json_answer(
        {
            **trust.ledger.to_json(),
            "name": trust.name.to_json(),
            "operator": deployment.operator,
            "checkpoint_interval": deployment.checkpoint_interval,
            "contracts": {
                "institutions": _contract(deployment.institutions),
                "registry": registry,
                "batch": _contract(deployment.batch),
            },
            "finality": trust.finality.to_json(),
            "procedures": [procedure_view(procedure) for procedure in trust.procedures],
            "limits": {
                "file_bytes": FILE_MAX_BYTES,
                "upload_piece_min_bytes": UPLOAD_PIECE_MIN_BYTES,
                "upload_life_ms": UPLOAD_LIFE_MS,
                "files_per_case": FILES_PER_CASE_MAX,
                "statement_body_bytes": STATEMENT_BODY_MAX,
                "page": PAGE_MAX,
                "receipt_due_ms": RECEIPT_DUE_MS,
                "collection_life_ms": COLLECTION_LIFE_MS,
            },
        }
    )


@router.get("/openapi.json")
def document(request: Request) -> Response:
    """This description of the interface (OpenAPI 3.1)."""
    return json_answer(request.app.state.document)


@router.get("/trust")
def trust_file(rooms: InRooms) -> Response:
    """The trust file that the service itself uses, byte for byte."""
    return Response(rooms.trust_bytes, 200, {"Tiezheng-Note": TRUST_NOTE}, "application/json")


def _status(head: Head | None, fault: Fault | None, now: int) -> str:
    if fault is not None:
        return "fault"
    if head is None:
        return "waiting"
    return "ok" if now - head.seen <= STALE_MS else "stale"


def _head(head: Head) -> dict[str, Any]:
    return {"height": head.block.number, "hash": head.block.hash.hex(), "time": head.block.time, "seen": head.seen}


def _contract(contract: Contract) -> dict[str, Any]:
    return contract.to_json()
