"""Keys of institutions and practitioners, as the events of `Institutions` tell them.

Guaranteed: the same events give the same keys, in the order of the chain. Not guaranteed: that the node gave all
events; the audit checks what they say, and proofs of key records are checked before a statement counts as proven.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from anchors.contracts import Event
from ledger.domain.records import KeyRow
from tiezheng.errors import IntegrityFault

Affiliation = tuple[int, int]
"""Institution, and role or function."""


@dataclass(frozen=True, slots=True)
class KeyEnd:
    """A key ended at `until` (s)."""

    number: int
    key_index: int
    until: int


def key_changes(events: Iterable[Event], known: Callable[[int], Affiliation | None]) -> list[KeyRow | KeyEnd]:
    """What the events add and end, in order; `known` tells the affiliation of members registered before.

    Raises IntegrityFault `chain.record_mismatch` for a key of a number that was neither founded nor admitted.
    """
    events = list(events)
    affiliations: dict[int, Affiliation] = {}
    for event in events:
        values = event.values
        if event.name == "InstitutionFounded":
            affiliations[values["number"]] = (values["number"], values["role"])
        elif event.name == "PractitionerAdmitted":
            affiliations[values["number"]] = (values["institution"], values["practitionerFunction"])
    changes: list[KeyRow | KeyEnd] = []
    for event in events:
        values = event.values
        if event.name == "KeyRegistered":
            number = values["number"]
            affiliation = affiliations.get(number) or known(number)
            if affiliation is None:
                raise IntegrityFault("chain.record_mismatch", got=number, detail="key of nobody")
            changes.append(
                KeyRow(
                    number=number,
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
            )
        elif event.name == "KeyEnded":
            changes.append(KeyEnd(values["number"], values["keyIndex"], values["validUntil"]))
    return changes
