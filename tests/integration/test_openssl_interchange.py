"""Keys and plain signatures go both ways between this product and the `openssl` command."""

import os
import stat
import subprocess
from pathlib import Path

import pytest

from tiezheng.errors import Conflict, Malformed, NotFound, Refused
from tiezheng.signature import der, generate, keyfile, sign_plain, verify_plain

IDENTITY = "distid:1234567812345678"


def _run(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["openssl", *command.split()], cwd=folder, capture_output=True, text=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    try:
        made = _run(tmp_path, "genpkey -algorithm SM2 -out theirs.pem")
    except FileNotFoundError:
        pytest.skip("there is no openssl command")
    if made.returncode:
        pytest.skip("the openssl command has no SM2")
    _run(tmp_path, "pkey -in theirs.pem -pubout -out theirs.pub").check_returncode()
    (tmp_path / "file").write_bytes("证据 evidence ".encode() * 100_000)
    return tmp_path


def test_openssl_reads_our_key_files(folder: Path) -> None:
    key = generate()
    keyfile.write_private_key(folder / "ours.pem", key, b"pass")
    keyfile.write_public_key(folder / "ours.pub", key.public)
    _run(folder, "pkey -in ours.pem -passin pass:pass -check -noout").check_returncode()
    shown = _run(folder, "pkey -in ours.pem -passin pass:pass -pubout").stdout
    assert shown == (folder / "ours.pub").read_text()
    assert _run(folder, "pkey -in ours.pem -passin pass:wrong -noout").returncode != 0


def test_we_read_the_key_files_of_openssl(folder: Path) -> None:
    public = keyfile.read_public_key(folder / "theirs.pub")
    key = keyfile.read_private_key(folder / "theirs.pem")
    assert key.public == public
    for command in (
        "pkey -in theirs.pem -aes-256-cbc -passout pass:p -out other.pem",
        "pkey -in theirs.pem -aes-128-cbc -passout pass:p -out other.pem",
        "pkcs8 -topk8 -in theirs.pem -v2prf hmacWithSHA512 -passout pass:p -out other.pem",
        "pkcs8 -topk8 -in theirs.pem -v2prf hmacWithSHA1 -passout pass:p -out other.pem",
        "pkcs8 -topk8 -in theirs.pem -v2 sm4-cbc -passout pass:p -out other.pem",
        "pkcs8 -topk8 -in theirs.pem -scrypt -passout pass:p -out other.pem",
        "ec -in theirs.pem -out other.pem",
        "pkcs8 -topk8 -nocrypt -in theirs.pem -out other.pem",
    ):
        _run(folder, command).check_returncode()
        assert keyfile.read_private_key(folder / "other.pem", b"p") == key, command
    _run(folder, "ecparam -name SM2 -genkey -out other.pem").check_returncode()
    keyfile.read_private_key(folder / "other.pem")


def test_a_key_that_openssl_made_for_another_curve_is_refused(folder: Path) -> None:
    _run(folder, "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out p256.pem").check_returncode()
    _run(folder, "pkey -in p256.pem -pubout -out p256.pub").check_returncode()
    with pytest.raises(Malformed, match=r"key\.algorithm"):
        keyfile.read_private_key(folder / "p256.pem")
    with pytest.raises(Malformed, match=r"key\.algorithm"):
        keyfile.read_public_key(folder / "p256.pub")


@pytest.mark.parametrize(
    "command",
    [
        f"dgst -sm3 -verify theirs.pub -sigopt {IDENTITY} -signature signature",
        f"pkeyutl -verify -rawin -digest sm3 -pkeyopt {IDENTITY} -pubin -inkey theirs.pub -sigfile signature -in",
    ],
)
def test_openssl_verifies_our_plain_signature_and_refuses_a_changed_file(folder: Path, command: str) -> None:
    key = keyfile.read_private_key(folder / "theirs.pem")
    with (folder / "file").open("rb") as reader:
        (folder / "signature").write_bytes(der.encode(sign_plain(key, reader)))
    assert _run(folder, f"{command} file").returncode == 0
    with (folder / "file").open("ab") as writer:
        writer.write(b".")
    assert _run(folder, f"{command} file").returncode != 0


@pytest.mark.parametrize(
    "command",
    [
        f"dgst -sm3 -sign theirs.pem -sigopt {IDENTITY} -out signature file",
        f"pkeyutl -sign -rawin -digest sm3 -pkeyopt {IDENTITY} -inkey theirs.pem -out signature -in file",
    ],
)
def test_we_verify_the_plain_signature_of_openssl_and_refuse_a_changed_file(folder: Path, command: str) -> None:
    _run(folder, command).check_returncode()
    public = keyfile.read_public_key(folder / "theirs.pub")
    signature = der.decode((folder / "signature").read_bytes())
    with (folder / "file").open("rb") as reader:
        assert verify_plain(public, reader, signature)
    with (folder / "file").open("ab") as writer:
        writer.write(b".")
    with (folder / "file").open("rb") as reader:
        assert not verify_plain(public, reader, signature)


def test_a_private_key_file_is_for_its_owner_alone_and_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    earlier = os.umask(0)
    try:
        keyfile.write_private_key(path, generate(), b"p")
    finally:
        os.umask(earlier)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = path.read_bytes()
    link = tmp_path / "link.pem"
    link.symlink_to(tmp_path / "nowhere")
    for taken in (path, link):
        with pytest.raises(Conflict, match=r"file\.exists"):
            keyfile.write_private_key(taken, generate(), b"p")
    assert path.read_bytes() == before
    with pytest.raises(Refused, match=r"file\.unwritable"):
        keyfile.write_private_key(tmp_path / "none" / "key.pem", generate(), b"p")


def test_a_key_file_that_is_absent_or_huge_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"file\.not_found"):
        keyfile.read_private_key(tmp_path / "none.pem")
    (tmp_path / "huge.pem").write_bytes(b" " * (keyfile.MAX_FILE_BYTES + 1))
    with pytest.raises(Malformed, match=r"key\.file_format"):
        keyfile.read_public_key(tmp_path / "huge.pem")
