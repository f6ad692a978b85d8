"""Accepting statements: receipts, groups, and everything that is refused."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from ledger.domain.life import Status
from ledger.domain.limits import FUTURE_TOLERANCE_MS, RECEIPT_DUE_MS
from tests.integration.ledger.house import House
from tests.support.world import BATCH, NOTARY, OFFICE, REGISTRY, SEAL, START, Filed, World, procedure_of
from tiezheng.errors import Conflict, Malformed, TiezhengError
from tiezheng.receipt import check_receipt, parse_receipt_file
from tiezheng.statement import SignedStatement

N = int("FFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123", 16)


def holds(house: House, filed: Filed, receipt: bytes) -> None:
    """The receipt, checked as its holder would."""
    address = BATCH if filed.statement.flags & 8 else REGISTRY
    public = house.operator.key.public
    checked = check_receipt(parse_receipt_file(receipt), public, house.world.contract(address), filed.signed)
    assert checked.due == checked.received + RECEIPT_DUE_MS


def test_a_statement_is_accepted_with_a_receipt_that_its_holder_can_check(house: House, world: World) -> None:
    filed = world.deposit()
    accepted = house.accept(filed)
    assert accepted.new
    assert accepted.digest == filed.statement.digest
    holds(house, filed, accepted.receipt)
    with house.store.read() as tables:
        row = tables.statements.get(accepted.digest)
        assert row is not None
        assert row.status is Status.ACCEPTED
        assert (row.statement, row.signatures) == (filed.statement.to_bytes(), filed.signed.signatures_bytes)
        case = tables.cases.get(filed.statement.case)
        assert case is not None
        assert (case.after.head, case.after.state, case.after.participants) == (accepted.digest, 1, (OFFICE,))


def test_the_same_bytes_again_give_the_same_receipt_and_no_second_row(house: House, world: World) -> None:
    filed = world.deposit()
    first = house.accept(filed)
    house.clock.now += 60_000
    again = house.accept(filed)
    assert not again.new
    assert again.receipt == first.receipt
    with house.store.read() as tables:
        assert tables.statements.backlog() == 1


def test_the_same_statement_from_many_threads_at_once_is_stored_once(house: House, world: World) -> None:
    filed = world.deposit()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: house.accept(filed), range(8)))
    assert len({one.receipt for one in answers}) == 1
    assert [one.new for one in answers].count(True) == 1


def test_statements_that_arrive_together_share_groups_and_a_bad_one_harms_no_neighbour(
    house: House, world: World
) -> None:
    good = [world.deposit() for _ in range(40)]
    bad = [replace(one, signed=wrong_key(world, one)) for one in (world.deposit() for _ in range(4))]
    taken = [rival(world, one) for one in good[:4]]

    def submit(filed: Filed) -> object:
        try:
            return house.accept(filed)
        except TiezhengError as error:
            return error.code

    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(submit, [*good, *bad]))
        later = list(pool.map(submit, taken))
    assert answers[40:] == ["signature.invalid"] * 4
    assert later == ["case.position_taken"] * 4
    counts = set()
    for filed, answer in zip(good, answers, strict=False):
        assert not isinstance(answer, str), answer
        holds(house, filed, answer.receipt)  # type: ignore[attr-defined]
        counts.add(parse_receipt_file(answer.receipt).count)  # type: ignore[attr-defined]
    assert max(counts) > 1, "no two statements shared a group"


def test_registry_and_batch_lane_get_receipts_for_their_own_contracts(house: House, world: World) -> None:
    deposit, bulk = world.deposit(), world.bulk(lots=1, index=0)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(house.accept, (deposit, bulk)))
    for filed, answer in zip((deposit, bulk), answers, strict=True):
        holds(house, filed, answer.receipt)


def test_a_whole_matter_is_accepted_step_by_step(house: House, world: World) -> None:
    matter = world.matter()
    for filed in matter:
        holds(house, filed, house.accept(filed).receipt)
    with house.store.read() as tables:
        case = tables.cases.get(matter[0].statement.case)
        assert case is not None
        assert (case.after.sequence, case.after.state) == (len(matter) - 1, 5)
        assert NOTARY in case.after.handlers


def test_two_statements_for_one_position_give_one_receipt_and_one_conflict(house: House, world: World) -> None:
    first = world.deposit()
    second = rival(world, first)

    def submit(filed: Filed) -> object:
        try:
            return house.accept(filed).digest
        except Conflict as error:
            return error.code

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(submit, (first, second)))
    assert "case.position_taken" in answers
    assert len({first.statement.digest, second.statement.digest} & set(answers)) == 1


def test_a_withheld_content_is_accepted_and_none_is_stored(house: House, world: World) -> None:
    accepted = house.accept(world.deposit(), content=False)
    with house.store.read() as tables:
        assert tables.statements.content(accepted.digest) is None


def test_a_caller_submits_for_its_own_institution_alone(house: House, world: World) -> None:
    filed = world.deposit()
    with pytest.raises(TiezhengError) as caught:
        house.submit.submit(filed.statement.to_bytes(), filed.signed.signatures_bytes, institution=OFFICE + 1)
    assert caught.value.code == "auth.forbidden"


# Corruptions: each starts from a statement that would be accepted.


def rival(world: World, filed: Filed) -> Filed:
    """Another statement for the same position, in order and well signed."""
    statement = replace(filed.statement, occurred=filed.statement.occurred + 1)
    return replace(filed, signed=world.sign(statement, [(OFFICE, SEAL)]))


def wrong_key(world: World, filed: Filed) -> SignedStatement:
    stranger = World("another")
    stranger.chain_id = world.chain_id
    return stranger.sign(filed.statement, [(OFFICE, SEAL)])


def signed_as(filed: Filed, **changes: object) -> SignedStatement:
    first = filed.signed.signatures[0]
    return SignedStatement(filed.statement, (replace(first, **changes), *filed.signed.signatures[1:]))  # type: ignore[arg-type]


def with_r_s(r: int, s: int) -> Callable[[World, Filed], SignedStatement]:
    return lambda _, filed: signed_as(filed, r_s=r.to_bytes(32, "big") + s.to_bytes(32, "big"))


def other_contract(world: World, filed: Filed) -> SignedStatement:
    return world.sign(filed.statement, [(OFFICE, SEAL)], BATCH)


def in_future(world: World, filed: Filed) -> SignedStatement:
    late = (START + 100) * 1000 + FUTURE_TOLERANCE_MS + 1
    return world.sign(replace(filed.statement, occurred=late), [(OFFICE, SEAL)])


def of_stranger(world: World, filed: Filed) -> SignedStatement:
    return world.sign(filed.statement, [(NOTARY, 0x41)])


def two_for_one(world: World, filed: Filed) -> SignedStatement:
    return world.sign(filed.statement, [(OFFICE, SEAL), (NOTARY, 0x41)])


def unknown_table(world: World, filed: Filed) -> SignedStatement:
    return world.sign(replace(filed.statement, previous=b"\x07" * 32), [(OFFICE, SEAL)])


def unknown_kind(world: World, filed: Filed) -> SignedStatement:
    return world.sign(replace(filed.statement, kind=filed.statement.kind + 90), [(OFFICE, SEAL)])


def unknown_domain(world: World, filed: Filed) -> SignedStatement:
    return world.sign(replace(filed.statement, kind=0x2101), [(OFFICE, SEAL)])


def flagged_late(world: World, filed: Filed) -> SignedStatement:
    return world.sign(replace(filed.statement, flags=1), [(OFFICE, SEAL)])  # type: ignore[arg-type]


def step_of_unknown_case(world: World, filed: Filed) -> SignedStatement:
    return world.sign(replace(filed.statement, sequence=1), [(OFFICE, SEAL)])


REFUSED: dict[str, tuple[Callable[[World, Filed], SignedStatement], str]] = {
    "signed with a key that is not the registered one": (wrong_key, "signature.invalid"),
    "r is zero": (with_r_s(0, 5), "signature.invalid"),
    "s is zero": (with_r_s(5, 0), "signature.invalid"),
    "r is not below n": (with_r_s(N, 5), "signature.invalid"),
    "s is not below n": (with_r_s(5, N), "signature.invalid"),
    "r + s is n": (with_r_s(5, N - 5), "signature.invalid"),
    "signature for another contract": (other_contract, "signature.invalid"),
    "key index that is not registered": (lambda _, filed: signed_as(filed, key_index=1), "key.unknown"),
    "signer that is nobody": (lambda _, filed: signed_as(filed, signer=0x8000_0F00), "signature.not_institution"),
    "another role": (lambda _, filed: signed_as(filed, role=0x80), "signature.role"),
    "a stranger signs": (of_stranger, "signature.role"),
    "one signature too many": (two_for_one, "signature.count"),
    "occurred too far ahead": (in_future, "statement.future"),
    "unknown procedure table": (unknown_table, "procedure.unknown"),
    "unknown kind": (unknown_kind, "statement.kind"),
    "a domain without a registry": (unknown_domain, "trust.contract_unknown"),
    "flagged late": (flagged_late, "procedure.late"),
    "a later step of a case that does not exist": (step_of_unknown_case, "case.not_found"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_statement_is_refused_and_leaves_no_trace_when(name: str, house: House, world: World) -> None:
    corrupt, code = REFUSED[name]
    filed = world.deposit()
    with pytest.raises(TiezhengError) as caught:
        house.accept(replace(filed, signed=corrupt(world, filed)), content=False)
    assert caught.value.code == code
    with house.store.read() as tables:
        assert tables.statements.backlog() == 0
        assert tables.cases.get(filed.statement.case) is None
    assert house.accept(filed).new, "the good one still passes"


def test_an_unknown_institution_is_refused(house: House, world: World) -> None:
    world.enrol(replace(world.members[OFFICE, 0], number=150, institution=150, key=world.key(150)))
    filed = world.deposit()
    statement = replace(filed.statement, institution=150, case=(150).to_bytes(4, "big") + filed.statement.case[4:])
    with pytest.raises(TiezhengError) as caught:
        house.accept(replace(filed, signed=world.sign(statement, [(150, SEAL)])), content=False)
    assert caught.value.code == "key.unknown"


@pytest.mark.parametrize("until", [START + 99, START + 100])
def test_a_key_that_has_ended_is_refused(until: int, house: House, world: World) -> None:
    filed = world.deposit()
    with house.store.write() as tables:
        tables.members.end_key(OFFICE, 0, until, 1)
    with pytest.raises(TiezhengError) as caught:
        house.accept(filed)
    assert caught.value.code == "key.not_valid_then"


def test_an_institution_of_another_role_may_not_record(house: House, world: World) -> None:
    filed = world.deposit()
    statement = replace(filed.statement, institution=201, case=(201).to_bytes(4, "big") + filed.statement.case[4:])
    with pytest.raises(TiezhengError) as caught:
        house.accept(replace(filed, signed=world.sign(statement, [(201, SEAL)])), content=False)
    assert caught.value.code == "signature.institution_role"


def test_of_two_signatures_none_can_be_dropped_reordered_repeated_or_swapped_in_role(
    house: House, world: World
) -> None:
    matter = world.matter()
    for filed in matter[:-1]:
        house.accept(filed)
    last = matter[-1]
    office, notary = last.signed.signatures
    statement = last.statement.to_bytes()
    private = None
    for signatures, code in (
        ((office,), "signature.count"),
        ((notary,), "signature.count"),
        ((notary, office), "signature.order"),
        ((office, office), "signature.order"),
        ((replace(office, role=0x41), replace(notary, role=0x00)), "signature.not_practitioner"),
        ((replace(office, r_s=notary.r_s), replace(notary, r_s=office.r_s)), "signature.invalid"),
    ):
        with pytest.raises(TiezhengError) as caught:
            house.submit.submit(statement, b"".join(one.to_bytes() for one in signatures), private)
        assert caught.value.code == code
    assert house.accept(last).new


def test_content_of_another_root_schema_or_plan_is_refused(house: House, world: World) -> None:
    filed, other = world.deposit(), world.deposit()
    with pytest.raises(TiezhengError) as caught:
        house.accept(replace(filed, content=other.content))
    assert caught.value.code == "content.root_mismatch"
    matter = world.matter()
    wrong = world.sign(replace(filed.statement, content=matter[0].content.root), [(OFFICE, SEAL)])
    with pytest.raises(TiezhengError) as caught:
        house.accept(replace(filed, signed=wrong, content=matter[0].content))
    assert caught.value.code == "content.schema"
    procedure = procedure_of(1)
    lied = world.file(procedure.by_step[1], procedure, {"title": "t", "given_by": "party"}, [(NOTARY, 0x41)])
    sealed = world.sign(lied.statement, [(OFFICE, SEAL)])
    with pytest.raises(TiezhengError) as caught:
        house.accept(replace(lied, signed=sealed))
    assert caught.value.code == "content.signers_mismatch"


def test_an_attachment_has_to_be_uploaded_or_said_to_be_kept_elsewhere(house: House, world: World) -> None:
    filed = world.deposit()
    with pytest.raises(TiezhengError) as caught:
        house.accept(filed, not_held=())
    assert caught.value.code == "file.not_uploaded"
    with pytest.raises(Malformed):
        house.accept(filed, not_held=(b"\x01" * 32,))
    assert house.accept(filed).new
    with house.store.read() as tables:
        assert tables.statements.not_held(filed.statement.digest) == (filed.content.attachments[0].digests.sm3,)


def test_bytes_that_are_no_statement_are_malformed(house: House, world: World) -> None:
    filed = world.deposit()
    whole, signatures = filed.statement.to_bytes(), filed.signed.signatures_bytes
    for statement, joined in (
        (whole[:-1], signatures),
        (whole + b"\0", signatures),
        (b"\x02" + whole[1:], signatures),
        (whole, signatures[:-1]),
        (whole, b""),
        (whole, signatures * 9),
    ):
        with pytest.raises(Malformed):
            house.submit.submit(statement, joined)


def test_a_full_backlog_is_told_with_a_time_to_come_back(
    house: House, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.services.judge_group.BACKLOG_MAX", 1)
    assert house.accept(world.deposit()).new
    with pytest.raises(TiezhengError) as caught:
        house.accept(world.deposit())
    assert caught.value.code == "chain.backlog"
    assert caught.value.to_problem()["retry_after_seconds"] == 60


def test_a_closed_service_takes_nothing_and_says_so(house: House, world: World) -> None:
    house.submit.close()
    with pytest.raises(TiezhengError) as caught:
        house.accept(world.deposit())
    assert caught.value.code == "service.unavailable"
