"""The working state of one verification: what the steps share (spec/SPEC.md §12).

Guaranteed: nothing here decides anything; each step writes what it established and later steps read it, finding None
where an earlier step left it open.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tiezheng.bundle import Bundle, BundleSigner, BundleStatement
from tiezheng.content import DisclosedValue
from tiezheng.digest import FileDigests
from tiezheng.errors import TiezhengError
from tiezheng.identity import CheckedCard
from tiezheng.procedures.model import Kind, Procedure
from tiezheng.statement import Statement
from tiezheng.storage_words import KeyWord, RecordWord
from tiezheng.trust import Trust, TrustedContract
from tiezheng.verify.chain_state import Caches, ChainState, Gap
from tiezheng.verify.verdict import Finding, Notes


@dataclass(frozen=True, slots=True)
class LabelledFile:
    """A file to hold against the evidence: a label for the report (its name), size and digests.

    File names may hold any bytes: the label is brought into NFC, and what is not text becomes a question mark.
    """

    label: str
    digests: FileDigests

    def __post_init__(self) -> None:
        text = self.label.encode("utf-8", "replace").decode("utf-8")
        object.__setattr__(self, "label", unicodedata.normalize("NFC", text))


@dataclass(slots=True)
class Act:
    """One statement of the bundle and what was established about it."""

    item: BundleStatement
    procedure: Procedure | None = None
    kind: Kind | None = None
    record: RecordWord | None = None
    values: list[DisclosedValue] = field(default_factory=list)

    @property
    def statement(self) -> Statement:
        """The statement itself."""
        return self.item.signed.statement

    @property
    def place(self) -> str:
        """How details name it."""
        return f"statement {self.statement.sequence}"


@dataclass(slots=True)
class Run:
    """One verification. `accepting` is the contract that the statements were signed for."""

    bundle: Bundle
    trust: Trust
    at_ms: int
    files: Sequence[LabelledFile]
    caches: Caches
    state: ChainState | None
    acts: list[Act]
    signers: dict[tuple[int, int], BundleSigner]
    accepting: TrustedContract | None = None
    pinned_table: bytes | None = None
    table_index: int | None = None
    table_errors: Notes = field(default_factory=Notes)
    keys: dict[tuple[int, int], KeyWord] = field(default_factory=dict)
    roots: dict[tuple[int, int], bytes] = field(default_factory=dict)
    cards: dict[tuple[int, int], CheckedCard] = field(default_factory=dict)
    valid_witnesses: list[int] = field(default_factory=list)
    file_rows: list[dict[str, Any]] = field(default_factory=list)
    findings: dict[tuple[str, str], Finding] = field(default_factory=dict)

    @property
    def in_batch(self) -> bool:
        """Whether the bundle is of the batch lane."""
        return self.acts[0].item.in_batch

    @property
    def target(self) -> Act:
        """The statement that the bundle is about."""
        return next(act for act in self.acts if act.item.signed.digest == self.bundle.target)

    def find(self, code: str, zh: str, en: str) -> None:
        """Note a finding once."""
        self.findings.setdefault((code, en), Finding(code, zh, en))


@contextmanager
def noting(notes: Notes, place: str | None = None) -> Iterator[None]:
    """Turn what is raised inside into an entry of the step: errors into failures, gaps into gaps."""
    try:
        yield
    except Gap as gap:
        notes.lack(gap.code, _joined(place, gap.detail))
    except TiezhengError as error:
        notes.fail(error.code, _joined(place, describe(error)))


def describe(error: TiezhengError) -> str | None:
    """One line from the members of an error."""
    parts = [error.detail]
    if error.expected is not None:
        parts.append(f"expected {error.expected}")
    if error.got is not None:
        parts.append(f"got {error.got}")
    return ", ".join(part for part in parts if part) or None


def _joined(place: str | None, detail: str | None) -> str | None:
    return ": ".join(part for part in (place, detail) if part) or None
