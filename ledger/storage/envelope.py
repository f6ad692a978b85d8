"""The envelope of an encrypted evidence file: SM4-GCM in frames, so that any size is read and checked piecewise.

Layout: header = magic "tzenv" ‖ version u8 (1) ‖ frame size u32 ‖ nonce prefix (8 random bytes), then frames. A frame
is ciphertext ‖ tag (16 bytes); each but the last covers exactly one frame size, the last covers 0 to one frame size.
Nonce = prefix ‖ counter u32; associated data = object name ‖ header ‖ counter u32 ‖ last u8.

Guaranteed: no plaintext leaves `open_frames` before its tag held; a frame that is altered, left out, repeated, moved,
or of another object or key is refused, and so is a file cut off anywhere. Not guaranteed: hiding the size.
Source: GB/T 32907-2016 (SM4), GCM as in NIST SP 800-38D.
"""

import struct
from collections.abc import Iterator
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from tiezheng.errors import IntegrityFault, TooLarge

MAGIC: Final = b"tzenv"
VERSION: Final = 1
# Large enough that a frame's tag and call cost nothing beside its cipher, small enough that a few fit in a CPU's cache.
FRAME_SIZE: Final = 1 << 20
# What a reader accepts: a forged header may not make it reserve gigabytes.
FRAME_SIZE_MAX: Final = 1 << 24
PREFIX_SIZE: Final = 8
TAG_SIZE: Final = 16
KEY_SIZE: Final = 16
_HEADER: Final = struct.Struct(">5sBI8s")
HEADER_SIZE: Final = _HEADER.size
_COUNTER_END: Final = 1 << 32


class Reader(Protocol):
    """A binary stream that may return less than asked."""

    def read(self, size: int, /) -> bytes: ...


class FrameSealer:
    """Seals the frames of one object in order. `prefix` must be random; `name` is the object's name."""

    def __init__(self, key: bytes, name: bytes, prefix: bytes, frame_size: int = FRAME_SIZE) -> None:
        if len(prefix) != PREFIX_SIZE:
            raise ValueError("a nonce prefix has 8 bytes")
        self.header = _HEADER.pack(MAGIC, VERSION, frame_size, prefix)
        self.frame_size = frame_size
        self._algorithm = algorithms.SM4(key)
        self._context = name + self.header
        self._prefix = prefix
        self._counter = 0
        self._closed = False
        self._output = bytearray(frame_size + TAG_SIZE)

    def seal(self, frame: bytes | bytearray | memoryview, *, last: bool) -> memoryview:
        """One frame, sealed; the view holds until the next call. Raises TooLarge `file.too_large` after 2^32 frames."""
        if self._closed or (len(frame) != self.frame_size and not last) or len(frame) > self.frame_size:
            raise ValueError("frames are full but for the last, and nothing follows the last")
        if self._counter == _COUNTER_END:
            raise TooLarge("file.too_large", expected=_COUNTER_END * self.frame_size)
        counter = self._counter.to_bytes(4, "big")
        encryptor = Cipher(self._algorithm, modes.GCM(self._prefix + counter)).encryptor()
        encryptor.authenticate_additional_data(self._context + counter + bytes([last]))
        size = encryptor.update_into(frame, self._output)
        encryptor.finalize()
        self._output[size : size + TAG_SIZE] = encryptor.tag
        self._counter += 1
        self._closed = last
        return memoryview(self._output)[: size + TAG_SIZE]


def open_frames(reader: Reader, key: bytes, name: bytes, header: bytes | None = None) -> Iterator[bytes]:
    """The plaintext, frame by frame; `header` where it was read already. Raises IntegrityFault `object.corrupt`; what
    came before was intact."""
    header = read_full(reader, HEADER_SIZE) if header is None else header
    if len(header) != HEADER_SIZE:
        raise IntegrityFault("object.corrupt", expected=HEADER_SIZE, got=len(header), detail="header")
    magic, version, frame_size, prefix = _HEADER.unpack(header)
    if magic != MAGIC or version != VERSION or not 1 <= frame_size <= FRAME_SIZE_MAX:
        raise IntegrityFault("object.corrupt", detail="header")
    algorithm = algorithms.SM4(key)
    sealed_size = frame_size + TAG_SIZE
    sealed, counter = read_full(reader, sealed_size), 0
    while True:
        # Only a frame that nothing follows is the last; its flag is in the associated data, so a cut shows.
        following = read_full(reader, sealed_size) if len(sealed) == sealed_size else b""
        last = not following
        yield _open(algorithm, prefix, counter, name + header, sealed, last=last)
        if last:
            return
        sealed, counter = following, counter + 1


def _open(
    algorithm: algorithms.SM4, prefix: bytes, counter: int, context: bytes, sealed: bytes, *, last: bool
) -> bytes:
    if len(sealed) < TAG_SIZE or counter == _COUNTER_END:
        raise IntegrityFault("object.corrupt", got=counter, detail="frame")
    view = memoryview(sealed)
    number = counter.to_bytes(4, "big")
    decryptor = Cipher(algorithm, modes.GCM(prefix + number, sealed[-TAG_SIZE:])).decryptor()
    decryptor.authenticate_additional_data(context + number + bytes([last]))
    plain = decryptor.update(view[:-TAG_SIZE])
    try:
        decryptor.finalize()
    except InvalidTag as error:
        raise IntegrityFault("object.corrupt", got=counter, detail="frame") from error
    return plain


def read_full(reader: Reader, size: int) -> bytes:
    """`size` bytes, or fewer where the stream ends."""
    pieces, missing = [], size
    while missing:
        piece = reader.read(missing)
        if not piece:
            break
        pieces.append(piece)
        missing -= len(piece)
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)
