"""What anyone may learn: whether a file is on the ledger, and where a statement stands.

Guaranteed: the answer holds evidence ids, institutions, kinds, times and states, and nothing of the content. Not
guaranteed: absence; confidential evidence has no public subject.
"""

from ledger.domain.records import LookupRow, StatementRow
from ledger.ports import Store
from tiezheng.digest import DIGEST_SIZE
from tiezheng.errors import Malformed, NotFound
from tiezheng.statement import ZERO, case_owner


def look_up(store: Store, sm3: bytes) -> list[LookupRow]:
    """Statements about the file with this SM3, oldest first; empty if there are none. Raises Malformed
    `digest.length`."""
    if len(sm3) != DIGEST_SIZE:
        raise Malformed("digest.length", expected=DIGEST_SIZE, got=len(sm3))
    if sm3 == ZERO:
        return []
    with store.read() as tables:
        return tables.statements.lookup(sm3)


def find_own_statement(store: Store, digest: bytes, institution: int) -> StatementRow:
    """The statement, for who handed it in or takes part in its case.

    Raises NotFound `evidence.not_found` for everyone else, after the same questions to the store as for a statement
    that does not exist.
    """
    with store.read() as tables:
        row = tables.statements.get(digest)
        named = tables.cases.participates(digest if row is None else row.case, institution)
    if row is None or not (named or institution in (row.institution, case_owner(row.case))):
        raise NotFound("evidence.not_found", got=digest)
    return row


def read_receipt(store: Store, digest: bytes) -> bytes:
    """The receipt file. Raises NotFound `receipt.not_found`."""
    with store.read() as tables:
        receipt = tables.statements.receipt(digest)
    if receipt is None:
        raise NotFound("receipt.not_found", got=digest)
    return receipt


def read_refusal(store: Store, digest: bytes) -> bytes:
    """The refusal file. Raises NotFound `receipt.not_found`."""
    with store.read() as tables:
        refusal = tables.refusals.get(digest)
    if refusal is None:
        raise NotFound("receipt.not_found", got=digest, detail="refusal")
    return refusal.file
