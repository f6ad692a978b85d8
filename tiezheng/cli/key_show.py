"""`tiezheng key show`: the public part of a key file."""

from pathlib import Path
from typing import Annotated

import typer

from tiezheng.cli.files import read_small
from tiezheng.cli.language import is_json
from tiezheng.cli.output import AsJson, console, emit, show
from tiezheng.cli.password import PasswordFd, PasswordFile, read_password
from tiezheng.digest import sm3
from tiezheng.errors import Malformed
from tiezheng.signature import PrivateKey, PublicKey, z_value
from tiezheng.signature.keyfile import MAX_FILE_BYTES, decode_private, decode_public, encode_public


def load_private(file: Path, descriptor: int | None, password_file: Path | None) -> PrivateKey:
    """The key of a file; a password is asked for only where the file needs one. Raises `key.*`, `file.*`."""
    data = read_small(file, MAX_FILE_BYTES)
    try:
        return decode_private(data)
    except Malformed as error:
        if error.code != "key.password_required":
            raise
    return decode_private(data, read_password(descriptor, password_file))


def load_public(file: Path) -> PublicKey:
    """The public key of a file, also of an unencrypted private one. Raises `key.*`, `file.*`."""
    data = read_small(file, MAX_FILE_BYTES)
    if b"PRIVATE KEY" in data:
        return decode_private(data).public
    return decode_public(data)


def describe(public: PublicKey) -> dict[str, str]:
    """Members for programs: coordinates, Z (SM3 with the default identity) and fingerprint (SM3 of x ‖ y), in hex."""
    point = public.to_bytes()
    return {
        "x": point[:32].hex(),
        "y": point[32:].hex(),
        "z": z_value(public).hex(),
        "fingerprint": sm3(point).hex(),
        "pem": encode_public(public).decode("ascii"),
    }


def key_show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="私钥或公钥文件 / private or public key file")],
    password_fd: PasswordFd = None,
    password_file: PasswordFile = None,
    _json: AsJson = False,
) -> None:
    """显示公钥和指纹 / show the public key and its fingerprint"""
    data = read_small(file, MAX_FILE_BYTES)
    public = load_private(file, password_fd, password_file).public if b"PRIVATE KEY" in data else decode_public(data)
    facts = describe(public)
    labels = (("x", "x", "x"), ("y", "y", "y"), ("z", "Z", "Z"), ("fingerprint", "指纹 (SM3)", "fingerprint (SM3)"))
    show([(zh, en, facts[name]) for name, zh, en in labels])
    if not is_json():
        console().print(facts["pem"], markup=False, end="")
    emit(facts)
