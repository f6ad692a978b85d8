"""The cases of `spec/vectors/procedure`: documents, tables and terms, and each corruption with the expected code."""

import json
from collections.abc import Callable
from typing import Any

from tests.support import evidence as ev
from tests.support.changes import Change, changed, put
from tests.support.made_procedures import acts, guests, handlers, matter, samples, times
from tiezheng.procedures import Effect, Holding, end_terms, holding_terms, parse_procedure, read_table, read_terms

Case = tuple[str, dict[str, Any]]
Bad = tuple[str, dict[str, Any], str]

DEADLINE = {"from": ["apply", "accept"], "count": 10, "unit": "working_days", "pauses": True}
# Offsets in an entry (§8.2).
STEP, FLAGS, FROM, TO, REQUIRES, FORBIDS, WHO, EFFECT, SLOTS, TARGETS, COUNT, REST = (
    0, 1, 3, 7, 8, 12, 16, 17, 20, 44, 48, 49,
)  # fmt: skip
OPENS, CLOSES, INSTRUMENT, NAMES, BATCH, LATE, IRREGULAR, PAUSES, RESUMES, PASSES, FREEZES, THAWS, AFTER_CLOSE = (
    1 << bit for bit in range(13)
)


def entry(at: int, offset: int, value: int, size: int = 1) -> Callable[[bytearray], None]:
    """Set bytes of the entry at a position."""
    start = 36 + 64 * at + offset
    return lambda table: table.__setitem__(slice(start, start + size), value.to_bytes(size, "big"))


def head(at: int, value: int) -> Callable[[bytearray], None]:
    """Set a byte of the head."""
    return lambda table: table.__setitem__(at, value)


