"""Statements: what their own bytes can show, and what any change does."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support import evidence as ev
from tiezheng.digest import sm3
from tiezheng.errors import Malformed, VerificationFailed
from tiezheng.signature import parse_signed_message
from tiezheng.statement import (
    STATEMENT_SIZE,
    ZERO,
    Flag,
    Statement,
    case_owner,
    check_signatures,
    contract_id,
    message_for,
    new_case_id,
    parse_signed_statement,
    parse_statement,
)

institutions = st.integers(1, 2**31 - 1)
digests = st.binary(min_size=32, max_size=32).filter(any)


@st.composite
def statements(draw: st.DrawFn) -> Statement:
    institution, sequence = draw(institutions), draw(st.integers(0, 2**32 - 1))
    opener = institution if sequence == 0 else draw(institutions)
    flags = Flag(draw(st.integers(0, 7)) | (8 if sequence == 0 and draw(st.booleans()) else 0))
    counterparty = draw(st.just(0) | institutions.filter(lambda number: number != institution))
    return Statement(
        kind=draw(st.integers(0, 255)) << 8 | draw(st.integers(1, 255)),
        flags=flags,
        sequence=sequence,
        institution=institution,
        counterparty=counterparty,
        occurred=draw(st.integers(0, 2**48 - 1)),
        case=new_case_id(opener, draw(st.binary(min_size=28, max_size=28))),
        previous=draw(digests),
        subject=ZERO if flags & Flag.CONFIDENTIAL else draw(st.binary(min_size=32, max_size=32)),
        content=draw(digests),
        terms=draw(st.binary(min_size=32, max_size=32)),
    )


@given(statements())
def test_a_statement_is_what_its_bytes_say(statement: Statement) -> None:
    data = statement.to_bytes()
    assert len(data) == STATEMENT_SIZE
    assert parse_statement(data) == statement
    assert statement.digest == sm3(data)


@given(statements(), st.integers(0, STATEMENT_SIZE - 1), st.integers(1, 255))
def test_any_changed_byte_is_refused_or_changes_the_evidence_id(statement: Statement, at: int, mask: int) -> None:
    try:
        changed = parse_statement(ev.flip(statement.to_bytes(), at, mask))
    except Malformed:
        return
    assert changed.digest != statement.digest


@given(st.binary(max_size=200))
def test_bytes_that_are_accepted_come_back_unchanged(data: bytes) -> None:
    try:
        statement = parse_statement(data)
    except Malformed:
        return
    assert statement.to_bytes() == data


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kind": 1 << 16}, "statement.number_range"),
        ({"kind": 0x1100}, "statement.kind"),
        ({"flags": 16}, "statement.flags"),
        ({"sequence": -1}, "statement.number_range"),
        ({"sequence": 1 << 32}, "statement.number_range"),
        ({"occurred": 1 << 48}, "statement.occurred_at"),
        ({"institution": 0}, "statement.institution"),
        ({"counterparty": ev.OFFICE}, "statement.counterparty"),
        ({"case": bytes(31)}, "digest.length"),
        ({"previous": ZERO}, "statement.previous"),
        ({"content": ZERO}, "statement.content"),
        ({"flags": Flag.CONFIDENTIAL}, "statement.subject"),
        ({"flags": Flag.BATCH, "sequence": 1}, "statement.sequence"),
    ],
)
def test_a_statement_that_breaks_a_rule_cannot_be_made(change: dict[str, Any], code: str) -> None:
    with pytest.raises(Malformed) as caught:
        ev.statement(**change)
    assert caught.value.code == code


def test_the_parts_of_a_kind_are_its_bits() -> None:
    statement = ev.statement(kind=0x1307)
    assert (statement.domain, statement.case_type, statement.step) == (1, 3, 7)


def test_a_signed_statement_verifies_with_its_keys_and_with_no_others() -> None:
    signed = ev.sign_statement(ev.statement(), [(ev.OFFICE, 0), (ev.NOTARY, 0x41)])
    again = parse_signed_statement(signed.statement.to_bytes(), signed.signatures_bytes)
    assert again == signed
    assert signed.signatures_digest == sm3(bytes([2]), signed.signatures_bytes)
    assert signed.to_bytes() == signed.statement.to_bytes() + bytes([2]) + signed.signatures_bytes
    check_signatures(again, ev.CONTRACT, lambda signature: ev.KEYS[signature.signer].public)
    with pytest.raises(VerificationFailed, match=r"signature\.invalid"):
        check_signatures(again, ev.CONTRACT, lambda signature: ev.KEYS[ev.COURT].public)
    with pytest.raises(VerificationFailed, match=r"signature\.invalid"):
        check_signatures(again, bytes(32), lambda signature: ev.KEYS[signature.signer].public)


def test_the_message_names_signer_role_count_contract_and_digest() -> None:
    statement = ev.statement()
    message = parse_signed_message(message_for(statement, ev.CONTRACT, ev.NOTARY, 0x41, 2))
    assert (message.tag, message.role, message.signatures, message.signer) == (1, 0x41, 2, ev.NOTARY)
    assert (message.contract_id, message.digest) == (ev.CONTRACT, statement.digest)


def test_a_case_belongs_to_the_institution_that_opened_it() -> None:
    assert case_owner(new_case_id(7, bytes(28))) == 7
    for number, random, code in ((0, bytes(28), "statement.institution"), (7, bytes(27), "statement.case")):
        with pytest.raises(Malformed) as caught:
            new_case_id(number, random)
        assert caught.value.code == code


def test_each_part_of_a_contract_id_counts() -> None:
    ids = {contract_id(1, bytes(20), ZERO), contract_id(2, bytes(20), ZERO), contract_id(1, b"\x01" * 20, ZERO)}
    ids.add(contract_id(1, bytes(20), b"\x01" * 32))
    assert len(ids) == 4
    for arguments in ((-1, bytes(20), ZERO), (1, bytes(19), ZERO), (1, bytes(20), b"")):
        with pytest.raises(Malformed):
            contract_id(*arguments)
