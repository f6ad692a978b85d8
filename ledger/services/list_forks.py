"""Forks that witnesses left behind, as proofs that anybody can check.

Guaranteed: each proof pairs two cosignatures by pinned witnesses at one height, over two hashes. Not guaranteed: that
every piece of evidence is one: as long as no witness signed our own block at that height, nothing signed contradicts.
"""

from ledger.domain.chain_records import CosignatureRow, ForkEvidence
from ledger.ports import Store
from tiezheng.trust import Trust
from tiezheng.verify.fork import ForkProof, Kind, cosigned, fork_of


def list_forks(store: Store, trust: Trust) -> list[ForkProof]:
    """In the order in which the evidence came."""
    with store.read() as tables:
        found = [(row, tables.proofs.cosignatures(row.height)) for row in tables.proofs.forks()]
    return [_proof(trust, row, own) for row, own in found if own]


def _proof(trust: Trust, row: ForkEvidence, own: list[CosignatureRow]) -> ForkProof:
    """With the same witness's signature over our block, where there is one."""
    ours = next((one for one in own if one.signer == row.signer), own[0])
    return fork_of(
        trust.ledger,
        Kind.WITNESS,
        cosigned(row.height, row.block_hash, row.seen, row.signature),
        cosigned(ours.height, ours.block_hash, ours.seen, ours.signature),
    )
