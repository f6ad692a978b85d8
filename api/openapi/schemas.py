"""Schemas of what the service answers and takes, for the OpenAPI document.

Guaranteed: answers have these members and no others, which the attack on the running service checks. Not guaranteed:
that a request which fits is accepted; signatures, keys and procedures decide that.
"""

from collections.abc import Mapping
from typing import Any, Final

from ledger.domain.life import Status
from ledger.domain.limits import PAGE_MAX
from ledger.domain.records import CollectionState
from tiezheng.bundle import FORMAT as BUNDLE_FORMAT
from tiezheng.canonical import MAX_INTEGER
from tiezheng.content import MAX_ATTACHMENTS
from tiezheng.content.private import FORMAT as CONTENT_FORMAT
from tiezheng.digest import DIGEST_SIZE
from tiezheng.procedures.state import Status as Standing
from tiezheng.receipt import RECEIPT_FORMAT, REFUSAL_FORMAT
from tiezheng.signature import RECORD_SIZE
from tiezheng.statement import MAX_SIGNATURES, STATEMENT_SIZE
from tiezheng.trust import FORMAT as TRUST_FORMAT
from tiezheng.verify.fork import FORMAT as FORK_FORMAT

Schema = Mapping[str, Any]

U16: Final = (1 << 16) - 1
U32: Final = (1 << 32) - 1
U48: Final = (1 << 48) - 1


def hexadecimal(size: int) -> Schema:
    """Lower-case hexadecimal of so many bytes."""
    return {"type": "string", "pattern": f"^[0-9a-f]{{{2 * size}}}$"}


def integer(most: int = MAX_INTEGER, least: int = 0) -> Schema:
    """An integer."""
    return {"type": "integer", "minimum": least, "maximum": most}


def items(of: Schema, most: int | None = None, least: int = 0) -> Schema:
    """A list."""
    bound = {} if most is None else {"maxItems": most}
    return {"type": "array", "items": of, "minItems": least, **bound}


def members(optional: Schema | None = None, /, **required: Schema) -> Schema:
    """An object with these members and no others."""
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": sorted(required), "additionalProperties": False}


def nullable(schema: Schema) -> Schema:
    """This, or null."""
    return {"anyOf": [schema, {"type": "null"}]}


def one_of(*texts: str) -> Schema:
    """One of these texts."""
    return {"type": "string", "enum": list(texts)}


def ref(name: str) -> Schema:
    """A schema of the document's components."""
    return {"$ref": f"#/components/schemas/{name}"}


def kernel_file(form: str, section: str) -> Schema:
    """A file whose members the specification gives."""
    return {
        "type": "object",
        "properties": {"format": {"const": form}},
        "required": ["format"],
        "description": f"spec/SPEC.md §{section}",
    }


