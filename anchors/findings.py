"""What an audit finds: a code, what it is about, what was seen, and the evidence by which others see it too.

Guaranteed: each finding names the row, file, statement or block that it is about, and its sentence stands in the
catalogue in both languages; `evidence` holds public values alone, each under a stable name. Not guaranteed: who did it.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from anchors.contracts import Event
from ledger.domain.chain_records import BlockRef
from tiezheng.errors import CATALOGUE, TiezhengError, Value


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject` names the thing, for example `statement 5f…`; `detail` is what differs, without personal data.

    `evidence` has names such as `block`, `block_hash`, `transaction`, `table`, `row`, `file`, `expected`, `got`.
    """

    code: str
    subject: str
    detail: str = ""
    evidence: tuple[tuple[str, Value], ...] = ()

    @property
    def zh(self) -> str:
        """The Chinese sentence."""
        return CATALOGUE[self.code][0]

    @property
    def en(self) -> str:
        """The English sentence."""
        return CATALOGUE[self.code][1]

    def to_json(self) -> dict[str, object]:
        """Stable members."""
        return {
            "code": self.code,
            "detail": self.detail,
            "en": self.en,
            "evidence": dict(self.evidence),
            "subject": self.subject,
            "zh": self.zh,
        }


@dataclass(slots=True)
class Findings:
    """Findings in the order in which they were made, each once: code, subject and detail make one."""

    _found: dict[tuple[str, str, str], Finding] = field(default_factory=dict)

    @property
    def found(self) -> list[Finding]:
        """All of them."""
        return list(self._found.values())

    def __len__(self) -> int:
        return len(self._found)

    def add(self, code: str, subject: str, detail: str = "", **evidence: object) -> None:
        """Note one. What is None is left out of the evidence."""
        self.keep(Finding(code, subject, detail, plain(evidence)))

    def keep(self, finding: Finding) -> None:
        """Note one that was made before."""
        self._found.setdefault((finding.code, finding.subject, finding.detail), finding)

    @contextmanager
    def noting(self, code: str, subject: str, **evidence: object) -> Iterator[None]:
        """Whatever the kernel refuses inside becomes a finding with this code."""
        try:
            yield
        except TiezhengError as error:
            seen = {"reason": error.code, "expected": error.expected, "got": error.got}
            self.add(code, subject, describe(error), **{**seen, **evidence})


def plain(evidence: Mapping[str, object]) -> tuple[tuple[str, Value], ...]:
    """Evidence as texts and numbers, ascending by name."""
    given = ((name, value) for name, value in sorted(evidence.items()) if value is not None)
    return tuple((name, value.hex() if isinstance(value, bytes) else _value(value)) for name, value in given)


def _value(value: object) -> Value:
    return value if isinstance(value, (bool, int, str)) else str(value)


def in_event(event: Event, block: BlockRef) -> dict[str, object]:
    """Where an event stands: enough to ask any node for it."""
    log = event.log
    return {
        "block": block.number,
        "block_hash": block.hash,
        "event": event.name,
        "log_index": log.index,
        "transaction": log.transaction,
    }


def describe(error: TiezhengError) -> str:
    """An error in one line: its code and what was expected and found."""
    parts = [error.code]
    if error.expected is not None:
        parts.append(f"expected {error.expected}")
    if error.got is not None:
        parts.append(f"got {error.got}")
    if error.detail is not None:
        parts.append(error.detail)
    return ", ".join(parts)
