"""Institutions, and keys of institutions and practitioners, as the events of `Institutions` tell them.

Guaranteed: the same events give the same changes, in the order of the chain. Not guaranteed: that the node gave all
events; the audit checks what they say, and proofs of key records are checked before a statement counts as proven.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from anchors.contracts import Event
from ledger.domain.records import InstitutionRow, KeyRow, MemberStatus
from tiezheng.errors import IntegrityFault

Affiliation = tuple[int, int]
"""Institution, and role or function."""


@dataclass(frozen=True, slots=True)
class KeyEnd:
    """A key ended at `until` (s), for the reason of SPEC §5.3."""

    number: int
    key_index: int
    until: int
    ended_by: int


@dataclass(frozen=True, slots=True)
class KeyMark:
    """A key is suspect since then (s)."""

    number: int
    key_index: int
    since: int


Change = KeyRow | KeyEnd | KeyMark | InstitutionRow
_STATUS = {
    "InstitutionSuspended": MemberStatus.SUSPENDED,
    "InstitutionReinstated": MemberStatus.ACTIVE,
    "InstitutionRemoved": MemberStatus.REMOVED,
}


# Each of these events is exactly one change.
MEMBER_EVENTS = frozenset(
    {"KeyRegistered", "KeyEnded", "KeyCompromised", "InstitutionFounded", "InstitutionAdmitted", *_STATUS}
)


def member_changes(
    events: Iterable[Event],
    known: Callable[[int], Affiliation | None],
    institution: Callable[[int], InstitutionRow | None],
) -> list[Change]:
    """What the events change, in order; `known` and `institution` tell of members registered before.

    Raises IntegrityFault `chain.record_mismatch` for a key of a number that was neither founded nor admitted, or the
    status of an institution that is none.
    """
    events = list(events)
    affiliations: dict[int, Affiliation] = {}
    for event in events:
        values = event.values
        if event.name in ("InstitutionFounded", "InstitutionAdmitted"):
            affiliations[values["number"]] = (values["number"], values["role"])
        elif event.name == "PractitionerAdmitted":
            affiliations[values["number"]] = (values["institution"], values["practitionerFunction"])
    changes: list[Change] = []
    rows: dict[int, InstitutionRow] = {}
    for event in events:
        values = event.values
        number = values.get("number", 0)
        if event.name == "KeyRegistered":
            affiliation = affiliations.get(number) or known(number)
            if affiliation is None:
                raise IntegrityFault("chain.record_mismatch", got=number, detail="key of nobody")
            changes.append(_key(event, affiliation))
        elif event.name == "KeyEnded":
            changes.append(KeyEnd(number, values["keyIndex"], values["validUntil"], values["endedBy"]))
        elif event.name == "KeyCompromised":
            changes.append(KeyMark(number, values["keyIndex"], values["since"]))
        elif event.name in ("InstitutionFounded", "InstitutionAdmitted"):
            rows[number] = InstitutionRow(number, values["role"], values.get("voter", True))
            changes.append(rows[number])
        elif event.name in _STATUS:
            before = rows.get(number) or institution(number)
            if before is None:
                raise IntegrityFault("chain.record_mismatch", got=number, detail="status of no institution")
            rows[number] = replace(before, status=_STATUS[event.name])
            changes.append(rows[number])
    return changes


def _key(event: Event, affiliation: Affiliation) -> KeyRow:
    values = event.values
    return KeyRow(
        number=values["number"],
        key_index=values["keyIndex"],
        x=values["x"].to_bytes(32, "big"),
        y=values["y"].to_bytes(32, "big"),
        z=values["z"],
        institution=affiliation[0],
        role=affiliation[1],
        custody=values["custody"],
        identity_root=values["identityRoot"],
        valid_from=values["validFrom"],
    )