TEXT: Final[Schema] = {"type": "string"}
TRUTH: Final[Schema] = {"type": "boolean"}
DIGEST: Final = hexadecimal(DIGEST_SIZE)
CASE: Final[Schema] = {"type": "string", "pattern": "^[0-7][0-9a-f]{63}$"}
COLLECTION_ID: Final = hexadecimal(16)
UPLOAD_ID: Final = hexadecimal(16)
SIGNATURE: Final = hexadecimal(RECORD_SIZE)
STATEMENT: Final = hexadecimal(STATEMENT_SIZE)
RECEIPT: Final = ref("Receipt")
_HEADER: Final[Schema] = {"type": "string", "pattern": "^(?:[0-9a-f]{2})+$"}
_NUMBER: Final = integer(U32, 1)
_NAMED: Final = nullable(TEXT)
_STATE: Final = {"state": integer(255), "state_code": _NAMED, "state_zh": _NAMED, "state_en": _NAMED}
# A pair each: signer and role.
_PLAN: Final = items(items(integer(U32), 2, 2), MAX_SIGNATURES, 1)
_CONTRACT: Final = {"address": hexadecimal(20), "block": integer(), "code_hash": DIGEST, "id": DIGEST}
_STATEMENT: Final = {
    "digest": DIGEST,
    "status": one_of(*Status),
    "case": CASE,
    "sequence": integer(U32),
    "kind": integer(U16),
    "lane": one_of("registry", "batch"),
    "institution": _NUMBER,
    "counterparty": integer(U32),
    "subject": DIGEST,
    "occurred": integer(U48),
    "received": integer(U48),
    "due": integer(U48),
    "block_number": nullable(integer()),
    "block_time": nullable(integer()),
    "batch": nullable(integer()),
    "batch_index": nullable(integer()),
    "proof_height": nullable(integer()),
    "final_at": nullable(integer()),
    "statement": STATEMENT,
    "signatures": items(SIGNATURE, MAX_SIGNATURES, 1),
}
_STANDING: Final = members(
    status=one_of(*(one.name.lower() for one in Standing)),
    marks=items(one_of("late", "irregular", "supplemented")),
)
_REFUSED: Final = members(
    digest=DIGEST,
    case=CASE,
    sequence=integer(U32),
    kind=integer(U16),
    lane=one_of("registry", "batch"),
    institution=_NUMBER,
    occurred=integer(U48),
    received=integer(U48),
    refused=integer(U48),
    reason=integer(U16),
    reason_code=TEXT,
    reason_zh=TEXT,
    reason_en=TEXT,
    refusal=ref("Refusal"),
)
_COLLECTION: Final = {
    "id": COLLECTION_ID,
    "digest": DIGEST,
    "statement": STATEMENT,
    "institution": _NUMBER,
    "case": CASE,
    "plan": _PLAN,
    "signed": items(_NUMBER),
    "missing": items(_NUMBER),
    "not_held": items(DIGEST),
    "created": integer(U48),
    "expires": integer(U48),
    "state": one_of(*CollectionState),
}
_SALT: Final = hexadecimal(16)
_CONTENT: Final = members(
    attachments=items(
        members(media_type=TEXT, name=TEXT, salt=_SALT, sha256=DIGEST, size=integer(), sm3=DIGEST), MAX_ATTACHMENTS
    ),
    fields=items(members(name=TEXT, salt=_SALT, value={}), MAX_ATTACHMENTS),
    format={"const": CONTENT_FORMAT},
    records=nullable(
        members(
            names=items(TEXT, MAX_ATTACHMENTS, 1),
            rows=items(members(salts={"type": "string", "pattern": "^(?:[0-9a-f]{32})+$"}, values=items({})), None, 1),
            schema=integer(U32, 1),
        )
    ),
    schema=integer(U32, 1),
    type=integer(3, 1),
)
_HEALTH: Final = members(
    status=one_of("ok", "waiting", "stale", "fault"),
    time=integer(U48),
    chain=nullable(members(height=integer(), hash=DIGEST, time=integer(), seen=integer())),
    fault=nullable(members(code=TEXT, since=integer())),
    checkpoint=nullable(members(height=integer(), time=integer())),
    statements=members(**{one.value: integer() for one in Status}),
)
_LEDGER: Final = members(
    chain_id=integer(),
    founding=DIGEST,
    genesis=DIGEST,
    name=members(en=TEXT, zh=TEXT),
    operator=_NUMBER,
    checkpoint_interval=integer(),
    contracts=members(
        institutions=members(**_CONTRACT),
        registry=members(**_CONTRACT, domain=integer(15)),
        batch=members(**_CONTRACT),
    ),
    finality={"type": "object", "required": ["strategy"]},
    procedures=items(
        members(
            table=DIGEST,
            code=TEXT,
            zh=TEXT,
            en=TEXT,
            domain=integer(15),
            case_type=integer(15),
            version=integer(),
            kinds=items(members(number=integer(U16), code=TEXT, zh=TEXT, en=TEXT, lane=one_of("registry", "batch"))),
        )
    ),
    limits={"type": "object", "additionalProperties": integer()},
)
_TIMELINE: Final = members(
    case=CASE,
    procedure=DIGEST,
    procedure_code=_NAMED,
    **_STATE,
    closed=TRUTH,
    paused=TRUTH,
    frozen=TRUTH,
    irregular=TRUTH,
    end=nullable(integer()),
    sequence=integer(U32),
    last=DIGEST,
    last_occurred=integer(U48),
    participants=items(_NUMBER),
    handlers=items(integer(U32)),
    holding=nullable(members(holder=_NUMBER, quantity=integer(), unit=integer(U16))),
    kind=integer(U16),
    updated=integer(U48),
    statements=items(members(**_STATEMENT, standing=nullable(_STANDING))),
    refused=items(_REFUSED),
    files=items(ref("File")),
)
_UPLOAD: Final = members(
    id=UPLOAD_ID,
    case=CASE,
    size=integer(),
    offset=integer(),
    complete=TRUTH,
    media_type=TEXT,
    sm3=nullable(DIGEST),
    sha256=nullable(DIGEST),
    expires=integer(U48),
)
_KEY: Final = members(
    key_index=integer(255),
    x=DIGEST,
    y=DIGEST,
    role=integer(255),
    custody=integer(255),
    identity_root=DIGEST,
    valid_from=integer(U48),
    valid_until=nullable(integer(U48)),
    compromised_since=nullable(integer(U48)),
)
PROBLEM: Final = members(
    {
        "expected": {},
        "got": {},
        "detail": TEXT,
        "retry_after_seconds": integer(),
        "reasons": items(members(code=TEXT, zh=TEXT, en=TEXT)),
    },
    type=TEXT,
    title=TEXT,
    title_zh=TEXT,
    status=integer(599, 400),
    code={"type": "string", "pattern": "^[a-z0-9_]+\\.[a-z0-9_]+$", "description": "docs/errors.md"},
)

