"""Identity cards: who stands behind a number, committed when a key is registered (spec/SPEC.md §4.5).

Guaranteed: what `check_card` returns was fixed on chain with the key, and a withheld name stays unknown. Not
guaranteed: that a name is true; the institution and the regulator that signed the admission answer for it.
"""

from dataclasses import dataclass
from typing import Final

from tiezheng.content import (
    ALL,
    Content,
    ContentType,
    DisclosedContent,
    DrawSalt,
    build_content,
    check_disclosed,
    disclose,
)
from tiezheng.errors import Malformed, VerificationFailed
from tiezheng.procedures import FieldClass, FieldSpec, FieldType, JsonValue, Schema
from tiezheng.statement import is_institution, is_practitioner

INSTITUTION_SCHEMA: Final = Schema(
    0xFFFF_0001,
    (
        FieldSpec("number", FieldType.INTEGER, True, FieldClass.PUBLIC, "机构编号", "Number"),
        FieldSpec("code", FieldType.TEXT, True, FieldClass.PUBLIC, "统一社会信用代码", "Unified social credit code"),
        FieldSpec("name", FieldType.TEXT, True, FieldClass.PUBLIC, "机构名称", "Name"),
        FieldSpec("role", FieldType.INTEGER, True, FieldClass.PUBLIC, "机构类别", "Role"),
    ),
)
PRACTITIONER_SCHEMA: Final = Schema(
    0xFFFF_0002,
    (
        FieldSpec("number", FieldType.INTEGER, True, FieldClass.PUBLIC, "执业人员编号", "Number"),
        FieldSpec("code", FieldType.TEXT, True, FieldClass.WORK, "执业证号", "Licence number"),
        FieldSpec("name", FieldType.TEXT, True, FieldClass.PERSONAL, "姓名", "Name"),
        FieldSpec("function", FieldType.INTEGER, True, FieldClass.PUBLIC, "执业类别", "Function"),
        FieldSpec("institution", FieldType.INTEGER, True, FieldClass.PUBLIC, "所属机构编号", "Institution"),
    ),
)
_NAME: Final = "name"


@dataclass(frozen=True, slots=True)
class CheckedCard:
    """What a disclosed card says; None where it is withheld. `function` and `institution` are practitioners' alone."""

    number: int
    code: str | None
    name: str | None
    role: int | None
    function: int | None
    institution: int | None


def schema_for(number: int) -> Schema:
    """The card's schema for an institution's or a practitioner's number. Raises Malformed `content.card`."""
    if is_institution(number):
        return INSTITUTION_SCHEMA
    if is_practitioner(number):
        return PRACTITIONER_SCHEMA
    raise Malformed("content.card", got=number)


def institution_card(number: int, code: str, name: str, role: int, *, draw_salt: DrawSalt) -> Content:
    """An institution's card. `role` is 1 to 9 (§5.1). Raises Malformed `content.*`."""
    if not is_institution(number) or not 1 <= role <= 9:
        raise Malformed("content.card", expected="an institution's number and role 1 to 9", got=number)
    values: dict[str, JsonValue] = {"number": number, "code": code, "name": name, "role": role}
    return build_content(ContentType.CARD, INSTITUTION_SCHEMA, values, draw_salt=draw_salt)


def practitioner_card(
    number: int, code: str, name: str, function: int, institution: int, *, draw_salt: DrawSalt
) -> Content:
    """A practitioner's card. `function` is 1 to 4 (§5.1). Raises Malformed `content.*`."""
    if not is_practitioner(number) or not is_institution(institution) or not 1 <= function <= 4:
        raise Malformed("content.card", expected="a practitioner's number, an institution, function 1 to 4", got=number)
    values: dict[str, JsonValue] = {
        "number": number,
        "code": code,
        "name": name,
        "function": function,
        "institution": institution,
    }
    return build_content(ContentType.CARD, PRACTITIONER_SCHEMA, values, draw_salt=draw_salt)


def disclose_card(card: Content, *, withhold_name: bool = False) -> DisclosedContent:
    """All of a card, or all but the name. Raises Malformed `content.type` for another content."""
    if card.type is not ContentType.CARD:
        raise Malformed("content.type", expected=int(ContentType.CARD), got=int(card.type))
    if not withhold_name:
        return disclose(card, ALL)
    return disclose(card, [leaf.name for leaf in card.fields if leaf.name != _NAME])


def check_card(disclosed: DisclosedContent, expected_root: bytes, number: int) -> CheckedCard:
    """Check a disclosed card against the identity root that is on chain for `number`.

    `number` and, for practitioners, `institution` must be disclosed. Raises VerificationFailed `content.*`, `merkle.*`.
    """
    schema = schema_for(number)
    if disclosed.type is not ContentType.CARD:
        raise VerificationFailed("content.type", expected=int(ContentType.CARD), got=int(disclosed.type))
    values: dict[str, JsonValue] = {item.name: item.value for item in check_disclosed(disclosed, expected_root, schema)}
    if values.get("number") != number:
        raise VerificationFailed("content.card", expected=number, detail="number")
    institution = _integer(values, "institution")
    if schema is PRACTITIONER_SCHEMA and institution is None:
        raise VerificationFailed("content.card", detail="institution")
    return CheckedCard(
        number=number,
        code=_text(values, "code"),
        name=_text(values, _NAME),
        role=_integer(values, "role"),
        function=_integer(values, "function"),
        institution=institution,
    )


def _text(values: dict[str, JsonValue], name: str) -> str | None:
    value = values.get(name)
    return value if isinstance(value, str) else None


def _integer(values: dict[str, JsonValue], name: str) -> int | None:
    value = values.get(name)
    return value if isinstance(value, int) else None
