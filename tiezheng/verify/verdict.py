"""What a verification says: a result, one entry for each step, what is missing, findings, and the facts for a reader.

Guaranteed: `to_bytes` is canonical, so equal verdicts are equal bytes; a result is VALID only where no step failed and
every step that it needs passed. Not guaranteed: anything that technology cannot answer; `facts["unanswered"]` names it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from tiezheng.canonical import dumps

FORMAT: Final = "tiezheng/verdict/1"
_SHOWN_DETAILS: Final = 8


class Result(StrEnum):
    """VALID: all checked, nothing failed. INVALID: something failed. INCONCLUSIVE: something needed is missing."""

    VALID = "VALID"
    INVALID = "INVALID"
    INCONCLUSIVE = "INCONCLUSIVE"


class Status(StrEnum):
    """The status of one step."""

    PASSED = "PASSED"
    FAILED = "FAILED"
    NOT_CHECKED = "NOT CHECKED"


@dataclass(frozen=True, slots=True)
class Step:
    """One step of spec/SPEC.md §12: `id` its name, `section` where its rule stands.

    `zh` and `en` say the outcome; `reason_code` is a catalogue code where the step did not pass.
    """

    id: str
    section: str
    status: Status
    zh: str
    en: str
    reason_code: str | None = None
    detail: str | None = None

    def to_json(self) -> dict[str, object]:
        """All members, null where there is nothing to say."""
        return {
            "detail": self.detail,
            "en": self.en,
            "id": self.id,
            "reason_code": self.reason_code,
            "section": self.section,
            "status": self.status.value,
            "zh": self.zh,
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """Something a reader should know; it never changes the result."""

    code: str
    zh: str
    en: str

    def to_json(self) -> dict[str, object]:
        """`{"code","en","zh"}`."""
        return {"code": self.code, "en": self.en, "zh": self.zh}


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that a conclusive verdict needs; `zh` and `en` say what it is and where to get it."""

    step: str
    code: str
    zh: str
    en: str
    detail: str | None = None

    def to_json(self) -> dict[str, object]:
        """All members."""
        return {"code": self.code, "detail": self.detail, "en": self.en, "step": self.step, "zh": self.zh}


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict. `zh` and `en` are its headline; `facts` is plain JSON (see `tiezheng.verify.facts`)."""

    result: Result
    zh: str
    en: str
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]
    missing: tuple[Missing, ...]
    facts: dict[str, Any]

    def step(self, name: str) -> Step:
        """The step of that id. Raises KeyError."""
        for step in self.steps:
            if step.id == name:
                return step
        raise KeyError(name)

    @property
    def failed(self) -> tuple[Step, ...]:
        """The steps that failed, in order."""
        return tuple(step for step in self.steps if step.status is Status.FAILED)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON with stable members."""
        return {
            "en": self.en,
            "facts": self.facts,
            "findings": [finding.to_json() for finding in self.findings],
            "format": FORMAT,
            "missing": [item.to_json() for item in self.missing],
            "result": self.result.value,
            "steps": [step.to_json() for step in self.steps],
            "zh": self.zh,
        }

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        return dumps(self.to_json())


class Notes:
    """What one step finds while it runs: failures, and gaps where something needed is not there."""

    __slots__ = ("failures", "gaps")

    def __init__(self) -> None:
        self.failures: list[tuple[str, str | None]] = []
        self.gaps: list[tuple[str, str | None]] = []

    def fail(self, code: str, detail: str | None = None) -> None:
        """Something present does not hold."""
        self.failures.append((code, detail))

    def lack(self, code: str, detail: str | None = None) -> None:
        """Something needed is not there, or an earlier step left it open."""
        self.gaps.append((code, detail))

    @property
    def status(self) -> Status:
        """FAILED before NOT CHECKED before PASSED."""
        if self.failures:
            return Status.FAILED
        return Status.NOT_CHECKED if self.gaps else Status.PASSED

    @property
    def reason(self) -> tuple[str | None, str | None]:
        """(code, detail): the first code, and the details of all entries of the deciding kind."""
        entries = self.failures or self.gaps
        if not entries:
            return None, None
        details = [text if code == entries[0][0] else f"{code} {text or ''}".strip() for code, text in entries]
        shown = [text for text in dict.fromkeys(details) if text]
        more = f"; … +{len(shown) - _SHOWN_DETAILS}" if len(shown) > _SHOWN_DETAILS else ""
        return entries[0][0], ("; ".join(shown[:_SHOWN_DETAILS]) + more) or None
