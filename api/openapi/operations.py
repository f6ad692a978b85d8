"""Every operation of the service, for the OpenAPI document: what it takes and what it answers.

Guaranteed: an endpoint without an entry, or an entry without an endpoint, keeps the document from being made. Not
guaranteed: what a refusal's code means; docs/errors.md says so.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from api.bodies import STATEMENT_BODY_MAX
from api.openapi.schemas import CASE, COLLECTION_ID, DIGEST, U16, U32, U48, UPLOAD_ID, Schema, integer, one_of
from api.routes.checkpoints import COSIGNATURE_BODY_MAX
from api.routes.collections import SIGNATURE_BODY_MAX
from api.routes.signers import CARD_BODY_MAX
from api.routes.uploads import BEGIN_BODY_MAX, PIECE_TYPE
from ledger.domain.limits import FILE_MAX_BYTES, PAGE_MAX
from tiezheng.procedures.schema import MAX_RECORDS

JSON: Final = "application/json"
BYTES: Final = "application/octet-stream"
ANY: Final = "*/*"


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body: schema name (None: bytes as they are), media type, bound in bytes."""

    schema: str | None
    most: int
    media_type: str = JSON


@dataclass(frozen=True, slots=True)
class Operation:
    """`answers`: status to schema name (None: bytes); `problems`: statuses beside those that every operation has."""

    answers: Mapping[int, str | None]
    problems: tuple[int, ...] = ()
    query: Mapping[str, Schema] = field(default_factory=dict)
    headers: Mapping[str, Schema] = field(default_factory=dict)
    body: Body | None = None
    media_type: str = JSON


PATH_PARAMETERS: Final[Mapping[str, Schema]] = {
    "batch": integer(),
    "case": CASE,
    "collection": COLLECTION_ID,
    "digest": DIGEST,
    "height": integer(),
    "signer": integer(U32),
    "sm3": DIGEST,
    "upload": UPLOAD_ID,
}
_FLAG: Final[Schema] = {"type": "boolean"}
_LIMIT: Final = integer(PAGE_MAX)
_INTAKE: Final = (404, 409, 413, 422)

OPERATIONS: Final[Mapping[tuple[str, str], Operation]] = {
    ("GET", "/v1/openapi.json"): Operation({200: "Document"}),
    ("GET", "/v1/health"): Operation({200: "Health"}),
    ("GET", "/v1/live"): Operation({200: "Live"}),
    ("GET", "/v1/ready"): Operation({200: "Ready"}),
    ("GET", "/v1/ledger"): Operation({200: "Ledger"}),
    ("GET", "/v1/trust"): Operation({200: "Trust"}),
    ("GET", "/v1/lookup/{sm3}"): Operation({200: "Lookup"}),
    ("GET", "/v1/signers/{signer}"): Operation({200: "Signer"}, (404,)),
    ("PUT", "/v1/signers/{signer}/card"): Operation(
        {200: "Empty"}, (404, 413, 422), body=Body("PrivateContent", CARD_BODY_MAX)
    ),
    ("GET", "/v1/batches"): Operation({200: "Batches"}, query={"limit": _LIMIT, "before": integer()}),
    ("GET", "/v1/batches/{batch}/leaves"): Operation({200: None}, (404,), media_type=BYTES),
    ("GET", "/v1/checkpoints"): Operation({200: "Checkpoints"}, query={"limit": _LIMIT, "before": integer()}),
    ("GET", "/v1/forks"): Operation({200: "Forks"}),
    ("GET", "/v1/checkpoints/latest"): Operation({200: "Checkpoint"}, (404,)),
    ("GET", "/v1/checkpoints/{height}"): Operation({200: "Checkpoint"}, (404,)),
    ("POST", "/v1/cosignatures"): Operation(
        {201: "New", 200: "New"}, (403, 404, 409, 413, 422), body=Body("Cosignature", COSIGNATURE_BODY_MAX)
    ),
    ("POST", "/v1/statements"): Operation(
        {201: "Submitted", 200: "Submitted"}, _INTAKE, body=Body("ToSubmit", STATEMENT_BODY_MAX)
    ),
    ("GET", "/v1/statements/{digest}"): Operation({200: "Statement"}, (404,)),
    ("GET", "/v1/statements/{digest}/receipt"): Operation({200: "Receipt"}, (404,)),
    ("GET", "/v1/statements/{digest}/refusal"): Operation({200: "Refusal"}, (404,)),
    ("GET", "/v1/statements/{digest}/bundle"): Operation(
        {200: "Bundle"},
        (404, 409),
        query={"names": _FLAG, "whole_case": _FLAG, "pending": _FLAG, "record": integer(MAX_RECORDS - 1)},
    ),
    ("GET", "/v1/refusals"): Operation({200: "Refusals"}, (404,), query={"limit": _LIMIT, "before": DIGEST}),
    ("GET", "/v1/cases"): Operation(
        {200: "Cases"}, query={"limit": _LIMIT, "before_ms": integer(U48), "kind": integer(U16)}
    ),
    ("GET", "/v1/cases/{case}"): Operation({200: "Timeline"}, (404,)),
    ("PUT", "/v1/cases/{case}/files"): Operation(
        {201: "Uploaded", 200: "Uploaded"},
        (404, 413, 422),
        headers={"Tiezheng-Sm3": DIGEST},
        body=Body(None, FILE_MAX_BYTES, ANY),
    ),
    ("GET", "/v1/cases/{case}/files/{sm3}"): Operation({200: None}, (404,), media_type=ANY),
    ("POST", "/v1/cases/{case}/uploads"): Operation({201: "Upload"}, (404, 413), body=Body("ToBegin", BEGIN_BODY_MAX)),
    ("GET", "/v1/uploads"): Operation({200: "Uploads"}, query={"case": CASE}),
    ("HEAD", "/v1/uploads/{upload}"): Operation({204: None}, (404,)),
    ("GET", "/v1/uploads/{upload}"): Operation({200: "Upload"}, (404,)),
    ("PATCH", "/v1/uploads/{upload}"): Operation(
        {204: None, 201: "Uploaded", 200: "Uploaded"},
        (404, 409, 413, 422),
        headers={"Upload-Offset": integer(), "Upload-Complete": one_of("?0", "?1")},
        body=Body(None, FILE_MAX_BYTES, PIECE_TYPE),
    ),
    ("DELETE", "/v1/uploads/{upload}"): Operation({204: None}, (404, 409)),
    ("POST", "/v1/collections"): Operation({201: "Collection"}, _INTAKE, body=Body("ToCollect", STATEMENT_BODY_MAX)),
    ("GET", "/v1/collections"): Operation({200: "Collections"}),
    ("GET", "/v1/collections/{collection}"): Operation({200: "CollectionToSign"}, (404,)),
    ("DELETE", "/v1/collections/{collection}"): Operation({200: "Empty"}, (404, 409)),
    ("POST", "/v1/collections/{collection}/signatures"): Operation(
        {200: "Collection"}, _INTAKE, body=Body("ToSign", SIGNATURE_BODY_MAX)
    ),
}
