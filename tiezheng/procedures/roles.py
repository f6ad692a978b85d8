"""Numbers of roles, functions and custody (spec/SPEC.md §2.4, §5.1), with their names.

Guaranteed: the numbers are those that contracts compare. Not guaranteed: that a member holds a role; the
contract `Institutions` says.
"""

from enum import IntEnum
from types import MappingProxyType
from typing import Final

COUNTERPARTY_SIDE: Final = 0x80
PERSON: Final = 0x40
RESERVED_ROLE: Final = 0xFF


class Role(IntEnum):
    """Role of a signer in a statement (§2.4)."""

    INSTITUTION = 0x00
    COUNTERPARTY = 0x80
    NOTARY = 0x41
    APPROVER = 0x42


class InstitutionRole(IntEnum):
    """What an institution is (§5.1)."""

    NOTARY_OFFICE = 1
    APPRAISAL_INSTITUTE = 2
    PRISON = 3
    COURT = 4
    PROCURATORATE = 5
    REGULATOR = 6
    ASSOCIATION = 7
    COMMUNITY_CORRECTIONS = 8
    OPERATOR = 9


class Function(IntEnum):
    """What a practitioner is licensed for (§5.1)."""

    NOTARY = 1
    APPRAISER = 2
    OFFICER = 3


class Custody(IntEnum):
    """Who holds a private key (§5.1)."""

    SELF = 1
    HARDWARE = 2
    HOSTED = 3


LABELS: Final = MappingProxyType(
    {
        Role.INSTITUTION: ("机构（盖章）", "institution (seal)"),
        Role.COUNTERPARTY: ("相对方机构", "counterparty"),
        Role.NOTARY: ("承办公证员", "notary"),
        Role.APPROVER: ("审批人", "approver"),
    }
)
INSTITUTION_ROLE_LABELS: Final = MappingProxyType(
    {
        InstitutionRole.NOTARY_OFFICE: ("公证机构", "notary office"),
        InstitutionRole.APPRAISAL_INSTITUTE: ("司法鉴定机构", "appraisal institute"),
        InstitutionRole.PRISON: ("监狱", "prison"),
        InstitutionRole.COURT: ("法院", "court"),
        InstitutionRole.PROCURATORATE: ("检察院", "procuratorate"),
        InstitutionRole.REGULATOR: ("司法行政机关", "regulator"),
        InstitutionRole.ASSOCIATION: ("协会", "association"),
        InstitutionRole.COMMUNITY_CORRECTIONS: ("社区矫正机构", "community corrections"),
        InstitutionRole.OPERATOR: ("平台运营机构", "operator"),
    }
)
FUNCTION_LABELS: Final = MappingProxyType(
    {
        Function.NOTARY: ("公证员", "notary"),
        Function.APPRAISER: ("鉴定人", "appraiser"),
        Function.OFFICER: ("民警", "officer"),
    }
)
CUSTODY_LABELS: Final = MappingProxyType(
    {
        Custody.SELF: ("自持", "self"),
        Custody.HARDWARE: ("硬件", "hardware"),
        Custody.HOSTED: ("托管", "hosted"),
    }
)
