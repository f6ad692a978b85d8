"""`tiezheng key sign`: a plain SM2 signature with SM3 over a file, as other tools make and check it."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from tiezheng.cli.files import open_file, write_new
from tiezheng.cli.key_show import describe, load_private
from tiezheng.cli.output import AsJson, emit, say, show
from tiezheng.cli.password import PasswordFd, PasswordFile
from tiezheng.signature import der, sign_plain


def key_sign(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="要签名的文件 / the file to sign")],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="私钥文件 / private key file")],
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="签名文件，默认 FILE.sig；- 为标准输出 / - for stdout")
    ] = None,
    as_der: Annotated[bool, typer.Option("--der", help="DER 编码，OpenSSL 用 / DER, as OpenSSL wants it")] = False,
    password_fd: PasswordFd = None,
    password_file: PasswordFile = None,
    _json: AsJson = False,
) -> None:
    """对文件作普通 SM2 签名（SM3） / sign a file: plain SM2 with SM3"""
    private = load_private(key, password_fd, password_file)
    with open_file(file) as reader:
        signature = sign_plain(private, reader)
    encoded = der.encode(signature) if as_der else signature
    if out == Path("-"):
        sys.stdout.buffer.write(encoded)
        return
    target = out or file.with_name(file.name + ".sig")
    write_new(target, encoded)
    say("已签名。", "Signed.", "green")
    show([("签名文件", "signature", target), ("格式", "form", "DER" if as_der else "r‖s, 64 bytes")])
    emit({"file": str(file), "signature": signature.hex(), "written": str(target), **describe(private.public)})
