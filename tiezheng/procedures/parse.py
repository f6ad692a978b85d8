"""Strict reading of procedure documents (spec/SPEC.md §8.1).

Guaranteed: no member is ignored, every name refers to something that the document declares, and the document's digest
covers exactly what was read. Not guaranteed: legal correctness.
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from types import MappingProxyType
from typing import Final

from tiezheng.canonical import dumps
from tiezheng.digest import sm3
from tiezheng.errors import Malformed
from tiezheng.json_members import read_constant, read_integer, read_list, read_object, read_text
from tiezheng.procedures.compile import MAX_DOMAIN, table_bytes
from tiezheng.procedures.model import (
    KEEP,
    WHOLE_DAYS,
    Basis,
    Certainty,
    Deadline,
    DeadlineUnit,
    Effect,
    Kind,
    KindFlag,
    Lane,
    Procedure,
    RecordSchema,
    Slot,
    State,
    Who,
)
from tiezheng.procedures.roles import PERSON, Function, InstitutionRole, Role
from tiezheng.procedures.schema import (
    NAME_PATTERN,
    RECORD_SCHEMA_BASE,
    RESERVED,
    FieldClass,
    FieldSpec,
    FieldType,
    Schema,
    check_value,
)
from tiezheng.procedures.table import MAX_CASE_TYPE, MAX_HANDLERS, MAX_SLOTS, MAX_STATE, MAX_STEP

FORMAT: Final = "tiezheng/procedure/1"
_DOCUMENT: Final = frozenset(
    {"case_type", "domain", "en", "format", "kinds", "record_schemas", "states", "version", "zh"}
)
_NAMED: Final = frozenset({"code", "en", "number", "zh"})
_KIND: Final = frozenset(
    {
        "basis", "code", "deadline", "effect", "en", "fields", "flags", "forbids", "from", "lane", "limit_hours",
        "records", "requires", "schema_version", "slots", "step", "targets", "to", "who", "zh",
    }
)  # fmt: skip
_DEADLINE: Final = frozenset({"count", "from", "pauses", "unit"})
# The lane has a member of its own.
_FLAGS: Final = (*(flag.name.lower() for flag in KindFlag if flag.name and flag is not KindFlag.BATCH), WHOLE_DAYS)
_WHO: Final = tuple(who.name.lower() for who in Who if who.name)
_EFFECTS: Final = tuple(effect.name.lower() for effect in Effect)
_SLOT: Final = frozenset({"distinct", "is", "remember", "role"})
_BASIS: Final = frozenset({"en", "from", "status", "until", "zh"})
_FIELD: Final = frozenset({"class", "en", "name", "required", "type", "zh"})
_RECORD_SCHEMA: Final = frozenset({"code", "en", "fields", "number", "version", "zh"})
_DATE_SPEC: Final = FieldSpec("date", FieldType.DATE, False, FieldClass.PUBLIC, "日期", "date")
_RESERVED_NAMES: Final = frozenset(spec.name for spec in RESERVED)


def parse_procedure(value: object) -> Procedure:
    """The procedure that a document (parsed JSON) declares. Raises Malformed `json.*`, `procedure.definition`."""
    document = read_object(value, _DOCUMENT, "procedure")
    read_constant(document["format"], FORMAT, "format", "procedure.definition")
    domain = read_object(document["domain"], _NAMED, "domain")
    case_type = read_object(document["case_type"], _NAMED, "case_type")
    domain_number = read_integer(domain["number"], "domain.number", MAX_DOMAIN, 1)
    case_number = read_integer(case_type["number"], "case_type.number", MAX_CASE_TYPE, 1)
    for texts in (document, domain):
        _text(texts["zh"], "zh")
        _text(texts["en"], "en")
    path = f"{_code(domain['code'])}.{_code(case_type['code'])}"
    prefix = domain_number << 12 | case_number << 8
    states = tuple(_state(item) for item in read_list(document["states"], "states", MAX_STATE + 1, 1))
    by_state = {state.code: state.number for state in states}
    _check_unique([state.code for state in states], "state's code")
    _check_unique([state.number for state in states], "state's number")
    record_schemas = tuple(
        _record_schema(item, domain_number, case_number)
        for item in read_list(document["record_schemas"], "record_schemas", 255)
    )
    records = {one.code: one.schema for one in record_schemas}
    _check_unique([one.code for one in record_schemas], "record schema's code")
    _check_unique([one.schema.id >> 8 for one in record_schemas], "record schema's number")
    kinds = tuple(_kind(item, prefix, path, by_state, records) for item in read_list(document["kinds"], "kinds", 32, 1))
    known = [kind.code for kind in kinds]
    for kind in kinds:
        starts = kind.deadline.start if kind.deadline is not None else known[:1]
        if not {*kind.requires, *kind.forbids, *kind.targets, *starts} <= set(known):
            raise Malformed("procedure.definition", detail=f"{kind.code}: names an unknown kind")
        for codes in (kind.targets, starts):
            if list(codes) != [code for code in known if code in codes]:
                raise Malformed("procedure.definition", detail=f"{kind.code}: kinds must ascend by step")
        if not starts:
            raise Malformed("procedure.definition", detail=f"{kind.code}: a deadline runs from a kind")
    canonical = dumps(value)
    digest = sm3(canonical)
    table = table_bytes(domain_number, case_number, digest, kinds)
    return Procedure(
        code=path,
        zh=_text(case_type["zh"], "zh"),
        en=_text(case_type["en"], "en"),
        domain=domain_number,
        case_type=case_number,
        version=read_integer(document["version"], "version", 65535, 1),
        states=states,
        kinds=kinds,
        record_schemas=record_schemas,
        canonical_bytes=canonical,
        sha=digest,
        table_bytes=table,
        table_digest=sm3(table),
    )


def _kind(value: object, prefix: int, path: str, states: Mapping[str, int], records: Mapping[str, Schema]) -> Kind:
    item = read_object(value, _KIND, "kind")
    code = _code(item["code"])
    step = read_integer(item["step"], f"{code}.step", MAX_STEP, 1)
    flags = _ordered(item["flags"], f"{code}.flags", _FLAGS)
    who = _ordered(item["who"], f"{code}.who", _WHO)
    batch = Lane(_choice(item["lane"], f"{code}.lane", list(Lane))) is Lane.BATCH
    version = read_integer(item["schema_version"], f"{code}.schema_version", 65535, 1)
    target = item["to"]
    allowed = [records[name] for name in _codes(item["records"], f"{code}.records", records)]
    return Kind(
        step=step,
        number=prefix | step,
        code=code,
        path=f"{path}.{code}",
        zh=_text(item["zh"], "zh"),
        en=_text(item["en"], "en"),
        flags=KindFlag(sum(KindFlag[name.upper()] for name in flags if name != WHOLE_DAYS) | batch * KindFlag.BATCH),
        whole_days=WHOLE_DAYS in flags,
        from_states=tuple(states[name] for name in _codes(item["from"], f"{code}.from", states)),
        to_state=KEEP if target == "keep" else states[_choice(target, f"{code}.to", states)],
        requires=_codes(item["requires"], f"{code}.requires"),
        forbids=_codes(item["forbids"], f"{code}.forbids"),
        who=Who(sum(Who[name.upper()] for name in who)),
        effect=Effect[_choice(item["effect"], f"{code}.effect", _EFFECTS).upper()],
        targets=_codes(item["targets"], f"{code}.targets"),
        limit_hours=read_integer(item["limit_hours"], f"{code}.limit_hours", 65535),
        deadline=_deadline(item["deadline"], code),
        slots=tuple(_slot(slot, code) for slot in read_list(item["slots"], f"{code}.slots", MAX_SLOTS, 1)),
        schema=Schema((prefix | step) << 16 | version, RESERVED + _fields(item["fields"], code)),
        record_schemas=MappingProxyType({schema.id: schema for schema in allowed}),
        basis=tuple(_basis(basis, code) for basis in read_list(item["basis"], f"{code}.basis", 64)),
    )


def _deadline(value: object, code: str) -> Deadline | None:
    if value is None:
        return None
    item = read_object(value, _DEADLINE, f"{code}.deadline")
    return Deadline(
        start=_codes(item["from"], f"{code}.deadline.from"),
        count=read_integer(item["count"], f"{code}.deadline.count", 65535, 1),
        unit=DeadlineUnit(_choice(item["unit"], f"{code}.deadline.unit", list(DeadlineUnit))),
        pauses=_flag(item["pauses"], f"{code}.deadline.pauses"),
    )


def _slot(value: object, code: str) -> Slot:
    item = read_object(value, _SLOT, f"{code}.slot")
    role = Role[_choice(item["role"], f"{code}.role", [role.name.lower() for role in Role]).upper()]
    required = 0
    if item["is"] is not None:
        kinds: type[IntEnum] = Function if role & PERSON else InstitutionRole
        required = kinds[_choice(item["is"], f"{code}.is", [one.name.lower() for one in kinds]).upper()]
    distinct = tuple(
        read_integer(position, f"{code}.distinct", MAX_HANDLERS, 1)
        for position in read_list(item["distinct"], f"{code}.distinct", MAX_HANDLERS)
    )
    if list(distinct) != sorted(set(distinct)):
        raise Malformed("procedure.definition", detail=f"{code}: distinct must ascend")
    return Slot(int(role), int(required), read_integer(item["remember"], f"{code}.remember", MAX_HANDLERS), distinct)


def _state(value: object) -> State:
    item = read_object(value, _NAMED, "state")
    code = _code(item["code"])
    if code == "keep":
        raise Malformed("procedure.definition", detail="a state cannot be called keep")
    number = read_integer(item["number"], f"{code}.number", MAX_STATE)
    return State(number, code, _text(item["zh"], "zh"), _text(item["en"], "en"))


def _record_schema(value: object, domain: int, case_type: int) -> RecordSchema:
    item = read_object(value, _RECORD_SCHEMA, "record schema")
    code = _code(item["code"])
    number = read_integer(item["number"], f"{code}.number", 255, 1)
    version = read_integer(item["version"], f"{code}.version", 255, 1)
    # §8.3
    identity = RECORD_SCHEMA_BASE | domain << 24 | case_type << 16 | number << 8 | version
    return RecordSchema(
        code, _text(item["zh"], "zh"), _text(item["en"], "en"), Schema(identity, _fields(item["fields"], code))
    )


def _fields(value: object, code: str) -> tuple[FieldSpec, ...]:
    return tuple(_field(item, code) for item in read_list(value, f"{code}.fields", 250, 1))


def _field(value: object, code: str) -> FieldSpec:
    has_choices = isinstance(value, dict) and "choices" in value
    item = read_object(value, _FIELD | {"choices"} if has_choices else _FIELD, f"{code}.field")
    name = _code(item["name"])
    where = f"{code}.{name}"
    if name in _RESERVED_NAMES:
        raise Malformed("procedure.definition", detail=f"{where}: the name is reserved")
    field_type = FieldType(_choice(item["type"], f"{where}.type", list(FieldType)))
    choices: tuple[str, ...] = ()
    if has_choices:
        choices = tuple(_text(one, "choices") for one in read_list(item["choices"], f"{where}.choices", 64, 1))
        if field_type is not FieldType.TEXT or len(set(choices)) != len(choices):
            raise Malformed("procedure.definition", detail=f"{where}: choices")
    return FieldSpec(
        name=name,
        type=field_type,
        required=_flag(item["required"], f"{where}.required"),
        field_class=FieldClass(_choice(item["class"], f"{where}.class", list(FieldClass))),
        zh=_text(item["zh"], "zh"),
        en=_text(item["en"], "en"),
        choices=choices,
    )


def _basis(value: object, code: str) -> Basis:
    item = read_object(value, _BASIS, f"{code}.basis")
    status = Certainty(_choice(item["status"], f"{code}.basis.status", list(Certainty)))
    start, end = _date(item["from"], code), _date(item["until"], code)
    return Basis(_text(item["zh"], "zh"), _text(item["en"], "en"), status, start, end)


def _date(value: object, code: str) -> str | None:
    if value is None:
        return None
    text = read_text(value, f"{code}.basis date", 10)
    check_value(_DATE_SPEC, text)
    return text


def _text(value: object, where: str) -> str:
    return read_text(value, where, 512)


def _code(value: object) -> str:
    text = read_text(value, "code", 64)
    if NAME_PATTERN.fullmatch(text) is None:
        raise Malformed("content.field_name", detail="code")
    return text


def _codes(value: object, where: str, known: Sequence[str] | Mapping[str, object] | None = None) -> tuple[str, ...]:
    codes = tuple(_code(item) for item in read_list(value, where, 32))
    if len(set(codes)) != len(codes):
        raise Malformed("procedure.definition", detail=f"{where}: repeated")
    for code in codes:
        if known is not None and code not in known:
            raise Malformed("procedure.definition", detail=f"{where}: unknown {code}")
    return codes


def _ordered(value: object, where: str, known: Sequence[str]) -> tuple[str, ...]:
    """Names of a fixed list, in its order."""
    names = _codes(value, where, known)
    if list(names) != [name for name in known if name in names]:
        raise Malformed("procedure.definition", expected=", ".join(known), detail=f"{where}: order")
    return names


def _choice(value: object, where: str, known: Sequence[str] | Mapping[str, object]) -> str:
    if not isinstance(value, str) or value not in known:
        raise Malformed("procedure.definition", expected=", ".join(known), detail=where)
    return value


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        raise Malformed("json.member_type", expected=f"{where}: true or false", got=type(value).__name__)
    return value


def _check_unique(keys: Sequence[str | int], what: str) -> None:
    if len(set(keys)) != len(keys):
        raise Malformed("procedure.definition", detail=f"a {what} is repeated")
