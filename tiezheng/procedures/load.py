"""The procedures that come with this version, read from the data files beside this module.

Guaranteed: ascending by domain and case type, each read strictly, and the same objects at each call. Not guaranteed:
that a ledger accepts them; its trust file and its contracts name the tables that hold.
"""

import json
from functools import cache
from importlib.resources import files
from typing import Final

from tiezheng.procedures.model import Procedure
from tiezheng.procedures.parse import parse_procedure

_NAMES: Final = (
    "notarization_deposit",
    "notarization_bulk_deposit",
    "notarization_matter",
    "notarization_enforceable_instrument",
    "appraisal_sample",
    "enforcement_sentence_change",
)


@cache
def load_procedures() -> tuple[Procedure, ...]:
    """All procedures of this version."""
    folder = files("tiezheng.procedures")
    documents = (json.loads(folder.joinpath(f"{name}.json").read_bytes()) for name in _NAMES)
    return tuple(sorted((parse_procedure(one) for one in documents), key=lambda one: (one.domain, one.case_type)))


def procedure_of(domain: int, case_type: int) -> Procedure | None:
    """The procedure of a case type of this version."""
    return next((one for one in load_procedures() if (one.domain, one.case_type) == (domain, case_type)), None)
