"""SM3 and SHA-256 over bytes, streams and files.

Guaranteed: SM3 as in GB/T 32905 (GM/T 0004), from OpenSSL where the interpreter offers it, else from `cryptography`,
else, slowly, from gmssl; constant memory for streams of any size. Not guaranteed: that a file does not change while it
is read.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from tiezheng.errors import Malformed, NotFound, Unavailable

DIGEST_SIZE: Final = 32
CHUNK_SIZE: Final = 1 << 20


class Hash(Protocol):
    """A running hash in the style of `hashlib`."""

    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class Reader(Protocol):
    """A binary stream."""

    def read(self, size: int, /) -> bytes: ...


class _CryptographySm3:
    """`cryptography`'s SM3 behind the `Hash` protocol."""

    __slots__ = ("_context",)

    def __init__(self) -> None:
        from cryptography.hazmat.primitives import hashes

        self._context = hashes.Hash(hashes.SM3())

    def update(self, data: bytes, /) -> None:
        self._context.update(data)

    def digest(self) -> bytes:
        return self._context.copy().finalize()


class _GmsslSm3:
    """gmssl's SM3, which cannot run incrementally: the whole input is kept until `digest`."""

    __slots__ = ("_data",)

    def __init__(self) -> None:
        self._data = bytearray()

    def update(self, data: bytes, /) -> None:
        self._data += data

    def digest(self) -> bytes:
        from gmssl import sm3 as gmssl_sm3

        return bytes.fromhex(gmssl_sm3.sm3_hash(list(self._data)))


def _hashlib_sm3() -> Hash:
    return hashlib.new("sm3")


def _choose() -> Callable[[], Hash] | None:
    for candidate in (_hashlib_sm3, _CryptographySm3, _GmsslSm3):
        try:
            context = candidate()
            context.update(b"abc")
            context.digest()
        except Exception:  # noqa: BLE001, S112  each library reports absence in its own way; the next one is tried
            continue
        return candidate
    return None


_factory: Final = _choose()


def new_sm3() -> Hash:
    """A running SM3. Raises Unavailable `digest.unavailable` where no implementation is installed."""
    if _factory is None:
        raise Unavailable("digest.unavailable")
    return _factory()


# OpenSSL's context is copied in less time than it is found by name, which a million small leaves notice.
_fresh: Final[Callable[[], Hash]] = hashlib.new("sm3").copy if _factory is _hashlib_sm3 else new_sm3


def sm3(*parts: bytes) -> bytes:
    """SM3 of the parts joined: 32 bytes (GB/T 32905)."""
    context = _fresh()
    context.update(parts[0] if len(parts) == 1 else b"".join(parts))
    return context.digest()


def sha256(*parts: bytes) -> bytes:
    """SHA-256 of the parts joined: 32 bytes (FIPS 180-4)."""
    return hashlib.sha256(b"".join(parts)).digest()


@dataclass(frozen=True, slots=True)
class FileDigests:
    """Size in bytes and both digests of one file."""

    size: int
    sm3: bytes
    sha256: bytes

    def __post_init__(self) -> None:
        if self.size < 0:
            raise Malformed("file.digest_mismatch", expected="size of 0 or more", got=self.size)
        for digest in (self.sm3, self.sha256):
            if len(digest) != DIGEST_SIZE:
                raise Malformed("digest.length", expected=DIGEST_SIZE, got=len(digest))


def digest_stream(reader: Reader, chunk: int = CHUNK_SIZE) -> FileDigests:
    """Read to the end, `chunk` bytes at a time, and give size and digests."""
    first, second, size = new_sm3(), hashlib.sha256(), 0
    while block := reader.read(chunk):
        first.update(block)
        second.update(block)
        size += len(block)
    return FileDigests(size, first.digest(), second.digest())


def digest_file(path: Path | str) -> FileDigests:
    """Digests of a file. Raises NotFound `file.not_found`, Malformed `file.unreadable`."""
    try:
        with Path(path).open("rb") as reader:
            return digest_stream(reader)
    except FileNotFoundError as error:
        raise NotFound("file.not_found", got=Path(path).name) from error
    except OSError as error:
        raise Malformed("file.unreadable", got=Path(path).name) from error
