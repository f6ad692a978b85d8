"""The relayer's key signs deterministically and never shows."""

from pathlib import Path

import pytest

from anchors.chains.relayer import Relayer, create_relayer, read_relayer
from tiezheng.errors import Malformed, NotFound
from tiezheng.evm.keccak import keccak256

KEY = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")


def test_the_address_is_the_known_one_and_the_hash_is_that_of_the_bytes() -> None:
    relayer = Relayer(KEY)
    assert relayer.address.hex() == "f39fd6e51aad88f6f4ce6ab8827279cfffb92266"
    signed = relayer.sign(chain_id=7, nonce=3, to=bytes(20), data=b"abc", gas=50_000)
    assert signed.hash == keccak256(signed.raw)
    assert signed == relayer.sign(chain_id=7, nonce=3, to=bytes(20), data=b"abc", gas=50_000)
    assert signed != relayer.sign(chain_id=8, nonce=3, to=bytes(20), data=b"abc", gas=50_000)


def test_the_key_does_not_show() -> None:
    assert KEY.hex() not in repr(Relayer(KEY))
    with pytest.raises(Malformed) as caught:
        Relayer(b"\xff" * 32)
    assert "ff" * 8 not in str(caught.value)


def test_a_key_file_is_for_its_owner_alone_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "relayer.key"
    made = create_relayer(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_relayer(path).address == made.address
    with pytest.raises(FileExistsError):
        create_relayer(path)
    path.write_text("not a key")
    with pytest.raises(Malformed):
        read_relayer(path)
    with pytest.raises(NotFound):
        read_relayer(tmp_path / "absent")
