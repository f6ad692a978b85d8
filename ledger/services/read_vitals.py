"""How the ledger is doing, in numbers: what waits, what is overdue, how far the chain is and who cosigned it.

Guaranteed: one consistent view, without a digest, a case or an institution in it. Not guaranteed: that the worker runs;
`head.seen` says when it last looked at the chain.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.domain.chain_records import Checkpoint, Fault, Head
from ledger.domain.life import PENDING, Status
from ledger.domain.records import KEY_OPEN, KeyRow
from ledger.ports import Store
from tiezheng.trust import Trust


@dataclass(frozen=True, slots=True)
class Vitals:
    """`oldest_pending` is when the oldest statement was received (ms) that is neither on chain nor refused; `cosigned`
    the height of the last checkpoint that as many witnesses signed as the trust file demands; `overdue` counts receipts
    that are broken.
    """

    statements: Mapping[Status, int]
    oldest_pending: int | None
    overdue: int
    head: Head | None
    checkpoint: Checkpoint | None
    cosigned: int | None
    fault: Fault | None
    transactions_open: int
    operator_key: KeyRow | None

    @property
    def pending(self) -> int:
        """How many statements are accepted and neither on chain nor refused."""
        return sum(self.statements[status] for status in PENDING)

    @property
    def operator_key_ended(self) -> bool:
        """The chain knows the operator's key in use, and its period is over."""
        return self.operator_key is not None and self.operator_key.valid_until != KEY_OPEN


def read_vitals(store: Store, trust: Trust, operator: int, key_index: int, now_ms: int) -> Vitals:
    """As of now. Raises Unavailable as the store does."""
    with store.read() as tables:
        return Vitals(
            statements=tables.statements.count_by_status(),
            oldest_pending=tables.statements.oldest_pending(),
            overdue=tables.statements.overdue(now_ms),
            head=tables.chain.head(),
            checkpoint=tables.proofs.latest(),
            cosigned=tables.proofs.last_cosigned(trust.finality.threshold),
            fault=tables.chain.fault(),
            transactions_open=tables.transactions.count_open(),
            operator_key=tables.members.key(operator, key_index),
        )
