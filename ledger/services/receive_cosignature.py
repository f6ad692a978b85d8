"""Receive a witness's signature over a checkpoint, and make final what has enough of them.

Guaranteed: only signatures of witnesses that the trust file pins, checked by the kernel's message and signature, are
stored; one that signs another block at our height is kept as evidence of a fork. Not guaranteed: that a witness watched
well; m of n is what the trust file's owner relies on.
"""

from ledger.domain.chain_records import CosignatureRow, ForkEvidence
from ledger.ports import Clock, Store, Tables
from tiezheng.errors import Conflict, Malformed, NotFound, Refused, VerificationFailed
from tiezheng.signature import ROLE_INSTITUTION, Signature, verify
from tiezheng.trust import WITNESS, Trust
from tiezheng.verify import witness_digest, witness_message

_SEEN_END = 1 << 48


def receive_cosignature(
    store: Store, clock: Clock, trust: Trust, height: int, block_hash: bytes, seen: int, signature: bytes
) -> bool:
    """Store the cosignature (70 bytes; `seen` in ms); False if it was there. Raises NotFound
    `cosignature.height_unknown`, Refused `cosignature.not_witness`, VerificationFailed `signature.invalid`, Conflict
    `cosignature.fork`.
    """
    if len(block_hash) != 32 or not 0 <= seen < _SEEN_END or not 0 <= height < 1 << 63:
        raise Malformed("request.format", detail="height, block_hash or seen")
    given = Signature.parse(signature)
    witness = trust.finality.witness(given.signer)
    if witness is None or given.role != ROLE_INSTITUTION or given.key_index != 0:
        raise Refused("cosignature.not_witness", got=given.signer)
    digest = witness_digest(trust.ledger.genesis, height, block_hash, seen)
    message = witness_message(given.signer, trust.institutions.id, digest)
    if not verify(witness.public, message, given.r_s):
        raise VerificationFailed("signature.invalid", got=given.signer, detail="witness")
    now = clock.now_ms()
    with store.write() as tables:
        checkpoint = tables.proofs.checkpoint(height)
        if checkpoint is None:
            raise NotFound("cosignature.height_unknown", got=height)
        fork = checkpoint.hash != block_hash
        if fork:
            tables.proofs.put_fork(
                ForkEvidence(height, block_hash, checkpoint.hash, given.signer, seen, signature, now)
            )
        else:
            new = tables.proofs.put_cosignature(CosignatureRow(height, block_hash, given.signer, seen, signature))
            make_final(tables, trust, height, now)
    if fork:
        raise Conflict("cosignature.fork", expected=checkpoint.hash, got=block_hash)
    return new


def make_final(tables: Tables, trust: Trust, height: int, now: int) -> int:
    """Statements proven at `height` become FINAL if enough witnesses signed; says how many. With the strategy `dev`
    nothing does (SPEC §9). The worker calls it too, after it stored proofs at a height that has cosignatures."""
    rule = trust.finality
    if rule.strategy != WITNESS or len(tables.proofs.cosignatures(height)) < rule.threshold:
        return 0
    return tables.statements.mark_final(height, now)
