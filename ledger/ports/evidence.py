"""Tables of the evidence: statements, cases, refusals, files, collections of signatures, tokens.

Guaranteed: rows that a receipt, a proof or an audit could need are neither deleted nor overwritten. Not guaranteed:
anything about the chain; the tables know only what the worker told them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from ledger.domain.chain_records import BlockRef, OutboxRow, RefusalRow
from ledger.domain.life import Status
from ledger.domain.records import (
    CaseRow,
    CaseSummary,
    CollectionRow,
    CollectionState,
    FileRow,
    Holding,
    LookupRow,
    Mark,
    NewStatement,
    RefusedRow,
    StatementRow,
    TokenRow,
    UploadRow,
)
from tiezheng.receipt import Lane


class Statements(Protocol):
    """Accepted statements and their life."""

    def add(self, group: Sequence[NewStatement]) -> None:
        """Write a commit group: statements, contents, outbox, receipts, case states. Raises Conflict
        `case.position_taken` if another statement that is not refused holds a position (then nothing is written)."""
        ...

    def get(self, digest: bytes) -> StatementRow | None: ...

    def receipt(self, digest: bytes) -> bytes | None:
        """The receipt file as it was handed out."""
        ...

    def receipts(self, digests: Sequence[bytes]) -> dict[bytes, bytes]:
        """The receipt files of those that are there, by digest."""
        ...

    def put_receipt(self, digest: bytes, file: bytes, received: int, due: int) -> None:
        """In place of the receipt that is there: after a restore, the one that its holder kept."""
        ...

    def put_content(self, digest: bytes, sealed: bytes, not_held: Sequence[bytes]) -> bool:
        """Attach the sealed content to a statement that has none; False if it has one, or is not there."""
        ...

    def without_content(self, after: int, limit: int) -> list[StatementRow]:
        """Pages through statements whose content is not held, in order of acceptance."""
        ...

    def content(self, digest: bytes) -> bytes | None:
        """The sealed private content; None if withheld (or no such statement)."""
        ...

    def not_held(self, digest: bytes) -> tuple[bytes, ...]:
        """SM3s of attachments that the institution said it keeps itself."""
        ...

    def at(self, case: bytes, sequence: int) -> StatementRow | None:
        """The statement that holds a position and is not refused."""
        ...

    def of_case(self, case: bytes) -> list[StatementRow]:
        """The case's statements ascending by sequence, refused ones left out."""
        ...

    def of_cases(self, cases: Sequence[bytes]) -> list[StatementRow]:
        """As `of_case`, of several cases, in the order of acceptance."""
        ...

    def naming(self, terms: bytes) -> list[StatementRow]:
        """Statements of the registry lane with these terms in order of acceptance, refused ones left out."""
        ...

    def lookup(self, subject: bytes) -> list[LookupRow]:
        """Statements with this subject, oldest first, refused ones left out."""
        ...

    def all(self, after: int, limit: int) -> list[StatementRow]:
        """Pages through everything in order of acceptance, for the audit; `after` is the last position seen (0)."""
        ...

    def count_by_status(self) -> Mapping[Status, int]: ...

    def waiting(self, lane: Lane, limit: int) -> list[OutboxRow]:
        """Statements with status ACCEPTED in order of acceptance."""
        ...

    def sent(self, lane: Lane, limit: int) -> list[OutboxRow]:
        """Statements with status SENT in order of acceptance."""
        ...

    def backlog(self) -> int:
        """How many are ACCEPTED or SENT."""
        ...

    def oldest_pending(self) -> int | None:
        """When the first of those that are ACCEPTED or SENT was received (ms)."""
        ...

    def overdue(self, now_ms: int) -> int:
        """How many are ACCEPTED or SENT although their receipt fell due: each is a breach that its holder can prove."""
        ...

    def mark_sent(self, digests: Sequence[bytes]) -> None:
        """ACCEPTED -> SENT; those further on stay."""
        ...

    def mark_unsent(self, digests: Sequence[bytes]) -> None:
        """SENT -> ACCEPTED, when a transaction was abandoned; those further on stay."""
        ...

    def mark_anchored(self, digest: bytes, block: BlockRef) -> bool:
        """-> ANCHORED at this block (also straight from ACCEPTED: anybody may relay). False if it is already
        anchored there, or unknown. Raises IntegrityFault `chain.record_mismatch` if it is anchored elsewhere or
        was refused."""
        ...

    def unproven(self, height: int, limit: int) -> list[StatementRow]:
        """ANCHORED at or below `height` and without proofs, in order of block (both lanes)."""
        ...

    def mark_proven(self, digests: Sequence[bytes], height: int) -> None:
        """The proofs of the checkpoint at `height` are kept for these."""
        ...

    def not_final(self, height: int, limit: int) -> list[bytes]:
        """Digests of ANCHORED statements whose proofs stand at `height`."""
        ...

    def mark_final(self, height: int, at_ms: int) -> int:
        """ANCHORED -> FINAL for all that are proven at `height`; says how many."""
        ...

    def pending_heights(self) -> list[int]:
        """Checkpoint heights that have ANCHORED statements with proofs: those wait for cosignatures."""
        ...


