"""Procedures made up for tests: they use what the shipped ones do not, in every combination that a table allows."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from random import Random

from tiezheng.digest import sm3
from tiezheng.procedures import JsonValue, Procedure, parse_procedure
from tiezheng.procedures.compile import table_bytes
from tiezheng.procedures.roles import COUNTERPARTY_SIDE, PERSON

STATES = ("first", "second", "third", "last")
PERSON_ROLES = ("notary", "approver", "assistant", "archivist", "officer", "head", "clerk")
ROLES = ("institution", "counterparty", "notary", "approver", "clerk")
FUNCTIONS = ("notary", "appraiser", "officer", "staff")
INSTITUTIONS = ("notary_office", "court")


def slot(role: str, of: str | None = None, remember: int = 0, distinct: Sequence[int] = ()) -> JsonValue:
    return {"role": role, "is": of, "remember": remember, "distinct": list(distinct)}


SEAL = slot("institution")
FLAGS = (
    "opens", "closes", "instrument", "names_counterparty", "may_be_late", "may_be_irregular", "pauses", "resumes",
    "passes_pause", "freezes", "thaws", "after_close", "after_end", "whole_days",
)  # fmt: skip
INVITING_FACT = ("names_counterparty", "may_be_irregular")
TARGETING = ("correct", "supplement", "suspend", "lift", "revoke", "revoke_part")


def kind(step: int, code: str, slots: Sequence[JsonValue], *flags: str, **changes: JsonValue) -> dict[str, JsonValue]:
    """A kind that every participant may record in any state, and that leaves the state as it is."""
    note: JsonValue = {"name": "note", "type": "text", "required": False, "class": "P1", "zh": "备注", "en": "note"}
    return {
        "step": step, "code": code, "zh": code, "en": code, "flags": [one for one in FLAGS if one in flags],
        "lane": "registry", "from": [] if "opens" in flags else list(STATES), "to": "keep", "requires": [],
        "forbids": [], "who": ["opener", "guest"], "effect": "none", "targets": [], "limit_hours": 0, "deadline": None,
        "slots": list(slots), "schema_version": 1, "fields": [note], "records": [], "basis": [], **changes,
    }  # fmt: skip


def opening(slots: Sequence[JsonValue], *flags: str, **changes: JsonValue) -> dict[str, JsonValue]:
    return kind(1, "open", slots, "opens", *flags, **{"to": "first", "who": ["opener"], **changes})


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
            opening([SEAL], "names_counterparty"),
            kind(2, "invite", [SEAL], "names_counterparty", forbids=["rule"]),
            kind(3, "answer", [SEAL], who=["guest"], to="second"),
            kind(4, "agree", both, "names_counterparty", **{"from": ["first", "second"]}),
            kind(5, "persons_agree", [SEAL, slot("notary"), slot("counterparty")], "names_counterparty"),
            kind(6, "rule", [slot("institution", "court")], "closes", requires=["answer"], to="last"),
            kind(7, "bulk", [SEAL], "opens", "closes", lane="batch", to="last", who=["opener"]),
            kind(8, "say_once", [SEAL], forbids=["say_once"]),
            kind(9, "afterwards", [SEAL], "after_close", to="third", **{"from": ["last", "second"]}),
            kind(254, "end", [SEAL], "closes", who=["opener"], requires=["answer", "agree"], forbids=["rule"]),
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
            kind(10, "close", [SEAL, slot("approver", None, 7, [1, 2, 3, 8])], "closes", requires=["replace"]),
        ],
    )


def matter() -> Procedure:
    """A small matter as a notary office would handle it: one line of states, one instrument at its end."""
    return procedure(
        3,
        [
            kind(1, "apply", [slot("institution", "notary_office")], "opens", to="first", who=["opener"]),
            kind(2, "accept", [slot("notary", "notary", 1)], to="second", who=["opener"], **{"from": ["first"]}),
            kind(3, "refuse", [slot("notary", "notary")], "closes", to="last", who=["opener"], **{"from": ["first"]}),
            kind(4, "inform", [slot("notary", "notary")], who=["opener"], **{"from": ["second"]}),
            kind(
                5, "review", [slot("notary", "notary", 2)], to="third", who=["opener"], requires=["inform"],
                **{"from": ["second"]},
            ),
            kind(
                6, "approve", [slot("approver", "notary", 3, [1, 2])], to="last", who=["opener"],
                **{"from": ["third"]},
            ),
            kind(
                7, "issue", [slot("institution", "notary_office"), slot("notary", "notary")], "instrument",
                who=["opener"], **{"from": ["last"]},
            ),
        ],
    )  # fmt: skip


def times() -> Procedure:
    """Late and irregular statements, pauses, end times, limits, kinds after closing."""
    two = [slot("officer", "officer", 1), slot("head", None, 2, [1])]
    return procedure(
        4,
        [
            opening([SEAL], "names_counterparty", "may_be_irregular", limit_hours=1),
            kind(2, "fact", [slot("notary", None, 1)], "may_be_late", "may_be_irregular", to="second", limit_hours=2,
                 **{"from": ["first"]}),
            kind(3, "two", two, "may_be_irregular", to="third", **{"from": ["second", "third"]}),
            kind(4, "late_only", [slot("clerk", None, 3)], "may_be_late", requires=["fact"], forbids=["decide"]),
            kind(5, "stop", [SEAL], "pauses", "may_be_irregular", limit_hours=65535),
            kind(6, "go_on", [SEAL], "resumes", "may_be_irregular"),
            kind(7, "note", [SEAL], "may_be_late", "passes_pause"),
            kind(8, "publish", [SEAL], "may_be_irregular", effect="end"),
            kind(9, "decide", [SEAL], "after_end", "may_be_irregular", requires=["publish"], forbids=["decide"]),
            kind(10, "certify", [SEAL, slot("notary", None)], "instrument", "after_end", requires=["decide"]),
            kind(11, "stop_through", [SEAL], "pauses", "passes_pause"),
            kind(12, "end", [slot("institution", "notary_office")], "closes", "may_be_irregular", to="last"),
            kind(13, "archive", [SEAL, slot("archivist")], "after_close", "may_be_irregular", "may_be_late",
                 to="first", **{"from": ["last", "third"]}),
            kind(14, "all_sign", [SEAL, *(slot(role) for role in PERSON_ROLES[:6])], "may_be_irregular"),
            kind(15, "eight_sign", [slot("counterparty"), SEAL, *(slot(role) for role in PERSON_ROLES[:6])],
                 "may_be_irregular", "names_counterparty"),
        ],
    )  # fmt: skip


def acts() -> Procedure:
    """What is said of earlier statements: corrected, supplemented, suspended, revoked, rested upon."""
    said = ["open", "opinion", "report"]
    return procedure(
        5,
        [
            opening([SEAL], "names_counterparty"),
            kind(2, "opinion", [SEAL], "instrument"),
            kind(3, "report", [SEAL], "may_be_late", "may_be_irregular"),
            *(
                kind(4 + at, effect, [SEAL], "after_close", "may_be_irregular", effect=effect, targets=said)
                for at, effect in enumerate(TARGETING)
            ),
            kind(12, "correct_opinion", [SEAL], effect="correct", targets=["opinion", "correct_opinion"]),
            kind(13, "rest", [SEAL], effect="basis"),
            kind(14, "close", [SEAL], "closes", to="last"),
        ],
    )


def samples() -> Procedure:
    """The custody of a sample."""
    both = [SEAL, slot("counterparty")]
    mine: dict[str, JsonValue] = {"who": ["holder"]}
    return procedure(
        6,
        [
            kind(1, "seal", [SEAL], "opens", to="first", who=["opener"], effect="hold"),
            kind(2, "seal_elsewhere", both, "opens", "names_counterparty", to="first", who=["opener"], effect="hold"),
            kind(3, "child", [SEAL], "opens", to="first", who=["opener"], effect="child"),
            kind(4, "hand_over", both, "names_counterparty", effect="transfer", **mine),
            kind(5, "use_up", [SEAL, slot("appraiser", None, 1), slot("appraiser", None, 2, [1])],
                 "may_be_irregular", effect="consume", **mine),
            kind(6, "use", [SEAL], "passes_pause", effect="consume", **mine),
            kind(7, "split", [SEAL], effect="split", **mine),
            kind(8, "split_for", both, "names_counterparty", effect="split", **mine),
            kind(9, "freeze", [SEAL], "freezes", "may_be_irregular"),
            kind(10, "thaw", [SEAL], "thaws"),
            kind(11, "pause", [SEAL], "pauses"),
            kind(12, "resume", [SEAL], "resumes"),
            kind(13, "return", [SEAL], "closes", effect="dispose", to="last"),
            kind(14, "return_both", both, "closes", "names_counterparty", effect="dispose", to="last"),
            kind(15, "confiscate", [slot("institution", "procuratorate")], "closes", who=["guest"], effect="dispose"),
            kind(16, "invite", [SEAL], "names_counterparty"),
            kind(17, "incident", [SEAL], "may_be_late", "may_be_irregular"),
            kind(18, "use_after", [SEAL], "after_close", effect="consume", **mine),
        ],
    )  # fmt: skip


def persons_of_both() -> Procedure:
    """Practitioners of the counterparty's side sign, in a role (0xFE) that documents have no name for."""
    both = [slot("notary", None, 1), slot("counterparty")]
    plain = procedure(12, [opening([SEAL]), kind(2, "agree", both, "names_counterparty")])
    agree = plain.kinds[1]
    person = replace(agree.slots[1], role=COUNTERPARTY_SIDE | PERSON | 0x3E, remember=2, distinct=(2,))
    kinds = (plain.kinds[0], replace(agree, slots=(agree.slots[0], person)))
    table = table_bytes(plain.domain, plain.case_type, plain.sha, kinds)
    return replace(plain, kinds=kinds, table_bytes=table, table_digest=sm3(table))