SPOILED_GUESTS: tuple[tuple[str, Callable[[bytearray], None], str], ...] = (
    ("version 2", head(0, 2), "table.version"),
    ("domain 0", head(1, 0), "table.domain"),
    ("domain 16", head(1, 16), "table.domain"),
    ("case type 0", head(2, 0), "table.case_type"),
    ("case type 16", head(2, 16), "table.case_type"),
    ("no kinds", head(3, 0), "table.kind_count"),
    ("33 kinds", head(3, 33), "table.kind_count"),
    ("a kind less than it says", head(3, 9), "table.length"),
    ("a byte more", lambda table: table.append(0), "table.length"),
    ("cut in the head", lambda table: table.__delitem__(slice(20, None)), "table.length"),
    ("step 0", entry(0, STEP, 0), "table.step_order"),
    ("a step twice", entry(1, STEP, 1), "table.step_order"),
    ("step 255", entry(9, STEP, 255), "table.step_order"),
    ("flag 14", entry(1, FLAGS, 1 << 14, 2), "table.flags"),
    ("flag 15", entry(1, FLAGS, 1 << 15, 2), "table.flags"),
    ("pauses and resumes", entry(1, FLAGS, NAMES | PAUSES | RESUMES, 2), "table.flags"),
    ("pauses after the end", entry(1, FLAGS, NAMES | PAUSES | AFTER_CLOSE, 2), "table.flags"),
    ("freezes and thaws", entry(1, FLAGS, NAMES | FREEZES | THAWS, 2), "table.flags"),
    ("irregular instrument", entry(1, FLAGS, INSTRUMENT | IRREGULAR, 2), "table.flags"),
    ("late instrument", entry(2, FLAGS, INSTRUMENT | LATE, 2), "table.flags"),
    ("late and closes", entry(2, FLAGS, LATE | CLOSES, 2), "table.flags"),
    ("late and names a counterparty", entry(2, FLAGS, LATE | NAMES, 2), "table.flags"),
    ("late and pauses", entry(2, FLAGS, LATE | PAUSES, 2), "table.flags"),
    ("late and resumes", entry(2, FLAGS, LATE | RESUMES, 2), "table.flags"),
    ("late and freezes", entry(2, FLAGS, LATE | FREEZES, 2), "table.flags"),
    ("late and thaws", entry(2, FLAGS, LATE | THAWS, 2), "table.flags"),
    ("batch lane that does not close", entry(6, FLAGS, OPENS | BATCH, 2), "table.flags"),
    ("irregular in the batch lane", entry(6, FLAGS, OPENS | CLOSES | BATCH | IRREGULAR, 2), "table.flags"),
    ("the first of the last 15 bytes", entry(1, REST, 1), "table.flags"),
    ("the last byte", entry(1, REST + 14, 1), "table.flags"),
    ("opens from a state", entry(0, FROM, 1, 4), "table.states"),
    ("from no state", entry(1, FROM, 0, 4), "table.states"),
    ("to state 32", entry(1, TO, 32), "table.states"),
    ("opens and keeps", entry(0, TO, 255), "table.states"),
    ("requires a kind that is not there", entry(1, REQUIRES, 1 << 10, 4), "table.masks"),
    ("forbids a kind that is not there", entry(1, FORBIDS, 1 << 31, 4), "table.masks"),
    ("requires what it forbids", entry(1, REQUIRES, 1 << 5, 4), "table.masks"),
    ("opens and requires", entry(0, REQUIRES, 2, 4), "table.masks"),
    ("opens and forbids", entry(0, FORBIDS, 2, 4), "table.masks"),
    ("for nobody", entry(1, WHO, 0), "table.who"),
    ("for whom", entry(1, WHO, 8), "table.who"),
    ("opened by opener and guests", entry(0, WHO, 3), "table.who"),
    ("opened by guests", entry(0, WHO, 2), "table.who"),
    ("used up by opener and guests", entry(1, EFFECT, 11), "table.who"),
    ("effect 15", entry(1, EFFECT, 15), "table.effect"),
    ("effect in the batch lane", entry(6, EFFECT, 1), "table.effect"),
    ("holds without opening", entry(1, EFFECT, 9), "table.effect"),
    ("child without opening", entry(1, EFFECT, 13), "table.effect"),
    ("opens and disposes", entry(0, EFFECT, 14), "table.effect"),
    ("disposes without closing", entry(1, EFFECT, 14), "table.effect"),
    ("corrects nothing", entry(1, EFFECT, 2), "table.targets"),
    ("targets without an effect", entry(1, TARGETS, 1, 4), "table.targets"),
    ("no slots", entry(1, COUNT, 0), "table.slot_count"),
    ("nine slots", entry(1, COUNT, 9), "table.slot_count"),
    ("an unused slot", entry(1, SLOTS + 3, 1), "table.slot"),
    ("an unused slot at the end", entry(1, SLOTS + 23, 1), "table.slot"),
    ("role 0xFF", entry(1, SLOTS, 0xFF), "table.slot"),
    ("function of an institution", entry(1, SLOTS, 0x01), "table.slot"),
    ("function of a counterparty", entry(3, SLOTS + 3, 0x81), "table.slot"),
    ("handler position 9", entry(1, SLOTS + 1, 9 << 4), "table.slot"),
    ("counterparty that is not named", entry(2, SLOTS, 0x80), "table.sides"),
    ("counterparty alone", entry(1, SLOTS, 0x80), "table.sides"),
    ("batch lane without a seal", entry(6, SLOTS, 0x41), "table.sides"),
    ("opens, distinct from a handler", entry(0, SLOTS + 2, 1), "table.handlers"),
    ("one position twice", entry(3, SLOTS, 0x00_10_00_80_10_00, 6), "table.handlers"),
)
SPOILED_SAMPLES: tuple[tuple[str, Callable[[bytearray], None], str], ...] = (
    ("a child that does not open", entry(2, FLAGS, 0, 2), "table.states"),
    ("handed over by anyone", entry(3, WHO, 7), "table.who"),
    ("handed over without the other side", entry(3, FLAGS, NAMES | IRREGULAR, 2), "table.effect"),
    ("held elsewhere unasked", entry(1, FLAGS, OPENS | NAMES | IRREGULAR, 2), "table.effect"),
    ("split by guests too", entry(6, WHO, 6), "table.who"),
    ("handed over to nobody", entry(3, SLOTS + 3, 0x41), "table.effect"),
    ("disposal that leaves the case open", entry(12, FLAGS, 0, 2), "table.effect"),
    ("disposal of a target", entry(12, TARGETS, 1, 4), "table.targets"),
)
SPOILED_ACTS: tuple[tuple[str, Callable[[bytearray], None], str], ...] = (
    ("a target that is not there", entry(3, TARGETS, 1 << 12, 4), "table.targets"),
)
DOCUMENT_FAULTS: tuple[tuple[str, Change, str], ...] = (
    ("another format", put("format", "x"), "procedure.definition"),
    ("unknown member", put("note", "x"), "json.member_unknown"),
    ("member missing", lambda document: document["kinds"][0].pop("lane"), "json.member_missing"),
    ("domain 14", put("domain", "number", 14), "json.integer_range"),
    ("step 255", put("kinds", 6, "step", 255), "json.integer_range"),
    ("steps not ascending", put("kinds", 1, "step", 1), "procedure.definition"),
    ("code repeated", put("kinds", 1, "code", "apply"), "procedure.definition"),
    ("flag unknown", put("kinds", 1, "flags", ["optional"]), "procedure.definition"),
    ("flag batch", put("kinds", 0, "flags", ["opens", "batch"]), "procedure.definition"),
    ("flags not in order", put("kinds", 2, "flags", ["may_be_irregular", "closes"]), "procedure.definition"),
    ("flag twice", put("kinds", 2, "flags", ["closes", "closes"]), "procedure.definition"),
    ("opening kind with a state to come from", put("kinds", 0, "from", ["first"]), "procedure.definition"),
    ("kind without a state to come from", put("kinds", 1, "from", []), "procedure.definition"),
    ("unknown state", put("kinds", 1, "to", "nowhere"), "procedure.definition"),
    ("opening kind that keeps", put("kinds", 0, "to", "keep"), "procedure.definition"),
    ("unknown kind required", put("kinds", 4, "requires", ["pray"]), "procedure.definition"),
    ("kind required and forbidden", put("kinds", 4, "forbids", ["inform"]), "procedure.definition"),
    ("nobody may record", put("kinds", 1, "who", []), "procedure.definition"),
    ("who not in order", put("kinds", 1, "who", ["guest", "opener"]), "procedure.definition"),
    ("guest opens", put("kinds", 0, "who", ["opener", "guest"]), "procedure.definition"),
    ("effect unknown", put("kinds", 1, "effect", "undo"), "procedure.definition"),
    ("effect without targets", put("kinds", 1, "effect", "revoke"), "procedure.definition"),
    ("targets without an effect", put("kinds", 1, "targets", ["apply"]), "procedure.definition"),
    ("unknown target", put("kinds", 1, "targets", ["pray"]), "procedure.definition"),
    ("deadline from no kind", put("kinds", 5, "deadline", {**DEADLINE, "from": []}), "procedure.definition"),
    ("deadline from an unknown kind", put("kinds", 5, "deadline", {**DEADLINE, "from": ["pray"]}),
     "procedure.definition"),
    ("deadline from kinds out of order", put("kinds", 5, "deadline", {**DEADLINE, "from": ["accept", "apply"]}),
     "procedure.definition"),
    ("deadline of nothing", put("kinds", 5, "deadline", {**DEADLINE, "count": 0}), "json.integer_range"),
    ("deadline in weeks", put("kinds", 5, "deadline", {**DEADLINE, "unit": "weeks"}), "procedure.definition"),
    ("no slots", put("kinds", 1, "slots", []), "json.list_length"),
    ("unknown role", put("kinds", 1, "slots", 0, "role", "judge"), "procedure.definition"),
    ("function for a seal", put("kinds", 0, "slots", 0, "is", "notary"), "procedure.definition"),
    ("handler position 9", put("kinds", 1, "slots", 0, "remember", 9), "json.integer_range"),
    ("distinct not ascending", put("kinds", 5, "slots", 0, "distinct", [2, 1]), "procedure.definition"),
    ("counterparty's slot, none named", put("kinds", 6, "slots", 1, "role", "counterparty_receiver"),
     "procedure.definition"),
    ("batch lane that does not close", put("kinds", 0, "lane", "batch"), "procedure.definition"),
    ("reserved field name", put("kinds", 0, "fields", 0, "name", "flag_reason"), "procedure.definition"),
    ("malformed field name", put("kinds", 0, "fields", 0, "name", "Title"), "content.field_name"),
    ("choices for a date", put("kinds", 1, "fields", 0, {
        "name": "day", "type": "date", "required": True, "class": "P0", "zh": "日", "en": "day", "choices": ["x"]}),
     "procedure.definition"),
    ("unknown type", put("kinds", 0, "fields", 0, "type", "float"), "procedure.definition"),
    ("impossible date of a basis", put("kinds", 1, "basis", [
        {"zh": "法", "en": "law", "status": "F", "from": "2021-02-30", "until": None}]), "content.field_value"),
)  # fmt: skip
HOLDING = holding_terms(Holding(25_000, 2, 501)).hex()
END = end_terms(1_795_000_000_000).hex()
ZERO, DIGEST = "00" * 32, "ab" * 32
TERMS: tuple[tuple[Effect, str], ...] = (
    *((effect, ZERO) for effect in (Effect.NONE, Effect.DISPOSE)),
    (Effect.END, END),
    *((effect, DIGEST) for effect in Effect if effect.has_target or effect in (Effect.BASIS, Effect.CHILD)),
    *((effect, HOLDING) for effect in (Effect.HOLD, Effect.TRANSFER, Effect.CONSUME, Effect.SPLIT)),
)
WRONG_TERMS: tuple[tuple[str, Effect, str, str], ...] = (
    ("terms without an effect", Effect.NONE, DIGEST, "statement.terms"),
    ("terms of a disposal", Effect.DISPOSE, HOLDING, "statement.terms"),
    ("end time zero", Effect.END, ZERO, "statement.terms_layout"),
    ("bytes behind the end time", Effect.END, END[:-2] + "01", "statement.terms_layout"),
    ("quantity zero", Effect.HOLD, "00" * 8 + HOLDING[16:], "statement.terms_layout"),
    ("unit zero", Effect.TRANSFER, HOLDING[:16] + "0000" + HOLDING[20:], "statement.terms_layout"),
    ("holder zero", Effect.CONSUME, HOLDING[:20] + "00000000" + HOLDING[28:], "statement.terms_layout"),
    ("holder is a practitioner", Effect.SPLIT, HOLDING[:20] + "80" + HOLDING[22:], "statement.terms_layout"),
    ("bytes behind the holder", Effect.HOLD, HOLDING[:-2] + "01", "statement.terms_layout"),
)


