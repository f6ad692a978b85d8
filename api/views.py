"""What the service answers, as JSON values: bytes as lower-case hexadecimal, times in milliseconds, block times in
seconds.

Guaranteed: these members and no others; nothing of a content. Not guaranteed: that a member keeps a meaning beyond
version 1 of the address.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ledger.domain.chain_records import BatchRow, Checkpoint, CosignatureRow
from ledger.domain.records import (
    KEY_OPEN,
    CaseSummary,
    CollectionRow,
    FileRow,
    KeyRow,
    LookupRow,
    RefusedRow,
    StatementRow,
)
from ledger.services.list_cases import Timeline
from ledger.services.manage_signers import SignerView
from tiezheng.errors import CATALOGUE
from tiezheng.procedures import CaseState, Procedure, Recorded
from tiezheng.refusals import REASONS_BY_NUMBER
from tiezheng.signature import RECORD_SIZE
from tiezheng.trust import Trust

View = dict[str, Any]


def statement_view(row: StatementRow) -> View:
    """A statement, for participants."""
    return {
        "digest": row.digest.hex(),
        "status": row.status.value,
        "case": row.case.hex(),
        "sequence": row.sequence,
        "kind": row.kind,
        "lane": row.lane.name.lower(),
        "institution": row.institution,
        "counterparty": row.counterparty,
        "subject": row.subject.hex(),
        "occurred": row.occurred,
        "received": row.received,
        "due": row.due,
        "block_number": row.block_number,
        "block_time": row.block_time,
        "batch": row.batch,
        "batch_index": row.batch_index,
        "proof_height": row.proof_height,
        "final_at": row.final_at,
        "statement": row.statement.hex(),
        "signatures": [
            row.signatures[at : at + RECORD_SIZE].hex() for at in range(0, len(row.signatures), RECORD_SIZE)
        ],
    }


def lookup_view(row: LookupRow) -> View:
    """What anyone may learn."""
    return {
        "digest": row.digest.hex(),
        "institution": row.institution,
        "kind": row.kind,
        "status": row.status.value,
        "block_time": row.block_time,
    }


def summary_view(row: CaseSummary, trust: Trust) -> View:
    """A line of a list of cases; `updated` is what the next page is asked for with."""
    return {
        "case": row.case.hex(),
        "kind": row.kind,
        "sequence": row.sequence,
        **_state(_by_kind(trust, row.kind), row.state),
        "closed": row.closed,
        "last": row.head.hex(),
        "status": row.status.value,
        "updated": row.updated,
    }


def timeline_view(timeline: Timeline, files: Sequence[FileRow], trust: Trust) -> View:
    """A case with its statements and files; `last` is the head that the next statement names."""
    case, procedure = timeline.case, trust.procedure(timeline.case.after.table)
    return {
        "case": case.case.hex(),
        "procedure": case.after.table.hex(),
        "procedure_code": None if procedure is None else procedure.code,
        **_state(procedure, case.after.state),
        "closed": case.after.closed,
        "paused": case.after.paused,
        "frozen": case.after.frozen,
        "irregular": case.after.irregular,
        "end": case.after.end or None,
        "sequence": case.after.sequence,
        "last": case.after.head.hex(),
        "last_occurred": case.after.last_occurred,
        "participants": list(case.after.participants),
        "handlers": list(case.after.handlers),
        "holding": _holding(case.after),
        "kind": case.kind,
        "updated": case.updated,
        "statements": [
            {**statement_view(row), "standing": _standing(record)}
            for row, record in zip(timeline.statements, timeline.records, strict=True)
        ],
        "refused": [refused_view(row) for row in timeline.refused],
        "files": [file_view(row) for row in files],
    }


def refused_view(row: RefusedRow) -> View:
    """A refused statement, when and why; `refusal` is the signed file, member for member."""
    reason = REASONS_BY_NUMBER[row.refusal.reason]
    zh, en = CATALOGUE[reason.code]
    return {
        "digest": row.statement.digest.hex(),
        "case": row.statement.case.hex(),
        "sequence": row.statement.sequence,
        "kind": row.statement.kind,
        "lane": row.statement.lane.name.lower(),
        "institution": row.statement.institution,
        "occurred": row.statement.occurred,
        "received": row.statement.received,
        "refused": row.refusal.created,
        "reason": reason.number,
        "reason_code": reason.code,
        "reason_zh": zh,
        "reason_en": en,
        "refusal": json.loads(row.refusal.file),
    }


def _standing(record: Recorded | None) -> View | None:
    """Whether a statement is in force, corrected, suspended or revoked, and how it is marked (SPEC §8.5).

    What the block's time or earlier acts add (late by time, irregular seen) stands in its record on chain alone.
    """
    if record is None:
        return None
    marks = ("late", "irregular", "supplemented")
    return {"status": record.status.name.lower(), "marks": [mark for mark in marks if getattr(record, mark)]}


def _holding(state: CaseState) -> View | None:
    """What is held of a sample, and by whom."""
    if not state.holder:
        return None
    return {"holder": state.holder, "quantity": state.quantity, "unit": state.unit}


def file_view(row: FileRow) -> View:
    """An evidence file that is held."""
    return {
        "sm3": row.sm3.hex(),
        "sha256": row.sha256.hex(),
        "size": row.size,
        "media_type": row.media_type,
        "received": row.received,
    }


def collection_view(row: CollectionRow) -> View:
    """A collection of signatures without its content."""
    return {
        "id": row.id.hex(),
        "digest": row.digest.hex(),
        "statement": row.statement.hex(),
        "institution": row.institution,
        "case": row.case.hex(),
        "plan": [[place.signer, place.role] for place in row.plan],
        "signed": [place.signer for place in row.plan if place.signature is not None],
        "missing": [place.signer for place in row.missing],
        "not_held": [digest.hex() for digest in row.not_held],
        "created": row.created,
        "expires": row.expires,
        "state": row.state.value,
    }


def batch_view(row: BatchRow) -> View:
    """A sealed batch."""
    return {
        "number": row.number,
        "digest": row.digest.hex(),
        "header": row.header.hex(),
        "signature": row.signature.hex(),
        "first": row.first,
        "count": row.count,
        "created": row.created,
        "block_number": row.block_number,
        "block_time": row.block_time,
    }


def checkpoint_view(row: Checkpoint, cosignatures: Sequence[CosignatureRow]) -> View:
    """A checkpoint and who signed it."""
    return {
        "height": row.height,
        "hash": row.hash.hex(),
        "header": row.header.hex(),
        "time": row.time,
        "cosignatures": [
            {"signer": one.signer, "seen": one.seen, "signature": one.signature.hex()} for one in cosignatures
        ],
    }


def signer_view(view: SignerView) -> View:
    """Keys of a member; `valid_until` and `compromised_since` are null where nothing is said."""
    return {"number": view.number, "institution": view.institution, "keys": [_key(row) for row in view.keys]}


def procedure_view(procedure: Procedure) -> View:
    """A procedure that new cases may be pinned to."""
    return {
        "table": procedure.table_digest.hex(),
        "code": procedure.code,
        "zh": procedure.zh,
        "en": procedure.en,
        "domain": procedure.domain,
        "case_type": procedure.case_type,
        "version": procedure.version,
        "kinds": [
            {"number": kind.number, "code": kind.code, "zh": kind.zh, "en": kind.en, "lane": kind.lane.value}
            for kind in procedure.kinds
        ],
    }


def _key(row: KeyRow) -> Mapping[str, Any]:
    return {
        "key_index": row.key_index,
        "x": row.x.hex(),
        "y": row.y.hex(),
        "role": row.role,
        "custody": row.custody,
        "identity_root": row.identity_root.hex(),
        "valid_from": row.valid_from,
        "valid_until": None if row.valid_until == KEY_OPEN else row.valid_until,
        "compromised_since": row.compromised_since or None,
    }


def _by_kind(trust: Trust, kind: int) -> Procedure | None:
    return next((one for one in reversed(trust.procedures) if one.kind(kind) is not None), None)


def _state(procedure: Procedure | None, number: int) -> View:
    state = None if procedure is None else procedure.state(number)
    return {
        "state": number,
        "state_code": None if state is None else state.code,
        "state_zh": None if state is None else state.zh,
        "state_en": None if state is None else state.en,
    }