def drawn(case_type: int, rng: Random) -> Procedure:
    """Any procedure: kinds whose every column is drawn, as far as the shape of a table allows."""
    codes = [f"kind_{number}" for number in range(2, 2 + rng.choice((8, 12, 31)))]
    first = rng.choice(("none", "none", "hold", "end", "basis"))
    kinds = [
        opening(
            [SEAL], *(one for one in ("names_counterparty", "may_be_irregular") if rng.random() < 0.5), effect=first
        )
    ]
    for step, code in enumerate(codes, 2):
        others = rng.sample([other for other in codes if other != code], 4)
        needed = rng.choice((0, 0, 0, 1, 2))
        flags, effect = _flags_and_effect(rng)
        slots = _slots(rng, "names_counterparty" in flags)
        if effect == "transfer" and slot("counterparty") not in slots:
            slots.append(slot("counterparty"))
        if effect in {"transfer", "consume", "split", "dispose"} and _of_both(slots):
            flags.discard("may_be_irregular")
        targets = sorted(rng.sample(["open", *codes], 4), key=["open", *codes].index) if effect in TARGETING else []
        everyone = rng.choice((["opener"], ["guest"], ["opener", "guest"], ["opener", "guest"]))
        kinds.append(
            kind(
                step * 7,
                code,
                slots,
                *flags,
                effect=effect,
                targets=list[JsonValue](targets),
                to=rng.choice((*STATES, "keep", "keep")),
                requires=sorted(others[:needed]),
                forbids=sorted(others[needed : needed + rng.choice((0, 0, 1, 2))]),
                who=["holder"] if effect in {"transfer", "consume", "split"} else list[JsonValue](everyone),
                limit_hours=rng.choice((0, 0, 1, 1000, 65535)),
                **{"from": [state for state in STATES if rng.random() < 0.6] or ["first"]},
            )
        )
    return procedure(case_type, kinds)


