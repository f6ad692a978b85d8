"""Feed a stream to several consumers side by side: hashes and the cipher, which all release the interpreter's lock.

Guaranteed: every consumer gets every piece in order; memory is a few pieces whatever the size; the first error of a
consumer stops the stream and is raised. Not guaranteed: that consumers got equally far when one failed.
"""

import threading
from collections.abc import Callable, Sequence
from queue import Queue
from typing import Final, Protocol

from tiezheng.digest import CHUNK_SIZE
from tiezheng.errors import TooLarge

# Pieces of 1 MiB that may wait before each stage: enough to smooth it, far below the memory bound.
QUEUE_DEPTH: Final = 8


class Reader(Protocol):
    """A binary stream; an empty read is its end."""

    def read(self, size: int, /) -> bytes: ...


Consumer = Callable[[bytes], object]


def stream_file(reader: Reader, consumers: Sequence[Consumer], most: int) -> int:
    """Read to the end; how many bytes that was. Raises TooLarge `file.too_large` above `most` bytes, and whatever the
    reader or a consumer raises, after each consumer took what it was given before."""
    stages = [_Stage(consumer) for consumer in consumers]
    size = 0
    try:
        while piece := reader.read(CHUNK_SIZE):
            size += len(piece)
            if size > most:
                raise TooLarge("file.too_large", expected=most)
            for stage in stages:
                stage.put(piece)
            if any(stage.error is not None for stage in stages):
                break
    finally:
        for stage in stages:
            stage.finish()
    for stage in stages:
        if stage.error is not None:
            raise stage.error
    return size


class _Stage(threading.Thread):
    """Feeds pieces to one consumer in order; the first error stops it and is raised by `stream_file`."""

    def __init__(self, consume: Consumer) -> None:
        super().__init__(daemon=True)
        self._consume = consume
        self._pieces: Queue[bytes | None] = Queue(QUEUE_DEPTH)
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        while (piece := self._pieces.get()) is not None:
            if self.error is None:
                try:
                    self._consume(piece)
                except BaseException as error:  # noqa: BLE001  handed to the caller by `stream_file`
                    self.error = error

    def put(self, piece: bytes) -> None:
        """Hand on a piece; waits while the stage is behind."""
        self._pieces.put(piece)

    def finish(self) -> None:
        """Wait for the last piece."""
        self._pieces.put(None)
        self.join()
