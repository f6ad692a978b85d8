"""Procedure documents, the tables they give, and what `terms` say (§8.1, §8.2)."""

from dataclasses import dataclass
from typing import Any

from tests.plain import canonical, schema
from tests.plain.formats import CONTINUE_STEP, PRACTITIONER, ZERO, institution, split
from tests.plain.refusal import need
from tests.plain.sm import sm3

FLAGS = (
    "opens", "closes", "instrument", "names_counterparty", "batch", "may_be_late", "may_be_irregular", "pauses",
    "resumes", "passes_pause", "freezes", "thaws", "after_close", "after_end",
)  # fmt: skip
EFFECTS = (
    "none", "end", "correct", "supplement", "suspend", "lift", "revoke", "revoke_part", "basis", "hold", "transfer",
    "consume", "split", "child", "dispose",
)  # fmt: skip
INSTITUTIONS = (
    "notary_office", "appraisal_institute", "prison", "court", "procuratorate", "regulator", "association",
    "community_corrections", "operator",
)  # fmt: skip
PRACTITIONERS = ("notary", "appraiser", "officer", "staff")
FUNCTIONS = (
    "notary", "approver", "assistant", "archivist", "officer", "head", "chair", "secretary", "appraiser", "reviewer",
    "keeper", "releaser", "receiver", "clerk",
)  # fmt: skip
ROLES = {"institution": 0, "counterparty": 0x80}
ROLES |= {name: 0x41 + place for place, name in enumerate(FUNCTIONS)}
ROLES |= {"counterparty_" + name: 0xC1 + place for place, name in enumerate(FUNCTIONS)}
OPENER, HOLDER, KEEP = 1, 4, 255
TARGETED, HOLDINGS, DIGESTS = range(2, 8), range(9, 13), (8, 13)


