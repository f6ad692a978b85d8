"""`tiezheng key`: each accepting test is followed by what is refused."""

import os
from pathlib import Path

import pytest

from tests.unit.tiezheng.cli.conftest import Run
from tiezheng.signature.keyfile import read_private_key, read_public_key


@pytest.fixture
def key(run: Run, tmp_path: Path) -> Path:
    assert run("key", "new", "a.pem").code == 0
    return tmp_path / "a.pem"


def test_a_new_key_is_a_pair_of_files_that_belong_together(run: Run, key: Path) -> None:
    private = read_private_key(key, b"correct horse")
    assert read_public_key(key.with_name("a.pem.pub")) == private.public
    assert key.stat().st_mode & 0o777 == 0o600
    shown = run("key", "show", key, "--json").answer
    assert shown == run("key", "show", f"{key}.pub", "--json").answer
    assert bytes.fromhex(shown["x"] + shown["y"]) == private.public.to_bytes()


def test_an_existing_file_is_never_overwritten(run: Run, key: Path) -> None:
    before = key.read_bytes()
    assert run("key", "new", key, "--json").error == "file.exists"
    assert run("key", "new", "b.pem", "--public", f"{key}.pub", "--json").error == "file.exists"
    assert key.read_bytes() == before
    assert not (key.parent / "b.pem").exists()


def test_no_key_is_made_without_a_password(run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TIEZHENG_KEY_PASSWORD", "")
    assert run("key", "new", "c.pem", "--json").error == "key.password_empty"
    monkeypatch.delenv("TIEZHENG_KEY_PASSWORD")
    assert run("key", "new", "c.pem", "--json").error == "key.password_required"
    assert list(tmp_path.iterdir()) == []


def test_the_password_comes_from_a_file_or_a_descriptor(run: Run, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("another one\n")
    assert run("key", "new", "d.pem", "--password-file", "password").code == 0
    read_private_key(tmp_path / "d.pem", b"another one")
    descriptor = os.open(tmp_path / "password", os.O_RDONLY)
    try:
        assert run("key", "show", "d.pem", "--password-fd", descriptor).code == 0
    finally:
        os.close(descriptor)
    assert run("key", "show", "d.pem", "--json").error == "key.password"


@pytest.mark.parametrize("form", [(), ("--der",)])
def test_a_signature_over_a_file_verifies(run: Run, key: Path, tmp_path: Path, form: tuple[str, ...]) -> None:
    (tmp_path / "f").write_bytes(b"evidence" * 200_000)
    assert run("key", "sign", "f", "--key", key, *form).code == 0
    assert run("key", "verify", "f", "f.sig", "--key", f"{key}.pub").code == 0
    assert (len((tmp_path / "f.sig").read_bytes()) == 64) == (not form)


def test_a_corrupted_file_signature_or_key_does_not(run: Run, key: Path, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"evidence")
    run("key", "sign", "f", "--key", key)
    run("key", "new", "other.pem")
    assert run("key", "verify", "f", "f.sig", "--key", "other.pem.pub", "--json").error == "signature.invalid"
    signature = bytearray((tmp_path / "f.sig").read_bytes())
    (tmp_path / "bad.sig").write_bytes(bytes([*signature[:-1], signature[-1] ^ 1]))
    assert run("key", "verify", "f", "bad.sig", "--key", f"{key}.pub", "--json").error == "signature.invalid"
    (tmp_path / "short.sig").write_bytes(signature[:-1])
    assert run("key", "verify", "f", "short.sig", "--key", f"{key}.pub", "--json").error == "signature.der"
    assert run("key", "verify", "f", "f.sig", "--der", "--key", f"{key}.pub", "--json").error == "signature.der"
    (tmp_path / "long.sig").write_bytes(bytes(2000))
    assert run("key", "verify", "f", "long.sig", "--key", f"{key}.pub", "--json").error == "file.too_large"
    (tmp_path / "f").write_bytes(b"evidencE")
    told = run("key", "verify", "f", "f.sig", "--key", f"{key}.pub", "--json")
    assert (told.code, told.error) == (1, "signature.invalid")


def test_a_message_of_the_protocol_is_never_signed_as_a_file(run: Run, key: Path, tmp_path: Path) -> None:
    (tmp_path / "m").write_bytes(b"tiezheng/1" + bytes(71))
    told = run("key", "sign", "m", "--key", key, "--json")
    assert (told.code, told.error) == (1, "signature.plain_reserved")
    assert not (tmp_path / "m.sig").exists()


def test_a_signature_file_is_never_overwritten(run: Run, key: Path, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"evidence")
    (tmp_path / "f.sig").write_bytes(b"older")
    assert run("key", "sign", "f", "--key", key, "--json").error == "file.exists"
    assert (tmp_path / "f.sig").read_bytes() == b"older"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["a.pem", "a.pem.pub", "f", "f.sig"]


@pytest.mark.parametrize("text", [b"", b"not a key", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"])
def test_what_is_no_key_is_refused(run: Run, tmp_path: Path, text: bytes) -> None:
    (tmp_path / "k").write_bytes(text)
    assert run("key", "show", "k", "--json").error == "key.file_format"
