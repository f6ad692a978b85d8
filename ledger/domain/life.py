"""The life of a statement in the service, and when a receipt falls due.

Guaranteed: `may_become` allows only steps forward; refused and final are ends. Not guaranteed: that the chain agrees;
the worker moves statements only by what it read there.

    accepted -> (sent) -> anchored -> final
        \\________\\-> refused
"""

from enum import StrEnum
from typing import Final

from ledger.domain.limits import RECEIPT_DUE_MS
from tiezheng.receipt import Lane
from tiezheng.statement import Flag, Statement


class Status(StrEnum):
    """Where a statement stands."""

    ACCEPTED = "accepted"
    """Checked, stored and receipted; waiting for the worker."""
    SENT = "sent"
    """Its transaction, or its batch, is stored and on its way."""
    ANCHORED = "anchored"
    """In a block."""
    FINAL = "final"
    """Proofs at a checkpoint are kept and the trust file's finality is met."""
    REFUSED = "refused"
    """The chain refuses it; the operator signed why."""


_NEXT: Final[dict[Status, frozenset[Status]]] = {
    Status.ACCEPTED: frozenset({Status.SENT, Status.ANCHORED, Status.REFUSED}),
    Status.SENT: frozenset({Status.ANCHORED, Status.REFUSED}),
    Status.ANCHORED: frozenset({Status.FINAL}),
    Status.FINAL: frozenset(),
    Status.REFUSED: frozenset(),
}
PENDING: Final = frozenset({Status.ACCEPTED, Status.SENT})
ON_CHAIN: Final = frozenset({Status.ANCHORED, Status.FINAL})


def may_become(now: Status, then: Status) -> bool:
    """Whether a statement may move from `now` to `then`. Staying where it is counts as no move: False."""
    return then in _NEXT[now]


def lane_of(statement: Statement) -> Lane:
    """The lane that a statement's flag names (SPEC §3)."""
    return Lane.BATCH if statement.flags & Flag.BATCH else Lane.REGISTRY


def due(received: int) -> int:
    """When a receipt falls due; both in ms."""
    return received + RECEIPT_DUE_MS
