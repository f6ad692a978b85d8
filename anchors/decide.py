"""Decisions of the voters (SPEC §5.2): what they sign, and the transactions that execute them.

Guaranteed: a decision carries the next number, the executing contract's id and its end; the contract checks every vote.
Not guaranteed: that no other decision of that number is executed first; then this one is refused for ever.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from anchors.chains.port import Chain, Mined
from anchors.chains.relayer import Relayer
from anchors.contracts import BATCH, INSTITUTIONS, REGISTRY, artifact
from anchors.deployment import Contract, Deployment
from anchors.transact import transact
from tiezheng.digest import sm3
from tiezheng.errors import Malformed
from tiezheng.governance import (
    DECISION_MAX_SECONDS,
    NO_END,
    Decision,
    close_contract,
    end_table,
    join_votes,
    register_table,
)
from tiezheng.signature import Signature

# Long enough to collect the votes of several bodies, far within the 90 days of the protocol.
LIFE_SECONDS: Final = 7 * 86_400


@dataclass(frozen=True, slots=True)
class Decider:
    """Proposes and executes the decisions of one deployment. Methods that send raise as `transact`."""

    chain: Chain
    relayer: Relayer
    deployment: Deployment

    def propose(self, executor: Contract, action: bytes, life_seconds: int = LIFE_SECONDS) -> Decision:
        """The next decision: each voter signs its `message`. Raises Malformed `decision.too_long`."""
        # With a later end it would lie ready until its last 90 days.
        if not 0 < life_seconds <= DECISION_MAX_SECONDS:
            raise Malformed("decision.too_long", expected=DECISION_MAX_SECONDS, got=life_seconds)
        contract = artifact(INSTITUTIONS)
        answer = self.chain.call(self.deployment.institutions.address, contract.call("decisions"))
        (last,) = contract.result("decisions", answer)
        return Decision(int(last) + 1, self.chain.head().time + life_seconds, executor.id, action)

    def propose_table(self, table: bytes, valid_from: int, valid_until: int = NO_END) -> Decision:
        """Registration of a procedure table (SPEC §8.2) in the registry; dates in ms."""
        return self.propose(self.deployment.registry, register_table(sm3(table), valid_from, valid_until))

    def execute(self, decision: Decision, votes: Sequence[Signature], possession: Signature | None = None) -> Mined:
        """A decision on members, keys or the threshold; `possession` where it brings a key."""
        own = b"" if possession is None else possession.to_bytes()
        data = artifact(INSTITUTIONS).call("execute", decision.action, *_paper(decision, votes), own)
        return self._send(self.deployment.institutions, data)

    def register_table(
        self, decision: Decision, table: bytes, valid_from: int, votes: Sequence[Signature], valid_until: int = NO_END
    ) -> Mined:
        """What `propose_table` proposed."""
        data = artifact(REGISTRY).call("registerTable", table, valid_from, valid_until, *_paper(decision, votes))
        return self._send(self.deployment.registry, data)

    def propose_end(self, table_digest: bytes, valid_until: int) -> Decision:
        """An end for a registered table; ms."""
        return self.propose(self.deployment.registry, end_table(table_digest, valid_until))

    def end_table(self, decision: Decision, table_digest: bytes, valid_until: int, votes: Sequence[Signature]) -> Mined:
        """What `propose_end` proposed."""
        data = artifact(REGISTRY).call("endTable", table_digest, valid_until, *_paper(decision, votes))
        return self._send(self.deployment.registry, data)

    def propose_closing(self, contract: Contract, successor: bytes) -> Decision:
        """The end of the registry or the batch anchor, for the successor at that address (zero: none)."""
        return self.propose(contract, close_contract(successor))

    def close(self, decision: Decision, contract: Contract, successor: bytes, votes: Sequence[Signature]) -> Mined:
        """What `propose_closing` proposed."""
        name = BATCH if contract == self.deployment.batch else REGISTRY
        data = artifact(name).call("close", successor, *_paper(decision, votes))
        return self._send(contract, data)

    def _send(self, contract: Contract, data: bytes) -> Mined:
        return transact(self.chain, self.relayer, self.deployment.chain_id, contract.address, data)


def _paper(decision: Decision, votes: Sequence[Signature]) -> tuple[int, int, bytes]:
    return decision.number, decision.expires, join_votes(votes)
