"""A witness: it follows the chain with a node of its own and cosigns checkpoints (SPEC §9).

Guaranteed: a signature is only ever made over a block that descends from the pinned genesis through every header in
between, or is a proven ancestor of where the witness stands; what is signed is on disk before the signature exists;
never two hashes at one height; a chain that left the followed one is kept as evidence and stops the witness. Not
guaranteed: that the block was executed; a witness vouches that it saw this block and signs no other of its height.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final, Protocol

from anchors.chains.port import Chain
from anchors.leaves import publish
from anchors.witness_state import Place, Signed, WitnessState, load_state, save_state
from tiezheng.canonical import dumps
from tiezheng.errors import IntegrityFault, Malformed, NotFound, Unavailable
from tiezheng.signature import ROLE_INSTITUTION, Signature, Signer
from tiezheng.trust import Trust
from tiezheng.verify import witness_digest, witness_message

# Headers in one request.
CHUNK: Final = 200
# How far back an ancestor is still proven by walking the headers up to the position.
REACH: Final = 20_000
# The position is saved at least so often, so that a restart need not walk far.
SAVE_BLOCKS: Final = 64


class Desk(Protocol):
    """Where cosignatures are handed in: the service, or anyone who collects them."""

    def latest(self) -> tuple[int, bytes] | None:
        """Height and hash of the last checkpoint that the service proved at; None before any."""
        ...

    def holds(self, number: int, height: int) -> bool:
        """Whether the service has this witness's cosignature there; it may have lost one that was handed in."""
        ...

    def hand_in(self, height: int, block_hash: bytes, seen_ms: int, signature: Signature) -> None:
        """Raises TiezhengError where the service does not take it."""
        ...


class Witness:
    """One witness on one ledger. Hold `witness_state.hold` of its directory while using this."""

    def __init__(
        self,
        chain: Chain,
        trust: Trust,
        number: int,
        signer: Signer,
        directory: Path,
        desk: Desk,
        now_ms: Callable[[], int],
    ) -> None:
        """Raises NotFound `witness.unknown`, Malformed `witness.key`, IntegrityFault `chain.wrong`, `witness.state`."""
        pinned = trust.finality.witness(number)
        if pinned is None:
            raise NotFound("witness.unknown", got=number)
        if pinned.public != signer.public:
            raise Malformed("witness.key", got=number)
        self._chain = chain
        self._trust = trust
        self._signer = signer
        self._directory = directory
        self._desk = desk
        self._now_ms = now_ms
        self._handed_in = 0
        self._state = load_state(directory, trust.ledger.genesis, number)
        self._saved = self._state
        self._check_chain()

    @property
    def state(self) -> WitnessState:
        """Where it stands, and what it signed."""
        return self._state

    def step(self) -> int | None:
        """Follow the chain to its head, and cosign the service's last checkpoint if it is new and on this chain.

        Says which height was cosigned. Raises IntegrityFault `witness.fork`; Unavailable where node or service do not
        answer; what the service refuses.
        """
        self._follow()
        wanted = self._desk.latest()
        if wanted is None or wanted[0] > self._state.position.height:
            return None
        height, claimed = wanted
        if height <= self._handed_in and self._desk.holds(self._state.number, height):
            return None
        block_hash = self._hash_at(height)
        if block_hash != claimed:
            self._keep_evidence(height, block_hash, claimed)
        signed, signature = self.sign(height, block_hash)
        self._desk.hand_in(height, block_hash, signed.seen, signature)
        self._handed_in = height
        return height

    def sign(self, height: int, block_hash: bytes) -> tuple[Signed, Signature]:
        """Persist, then sign. The same height again gives the same words, signed anew.

        Raises IntegrityFault `witness.fork` for another hash at a height that was signed.
        """
        state = self._state.with_signed(Signed(height, block_hash, self._now_ms()))
        save_state(self._directory, state)
        self._state = self._saved = state
        signed = state.at(height)
        if signed is None:
            raise IntegrityFault("witness.state", got=height, detail="too old to sign")
        digest = witness_digest(state.genesis, height, block_hash, signed.seen)
        message = witness_message(state.number, self._trust.institutions.id, digest)
        return signed, Signature(state.number, ROLE_INSTITUTION, 0, self._signer.sign(message))

    def _check_chain(self) -> None:
        ledger = self._trust.ledger
        chain_id = self._chain.chain_id()
        if chain_id != ledger.chain_id:
            raise IntegrityFault("chain.wrong", expected=ledger.chain_id, got=chain_id, detail="chain id")
        genesis = self._chain.block(0)
        if genesis is None or genesis.hash != ledger.genesis:
            raise IntegrityFault("chain.wrong", expected=ledger.genesis, detail="block 0")

    def _follow(self) -> None:
        """Walk every header from the position to the head, each linked to the one before."""
        head = self._chain.head()
        position = self._state.position
        if head.number < position.height:
            raise Unavailable("chain.answer", expected=position.height, got=head.number, detail="node is behind")
        here = self._chain.block(position.height)
        if here is None or here.hash != position.hash:
            self._keep_evidence(position.height, position.hash, None if here is None else here.hash)
        for first in range(position.height + 1, head.number + 1, CHUNK):
            for block in self._chain.blocks(first, min(head.number, first + CHUNK - 1)):
                if block.parent != position.hash:
                    self._keep_evidence(position.height, position.hash, block.parent)
                position = Place(block.number, block.hash)
            self._state = replace(self._state, position=position)
            if position.height - self._saved.position.height >= SAVE_BLOCKS:
                save_state(self._directory, self._state)
                self._saved = self._state

    def _hash_at(self, height: int) -> bytes:
        """Hash of an ancestor, proven by the headers from it up to the position. Raises Unavailable if too far back."""
        position = self._state.position
        if position.height - height > REACH:
            raise Unavailable("chain.answer", got=height, detail="too far back")
        above, found = position.hash, position.hash
        for last in range(position.height, height - 1, -CHUNK):
            for block in reversed(self._chain.blocks(max(height, last - CHUNK + 1), last)):
                if block.hash != above:
                    self._keep_evidence(block.number, above, block.hash)
                found, above = block.hash, block.parent
        return found

    def _keep_evidence(self, height: int, own: bytes, other: bytes | None) -> None:
        """Write down both hashes with what was signed, and stop. Raises IntegrityFault `witness.fork`."""
        signed = self._state.at(height)
        evidence = {
            "found_at": self._now_ms(),
            "genesis": self._state.genesis.hex(),
            "height": height,
            "other": None if other is None else other.hex(),
            "own": own.hex(),
            "own_seen": None if signed is None else signed.seen,
            "witness": self._state.number,
        }
        publish(self._directory / f"fork-{height}.json", [dumps(evidence)])
        raise IntegrityFault("witness.fork", expected=own, got=other, detail=f"height {height}")
