"""From a judged receipt to the proof of its breach (spec/SPEC.md §13).

Guaranteed: a proof is given out only after the kernel's check of it passed. Not guaranteed: that it is conclusive: for
that a checkpoint later than the due time needs its cosignatures, and the batch lane the leaves.
"""

from anchors.batch_history import BatchHistory
from anchors.chain_words import ChainWords
from anchors.chains.port import Chain
from anchors.published import Published, SignedCheckpoint
from anchors.receipt_check import Judged
from tiezheng.bundle import Cosignature
from tiezheng.errors import Unavailable
from tiezheng.receipt import Lane
from tiezheng.signature import z_value
from tiezheng.storage_words import key_record_slot, last_batch_slots, record_slot
from tiezheng.trust import Trust
from tiezheng.verify.breach import Batches, Breach, BreachProof, LateRefusal, check_breach


def prove_breach(
    chain: Chain, trust: Trust, published: Published, judged: Judged, at_ms: int
) -> tuple[BreachProof, Breach]:
    """The proof and what the kernel says of it. Raises VerificationFailed `breach.*` where it shows none yet."""
    assert judged.file is not None
    assert judged.contract is not None
    assert judged.key is not None
    receipt, contract, key = judged.file.receipt, judged.contract, judged.key
    words, cosignatures = _words_after(chain, trust, published.latest(), receipt.due)
    record, batches = record_slot(receipt.statement), None
    wanted = {contract: [record]}
    if receipt.lane is Lane.BATCH:
        history = BatchHistory.read(chain, words, contract, key.number)
        history.find({receipt.statement}, published)
        found = history.found.get(receipt.statement)
        batches = Batches(tuple(history.headers), found)
        wanted = {contract: list(last_batch_slots(key.number))}
        if found is not None:
            wanted[contract].append(record_slot(history.headers[found].digest))
    wanted[trust.institutions] = [key_record_slot(z_value(key.public), key.key_index)]
    refusal = None
    if judged.refusal is not None and (judged.refusal.signature.key_index == key.key_index):
        refusal = LateRefusal(judged.refusal, chain.header(judged.refusal.block_number))
    proof = BreachProof(
        ledger=trust.ledger,
        contract=contract.address,
        key=key,
        receipt=judged.file,
        refusal=refusal,
        chain=words.proof(wanted),
        witnesses=cosignatures,
        batches=batches,
    )
    return proof, check_breach(proof, trust, at_ms, published.leaves)


def _words_after(
    chain: Chain, trust: Trust, latest: SignedCheckpoint | None, due_ms: int
) -> tuple[ChainWords, tuple[Cosignature, ...]]:
    """The state at the last checkpoint if it is after `due_ms`, on this chain and still kept; else the head's."""
    if latest is not None and latest.header.timestamp * 1000 > due_ms:
        block = chain.block(latest.header.number)
        if block is not None and block.hash == latest.header.hash:
            words = ChainWords(chain, trust, latest.header.number)
            try:
                words.words(trust.institutions, [])
            except Unavailable as error:
                if error.code != "chain.no_history":
                    raise
            else:
                return words, latest.cosignatures
    return ChainWords(chain, trust), ()
