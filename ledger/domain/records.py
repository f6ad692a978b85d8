"""What the stores keep, as frozen records: statements, cases, files, collections, tokens, keys of members.

Guaranteed: no record holds personal data in the clear; `sealed` members are ciphertext of the vault. Not guaranteed:
consistency between records, which is the transaction's work. Times are ms since 1970 UTC unless named otherwise.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from ledger.domain.life import Status
from tiezheng.receipt import Lane

# SPEC §5.3: end of a key period that is still open, seconds.
KEY_OPEN: Final = (1 << 48) - 1


@dataclass(frozen=True, slots=True)
class NewStatement:
    """All that one accepted statement writes in its transaction.

    `statement` and `signatures` are the bytes as received (183 and count × 70). `state_after` is the case's state after
    this statement. `receipt` is the receipt file's canonical JSON. `content` is the sealed private content, or None
    where it is withheld. `not_held` are SM3s of attachments that the institution keeps itself.
    """

    digest: bytes
    statement: bytes
    signatures: bytes
    lane: Lane
    kind: int
    case: bytes
    sequence: int
    institution: int
    counterparty: int
    subject: bytes
    occurred: int
    received: int
    due: int
    receipt: bytes
    content: bytes | None
    state_after: "CaseRow"
    not_held: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One statement as stored. `position` is its place in the order of acceptance, from 1.

    `block_number`, `block_time` (s): where it is anchored, else None. `batch`, `batch_index`: its place in a batch
    (batch lane only). `proof_height`: the checkpoint whose proofs are kept, else None. `final_at`: when it became so.
    """

    position: int
    digest: bytes
    statement: bytes
    signatures: bytes
    lane: Lane
    kind: int
    case: bytes
    sequence: int
    institution: int
    counterparty: int
    subject: bytes
    occurred: int
    received: int
    due: int
    status: Status
    block_number: int | None = None
    block_time: int | None = None
    batch: int | None = None
    batch_index: int | None = None
    proof_height: int | None = None
    final_at: int | None = None


@dataclass(frozen=True, slots=True)
class CaseRow:
    """State of a case after its last accepted, not refused statement; the columns mirror SPEC §8.5.

    `table` is the digest of the procedure table, `head` the last statement's digest, `seen` the mask of kinds seen,
    `participants` and `handlers` are numbers in order (participants without padding; handlers: zero for "none").
    `last_occurred` in ms. `updated` is when that statement was received.
    """

    case: bytes
    table: bytes
    head: bytes
    sequence: int
    state: int
    closed: bool
    seen: int
    last_occurred: int
    participants: tuple[int, ...]
    handlers: tuple[int, ...]
    kind: int = 0
    updated: int = 0


@dataclass(frozen=True, slots=True)
class FileRow:
    """An evidence file that is held, encrypted, under a random object name."""

    case: bytes
    sm3: bytes
    sha256: bytes
    size: int
    media_type: str
    object_name: str
    received: int


@dataclass(frozen=True, slots=True)
class PlannedSigner:
    """One place in a collection's plan (SPEC §2.3, §2.4). `signature` is 70 bytes once it has come, else None."""

    signer: int
    role: int
    institution: int
    signature: bytes | None = None


class CollectionState(StrEnum):
    """Where a collection of signatures stands."""

    OPEN = "open"
    SUBMITTED = "submitted"
    EXPIRED = "expired"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class CollectionRow:
    """Signatures being collected for one statement. `id` is 16 random bytes; `content` is sealed; ascending `plan`."""

    id: bytes
    digest: bytes
    statement: bytes
    institution: int
    case: bytes
    plan: tuple[PlannedSigner, ...]
    content: bytes | None
    created: int
    expires: int
    state: CollectionState = CollectionState.OPEN
    not_held: tuple[bytes, ...] = ()

    @property
    def missing(self) -> tuple[PlannedSigner, ...]:
        """Places whose signature has not come."""
        return tuple(place for place in self.plan if place.signature is None)


class Scope(StrEnum):
    """What a token allows."""

    SUBMIT = "submit"
    READ = "read"
    NAMES = "names"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class TokenRow:
    """An API token: only the SM3 of its text is kept. `holder` is the sealed label; `number` a practitioner or None."""

    digest: bytes
    institution: int
    holder: bytes
    number: int | None
    scopes: frozenset[Scope]
    created: int
    expires: int
    revoked: int | None = None


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One key of a member as the chain's events tell it (SPEC §5.3). Times in seconds; `valid_until` KEY_OPEN if open.

    `role` is the institution's role or the practitioner's function; an institution's `institution` is its own number.
    `compromised_since` is 0 where nothing is claimed.
    """

    number: int
    key_index: int
    x: bytes
    y: bytes
    z: bytes
    institution: int
    role: int
    custody: int
    identity_root: bytes
    valid_from: int
    valid_until: int = KEY_OPEN
    compromised_since: int = 0


@dataclass(frozen=True, slots=True)
class CardRow:
    """The sealed private identity card of a signer, for one identity root."""

    number: int
    identity_root: bytes
    sealed: bytes


@dataclass(frozen=True, slots=True)
class LookupRow:
    """What anyone may learn from a file's SM3: evidence id, institution, kind, status, block time (s) or None."""

    digest: bytes
    institution: int
    kind: int
    status: Status
    block_time: int | None


@dataclass(frozen=True, slots=True)
class CaseSummary:
    """One line of a list of cases."""

    case: bytes
    kind: int
    sequence: int
    state: int
    closed: bool
    head: bytes
    updated: int
    status: Status
