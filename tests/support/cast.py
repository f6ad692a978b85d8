"""A case whose statements sign themselves: who fills each slot of a kind is told once, as a cast."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from tests.support.docket import Docket, Key, Register
from tiezheng.procedures import CaseState, Kind, Recorded, Role, Status, procedure_of
from tiezheng.procedures.roles import IRREGULAR_ROLE
from tiezheng.statement import Flag, new_case_id

# Role names (§2.4) to practitioners; several where a kind has several slots of one role.
Cast: TypeAlias = Mapping[str, int | tuple[int, ...]]
HOUR_MS, DAY_MS = 3_600_000, 86_400_000


def person(number: int) -> int:
    """The number of a practitioner."""
    return 0x8000_0000 | number


def register(institutions: Mapping[int, int], persons: Mapping[int, tuple[int, int]]) -> Register:
    """Members: role by institution; (institution, function) by practitioner."""
    keys = {number: Key(number, role) for number, role in institutions.items()}
    return Register(keys | {number: Key(*belongs) for number, belongs in persons.items()})


@dataclass
class Play(Docket):
    """A docket with a cast for each institution. Times are ms; `now` moves with them."""

    casts: Mapping[int, Cast] = field(default_factory=dict)
    digests: dict[str, bytes] = field(default_factory=dict)

    def kind(self, code: str) -> Kind:
        return next(kind for kind in self.procedure.kinds if kind.code == code)

    def signers(self, code: str, institution: int, counterparty: int, given: Cast, irregular: bool) -> list[Any]:
        """(signer, role) for each slot, ascending. An empty tuple for a role leaves its slots out."""
        drawn: dict[str, list[int]] = {}
        named: list[tuple[int, int]] = [(institution, IRREGULAR_ROLE)] if irregular else []
        for slot in self.kind(code).slots:
            name = Role(slot.role).name.lower()
            side = counterparty if slot.is_counterparty else institution
            if slot.is_person:
                plain = name.removeprefix("counterparty_")
                if name not in drawn:
                    found = given.get(name, self.casts.get(side, {}).get(plain, ()))
                    drawn[name] = list(found) if isinstance(found, tuple) else [found]
                if drawn[name]:
                    named.append((drawn[name].pop(0), slot.role))
            elif given.get(name) != () and not (irregular and side == institution):
                named.append((side, slot.role))
        return sorted(named)

    def _put(self, code: str, at: int | None, **changes: Any) -> tuple[list[Any], dict[str, Any]]:
        institution = changes.get("institution", self.institution)
        changes.setdefault("flags", Flag(0))
        cast: Cast = changes.pop("cast", {})
        irregular = bool(changes["flags"] & Flag.IRREGULAR)
        if at is not None:
            changes["occurred"] = at
            self.now = max(self.now, at // 1000)
        return self.signers(code, institution, changes.get("counterparty", 0), cast, irregular), changes

    def take(self, code: str, at: int | None = None, **changes: Any) -> CaseState:
        """Record it (`cast` replaces signers by role); its digest is kept under its code."""
        signers, changes = self._put(code, at, **changes)
        state = self.record(code, *signers, **changes)
        self.digests[code] = state.head
        return state

    def refuse(self, reason: str, code: str, at: int | None = None, **changes: Any) -> None:
        """It is refused for this reason."""
        now = self.now
        signers, changes = self._put(code, at, **changes)
        self.refused(reason, code, *signers, **changes)
        self.now = now

    def run(self, *codes: str) -> CaseState:
        """Several steps without anything special, one hour apart."""
        for code in codes:
            self.now += 3600
            self.take(code)
        state = self.state
        assert state is not None
        return state

    def at(self) -> str:
        """Code of the state that the case is in."""
        assert self.state is not None
        found = self.procedure.state(self.state.state)
        assert found is not None
        return found.code

    def own(self, code: str) -> Recorded:
        """The record of the last statement of this kind."""
        found = self.book.record(self.digests[code])
        assert found is not None
        return found

    def status(self, code: str) -> Status:
        return self.own(code).status

    def beside(self, institution: int, number: int) -> "Play":
        """Another case in the same registry."""
        return replace(self, institution=institution, case=new_case_id(institution, bytes([number]) * 28), digests={})


def play(
    domain: int, case_type: int, institution: int, members: Register, casts: Mapping[int, Cast], start: int
) -> Play:
    """A case of this institution that is not opened yet; `start` in ms."""
    procedure = procedure_of(domain, case_type)
    assert procedure is not None
    case = new_case_id(institution, bytes(28))
    return Play(procedure, members=members, now=start // 1000, institution=institution, case=case, casts=casts)
