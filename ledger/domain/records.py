"""What the stores keep, as frozen records: statements, cases, files, collections, tokens, keys of members.

Guaranteed: no record holds personal data in the clear; `sealed` members are ciphertext of the vault. Not guaranteed:
consistency between records, which is the transaction's work. Times are ms since 1970 UTC unless named otherwise.
"""

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

from ledger.domain.chain_records import RefusalRow
from ledger.domain.life import Status, lane_of
from tiezheng.procedures import CaseState
from tiezheng.receipt import Lane
from tiezheng.statement import SignedStatement
from tiezheng.storage_words import OPEN_END, KeyWord

# SPEC §5.3: end of a key period that is still open, seconds.
KEY_OPEN: Final = OPEN_END


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
    terms: bytes
    occurred: int
    received: int
    due: int
    receipt: bytes
    content: bytes | None
    state_after: "CaseRow"
    not_held: tuple[bytes, ...] = ()


def new_statement(
    signed: SignedStatement,
    stored: tuple[bytes, bytes],
    received: int,
    due: int,
    receipt: bytes,
    after: "CaseRow",
    content: bytes | None = None,
    not_held: tuple[bytes, ...] = (),
) -> NewStatement:
    """What a signed statement writes; `stored` are the bytes of statement and signatures as they came."""
    statement = signed.statement
    return NewStatement(
        digest=statement.digest,
        statement=stored[0],
        signatures=stored[1],
        lane=lane_of(statement),
        kind=statement.kind,
        case=statement.case,
        sequence=statement.sequence,
        institution=statement.institution,
        counterparty=statement.counterparty,
        subject=statement.subject,
        terms=statement.terms,
        occurred=statement.occurred,
        received=received,
        due=due,
        receipt=receipt,
        content=content,
        state_after=after,
        not_held=not_held,
    )


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

    @property
    def stands_in_registry(self) -> bool:
        """Whether it is of the registry lane and not refused."""
        return self.lane is Lane.REGISTRY and self.status is not Status.REFUSED


@dataclass(frozen=True, slots=True)
class RefusedRow:
    """A statement that the chain refused, and the operator's signed refusal of it."""

    statement: StatementRow
    refusal: RefusalRow


@dataclass(frozen=True, slots=True)
class CaseRow:
    """A case after its last accepted, not refused statement: `after` is its state (SPEC §8.5), `kind` that of its
    opening, `updated` when that statement was received.
    """

    case: bytes
    after: CaseState
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
class Mark:
    """How far an object is durable: bytes of plaintext, and bytes of the sealed file that hold them."""

    offset: int = 0
    sealed: int = 0


@dataclass(frozen=True, slots=True)
class UploadRow:
    """A file that arrives in several goes. `id` is 16 random bytes; `institution` is who sends it.

    `claimed` is the SM3 that the sender announced, if any. `changed` is when bytes last became durable. `finished` is
    when the file joined the case, with its digests; None while it is open.
    """

    id: bytes
    case: bytes
    institution: int
    size: int
    media_type: str
    object_name: str
    created: int
    changed: int
    claimed: bytes | None = None
    mark: Mark = Mark()
    finished: int | None = None
    sm3: bytes | None = None
    sha256: bytes | None = None


@dataclass(frozen=True, slots=True)
class Holding:
    """Bytes of files in the cases that an institution opened, and how many it may hold; None: the usual bound."""

    institution: int
    held: int
    quota: int | None = None


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
    `compromised_since` is 0 where nothing is claimed, `ended_by` as in SPEC §5.3.
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
    ended_by: int = 0

    @property
    def word(self) -> KeyWord:
        """The record that the contract keeps of it."""
        return KeyWord(
            number=self.number,
            institution=self.institution,
            role=self.role,
            key_index=self.key_index,
            custody=self.custody,
            valid_from=self.valid_from,
            valid_until=self.valid_until,
            compromised=self.compromised_since,
            ended_by=self.ended_by,
        )


class MemberStatus(IntEnum):
    """Status of an institution, as the contract numbers it."""

    ACTIVE = 1
    SUSPENDED = 2
    REMOVED = 3


@dataclass(frozen=True, slots=True)
class InstitutionRow:
    """An institution as the chain's events tell it; a voter takes part in decisions (SPEC §5.2)."""

    number: int
    role: int
    voter: bool
    status: MemberStatus = MemberStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class TableRow:
    """A procedure table that a decision registered in the registry (SPEC §8.2 rule 11); `valid_from` and
    `valid_until` in ms, the latter NO_END where open. `index` is what records name it by.
    """

    digest: bytes
    index: int
    valid_from: int
    valid_until: int


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
