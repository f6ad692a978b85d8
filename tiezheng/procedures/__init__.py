"""The legal procedures as data, and the pure rules that read them (spec/SPEC.md §8).

Guaranteed: one document a case type gives the table that the contract holds, the schemas and the checks; they cannot
drift apart. Not guaranteed: legal correctness; every kind shows its basis and how sure it is.
"""

from tiezheng.procedures.load import load_procedures, procedure_of
from tiezheng.procedures.model import KEEP, Basis, Certainty, Kind, Lane, Procedure, RecordSchema, Slot, State
from tiezheng.procedures.parse import parse_procedure
from tiezheng.procedures.roles import (
    CUSTODY_LABELS,
    FUNCTION_LABELS,
    INSTITUTION_ROLE_LABELS,
    LABELS,
    Custody,
    Function,
    InstitutionRole,
    Role,
)
from tiezheng.procedures.rules import CaseState, MemberKey, Members, check_batch_step, check_step, kind_of
from tiezheng.procedures.schema import FieldClass, FieldSpec, FieldType, JsonValue, Schema, check_value

__all__ = [
    "CUSTODY_LABELS",
    "FUNCTION_LABELS",
    "INSTITUTION_ROLE_LABELS",
    "KEEP",
    "LABELS",
    "Basis",
    "CaseState",
    "Certainty",
    "Custody",
    "FieldClass",
    "FieldSpec",
    "FieldType",
    "Function",
    "InstitutionRole",
    "JsonValue",
    "Kind",
    "Lane",
    "MemberKey",
    "Members",
    "Procedure",
    "RecordSchema",
    "Role",
    "Schema",
    "Slot",
    "State",
    "check_batch_step",
    "check_step",
    "check_value",
    "kind_of",
    "load_procedures",
    "parse_procedure",
    "procedure_of",
]