def documented() -> dict[str, Any]:
    """A document that uses whole days and a deadline, too."""
    document: dict[str, Any] = json.loads(matter().canonical_bytes)
    document["kinds"][1]["flags"] = ["may_be_late", "may_be_irregular", "whole_days"]
    document["kinds"][5]["deadline"] = DEADLINE
    return document


def procedures(_sign: ev.Sign) -> tuple[list[Case], list[Bad]]:
    """Good and bad cases of the topic."""
    made = {"guests": guests(), "handlers": handlers(), "times": times(), "acts": acts(), "samples": samples()}
    good: list[Case] = [(one.code, {"document": json.loads(one.canonical_bytes)}) for one in (ev.DEPOSIT, ev.BULK)]
    good += [(name, {"document": json.loads(one.canonical_bytes)}) for name, one in made.items()]
    good.append(("whole days and a deadline", {"document": documented()}))
    good += [
        (f"terms of {effect.name.lower()}", {"effect": effect.name.lower(), "terms": terms}) for effect, terms in TERMS
    ]
    bad: list[Bad] = []
    bad += [(name, {"document": changed(documented(), change)}, code) for name, change, code in DOCUMENT_FAULTS]
    for key, faults in (("guests", SPOILED_GUESTS), ("samples", SPOILED_SAMPLES), ("acts", SPOILED_ACTS)):
        for name, spoil, code in faults:
            table = bytearray(made[key].table_bytes)
            spoil(table)
            bad.append((f"table: {name}", {"table": table.hex()}, code))
    bad += [(name, {"effect": effect.name.lower(), "terms": terms}, code) for name, effect, terms, code in WRONG_TERMS]
    return good, bad


def check(given: dict[str, Any]) -> Any:
    """What the kernel says to one case."""
    if "terms" in given:
        said = read_terms(Effect[given["effect"].upper()], bytes.fromhex(given["terms"]))
        if isinstance(said, Holding):
            return {"holder": said.holder, "quantity": said.quantity, "unit": said.unit}
        return said.hex() if isinstance(said, bytes) else said
    if "table" in given:
        return [one.to_bytes().hex() for one in read_table(bytes.fromhex(given["table"]))]
    procedure = parse_procedure(given["document"])
    return {
        "document_digest": procedure.sha.hex(),
        "schemas": [kind.schema.id for kind in procedure.kinds],
        "table": procedure.table_bytes.hex(),
        "table_digest": procedure.table_digest.hex(),
    }
