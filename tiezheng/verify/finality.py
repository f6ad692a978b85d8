"""Step 11: finality, by the strategy that the trust file names (spec/SPEC.md §9, §12).

Guaranteed: a block counts as final only by what the trust file asks for; a cosignature that is present and does not
hold fails the step, whatever the others say. Not guaranteed: that witnesses executed the block; they vouch that they
saw it and sign no other of its height. A further strategy is one entry in `STRATEGIES`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from tiezheng.digest import sm3
from tiezheng.evm.header import Header
from tiezheng.signature import ROLE_INSTITUTION, Tag, signed_message
from tiezheng.trust import DEV, WITNESS
from tiezheng.verify.run import Run
from tiezheng.verify.verdict import Notes

Strategy = Callable[[Run, Header, Notes], None]


def witness_digest(genesis: bytes, height: int, block_hash: bytes, seen: int) -> bytes:
    """SM3(genesis hash ‖ height u64 ‖ block hash ‖ seen u48) (§9); `seen` in ms since 1970."""
    return sm3(genesis, height.to_bytes(8, "big"), block_hash, seen.to_bytes(6, "big"))


def witness_message(witness: int, institutions_id: bytes, digest: bytes) -> bytes:
    """The 81 bytes that a witness signs (tag 3); `institutions_id` is the contract id of `Institutions`."""
    return signed_message(Tag.WITNESS, ROLE_INSTITUTION, 1, witness, institutions_id, digest)


def check_finality(run: Run, notes: Notes) -> None:
    """Step 11: as the trust file requires."""
    if run.state is None:
        notes.lack("bundle.pending")
        return
    header = run.state.header
    if header is None:
        notes.lack("verify.depends", "header")
        return
    strategy = STRATEGIES.get(run.trust.finality.strategy)
    if strategy is None:
        notes.lack("finality.strategy")
        return
    strategy(run, header, notes)


def _dev(run: Run, _header: Header, notes: Notes) -> None:
    notes.lack("finality.dev")
    for cosignature in run.bundle.witnesses:
        notes.lack("finality.witness_unknown", str(cosignature.signature.signer))


def _witness(run: Run, header: Header, notes: Notes) -> None:
    rule = run.trust.finality
    for cosignature in run.bundle.witnesses:
        signature = cosignature.signature
        # The key is pinned by the trust file: no role, and no index of a key on chain.
        if signature.role != ROLE_INSTITUTION or signature.key_index != 0:
            notes.fail("signature.role", f"witness {signature.signer}")
            continue
        witness = rule.witness(signature.signer)
        if witness is None:
            notes.lack("finality.witness_unknown", str(signature.signer))
            continue
        digest = witness_digest(run.trust.ledger.genesis, header.number, header.hash, cosignature.seen)
        message = witness_message(signature.signer, run.trust.institutions.id, digest)
        if run.caches.signed(witness.public, message, signature.r_s):
            run.valid_witnesses.append(signature.signer)
        else:
            notes.fail("signature.invalid", f"witness {signature.signer}")
    if len(run.valid_witnesses) < rule.threshold:
        notes.lack("finality.threshold", f"{len(run.valid_witnesses)} of {rule.threshold}")
    run.find(
        "chain.no_seals",
        "本次核验不依据区块的共识印章；区块的最终性依据见证方签名。",
        "No consensus seals were checked on this chain; the block's finality rests on the witnesses' signatures.",
    )


STRATEGIES: Final[Mapping[str, Strategy]] = MappingProxyType({DEV: _dev, WITNESS: _witness})
