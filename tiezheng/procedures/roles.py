"""Numbers of roles, functions and custody (spec/SPEC.md §2.4, §5.1), with their names.

Guaranteed: the numbers are those that contracts compare. Not guaranteed: that a member holds a role; the
contract `Institutions` says.
"""

from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Final

COUNTERPARTY_SIDE: Final = 0x80
PERSON: Final = 0x40
# The institution that answers for an irregular statement (§8.2 rule 8); no slot has it.
IRREGULAR_ROLE: Final = 0xFF


class Role(IntEnum):
    """Role of a signer in a statement (§2.4)."""

    INSTITUTION = 0x00
    NOTARY = 0x41
    APPROVER = 0x42
    ASSISTANT = 0x43
    ARCHIVIST = 0x44
    OFFICER = 0x45
    HEAD = 0x46
    CHAIR = 0x47
    SECRETARY = 0x48
    APPRAISER = 0x49
    REVIEWER = 0x4A
    KEEPER = 0x4B
    RELEASER = 0x4C
    RECEIVER = 0x4D
    CLERK = 0x4E
    COUNTERPARTY = 0x80
    COUNTERPARTY_NOTARY = 0xC1
    COUNTERPARTY_APPROVER = 0xC2
    COUNTERPARTY_ASSISTANT = 0xC3
    COUNTERPARTY_ARCHIVIST = 0xC4
    COUNTERPARTY_OFFICER = 0xC5
    COUNTERPARTY_HEAD = 0xC6
    COUNTERPARTY_CHAIR = 0xC7
    COUNTERPARTY_SECRETARY = 0xC8
    COUNTERPARTY_APPRAISER = 0xC9
    COUNTERPARTY_REVIEWER = 0xCA
    COUNTERPARTY_KEEPER = 0xCB
    COUNTERPARTY_RELEASER = 0xCC
    COUNTERPARTY_RECEIVER = 0xCD
    COUNTERPARTY_CLERK = 0xCE


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
    STAFF = 4


class Custody(IntEnum):
    """Who holds a private key (§5.1)."""

    SELF = 1
    HARDWARE = 2
    HOSTED = 3


_OWN_LABELS: Final = {
    Role.INSTITUTION: ("机构（盖章）", "institution (seal)"),
    Role.NOTARY: ("承办公证员", "notary"),
    Role.APPROVER: ("审批人", "approver"),
    Role.ASSISTANT: ("协办人", "assistant"),
    Role.ARCHIVIST: ("档案员", "archivist"),
    Role.OFFICER: ("民警", "officer"),
    Role.HEAD: ("负责人", "head"),
    Role.CHAIR: ("主任委员", "chair"),
    Role.SECRETARY: ("秘书", "secretary"),
    Role.APPRAISER: ("鉴定人", "appraiser"),
    Role.REVIEWER: ("复核人", "reviewer"),
    Role.KEEPER: ("保管人", "keeper"),
    Role.RELEASER: ("移交人", "releaser"),
    Role.RECEIVER: ("接收人", "receiver"),
    Role.CLERK: ("书记员", "clerk"),
}
LABELS: Final[Mapping[Role, tuple[str, str]]] = MappingProxyType(
    {
        **_OWN_LABELS,
        Role.COUNTERPARTY: ("相对方机构", "counterparty"),
        **{
            Role(role | COUNTERPARTY_SIDE): (f"相对方{zh}", f"counterparty's {en}")
            for role, (zh, en) in _OWN_LABELS.items()
            if role & PERSON
        },
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
        Function.STAFF: ("工作人员", "staff"),
    }
)
CUSTODY_LABELS: Final = MappingProxyType(
    {
        Custody.SELF: ("自持", "self"),
        Custody.HARDWARE: ("硬件", "hardware"),
        Custody.HOSTED: ("托管", "hosted"),
    }
)
