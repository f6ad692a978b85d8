"""Record that the chain refuses a statement: the operator signs why, and the case goes back to what stands.

Guaranteed: the statement and all receipted ones behind it in its case get a signed refusal in one transaction; again is
no change. Not guaranteed: that the reason is right; the caller read it from the contract, at the block it names.
"""

from ledger.domain.accepting import accepting_contract
from ledger.domain.chain_records import BlockRef, RefusalRow
from ledger.domain.life import Status
from ledger.ports import Clock, OperatorSigner, Store
from tiezheng.errors import NotFound
from tiezheng.receipt import RefusalFile, refusal_digest, refusal_message
from tiezheng.refusals import REASONS
from tiezheng.signature import ROLE_INSTITUTION, Signature
from tiezheng.statement import parse_statement
from tiezheng.trust import Trust


def record_refusal(
    store: Store, clock: Clock, signer: OperatorSigner, trust: Trust, digest: bytes, reason: int, block: BlockRef
) -> list[bytes]:
    """Refuse the statement for `reason` (SPEC §8.4) as seen at `block`; says what was refused, last first.

    Raises NotFound `evidence.not_found`, IntegrityFault `chain.record_mismatch` if it, or one behind it, is anchored.
    """
    now = clock.now_ms()
    with store.write() as tables:
        row = tables.statements.get(digest)
        if row is None:
            raise NotFound("evidence.not_found", got=digest)
        if row.status is Status.REFUSED:
            return []
        behind = [one for one in tables.statements.of_case(row.case) if one.sequence > row.sequence]
        follow_up = REASONS["CaseUnknown" if row.sequence == 0 else "CaseSequence"].number
        refused = []
        for one in (*reversed(behind), row):
            why = reason if one.digest == digest else follow_up
            contract = accepting_contract(trust, parse_statement(one.statement))
            message = refusal_message(
                refusal_digest(one.digest, why, block.number, block.hash), signer.number, contract.id
            )
            signature = Signature(signer.number, ROLE_INSTITUTION, signer.key_index, signer.sign(message))
            file = RefusalFile(one.digest, why, block.number, block.hash, signature)
            tables.refusals.add(RefusalRow(one.digest, why, block.number, block.hash, file.to_bytes(), now))
            refused.append(one.digest)
        return refused
