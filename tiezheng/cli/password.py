"""Passwords of key files: from a file descriptor, a file, the environment, or a person at a terminal.

Guaranteed: no password is an argument of a command, where other users of the machine would see it. Not guaranteed:
that a password file has safe permissions.
"""

import getpass
import os
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from tiezheng.cli.language import pick
from tiezheng.errors import Malformed, NotFound

VARIABLE: Final = "TIEZHENG_KEY_PASSWORD"
MAX_BYTES: Final = 4096

PasswordFd = Annotated[
    int | None,
    typer.Option("--password-fd", metavar="N", help="从文件描述符读口令 / password from descriptor N"),
]
PasswordFile = Annotated[
    Path | None, typer.Option("--password-file", metavar="FILE", help="从文件读口令 / password from a file")
]


def read_password(descriptor: int | None = None, file: Path | None = None, *, ask: bool = True) -> bytes | None:
    """The password given in one of the ways, else asked for on a terminal, else None. One line end is cut off.

    Raises NotFound `file.not_found`, Malformed `file.unreadable`, `config.value`.
    """
    if descriptor is not None:
        try:
            with os.fdopen(os.dup(descriptor), "rb") as reader:
                return _line(reader.read(MAX_BYTES + 1))
        except OSError as error:
            raise Malformed("file.unreadable", got=f"descriptor {descriptor}") from error
    if file is not None:
        try:
            with file.open("rb") as reader:
                return _line(reader.read(MAX_BYTES + 1))
        except FileNotFoundError as error:
            raise NotFound("file.not_found", got=file.name) from error
        except OSError as error:
            raise Malformed("file.unreadable", got=file.name) from error
    if VARIABLE in os.environ:
        return os.environ[VARIABLE].encode()
    if ask and sys.stdin.isatty():
        return getpass.getpass(pick("口令", "Password") + ": ").encode()
    return None


def new_password(descriptor: int | None = None, file: Path | None = None) -> bytes:
    """A password for a new key; a person types it twice.

    Raises Malformed `key.password_required`, `key.password_empty`, `config.value`.
    """
    password = read_password(descriptor, file, ask=False)
    if password is None and sys.stdin.isatty():
        password = getpass.getpass(pick("新密钥的口令", "Password for the new key") + ": ").encode()
        if getpass.getpass(pick("再输入一次", "Once more") + ": ").encode() != password:
            raise Malformed("config.value", detail="两次输入的口令不同 / the two passwords differ")
    if password is None:
        raise Malformed("key.password_required", detail=f"--password-fd, --password-file, {VARIABLE}")
    if not password:
        raise Malformed("key.password_empty")
    return password


def _line(data: bytes) -> bytes:
    if len(data) > MAX_BYTES:
        raise Malformed("config.value", expected=f"at most {MAX_BYTES} bytes", detail="password")
    return data.removesuffix(b"\n").removesuffix(b"\r")
