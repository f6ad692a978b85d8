"""What an audit finds: a code, what it is about, and what was seen.

Guaranteed: each finding names the row, file, statement or block that it is about, and its sentence stands in the
catalogue in both languages. Not guaranteed: who did it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tiezheng.errors import CATALOGUE, TiezhengError


@dataclass(frozen=True, slots=True)
class Finding:
    """`subject` names the thing, for example `statement 5f…`; `detail` is what differs, without personal data."""

    code: str
    subject: str
    detail: str = ""

    @property
    def zh(self) -> str:
        """The Chinese sentence."""
        return CATALOGUE[self.code][0]

    @property
    def en(self) -> str:
        """The English sentence."""
        return CATALOGUE[self.code][1]

    def to_json(self) -> dict[str, str]:
        """Stable members."""
        return {"code": self.code, "detail": self.detail, "en": self.en, "subject": self.subject, "zh": self.zh}


@dataclass(slots=True)
class Findings:
    """Findings in the order in which they were made, each once."""

    found: list[Finding] = field(default_factory=list)

    def add(self, code: str, subject: str, detail: str = "") -> None:
        """Note one."""
        finding = Finding(code, subject, detail)
        if finding not in self.found:
            self.found.append(finding)

    @contextmanager
    def noting(self, code: str, subject: str) -> Iterator[None]:
        """Whatever the kernel refuses inside becomes a finding with this code."""
        try:
            yield
        except TiezhengError as error:
            self.add(code, subject, describe(error))


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
