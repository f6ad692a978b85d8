"""Who may decide what on members (SPEC §5.2), judged again on the rebuilt ledger.

Guaranteed: voters are active voting institutions, each once, in ascending order, with keys that were valid at the
block; admissions, renewals and reinstatements carry the member's institution and one regulator or association. Not
guaranteed: the signatures themselves; `anchors.replay_members` verifies them.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Protocol

from ledger.domain.records import KEY_OPEN, InstitutionRow, KeyRow, MemberStatus
from tiezheng.errors import VerificationFailed
from tiezheng.governance import DECISION_MAX_SECONDS
from tiezheng.procedures import InstitutionRole
from tiezheng.signature import ROLE_INSTITUTION, Signature

_OVERSEERS: Final = frozenset({InstitutionRole.REGULATOR, InstitutionRole.ASSOCIATION})


class Ledger(Protocol):
    """What has to be known of members at this moment of the replay."""

    def key_row(self, number: int, key_index: int) -> KeyRow | None: ...

    def institution(self, number: int) -> InstitutionRow | None: ...


def check_voters(votes: Sequence[Signature], ledger: Ledger, at_seconds: int) -> None:
    """Each vote is one of a decision. Raises VerificationFailed `signature.order`, `key.not_valid_then`, and others."""
    _check_order(votes)
    for vote in votes:
        _valid_key(vote, ledger, at_seconds)
        voter = ledger.institution(vote.signer)
        if voter is None or not voter.voter or voter.status is not MemberStatus.ACTIVE:
            raise VerificationFailed("chain.record_mismatch", got=vote.signer, detail="no active voter")


def check_term(expires: int, at_seconds: int) -> None:
    """A decision is executed before it expires, and none may be kept longer than the rules allow."""
    if not at_seconds <= expires <= at_seconds + DECISION_MAX_SECONDS:
        raise VerificationFailed("chain.record_mismatch", expected=at_seconds, got=expires, detail="decision's term")


def check_admitters(votes: Sequence[Signature], institution: int, ledger: Ledger, at_seconds: int) -> None:
    """Institution and overseer, two in all."""
    _check_order(votes)
    rows = [_valid_key(vote, ledger, at_seconds) for vote in votes]
    others = [row for row in rows if row.number != institution]
    if len(rows) != 2 or len(others) != 1 or others[0].role not in _OVERSEERS:
        raise VerificationFailed("chain.record_mismatch", expected=institution, detail="institution and regulator")


def check_suspender(vote: Signature, institution: int, ledger: Ledger, at_seconds: int) -> None:
    """The institution of the practitioner, or a regulator."""
    row = _valid_key(vote, ledger, at_seconds)
    if row.number != institution and row.role != InstitutionRole.REGULATOR:
        raise VerificationFailed("chain.record_mismatch", expected=institution, got=vote.signer, detail="suspension")


def _check_order(votes: Sequence[Signature]) -> None:
    if any(later.signer <= earlier.signer for earlier, later in pairwise(votes)):
        raise VerificationFailed("signature.signer", detail="not ascending")


def _valid_key(vote: Signature, ledger: Ledger, at_seconds: int) -> KeyRow:
    row = ledger.key_row(vote.signer, vote.key_index)
    if row is None:
        raise VerificationFailed("key.unknown", got=f"{vote.signer}/{vote.key_index}")
    if row.valid_until != KEY_OPEN or row.valid_from > at_seconds:
        raise VerificationFailed("key.not_valid_then", got=f"{vote.signer}/{vote.key_index}")
    if vote.role != ROLE_INSTITUTION:
        raise VerificationFailed("signature.role", expected=ROLE_INSTITUTION, got=vote.role)
    return row