class Cases(Protocol):
    """Case states and lists."""

    def get(self, case: bytes) -> CaseRow | None: ...

    def get_many(self, cases: Sequence[bytes]) -> dict[bytes, CaseRow]:
        """Those that are there, by id."""
        ...

    def participates(self, case: bytes, institution: int) -> bool:
        """Whether it opened the case or was named in it."""
        ...

    def page(self, institution: int, before_ms: int | None, limit: int, kind: int | None = None) -> list[CaseSummary]:
        """Cases that the institution takes part in, last changed first; `before_ms` pages on `updated`.

        More than `limit` only where the page would end among cases that changed in the same millisecond, as those of
        one commit group do: it then holds all of these, so that the next page skips none.
        """
        ...


class Refusals(Protocol):
    """Signed refusals."""

    def add(self, row: RefusalRow) -> None:
        """Store the refusal, move the statement to REFUSED and set the case back to its last statement that stands.
        The caller refuses those behind it first, last one first. Raises IntegrityFault `chain.record_mismatch` if
        the statement is anchored, or not the last of its case."""
        ...

    def get(self, digest: bytes) -> RefusalRow | None: ...

    def page(self, institution: int, before: RefusedRow | None, limit: int) -> list[RefusedRow]:
        """Refused statements that the institution handed in, or whose case it opened or takes part in, those refused
        last first; `before` is the last one of the page before."""
        ...

    def of_case(self, case: bytes) -> list[RefusedRow]:
        """In the order in which they were accepted."""
        ...


class Files(Protocol):
    """Evidence files that are held."""

    def add(self, row: FileRow) -> None:
        """Write the row, and count its bytes for the institution that opened the case."""
        ...

    def get(self, case: bytes, sm3: bytes) -> FileRow | None: ...

    def of_case(self, case: bytes) -> list[FileRow]: ...

    def count(self, case: bytes) -> int: ...

    def all(self) -> Iterator[FileRow]: ...

    def holding(self, institution: int) -> Holding:
        """What the institution's cases hold, open uploads left out."""
        ...

    def put_quota(self, institution: int, quota: int | None) -> None:
        """Bytes that the institution may hold; None for the usual bound."""
        ...


class Uploads(Protocol):
    """Files that arrive in several goes."""

    def add(self, row: UploadRow) -> None: ...

    def get(self, upload: bytes) -> UploadRow | None: ...

    def of_institution(self, institution: int, case: bytes | None = None) -> list[UploadRow]:
        """Those that it sends or sent, oldest first."""
        ...

    def count_open(self, institution: int) -> int: ...

    def reserved(self, owner: int) -> int:
        """Bytes that open uploads into cases opened by `owner` will hold once they are whole."""
        ...

    def move(self, upload: bytes, before: Mark, after: Mark, at_ms: int) -> bool:
        """The mark of an open upload, if it stands at `before`."""
        ...

    def finish(self, upload: bytes, sm3: bytes, sha256: bytes, at_ms: int) -> None: ...

    def remove(self, upload: bytes) -> bool: ...

    def unchanged_since(self, at_ms: int) -> list[UploadRow]:
        """Open ones whose mark last moved, and finished ones that ended, at that time or before."""
        ...


class Collections(Protocol):
    """Signatures being collected."""

    def add(self, row: CollectionRow) -> None: ...

    def get(self, collection: bytes) -> CollectionRow | None: ...

    def waiting_for(self, institution: int, now: int) -> list[CollectionRow]:
        """OPEN and not past their end, opened by the institution or waiting for one of its signers; their `content`
        is None, as a thousand contents may not fit into memory."""
        ...

    def count_open(self, institution: int, now: int) -> int: ...

    def put_signature(self, collection: bytes, signature: bytes) -> None:
        """Fill the place of the signer named in the 70 bytes; what stood there is replaced."""
        ...

    def put_state(self, collection: bytes, state: CollectionState) -> None:
        """Any state but OPEN drops the sealed content."""
        ...

    def expire(self, now: int) -> int:
        """OPEN -> EXPIRED for all whose end has come, dropping their sealed content; says how many."""
        ...


class CaseKeys(Protocol):
    """Wrapped keys of cases, which contents are sealed under; the vault makes and opens them."""

    def get_many(self, cases: Sequence[bytes]) -> dict[bytes, bytes | None]:
        """The wrapped keys of those that have one; None for a key that was destroyed."""
        ...

    def add(self, keys: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
        """Store keys of new cases; what stands afterwards, which is another key where one was there already."""
        ...


class Tokens(Protocol):
    """API tokens; their text is never kept."""

    def add(self, row: TokenRow) -> None: ...

    def get(self, digest: bytes) -> TokenRow | None:
        """By SM3 of the token's text, whether or not it still holds."""
        ...

    def of_institution(self, institution: int) -> list[TokenRow]: ...

    def revoke(self, digest: bytes, at_ms: int) -> bool:
        """False if there is no such token or it was revoked before."""
        ...
