"""From acceptance to a final bundle: proofs, cosignatures, disclosure, lookup, cases."""

import pytest
from sqlalchemy import select, update

from ledger.domain.chain_records import BatchRow, BlockRef
from ledger.domain.life import Status
from ledger.services.build_bundle import Wish
from ledger.services.list_cases import list_cases, read_content, read_timeline
from ledger.services.look_up import find_own_statement, look_up, read_receipt
from ledger.services.receive_cosignature import receive_cosignature
from ledger.storage.database import writing
from ledger.storage.tables import slot_proofs
from tests.integration.ledger.house import House
from tests.support.world import COURT, FILE, OFFICE, OPERATOR, PROCURATORATE, REGULATOR, World, digests_of
from tests.unit.tiezheng.evm.trie_builder import keccak_of
from tiezheng.batch import build_batch
from tiezheng.bundle import parse_bundle
from tiezheng.content import parse_private_json
from tiezheng.errors import IntegrityFault, TiezhengError
from tiezheng.signature import Signature, Tag, sign, signed_message
from tiezheng.verify import LabelledFile, Result, verify, witness_digest

FINAL = (REGULATOR, COURT)


def test_a_deposit_becomes_final_and_its_bundle_is_valid_for_its_file(house: House, world: World) -> None:
    filed = world.deposit()
    house.accept(filed)
    house.anchor(filed)
    header = house.prove()
    digest = filed.statement.digest
    with pytest.raises(TiezhengError) as caught:
        house.bundles.build(digest, OFFICE, Wish())
    assert (caught.value.code, caught.value.http_status) == ("bundle.not_final", 409)
    house.cosign(header, FINAL)
    assert find_own_statement(house.store, digest, OFFICE).status is Status.FINAL
    built = house.bundles.build(digest, OFFICE, Wish(names=True))
    assert built.verdict.result is Result.VALID
    file = LabelledFile("work.txt", digests_of(FILE))
    assert verify(parse_bundle(built.data), house.trust, house.clock.now, [file]).result is Result.VALID


def test_a_statement_moves_from_accepted_to_final_and_a_pending_bundle_can_be_had_on_the_way(
    house: House, world: World
) -> None:
    filed = world.deposit()
    house.accept(filed)
    digest = filed.statement.digest
    for step in (lambda: None, lambda: house.anchor(filed), lambda: house.prove()):
        step()
        built = house.bundles.build(digest, OFFICE, Wish(pending=True))
        assert built.verdict.result is Result.INCONCLUSIVE
        assert not built.verdict.failed
    assert find_own_statement(house.store, digest, OFFICE).status is Status.ANCHORED


def test_one_bundle_holds_a_whole_matter_with_names_only_if_asked(house: House, world: World) -> None:
    matter = world.matter()
    for filed in matter:
        house.accept(filed)
    house.anchor(*matter)
    house.cosign(house.prove(), FINAL)
    digest = matter[2].statement.digest
    named = house.bundles.build(digest, OFFICE, Wish(names=True, whole_case=True))
    silent = house.bundles.build(digest, OFFICE, Wish(whole_case=True))
    for built in (named, silent):
        assert built.verdict.result is Result.VALID
        assert len(parse_bundle(built.data).statements) == len(matter)
    assert "公证员".encode() in named.data
    assert "公证员".encode() not in silent.data
    alone = parse_bundle(house.bundles.build(digest, OFFICE, Wish()).data)
    assert [item.signed.digest for item in alone.statements] == [digest]


def test_personal_fields_are_withheld_unless_names_are_asked_for(house: House, world: World) -> None:
    filed = world.deposit()
    house.accept(filed)
    house.anchor(filed)
    house.cosign(house.prove(), FINAL)
    with_names = house.bundles.build(filed.statement.digest, OFFICE, Wish(names=True))
    without = house.bundles.build(filed.statement.digest, OFFICE, Wish())
    assert b'"owner"' in with_names.data
    assert b'"owner"' not in without.data
    assert without.verdict.result is Result.VALID


def test_a_batched_statement_gets_its_path_and_one_record_of_its_set(house: House, world: World) -> None:
    bulk = [world.bulk(lots=1, index=0) for _ in range(5)]
    for filed in bulk:
        house.accept(filed)
    world.storage[b"\x33" * 20].clear()
    header, _ = build_batch(OPERATOR, None, [one.signed for one in bulk])
    world.record_batch(header)
    row = BatchRow(0, header.to_bytes(), world.seal(header).to_bytes(), header.digest, 0, 5, house.clock.now)
    with house.store.write() as tables:
        tables.batches.add(row, [one.statement.digest for one in bulk])
        assert tables.batches.mark_anchored(0, BlockRef(100, b"\x01" * 32, 1_795_000_100)) == 5
        assert tables.batches.mark_anchored(0, BlockRef(100, b"\x01" * 32, 1_795_000_100)) == 0
    house.cosign(house.prove(), FINAL)
    target = bulk[3].statement.digest
    built = house.bundles.build(target, OFFICE, Wish(record=1))
    assert built.verdict.result is Result.VALID
    assert "作品1".encode() in built.data
    assert "作品2".encode() not in built.data
    with pytest.raises(TiezhengError) as caught:
        house.bundles.build(target, OFFICE, Wish(record=3))
    assert caught.value.code == "content.leaf_place"