def _flags_and_effect(rng: Random) -> tuple[set[str], str]:
    free = ("passes_pause", "after_close", "after_end")
    flags = {one for one in free if rng.random() < 0.25}
    sort = rng.choice(("late", "instrument", "main", "main", "main", "main"))
    if sort == "late":
        return flags | {"may_be_late"} | ({"may_be_irregular"} if rng.random() < 0.5 else set()), "none"
    if rng.random() < 0.5:
        flags.add("names_counterparty")
    for one in (rng.choice(("pauses", "resumes", "")), rng.choice(("freezes", "thaws", "", ""))):
        if one and rng.random() < 0.4:
            flags.add(one)
    if "pauses" in flags:
        flags.discard("after_close")
    if rng.random() < 0.1:
        flags.add("closes")
    if sort == "instrument":
        flags.add("instrument")
    elif rng.random() < 0.5:
        flags.add("may_be_irregular")
    effect = rng.choice(("none", "none", "none", "end", "basis", *TARGETING, "transfer", "consume", "split", "dispose"))
    if effect == "transfer":
        flags.add("names_counterparty")
    if effect == "dispose":
        flags.add("closes")
    return flags, effect


def _of_both(slots: list[JsonValue]) -> bool:
    return any(isinstance(one, dict) and one["role"] == "counterparty" for one in slots)


def _slots(rng: Random, names: bool) -> list[JsonValue]:
    persons = [role for role in ROLES if role not in {"institution", "counterparty"}]
    roles = [rng.choice(ROLES) for _ in range(rng.choice((1, 1, 2, 2, 3, 4, 6)))]
    if not names or all(role == "counterparty" for role in roles):
        roles = [role if role != "counterparty" else "institution" for role in roles]
    # A second slot of an institution's role could never be filled: signers ascend strictly.
    roles = [role for at, role in enumerate(roles) if role in persons or role not in roles[:at]]
    places = [rng.choice((0, place)) for place in rng.sample(range(1, 9), len(roles))]
    return [
        slot(
            role,
            None if rng.random() < 0.6 else rng.choice(FUNCTIONS if role in persons else INSTITUTIONS),
            place,
            sorted(rng.sample(range(1, 9), rng.choice((0, 1, 3)))),
        )
        for role, place in zip(roles, places, strict=True)
    ]
