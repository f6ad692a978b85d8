"""What a check of a deployment found, and the run over all checks.

Guaranteed: every check ends in passed, warning, failed or skipped; what is not passed says in both languages what to
do; an error within a check is its result, never the end of the run. Not guaranteed: that a deployment which passed will
run tomorrow.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from ledger.ports import Store
from tiezheng.errors import CATALOGUE, TiezhengError


class Database(Store, Protocol):
    """The database as the checks look at it."""

    def size_bytes(self) -> int: ...
    def defects(self) -> list[str]: ...
    def revisions(self) -> tuple[str | None, str | None]: ...
    def is_held(self, name: str) -> bool: ...


class Outcome(StrEnum):
    """How a check ended."""

    PASSED = "passed"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Advice:
    """What is checked, and what to do where it is not passed; each in Chinese and English."""

    title: tuple[str, str]
    todo: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Check:
    """One result: `name` is stable, `detail` what was seen, `todo` what to do (None where it passed)."""

    name: str
    outcome: Outcome
    detail: str
    title: tuple[str, str]
    todo: tuple[str, str] | None

    def to_json(self) -> dict[str, str | None]:
        """Stable members."""
        zh, en = self.todo or (None, None)
        return {
            "name": self.name,
            "outcome": self.outcome.value,
            "detail": self.detail,
            "title_zh": self.title[0],
            "title_en": self.title[1],
            "todo_zh": zh,
            "todo_en": en,
        }


Seen = tuple[Outcome, str]
"""An outcome and what was seen."""
Examination = tuple[str, Callable[[], Seen]]
"""A check's name in the table of advice, and the check."""


def passed(detail: str = "") -> Seen:
    """As it should be."""
    return Outcome.PASSED, detail


def warning(detail: str) -> Seen:
    """Works, and needs somebody to look at it."""
    return Outcome.WARNING, detail


def failed(detail: str) -> Seen:
    """Does not work, or will not for long."""
    return Outcome.FAILED, detail


def skipped(detail: str) -> Seen:
    """Could not be looked at; the reason is another check's result."""
    return Outcome.SKIPPED, detail


def examine(examinations: Iterable[Examination], advice: dict[str, Advice]) -> Iterator[Check]:
    """Run each; an error of this product gives its own sentences as what to do."""
    for name, look in examinations:
        told = advice[name]
        todo: tuple[str, str] | None = told.todo
        try:
            outcome, detail = look()
        except TiezhengError as error:
            parts = [error.code, *(str(one) for one in (error.expected, error.got, error.detail) if one is not None)]
            outcome, detail, todo = Outcome.FAILED, ", ".join(parts), CATALOGUE[error.code]
        except OSError as error:
            outcome, detail = Outcome.FAILED, f"{type(error).__name__}: {error.strerror or ''}".strip()
        except Exception as error:  # noqa: BLE001  a database may fail in its own ways; the run goes on
            outcome, detail = Outcome.FAILED, type(error).__name__
        yield Check(name, outcome, detail, told.title, None if outcome is Outcome.PASSED else todo)
