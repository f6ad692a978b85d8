"""Profiles: which service, which token, which institution, which keys.

A profile is a JSON file: `{"service","token_file","institution","signers":{"<number>":{"key","key_index",
"password_file"?}},"trust"?}`; its paths are relative to its own folder. Guaranteed: a missing or odd member is named.
Not guaranteed: that the service behind the address is the right one; a bundle's verification does not depend on it.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tiezheng.canonical import loads_loose
from tiezheng.cli.files import read_small
from tiezheng.cli.password import read_password
from tiezheng.errors import Malformed, Refused
from tiezheng.signature import PrivateKey
from tiezheng.signature.keyfile import MAX_FILE_BYTES, decode_private

VARIABLE: Final = "TIEZHENG_PROFILE"
MAX_BYTES: Final = 1 << 20
_MEMBERS: Final = {"service", "token_file", "institution", "signers", "trust"}

ProfileFile = Annotated[
    Path | None,
    typer.Option("--profile", metavar="FILE", envvar=VARIABLE, help="配置文件 / profile file", show_default=False),
]


@dataclass(frozen=True, slots=True)
class SignerEntry:
    """One key of a profile."""

    number: int
    key: Path
    key_index: int
    password_file: Path | None

    def load(self) -> PrivateKey:
        """The private key; a password is asked for only where none is named. Raises `key.*`, `file.*`."""
        data = read_small(self.key, MAX_FILE_BYTES)
        try:
            return decode_private(data)
        except Malformed as error:
            if error.code != "key.password_required":
                raise
        return decode_private(data, read_password(file=self.password_file))


@dataclass(frozen=True, slots=True)
class Profile:
    """The whole profile; `token` is the text of the API token, or None."""

    service: str
    token: str | None
    institution: int
    signers: Mapping[int, SignerEntry]
    trust: Path | None


def load_profile(path: Path | None) -> Profile:
    """Raises Refused `config.missing`, Malformed `config.value`, `file.*`."""
    if path is None:
        raise Refused("config.missing", expected=f"--profile FILE, {VARIABLE}")
    try:
        value = loads_loose(read_small(path, MAX_BYTES))
    except ValueError as error:
        raise Malformed("config.value", got=str(path), detail="JSON") from error
    if not isinstance(value, dict) or not set(value) <= _MEMBERS:
        raise Malformed("config.value", expected=", ".join(sorted(_MEMBERS)), got=str(path))
    folder = path.parent
    token_file, trust = (_optional(value, name, str) for name in ("token_file", "trust"))
    signers = _member(value, "signers", dict)
    return Profile(
        service=_member(value, "service", str).rstrip("/"),
        token=None if token_file is None else read_small(folder / token_file, MAX_BYTES).decode("ascii").strip(),
        institution=_member(value, "institution", int),
        signers={parse_number(text): _signer(parse_number(text), entry, folder) for text, entry in signers.items()},
        trust=None if trust is None else folder / trust,
    )


def _member(value: Mapping[str, Any], name: str, kind: type) -> Any:
    if not isinstance(value.get(name), kind):
        raise Malformed("config.value", expected=kind.__name__, detail=name)
    return value[name]


def _optional(value: Mapping[str, Any], name: str, kind: type) -> Any:
    return None if value.get(name) is None else _member(value, name, kind)


def _signer(number: int, entry: Any, folder: Path) -> SignerEntry:
    if not isinstance(entry, dict):
        raise Malformed("config.value", detail=f"signers.{number}")
    password = _optional(entry, "password_file", str)
    index = _optional(entry, "key_index", int) or 0
    if not 0 <= index <= 255:
        raise Malformed("config.value", expected="0 to 255", got=index, detail="key_index")
    return SignerEntry(
        number=number,
        key=folder / _member(entry, "key", str),
        key_index=index,
        password_file=None if password is None or os.environ.get("TIEZHENG_KEY_PASSWORD") else folder / password,
    )


def parse_number(text: str) -> int:
    """A number of an institution or practitioner, decimal or `0x…`. Raises Malformed `config.value`."""
    try:
        number = int(text, 0)
    except ValueError:
        number = 0
    if not 0 < number < 1 << 32:
        raise Malformed("config.value", expected="1 to 4294967295, or 0x…", got=text[:40], detail="number")
    return number


def parse_digest(text: str, what: str) -> bytes:
    """64 hex digits. Raises Malformed `config.value`."""
    try:
        digest = bytes.fromhex(text)
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise Malformed("config.value", expected="64 hex", got=text[:80], detail=what)
    return digest