@dataclass(frozen=True, slots=True)
class Slot:
    role: int
    required: int  # role of the institution, or function of the practitioner; 0: any
    remember: int
    distinct: int


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind, as the verifier needs it."""

    position: int
    code: str
    flags: frozenset[str]
    effect: int
    slots: tuple[Slot, ...]
    schema_id: int
    fields: tuple[schema.Field, ...]
    records: dict[int, tuple[schema.Field, ...]]  # by schema id


@dataclass(frozen=True, slots=True)
class Procedure:
    domain: int
    case_type: int
    kinds: dict[int, Kind]  # by step
    table: bytes
    document_digest: bytes
    table_digest: bytes

    def kind(self, number: int) -> Kind | None:
        """The kind of this number, `continue` (§8.6) included where the procedure has a registry."""
        if number >> 8 != self.domain << 4 | self.case_type:
            return None
        if number & 255 != CONTINUE_STEP:
            return self.kinds.get(number & 255)
        if all("batch" in kind.flags for kind in self.kinds.values()):
            return None
        slots = (Slot(0, 0, 0, 0),)
        return Kind(CONTINUE_STEP, "continue", frozenset({"opens"}), -1, slots, number << 16 | 1, schema.RESERVED, {})


def read_procedure(document: Any) -> Procedure:
    """The procedure that a document says, refused unless it and its table keep §8."""
    form, version, zh, en, domain, case_type, states, kinds, record_schemas = canonical.members(
        document, "format", "version", "zh", "en", "domain", "case_type", "states", "kinds", "record_schemas"
    )
    need(form == "tiezheng/procedure/1", "another format")
    canonical.whole(version, 1, 65535)
    _texts(zh, en)
    realm, sort = _numbered(domain, 1, 13)[1], _numbered(case_type, 1, 15)[1]
    state_numbers = _codes([_numbered(state, 0, 31) for state in canonical.entries(states, 1, 32)])
    schemas: dict[str, tuple[int, tuple[schema.Field, ...]]] = {}
    for one in canonical.entries(record_schemas, 0, 255):
        code, number, issue, zh, en, fields = canonical.members(one, "code", "number", "version", "zh", "en", "fields")
        _texts(zh, en)
        need(schema.name(code) not in schemas, "a record schema twice")
        low = canonical.whole(number, 1, 255) << 8 | canonical.whole(issue, 1, 255)
        schemas[code] = 0xE0000000 | realm << 24 | sort << 16 | low, schema.read_fields(fields)
    numbers = [schema_id >> 8 for schema_id, _ in schemas.values()]
    need(len(set(numbers)) == len(numbers), "a number of a record schema twice")
    need(all(isinstance(kind, dict) for kind in canonical.entries(kinds, 1, 32)), "a kind is an object")
    steps = _codes([(kind.get("code"), kind.get("step")) for kind in kinds])
    canonical.ascending(list(steps.values()), "steps")
    positions = {code: place for place, code in enumerate(steps)}
    read, rows = {}, b""
    for place, one in enumerate(kinds):
        kind, row = _read_kind(one, place, realm << 12 | sort << 8, state_numbers, positions, schemas)
        read[one["step"]] = kind
        rows += row
    digest = sm3(canonical.write(document))
    table = bytes([1, realm, sort, len(kinds)]) + digest + rows
    check_table(table)
    return Procedure(realm, sort, read, table, digest, sm3(table))


def _texts(*values: Any) -> None:
    for value in values:
        canonical.text(value, 512)


def _numbered(value: Any, least: int, most: int) -> tuple[str, int]:
    code, number, zh, en = canonical.members(value, "code", "number", "zh", "en")
    _texts(zh, en)
    return schema.name(code), canonical.whole(number, least, most)


def _codes(pairs: list[tuple[Any, Any]]) -> dict[str, int]:
    codes = {schema.name(code): canonical.whole(number) for code, number in pairs}
    need(len(codes) == len(set(codes.values())) == len(pairs), "a code or a number twice")
    return codes


def _mask(value: Any, known: dict[str, int], least: int = 0) -> int:
    """Mask of the codes in a list."""
    codes = canonical.entries(value, least)
    need(all(isinstance(code, str) and code in known for code in codes), "a code that nothing has")
    need(len(set(codes)) == len(codes), "a code twice")
    return sum(1 << known[code] for code in codes)


def _in_order(value: Any, names: tuple[str, ...]) -> list[int]:
    """Places of names that stand in the order of `names`."""
    need(all(name in names for name in canonical.entries(value)), "an unknown name")
    places = [names.index(name) for name in value]
    canonical.ascending(places, "names")
    return places


def _read_kind(
    value: Any,
    place: int,
    family: int,
    states: dict[str, int],
    kinds: dict[str, int],
    schemas: dict[str, tuple[int, tuple[schema.Field, ...]]],
) -> tuple[Kind, bytes]:
    """The kind and its entry in the table."""
    step, code, zh, en, flags, lane, start, to, requires, forbids, who, effect = canonical.members(
        {name: value[name] for name in value if name not in _LATER},
        "step", "code", "zh", "en", "flags", "lane", "from", "to", "requires", "forbids", "who", "effect",
    )  # fmt: skip
    targets, limit, deadline, slots, schema_version, fields, records, basis = canonical.members(
        {name: value[name] for name in value if name in _LATER}, *_LATER
    )
    _texts(zh, en)
    need(step < CONTINUE_STEP and step > 0, "step out of range")
    named = tuple(name for name in FLAGS if name != "batch")
    spoken = {(*named, "whole_days")[at] for at in _in_order(flags, (*named, "whole_days"))}
    need(lane in {"registry", "batch"}, "unknown lane")
    held = spoken - {"whole_days"} | ({"batch"} if lane == "batch" else set())
    need(to == "keep" or to in states, "a state that the document does not list")
    need(effect in EFFECTS, "unknown effect")
    _in_order(targets, tuple(kinds))
    if deadline is not None:
        since, count, unit, pauses = canonical.members(deadline, "from", "count", "unit", "pauses")
        need(_in_order(since, tuple(kinds)), "a deadline from nothing")
        canonical.whole(count, 1, 65535)
        need(unit in {"hours", "days", "working_days", "months", "years"}, "unknown unit")
        need(type(pauses) is bool, "a boolean was asked for")
    plan = tuple(_read_slot(slot) for slot in canonical.entries(slots, 1, 8))
    for one in canonical.entries(basis, 0, 64):
        zh, en, status, since, until = canonical.members(one, "zh", "en", "status", "from", "until")
        _texts(zh, en)
        need(status in {"F", "K", "U"}, "unknown status of a basis")
        for date in (since, until):
            if date is not None:
                schema.day(date)
    _mask(records, {name: at for at, name in enumerate(schemas)})
    row = (
        bytes([step])
        + sum(1 << FLAGS.index(name) for name in held).to_bytes(2)
        + _mask(start, states).to_bytes(4)
        + bytes([KEEP if to == "keep" else states[to]])
        + _mask(requires, kinds).to_bytes(4)
        + _mask(forbids, kinds).to_bytes(4)
        + bytes([sum(1 << at for at in _in_order(who, ("opener", "guest", "holder"))), EFFECTS.index(effect)])
        + canonical.whole(limit, 0, 65535).to_bytes(2)
        + b"".join(bytes([one.role, one.remember << 4 | one.required, one.distinct]) for one in plan).ljust(24, b"\0")
        + _mask(targets, kinds).to_bytes(4)
        + bytes([len(plan)])
    )
    schema_id = (family | step) << 16 | canonical.whole(schema_version, 1, 65535)
    own = schema.RESERVED + schema.read_fields(fields)
    kept = dict(schemas[name] for name in records)
    kind = Kind(place, schema.name(code), frozenset(held), EFFECTS.index(effect), plan, schema_id, own, kept)
    return kind, row.ljust(64, b"\0")


_LATER = ("targets", "limit_hours", "deadline", "slots", "schema_version", "fields", "records", "basis")


def _read_slot(value: Any) -> Slot:
    role, required, remember, distinct = canonical.members(value, "role", "is", "remember", "distinct")
    need(isinstance(role, str) and role in ROLES, "unknown role")
    number = ROLES[role]
    names = PRACTITIONERS if number & 0x40 else INSTITUTIONS
    need(required is None or required in names, "a required role or function that such a signer does not have")
    for position in canonical.entries(distinct):
        canonical.whole(position, 1, 8)
    canonical.ascending(distinct, "handler positions")
    mask = sum(1 << position - 1 for position in distinct)
    return Slot(number, 0 if required is None else names.index(required) + 1, canonical.whole(remember, 0, 8), mask)


def check_table(data: bytes) -> None:
    """Refuse a table that a registry does not take (§8.2)."""
    need(len(data) >= 36 and len(data) == 36 + 64 * data[3], "a table of another length")
    version, domain, case_type, count = data[:4]
    need(version == 1 and 1 <= domain <= 15 and 1 <= case_type <= 15 and 1 <= count <= 32, "not the head of a table")
    entries = [data[at : at + 64] for at in range(36, len(data), 64)]
    canonical.ascending([0, *(entry[0] for entry in entries), CONTINUE_STEP], "steps")
    for entry in entries:
        _check_entry(entry, count)


def _check_entry(entry: bytes, count: int) -> None:
    parts = split(entry, 1, 2, 4, 1, 4, 4, 1, 1, 2, 24, 4, 1, 15)
    _, bits, start, to, requires, forbids, who, effect, _, _, targets, slots, rest = map(int.from_bytes, parts)
    need(bits < 1 << len(FLAGS) and effect < len(EFFECTS) and rest == 0, "unknown flags, effect or trailing bytes")
    flags = {name for place, name in enumerate(FLAGS) if bits >> place & 1}
    opens = "opens" in flags
    need((start == 0) == opens, "`from` is empty exactly where the kind opens")
    need(to <= 31 or (to == KEEP and not opens), "no such state to go to")
    need(max(requires, forbids, targets) < 1 << count, "a mask names a kind that is not there")
    need(not requires & forbids, "a kind both required and forbidden")
    need(not opens or requires == forbids == 0, "an opening kind requires or forbids")
    need(1 <= who <= 7 and (not opens or who == OPENER), "who may record it")
    need(1 <= slots <= 8 and not any(parts[9][3 * slots :]), "not 1 to 8 slots")
    triples = [parts[9][at : at + 3] for at in range(0, 3 * slots, 3)]
    roles = [role for role, _, _ in triples]
    remembered = [middle >> 4 for _, middle, _ in triples if middle >> 4]
    need(all(role != 0xFF and (role & 0x40 or not role & 0x3F) for role in roles), "a slot of no role")
    need(all(not role & 0x80 for role in roles) or "names_counterparty" in flags, "a side that is not named")
    need(any(not role & 0x80 for role in roles), "nobody of the institution's side signs")
    need(len(set(remembered)) == len(remembered) and max(remembered, default=0) <= 8, "handler positions")
    need(not opens or all(distinct == 0 for _, _, distinct in triples), "distinct before there is a handler")
    if "batch" in flags:
        need(flags >= {"opens", "closes"} and effect == 0 and 0 in roles, "a kind of the batch lane")
        need("may_be_irregular" not in flags, "an irregular kind of the batch lane")
    need((targets != 0) == (effect in TARGETED), "targets exactly where the effect has one")
    need(effect not in (9, 13) or opens, "an effect that opens")
    need(effect not in (*TARGETED, 10, 11, 12, 14) or not opens, "an effect that does not open")
    need(effect not in (10, 11, 12) or who == HOLDER, "an effect for the holder alone")
    need(effect != 10 or any(role & 0x80 for role in roles), "a transfer to nobody")
    need(effect != 14 or "closes" in flags, "a disposal that does not close")
    need("instrument" not in flags or not flags & {"may_be_late", "may_be_irregular"}, "a late or irregular instrument")
    moves = {"opens", "closes", "names_counterparty", "pauses", "resumes", "freezes", "thaws"}
    need("may_be_late" not in flags or (effect == 0 and not flags & moves), "a late kind that does more than record")
    need(not flags >= {"pauses", "after_close"}, "a pause after the end")
    need(
        effect < 9 or not any(role & 0x80 for role in roles) or "may_be_irregular" not in flags, "held without signing"
    )
    need(not flags >= {"pauses", "resumes"} and not flags >= {"freezes", "thaws"}, "a flag and its reverse")


def read_terms(effect: int, terms: bytes) -> int | bytes | tuple[int, int, int] | None:
    """End time (ms), digest, holding (quantity, unit, holder) or nothing, as the effect lays `terms` out."""
    if effect in TARGETED or effect in DIGESTS:
        return terms
    if effect == EFFECTS.index("end"):
        end, rest = map(int.from_bytes, split(terms, 6, 26))
        need(end and not rest, "terms are no end time")
        return end
    if effect in HOLDINGS:
        quantity, unit, holder, rest = map(int.from_bytes, split(terms, 8, 2, 4, 18))
        need(quantity and unit and holder < PRACTITIONER and not rest, "terms are no holding")
        return quantity, unit, institution(holder)
    need(terms == ZERO, "terms where the effect has none")
    return None
