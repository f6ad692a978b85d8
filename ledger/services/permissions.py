"""Who may see and fill a case.

Guaranteed: the opener (whose number the case id starts with) and the institutions named in the case, nobody else. Not
guaranteed: which person of an institution acts; tokens and scopes decide that.
"""

from ledger.ports import Tables
from tiezheng.errors import Malformed, Refused
from tiezheng.statement import case_owner, is_institution

CASE_SIZE = 32


def check_case_id(case: bytes) -> None:
    """Raises Malformed `statement.case`."""
    if len(case) != CASE_SIZE or not is_institution(case_owner(case)):
        raise Malformed("statement.case")


def check_participant(tables: Tables, case: bytes, institution: int) -> None:
    """Raises Malformed `statement.case`, Refused `case.not_participant`."""
    check_case_id(case)
    if case_owner(case) != institution and not tables.cases.participates(case, institution):
        raise Refused("case.not_participant", got=institution)
