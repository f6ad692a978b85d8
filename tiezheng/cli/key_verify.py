"""`tiezheng key verify`: check a plain SM2 signature over a file."""

from pathlib import Path
from typing import Annotated, Final

import typer

from tiezheng.cli.files import open_file, read_small
from tiezheng.cli.key_show import load_public
from tiezheng.cli.output import AsJson, emit, say
from tiezheng.errors import VerificationFailed
from tiezheng.signature import der, verify_plain

RAW_SIZE: Final = 64
MAX_SIGNATURE_BYTES: Final = 1024


def key_verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="原文件 / the file")],
    signature: Annotated[Path, typer.Argument(metavar="SIGNATURE", help="签名文件 (DER 或 64 字节) / DER or 64 bytes")],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help="公钥文件 / public key file")],
    as_der: Annotated[bool, typer.Option("--der", help="只接受 DER / accept DER only")] = False,
    _json: AsJson = False,
) -> None:
    """核验文件的普通 SM2 签名 / check a plain SM2 signature over a file"""
    public = load_public(key)
    data = read_small(signature, MAX_SIGNATURE_BYTES)
    r_s = data if len(data) == RAW_SIZE and not as_der else der.decode(data)
    with open_file(file) as reader:
        good = verify_plain(public, reader, r_s)
    if not good:
        raise VerificationFailed("signature.invalid", detail=file.name)
    say("签名有效。", "The signature is good.", "green")
    emit({"file": str(file), "valid": True})
