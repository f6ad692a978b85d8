"""Procedures made up for tests: they use what the shipped ones do not, in every combination that a table allows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

from tiezheng.digest import sm3
from tiezheng.procedures import JsonValue, Procedure, parse_procedure
from tiezheng.procedures.compile import table_bytes
from tiezheng.procedures.roles import COUNTERPARTY_SIDE, PERSON

STATES = ("first", "second", "third", "last")
ROLES = ("institution", "counterparty", "notary", "approver")
FUNCTIONS = ("notary", "appraiser", "officer")
INSTITUTIONS = ("notary_office", "court")


def slot(role: str, of: str | None = None, remember: int = 0, distinct: Sequence[int] = ()) -> JsonValue:
    return {"role": role, "is": of, "remember": remember, "distinct": list(distinct)}


SEAL = slot("institution")


def kind(step: int, code: str, slots: Sequence[JsonValue], **changes: JsonValue) -> dict[str, JsonValue]:
    """A kind that every participant may record in any state, and that leaves the state as it is."""
    note: JsonValue = {"name": "note", "type": "text", "required": False, "class": "P1", "zh": "备注", "en": "note"}
    return {
        "step": step, "code": code, "zh": code, "en": code, "opens": False, "closes": False, "instrument": False,
        "names_counterparty": False, "lane": "registry", "from": list(STATES), "to": "keep", "requires": [],
        "forbids": [], "who": ["opener", "guest"], "terms": "none", "limit_hours": 0, "slots": list(slots),
        "schema_version": 1, "fields": [note], "records": [], "basis": [], **changes,
    }  # fmt: skip


def opening(slots: Sequence[JsonValue], **changes: JsonValue) -> dict[str, JsonValue]:
    return kind(1, "open", slots, **{"opens": True, "from": [], "to": "first", "who": ["opener"], **changes})


def procedure(case_type: int, kinds: Sequence[Mapping[str, JsonValue]]) -> Procedure:
    """One of domain 1 with four states."""
    return parse_procedure(
        {
            "format": "tiezheng/procedure/1",
            "version": 1,
            "zh": "测试",
            "en": "test",
            "domain": {"code": "notarization", "number": 1, "zh": "公证", "en": "notarization"},
            "case_type": {"code": f"made_{case_type}", "number": case_type, "zh": "测试", "en": "test"},
            "states": [
                {"number": number, "code": code, "zh": code, "en": code}
                for number, code in zip((0, 1, 30, 31), STATES, strict=True)
            ],
            "kinds": [dict(one) for one in kinds],
            "record_schemas": [],
        }
    )


def guests() -> Procedure:
    """Who may write in whose case: invitations, guests alone, both sides together, a kind of the batch lane."""
    both = [SEAL, slot("counterparty", "court")]
    return procedure(
        8,
        [
            opening([SEAL], names_counterparty=True),
            kind(2, "invite", [SEAL], names_counterparty=True, forbids=["rule"]),
            kind(3, "answer", [SEAL], who=["guest"], to="second"),
            kind(4, "agree", both, names_counterparty=True, **{"from": ["first", "second"]}),
            kind(5, "persons_agree", [SEAL, slot("notary"), slot("counterparty")], names_counterparty=True),
            kind(6, "rule", [slot("institution", "court")], requires=["answer"], to="last", closes=True),
            kind(7, "bulk", [SEAL], opens=True, closes=True, lane="batch", to="last", who=["opener"], **{"from": []}),
            kind(8, "say_once", [SEAL], forbids=["say_once"]),
            kind(255, "end", [SEAL], who=["opener"], requires=["answer", "agree"], forbids=["rule"], closes=True),
        ],
    )


def handlers() -> Procedure:
    """Who may sign after whom: several signers of one role, handlers remembered, replaced and told apart."""
    return procedure(
        9,
        [
            opening([slot("notary", "notary", 1), slot("notary", None, 2), slot("approver", None, 8), SEAL]),
            kind(2, "replace", [slot("notary", "notary", 1, [1])], to="second"),
            kind(3, "second_pair_of_eyes", [slot("notary", None, 3, [1]), slot("approver", None, 0, [2, 8])]),
            kind(4, "expert", [slot("notary", "appraiser", 4, [4])], forbids=["expert"], **{"from": ["second"]}),
            kind(5, "two_persons", [slot("notary", "notary", 5, [3]), slot("notary", "notary", 6)], to="third"),
            kind(6, "exchange", [slot("notary", None, 1, [1]), slot("notary", None, 2, [2])], requires=["replace"]),
            kind(8, "succeed", [slot("notary", None, 1), slot("approver", None, 2, [1])]),
            kind(9, "once", [SEAL], forbids=["once"]),
            kind(10, "close", [SEAL, slot("approver", None, 7, [1, 2, 3, 8])], requires=["replace"], closes=True),
        ],
    )


def persons_of_both() -> Procedure:
    """Practitioners of the counterparty's side sign, in a role (0xC1) that documents have no name for."""
    both = [slot("notary", None, 1), slot("counterparty")]
    plain = procedure(12, [opening([SEAL]), kind(2, "agree", both, names_counterparty=True)])
    agree = plain.kinds[1]
    person = replace(agree.slots[1], role=COUNTERPARTY_SIDE | PERSON | 1, remember=2, distinct=(2,))
    kinds = (plain.kinds[0], replace(agree, slots=(agree.slots[0], person)))
    table = table_bytes(plain.domain, plain.case_type, plain.sha, kinds)
    return replace(plain, kinds=kinds, table_bytes=table, table_digest=sm3(table))


def drawn(case_type: int, rng: Random) -> Procedure:
    """Any procedure: twelve kinds whose every column is drawn."""
    codes = [f"kind_{number}" for number in range(2, 13)]
    kinds = [opening([SEAL], names_counterparty=rng.random() < 0.5)]
    for step, code in enumerate(codes, 2):
        names = rng.random() < 0.5
        others = rng.sample([other for other in codes if other != code], 4)
        needed = rng.choice((0, 0, 0, 1, 2))
        kinds.append(
            kind(
                step * 7,
                code,
                _slots(rng, names),
                names_counterparty=names,
                to=rng.choice((*STATES, "keep", "keep")),
                requires=sorted(others[:needed]),
                forbids=sorted(others[needed : needed + rng.choice((0, 0, 1, 2))]),
                who=rng.choice((["opener"], ["guest"], ["opener", "guest"], ["opener", "guest"])),
                closes=rng.random() < 0.1,
                **{"from": [state for state in STATES if rng.random() < 0.6] or ["first"]},
            )
        )
    return procedure(case_type, kinds)


def _slots(rng: Random, names: bool) -> list[JsonValue]:
    roles = [rng.choice(ROLES) for _ in range(rng.choice((1, 1, 2, 2, 3, 4)))]
    if not names or all(role == "counterparty" for role in roles):
        roles = [role if role != "counterparty" else "institution" for role in roles]
    # A second slot of an institution's role could never be filled: signers ascend strictly.
    roles = [role for at, role in enumerate(roles) if role in {"notary", "approver"} or role not in roles[:at]]
    places = [rng.choice((0, place)) for place in rng.sample(range(1, 9), len(roles))]
    return [
        slot(
            role,
            None if rng.random() < 0.6 else rng.choice(FUNCTIONS if role in {"notary", "approver"} else INSTITUTIONS),
            place,
            sorted(rng.sample(range(1, 9), rng.choice((0, 1, 3)))),
        )
        for role, place in zip(roles, places, strict=True)
    ]
