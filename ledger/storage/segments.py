"""The envelope of a file that arrived in several goes: SM4-GCM in frames of any length, in segments.

Layout: header = magic "tzenv" ‖ version u8 (2) ‖ frame size u32 ‖ plain size u64, then records. A record is word u32 ‖
[salt (16 random bytes)] ‖ ciphertext ‖ tag (16). The word's top bit says that a segment begins here, and the salt
stands only there; the other bits are the length of the plaintext, 1 to one frame size. Key of a segment =
HKDF-SM3(object key, "segment" ‖ salt); nonce = number of the frame within its segment, u96. Associated data = object
name ‖ header ‖ offset of the plaintext u64 ‖ word ‖ tag of the record before (zeros before the first).

Guaranteed: whoever goes on writing after a cut or a crash begins a segment, under a key that was never used, so no
nonce meets two plaintexts under one key whatever the disk lost or kept; each record names the one before it, so records
that are altered, left out, repeated, moved or taken from an abandoned continuation are refused, and so are cuts and
tails. Not guaranteed: hiding the size or where the cuts were.
Source: GB/T 32907-2016 (SM4), GCM as in NIST SP 800-38D, HKDF as in RFC 5869.
"""

import os
import struct
from collections.abc import Iterator
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ledger.storage.envelope import FRAME_SIZE, FRAME_SIZE_MAX, MAGIC, TAG_SIZE, Reader, open_frames, read_full
from ledger.storage.keyring import derive
from tiezheng.errors import IntegrityFault

VERSION: Final = 2
SALT_SIZE: Final = 16
FIRST_TAG: Final = bytes(TAG_SIZE)
_HEADER: Final = struct.Struct(">5sBIQ")
HEADER_SIZE: Final = _HEADER.size
_BEGINS: Final = 1 << 31
_WORD_SIZE: Final = 4


def header_of(size: int, frame_size: int = FRAME_SIZE) -> bytes:
    """The header of an object whose plaintext has `size` bytes."""
    return _HEADER.pack(MAGIC, VERSION, frame_size, size)


class SegmentSealer:
    """Seals one segment of an object, from `offset` on; `tag` is that of the record before."""

    def __init__(self, key: bytes, name: bytes, header: bytes, offset: int, tag: bytes) -> None:
        self._salt = os.urandom(SALT_SIZE)
        self._algorithm = _algorithm(key, self._salt)
        self._context = name + header
        self._offset = offset
        self._tag = tag
        self._frame_size = int(_HEADER.unpack(header)[2])
        self._counter = 0
        self._output = bytearray(self._frame_size + TAG_SIZE)

    def seal(self, frame: bytes | bytearray | memoryview) -> tuple[bytes, memoryview]:
        """A record as its head and the rest; the view holds until the next call."""
        if not 1 <= len(frame) <= self._frame_size:
            raise ValueError("a frame has 1 byte to one frame size")
        begins = not self._counter
        word = (len(frame) | (_BEGINS if begins else 0)).to_bytes(_WORD_SIZE, "big")
        encryptor = Cipher(self._algorithm, modes.GCM(_nonce(self._counter))).encryptor()
        encryptor.authenticate_additional_data(_bound(self._context, self._offset, word, self._tag))
        size = encryptor.update_into(frame, self._output)
        encryptor.finalize()
        self._tag = encryptor.tag
        self._output[size : size + TAG_SIZE] = self._tag
        self._counter += 1
        self._offset += len(frame)
        return word + self._salt if begins else word, memoryview(self._output)[: size + TAG_SIZE]


def open_sealed(reader: Reader, key: bytes, name: bytes) -> Iterator[bytes]:
    """The plaintext of an object of either envelope. Raises IntegrityFault `object.corrupt`; what came was intact."""
    header = read_full(reader, HEADER_SIZE)
    if len(header) == HEADER_SIZE and header[len(MAGIC)] == VERSION:
        return _open_segments(reader, key, name, header)
    return open_frames(reader, key, name, header)


def _open_segments(reader: Reader, key: bytes, name: bytes, header: bytes) -> Iterator[bytes]:
    magic, _, frame_size, size = _HEADER.unpack(header)
    if magic != MAGIC or not 1 <= frame_size <= FRAME_SIZE_MAX or not size:
        raise IntegrityFault("object.corrupt", detail="header")
    algorithm: algorithms.SM4 | None = None
    offset, counter, tag = 0, 0, FIRST_TAG
    while offset < size:
        word = read_full(reader, _WORD_SIZE)
        length, begins = int.from_bytes(word, "big") & ~_BEGINS, bool(word and word[0] & 0x80)
        if len(word) != _WORD_SIZE or not 1 <= length <= min(frame_size, size - offset):
            raise IntegrityFault("object.corrupt", got=offset, detail="record")
        if begins:
            algorithm, counter = _algorithm(key, read_full(reader, SALT_SIZE)), 0
        sealed = read_full(reader, length + TAG_SIZE)
        if algorithm is None or len(sealed) != length + TAG_SIZE:
            raise IntegrityFault("object.corrupt", got=offset, detail="record")
        decryptor = Cipher(algorithm, modes.GCM(_nonce(counter), sealed[-TAG_SIZE:])).decryptor()
        decryptor.authenticate_additional_data(_bound(name + header, offset, word, tag))
        plain = decryptor.update(memoryview(sealed)[:-TAG_SIZE])
        try:
            decryptor.finalize()
        except InvalidTag as error:
            raise IntegrityFault("object.corrupt", got=offset, detail="record") from error
        yield plain
        offset, counter, tag = offset + length, counter + 1, sealed[-TAG_SIZE:]
    if read_full(reader, 1):
        raise IntegrityFault("object.corrupt", got=size, detail="tail")


def _algorithm(key: bytes, salt: bytes) -> algorithms.SM4:
    return algorithms.SM4(derive(key, b"segment" + salt))


def _nonce(counter: int) -> bytes:
    return counter.to_bytes(12, "big")


def _bound(context: bytes, offset: int, word: bytes, tag: bytes) -> bytes:
    return context + offset.to_bytes(8, "big") + word + tag
