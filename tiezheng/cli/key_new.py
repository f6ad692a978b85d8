"""`tiezheng key new`: a fresh SM2 key pair in two new PEM files."""

from pathlib import Path
from typing import Annotated

import typer

from tiezheng.cli.key_show import describe
from tiezheng.cli.output import AsJson, emit, say, show
from tiezheng.cli.password import PasswordFd, PasswordFile, new_password
from tiezheng.errors import Conflict, TiezhengError
from tiezheng.signature import generate
from tiezheng.signature.keyfile import write_private_key, write_public_key


def key_new(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="新的私钥文件 (PEM) / the new private key file")],
    public: Annotated[
        Path | None, typer.Option("--public", metavar="FILE", help="公钥文件，默认 FILE.pub / the public key file")
    ] = None,
    password_fd: PasswordFd = None,
    password_file: PasswordFile = None,
    _json: AsJson = False,
) -> None:
    """生成 SM2 密钥（加密 PKCS#8，OpenSSL 可读） / make an SM2 key that OpenSSL can read, encrypted"""
    public = public or file.with_name(file.name + ".pub")
    for path in (file, public):
        if path.exists():
            raise Conflict("file.exists", got=str(path))
    password = new_password(password_fd, password_file)
    key = generate()
    write_private_key(file, key, password)
    try:
        write_public_key(public, key.public)
    except TiezhengError:
        file.unlink()
        raise
    facts = describe(key.public)
    say("密钥已生成。请把私钥文件和口令分开妥善保管。", "The key was made. Keep it and its password apart.", "green")
    show(
        [
            ("私钥文件", "private key", file),
            ("公钥文件", "public key", public),
            ("指纹 (SM3)", "fingerprint (SM3)", facts["fingerprint"]),
        ]
    )
    emit({"private": str(file), "public": str(public), **facts})
