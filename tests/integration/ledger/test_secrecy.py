"""Keys at rest, tokens and cards; and that the disk shows neither names nor contents."""

import io
import os
from pathlib import Path

import pytest
from sqlalchemy import select, update

from ledger.domain.limits import DAY_MS, TOKEN_LIFE_MAX_MS
from ledger.domain.records import Scope
from ledger.services.list_cases import read_content
from ledger.services.manage_signers import put_card, read_signer
from ledger.services.manage_tokens import authenticate, credential_of, issue_token, list_tokens, revoke_token
from ledger.storage.database import writing
from ledger.storage.keyring import Keyring, create_master_key, load_master_key, open_value, seal_value
from ledger.storage.tables import wrapped_keys
from tests.integration.ledger.house import MASTER_KEY, House
from tests.support.world import COURT, FILE, NOTARY, OFFICE, World
from tiezheng.content import to_private_json
from tiezheng.errors import IntegrityFault, Malformed, NotFound, TiezhengError
from tiezheng.statement import new_case_id

CASE = new_case_id(OFFICE, bytes(28))
HOLDER = "档案系统一号"


def everything_on_disk(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


def test_neither_names_nor_contents_nor_files_nor_tokens_stand_on_the_disk_in_the_clear(
    sqlite_house: House, world: World, tmp_path: Path
) -> None:
    house = sqlite_house
    filed = world.deposit()
    house.receive.receive(filed.statement.case, OFFICE, "text/plain", io.BytesIO(FILE))
    house.accept(filed)
    matter = world.matter()
    for one in matter[:-1]:
        house.accept(one)
    plan = [(one.signer, one.role) for one in matter[-1].signed.signatures]
    house.collect.open(OFFICE, matter[-1].statement.to_bytes(), plan, to_private_json(matter[-1].content))
    token = issue_token(house.store, house.vault, house.clock, OFFICE, HOLDER, [Scope.SUBMIT], DAY_MS, NOTARY)
    disk = everything_on_disk(tmp_path)
    salts = [field.salt for field in filed.content.fields]
    secrets: list[bytes] = [
        FILE[:18], "作品一".encode(), "甲".encode(), b"work.txt", "公证员".encode(), "示范机构".encode(), b"title",
        token.encode(), HOLDER.encode(), MASTER_KEY, *salts, *(salt.hex().encode() for salt in salts),
    ]  # fmt: skip
    for secret in secrets:
        assert secret not in disk, secret
    assert filed.statement.digest in disk, "the search does find what is public"


def test_sealed_values_open_only_with_their_case_label_and_master_key(house: House) -> None:
    sealed = house.vault.seal(CASE, b"label", b"secret")
    assert house.vault.open(CASE, b"label", sealed) == b"secret"
    assert house.vault.seal(CASE, b"label", b"secret") != sealed
    other_case = new_case_id(OFFICE, bytes([1]) * 28)
    house.vault.seal(other_case, b"label", b"")
    for case, label, value in (
        (CASE, b"other", sealed),
        (other_case, b"label", sealed),
        (CASE, b"label", sealed[:-1]),
        (CASE, b"label", sealed[:10]),
        (CASE, b"label", b""),
        (CASE, b"label", bytes([sealed[0] ^ 1]) + sealed[1:]),
        (CASE, b"label", sealed[:14] + bytes([sealed[14] ^ 1]) + sealed[15:]),
    ):
        with pytest.raises(IntegrityFault) as caught:
            house.vault.open(case, label, value)
        assert caught.value.code == "vault.corrupt"
    with pytest.raises(IntegrityFault) as caught:
        Keyring(house.store.engine, bytes(16)).open(CASE, b"label", sealed)
    assert caught.value.code == "vault.corrupt"
    assert Keyring(house.store.engine, MASTER_KEY).open(CASE, b"label", sealed) == b"secret", "after a restart"
    with pytest.raises(IntegrityFault) as caught:
        house.vault.open(new_case_id(OFFICE, bytes([2]) * 28), b"label", sealed)
    assert caught.value.code == "vault.key_missing"


def test_wrapped_keys_cannot_change_places(house: House) -> None:
    other = new_case_id(OFFICE, bytes([1]) * 28)
    sealed = house.vault.seal(CASE, b"label", b"secret")
    house.vault.seal(other, b"label", b"secret")
    with writing(house.store.engine) as connection:
        mine, yours = (wrapped_keys.c.owner == b"case:" + case for case in (CASE, other))
        theirs = connection.scalar(select(wrapped_keys.c.wrapped).where(yours))
        connection.execute(update(wrapped_keys).where(mine).values(wrapped=theirs))
    with pytest.raises(IntegrityFault):
        Keyring(house.store.engine, MASTER_KEY).open(CASE, b"label", sealed)


def test_destroying_a_case_key_erases_contents_and_files_and_keeps_the_statement(house: House, world: World) -> None:
    filed = world.deposit()
    case, digest = filed.statement.case, filed.statement.digest
    house.receive.receive(case, OFFICE, "text/plain", io.BytesIO(FILE))
    house.accept(filed)
    house.vault.destroy_case_key(case, house.clock.now)
    for read in (
        lambda: read_content(house.store, house.vault, digest, OFFICE),
        lambda: list(house.read.open(case, filed.statement.subject, OFFICE).pieces),
        lambda: house.vault.seal(case, b"label", b"new"),
    ):
        with pytest.raises(NotFound) as caught:
            read()
        assert caught.value.code == "content.erased"
    with house.store.read() as tables:
        assert tables.statements.get(digest) is not None


def test_the_master_key_file_is_private_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "master.key"
    key = create_master_key(path)
    assert load_master_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    with pytest.raises(Malformed):
        create_master_key(path)
    for damaged in ("zz", key.hex()[:-2]):
        path.write_text(damaged)
        with pytest.raises(Malformed):
            load_master_key(path)
    path.unlink()
    with pytest.raises(NotFound):
        load_master_key(path)
    with pytest.raises(Malformed):
        Keyring(None, b"short")  # type: ignore[arg-type]


def test_equal_values_look_different_each_time() -> None:
    key = os.urandom(16)
    seen = {seal_value(key, b"l", b"same") for _ in range(50)}
    assert len(seen) == 50
    assert {open_value(key, b"l", one) for one in seen} == {b"same"}


def test_a_token_tells_who_calls_until_it_ends(house: House) -> None:
    text = issue_token(house.store, house.vault, house.clock, OFFICE, HOLDER, [Scope.SUBMIT, Scope.READ], DAY_MS)
    caller = authenticate(house.store, house.clock, credential_of(text))
    assert (caller.institution, caller.number) == (OFFICE, None)
    caller.require(Scope.READ)
    with pytest.raises(TiezhengError):
        caller.require(Scope.ADMIN)
    (view,) = list_tokens(house.store, house.vault, OFFICE)
    assert view.holder == HOLDER
    assert list_tokens(house.store, house.vault, COURT) == []
    for wrong in ("", "tzt_", text[:-1], text + "x", text.upper(), "x" * 500):
        with pytest.raises(TiezhengError) as caught:
            authenticate(house.store, house.clock, credential_of(wrong))
        assert caught.value.code == "auth.invalid"
    house.clock.now += DAY_MS
    with pytest.raises(TiezhengError):
        authenticate(house.store, house.clock, credential_of(text))


def test_a_revoked_token_is_worth_nothing_and_only_its_institution_revokes(house: House) -> None:
    text = issue_token(house.store, house.vault, house.clock, OFFICE, HOLDER, [Scope.READ], DAY_MS)
    (view,) = list_tokens(house.store, house.vault, OFFICE)
    with pytest.raises(NotFound):
        revoke_token(house.store, house.clock, COURT, view.id)
    authenticate(house.store, house.clock, credential_of(text))
    revoke_token(house.store, house.clock, OFFICE, view.id)
    revoke_token(house.store, house.clock, OFFICE, view.id)
    with pytest.raises(TiezhengError):
        authenticate(house.store, house.clock, credential_of(text))


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"holder": ""}, "token.label"),
        ({"holder": "x" * 65}, "token.label"),
        ({"scopes": []}, "token.scope"),
        ({"life_ms": 1}, "token.life"),
        ({"life_ms": TOKEN_LIFE_MAX_MS + 1}, "token.life"),
        ({"institution": 0}, "statement.institution"),
        ({"number": OFFICE}, "statement.institution"),
    ],
)
def test_a_token_is_not_made_with(changes: dict[str, object], code: str, house: House) -> None:
    given = {"institution": OFFICE, "holder": HOLDER, "scopes": [Scope.READ], "life_ms": DAY_MS, **changes}
    with pytest.raises(Malformed) as caught:
        issue_token(house.store, house.vault, house.clock, **given)  # type: ignore[arg-type]
    assert caught.value.code == code


def test_a_card_is_kept_only_for_its_own_signer_and_by_its_own_institution(house: House, world: World) -> None:
    notary, office = world.members[NOTARY, 0].card, world.members[OFFICE, 0].card
    put_card(house.store, house.vault, NOTARY, OFFICE, to_private_json(notary))
    assert read_signer(house.store, NOTARY).institution == OFFICE
    for number, institution, card, code in (
        (NOTARY, COURT, notary, "auth.forbidden"),
        (NOTARY, OFFICE, office, "content.root_mismatch"),
        (0x8000_00FF, OFFICE, notary, "key.unknown"),
        (NOTARY, OFFICE, world.deposit().content, "content.root_mismatch"),
    ):
        with pytest.raises(TiezhengError) as caught:
            put_card(house.store, house.vault, number, institution, to_private_json(card))
        assert caught.value.code == code
    with pytest.raises(NotFound):
        read_signer(house.store, 999)
