"""Refusing with the reason that the registry would give (spec/SPEC.md §8.4).

Guaranteed: the code is that of the contract's custom error. Not guaranteed: its arguments; `expected` and `got` are for
people.
"""

from typing import Final, NoReturn

from tiezheng.errors import Conflict, Refused
from tiezheng.refusals import REASONS

_CONFLICTS: Final = frozenset({"AlreadyRecorded", "CaseExists", "CaseSequence", "CasePrevious", "SplitUsed"})


def refuse(error: str, *, expected: object = None, got: object = None) -> NoReturn:
    """Raise Refused with the code of this custom error, or Conflict where something else holds the place."""
    family = Conflict if error in _CONFLICTS else Refused
    raise family(REASONS[error].code, expected=expected, got=got)
