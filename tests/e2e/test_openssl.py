"""Plain SM2 signatures between this command line and OpenSSL's, both ways."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PASSWORD = "correct horse"
IDENTITY = "distid:1234567812345678"


def _has_sm2() -> bool:
    program = shutil.which("openssl")
    if program is None:
        return False
    listed = subprocess.run([program, "ecparam", "-list_curves"], capture_output=True, text=True, check=False)
    return "SM2" in listed.stdout


pytestmark = pytest.mark.skipif(not _has_sm2(), reason="no openssl with SM2 on this machine")


def openssl(*arguments: object) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=False)


def tiezheng(*arguments: object) -> int:
    command = [sys.executable, "-m", "tiezheng.cli.main", *map(str, arguments)]
    environment = {**os.environ, "TIEZHENG_KEY_PASSWORD": PASSWORD}
    return subprocess.run(command, env=environment, capture_output=True, check=False).returncode


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "evidence.bin"
    path.write_bytes(bytes(range(256)) * 5000)
    return path


def test_openssl_verifies_what_this_command_line_signed(tmp_path: Path, file: Path) -> None:
    key, signature = tmp_path / "a.pem", tmp_path / "a.sig"
    assert tiezheng("key", "new", key) == 0
    assert tiezheng("key", "sign", file, "--key", key, "--der", "--out", signature) == 0
    check = ("pkeyutl", "-verify", "-pubin", "-inkey", f"{key}.pub", "-rawin", "-digest", "sm3", "-pkeyopt", IDENTITY)
    assert openssl(*check, "-in", file, "-sigfile", signature).returncode == 0
    file.write_bytes(file.read_bytes()[:-1])
    assert openssl(*check, "-in", file, "-sigfile", signature).returncode != 0


def test_this_command_line_verifies_what_openssl_signed(tmp_path: Path, file: Path) -> None:
    key, public, signature = tmp_path / "b.pem", tmp_path / "b.pub", tmp_path / "b.sig"
    assert openssl("genpkey", "-algorithm", "SM2", "-out", key).returncode == 0
    assert openssl("pkey", "-in", key, "-pubout", "-out", public).returncode == 0
    sign = ("pkeyutl", "-sign", "-inkey", key, "-rawin", "-digest", "sm3", "-pkeyopt", IDENTITY)
    assert openssl(*sign, "-in", file, "-out", signature).returncode == 0
    assert tiezheng("key", "verify", file, signature, "--key", public) == 0
    file.write_bytes(file.read_bytes()[:-1])
    assert tiezheng("key", "verify", file, signature, "--key", public) == 1


def test_openssl_reads_the_key_file_and_this_command_line_reads_openssls(tmp_path: Path, file: Path) -> None:
    key, again, signature = tmp_path / "c.pem", tmp_path / "again.pem", tmp_path / "c.sig"
    assert tiezheng("key", "new", key) == 0
    read = ("pkey", "-in", key, "-passin", f"pass:{PASSWORD}")
    assert openssl(*read, "-aes256", "-passout", f"pass:{PASSWORD}", "-out", again).returncode == 0
    assert openssl("pkey", "-in", key, "-passin", "pass:wrong").returncode != 0
    assert tiezheng("key", "sign", file, "--key", again, "--out", signature) == 0
    assert tiezheng("key", "verify", file, signature, "--key", f"{key}.pub") == 0