_CHECKPOINT: Final = members(
    height=integer(),
    hash=DIGEST,
    header=_HEADER,
    time=integer(),
    cosignatures=items(members(signer=_NUMBER, seen=integer(U48), signature=SIGNATURE)),
)

SCHEMAS: Final[Mapping[str, Schema]] = {
    "Batches": members(
        batches=items(
            members(
                number=integer(),
                digest=DIGEST,
                header=_HEADER,
                signature=SIGNATURE,
                first=integer(),
                count=integer(),
                created=integer(U48),
                block_number=nullable(integer()),
                block_time=nullable(integer()),
            )
        ),
        next=nullable(integer()),
    ),
    "Bundle": kernel_file(BUNDLE_FORMAT, "10"),
    "Cases": members(
        cases=items(
            members(
                case=CASE,
                kind=integer(U16),
                sequence=integer(U32),
                **_STATE,
                closed=TRUTH,
                last=DIGEST,
                status=one_of(*Status),
                updated=integer(U48),
            )
        ),
        next=nullable(integer(U48)),
    ),
    "Checkpoint": _CHECKPOINT,
    "Checkpoints": members(checkpoints=items(ref("Checkpoint")), next=nullable(integer())),
    "Collection": members({"receipt": RECEIPT}, **_COLLECTION),
    "CollectionToSign": members(
        {"receipt": RECEIPT}, **_COLLECTION, stale=TRUTH, content=nullable(ref("PrivateContent"))
    ),
    "Collections": members(collections=items(members(**_COLLECTION))),
    "Cosignature": members(block_hash=DIGEST, height=integer(), seen=integer(U48), signature=SIGNATURE),
    "Empty": members(),
    "File": members(sm3=DIGEST, sha256=DIGEST, size=integer(), media_type=TEXT, received=integer(U48)),
    "Forks": members(forks=items(kernel_file(FORK_FORMAT, "14"))),
    "Health": _HEALTH,
    "Ledger": _LEDGER,
    "Live": members(live=TRUTH),
    "Lookup": members(
        statements=items(
            members(
                digest=DIGEST,
                institution=_NUMBER,
                kind=integer(U16),
                status=one_of(*Status),
                block_time=nullable(integer()),
            )
        )
    ),
    "New": members(new=TRUTH),
    "PrivateContent": _CONTENT,
    "Problem": PROBLEM,
    "Ready": members(ready=TRUTH),
    "Receipt": kernel_file(RECEIPT_FORMAT, "7"),
    "Refusal": kernel_file(REFUSAL_FORMAT, "7.3"),
    "Refusals": members(refusals=items(_REFUSED, PAGE_MAX), next=nullable(DIGEST)),
    "Signer": members(number=_NUMBER, institution=_NUMBER, keys=items(_KEY, None, 1)),
    "Statement": members(**_STATEMENT),
    "Submitted": members({"receipt": RECEIPT}, digest=DIGEST),
    "Timeline": _TIMELINE,
    "ToBegin": members({"sm3": nullable(DIGEST)}, size=integer(least=1), media_type=TEXT),
    "ToCollect": members(
        {"not_held": nullable(items(DIGEST, MAX_ATTACHMENTS)), "signatures": items(SIGNATURE, MAX_SIGNATURES)},
        content=nullable(ref("PrivateContent")),
        plan=_PLAN,
        statement=STATEMENT,
    ),
    "ToSign": members(signature=SIGNATURE),
    "ToSubmit": members(
        {"not_held": nullable(items(DIGEST, MAX_ATTACHMENTS))},
        content=nullable(ref("PrivateContent")),
        signatures=items(SIGNATURE, MAX_SIGNATURES, 1),
        statement=STATEMENT,
    ),
    "Trust": kernel_file(TRUST_FORMAT, "11"),
    "Upload": _UPLOAD,
    "Uploaded": members(size=integer(), sm3=DIGEST, sha256=DIGEST),
    "Uploads": members(uploads=items(_UPLOAD)),
}
