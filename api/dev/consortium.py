"""The members of the demonstration consortium; nobody here exists.

Guaranteed: numbers and roles as the specification's §5.1 has them. Not guaranteed: likeness to any real body.
"""

from dataclasses import dataclass
from typing import Final

from tiezheng.founding import Function, InstitutionRole
from tiezheng.trust import Name

REGULATOR: Final = 1
OPERATOR: Final = 2
OFFICE: Final = 101
COURT: Final = 201
PROCURATORATE: Final = 301
NOTARY_A: Final = 0x8000_0001
NOTARY_B: Final = 0x8000_0002
FOUNDERS_THRESHOLD: Final = 3
WITNESSES: Final = (REGULATOR, COURT, PROCURATORATE)
WITNESS_THRESHOLD: Final = 2
DOMAIN: Final = 1
LEDGER: Final = Name("铁证示范账本", "Tiezheng demonstration ledger")


@dataclass(frozen=True, slots=True)
class Institution:
    """A founding institution; `profile` names its profile of the command line."""

    number: int
    role: InstitutionRole
    name: Name
    profile: str
    scopes: tuple[str, ...]

    @property
    def code(self) -> str:
        """In the place of a unified social credit code, and not like one."""
        return f"DEMO-{self.number:06}"


@dataclass(frozen=True, slots=True)
class Practitioner:
    """A notary of the office."""

    number: int
    institution: int
    function: Function
    name: Name
    profile: str

    @property
    def code(self) -> str:
        """In the place of a licence number."""
        return f"DEMO-N{self.number & 0xFFFF:04}"


_FULL: Final = ("submit", "read", "names", "admin")
_READER: Final = ("read", "admin")
INSTITUTIONS: Final = (
    Institution(
        REGULATOR,
        InstitutionRole.REGULATOR,
        Name("示范省司法厅", "Demo Provincial Department of Justice"),
        "regulator",
        _READER,
    ),
    Institution(
        OPERATOR, InstitutionRole.OPERATOR, Name("示范平台运营中心", "Demo Platform Operator"), "operator", _READER
    ),
    Institution(OFFICE, InstitutionRole.NOTARY_OFFICE, Name("示范公证处", "Demo Notary Office"), "office", _FULL),
    Institution(COURT, InstitutionRole.COURT, Name("示范人民法院", "Demo People's Court"), "court", _READER),
    Institution(
        PROCURATORATE,
        InstitutionRole.PROCURATORATE,
        Name("示范人民检察院", "Demo People's Procuratorate"),
        "procuratorate",
        _READER,
    ),
)
PRACTITIONERS: Final = (
    Practitioner(NOTARY_A, OFFICE, Function.NOTARY, Name("公证员甲", "Notary A"), "notary-a"),
    Practitioner(NOTARY_B, OFFICE, Function.NOTARY, Name("公证员乙", "Notary B"), "notary-b"),
)


def name_of(number: int) -> Name:
    """The member's name. Raises KeyError."""
    names = {one.number: one.name for one in (*INSTITUTIONS, *PRACTITIONERS)}
    return names[number]


def full_name(name: Name) -> str:
    """Both languages, as identity cards hold it."""
    return f"{name.zh} {name.en}"


def witness_key(number: int) -> str:
    """Name of a witness's key file."""
    return f"witness-{number}"