def test_a_stranger_gets_neither_bundle_nor_case_nor_content(house: House, world: World) -> None:
    filed = world.deposit()
    house.accept(filed)
    for request in (
        lambda: house.bundles.build(filed.statement.digest, COURT, Wish(pending=True)),
        lambda: read_timeline(house.store, house.trust, filed.statement.case, COURT),
        lambda: read_content(house.store, house.vault, filed.statement.digest, COURT),
    ):
        with pytest.raises(TiezhengError) as caught:
            request()
        assert caught.value.code == "case.not_participant"
    assert list_cases(house.store, COURT) == []


def test_an_institution_named_in_a_case_sees_it(house: House, world: World) -> None:
    filed = world.deposit(counterparty=COURT)
    house.accept(filed)
    assert [one.case for one in list_cases(house.store, COURT)] == [filed.statement.case]
    assert read_timeline(house.store, house.trust, filed.statement.case, COURT).case.after.participants == (
        OFFICE,
        COURT,
    )
    private = read_content(house.store, house.vault, filed.statement.digest, COURT)
    assert parse_private_json(private).root == filed.statement.content


def test_lookup_by_file_tells_what_is_public_and_no_more(house: House, world: World) -> None:
    filed = world.deposit()
    house.accept(filed)
    house.anchor(filed)
    (found,) = look_up(house.store, digests_of(FILE).sm3)
    assert (found.digest, found.institution, found.status) == (filed.statement.digest, OFFICE, Status.ANCHORED)
    assert look_up(house.store, b"\x01" * 32) == []
    assert look_up(house.store, bytes(32)) == [], "zero is no subject"
    with pytest.raises(TiezhengError):
        look_up(house.store, b"\x01")
    with pytest.raises(TiezhengError):
        read_receipt(house.store, b"\x01" * 32)


def test_a_proof_that_was_altered_in_the_database_never_leaves_the_house(house: House, world: World) -> None:
    filed = world.deposit()
    house.accept(filed)
    house.anchor(filed)
    house.cosign(house.prove(), FINAL)
    with writing(house.store.engine) as connection:
        nodes = bytearray(connection.scalar(select(slot_proofs.c.nodes).order_by(slot_proofs.c.slot).limit(1)) or b"")
        nodes[-1] ^= 1
        connection.execute(update(slot_proofs).values(nodes=bytes(nodes)))
    with pytest.raises(IntegrityFault):
        house.bundles.build(filed.statement.digest, OFFICE, Wish())


def test_cosignatures_of_others_for_others_or_unsigned_are_refused(house: House, world: World) -> None:
    filed = world.deposit()
    house.accept(filed)
    house.anchor(filed)
    header = house.prove()
    block, height = keccak_of(header), world.height
    (good,) = world.cosign(header, (COURT,))
    raw = good.signature.to_bytes()

    def post(height: int, block: bytes, seen: int, signature: bytes) -> str:
        try:
            return str(receive_cosignature(house.store, house.clock, house.trust, height, block, seen, signature))
        except TiezhengError as error:
            return error.code

    assert post(height, block, good.seen + 1, raw) == "signature.invalid"
    assert post(height + 4, block, good.seen, raw) == "signature.invalid"
    assert post(height, block, good.seen, raw[:6] + bytes(64)) == "signature.invalid"
    assert post(height, block, good.seen, OFFICE.to_bytes(4, "big") + raw[4:]) == "cosignature.not_witness"
    assert post(height, block, good.seen, raw[:5] + b"\x01" + raw[6:]) == "cosignature.not_witness"
    assert post(height, block, good.seen, raw[:-1]) == "signature.length"
    assert post(height, block, good.seen, raw) == "True"
    assert post(height, block, good.seen, raw) == "False", "again is no change"
    assert find_own_statement(house.store, filed.statement.digest, OFFICE).status is Status.ANCHORED, (
        "one of two is not enough"
    )


def test_a_witness_that_signs_another_block_leaves_evidence_of_a_fork(house: House, world: World) -> None:
    header = house.prove()
    seen, other = house.clock.now, b"\x0f" * 32
    digest = witness_digest(world.ledger.genesis, world.height, other, seen)
    message = signed_message(Tag.WITNESS, 0, 1, PROCURATORATE, house.trust.institutions.id, digest)
    forked = Signature(PROCURATORATE, 0, 0, sign(world.key(f"witness {PROCURATORATE}"), message)).to_bytes()
    with pytest.raises(TiezhengError) as caught:
        receive_cosignature(house.store, house.clock, house.trust, world.height, other, seen, forked)
    assert caught.value.code == "cosignature.fork"
    with house.store.read() as tables:
        (evidence,) = tables.proofs.forks()
        assert (evidence.signer, evidence.block_hash, evidence.own_hash) == (PROCURATORATE, other, keccak_of(header))
        assert tables.proofs.cosignatures(world.height) == []
