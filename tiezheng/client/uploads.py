"""Sending large files so that a cut costs little: ask how far the service got, send the rest, and again.

Guaranteed: no byte that the service holds durably is sent again; pauses grow and are bounded, and without progress it
is given up after some two minutes, with everything that arrived kept by the service for days; the service's digests are
compared with the file's. Not guaranteed: that the file stays as it is meanwhile; then the digests differ, and it is
refused.
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tiezheng.canonical import dumps
from tiezheng.client.transport import Json, Transport
from tiezheng.digest import FileDigests
from tiezheng.errors import Conflict, TiezhengError, Unavailable, VerificationFailed
from tiezheng.json_members import MAX_INTEGER, read_hex, read_integer

# Below it a file is sent whole: two more requests would cost more than what a cut would.
RESUMABLE_FROM_BYTES: Final = 16 << 20
# A file is sent in pieces of about what a socket takes at once; what it does not take, the library copies again.
PIECE_SIZE: Final = 1 << 18
# Between tries without progress: long enough for a service to start anew, short enough for a person to watch.
PAUSES_SECONDS: Final = (0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 30.0, 30.0)
# Once everything arrived, the service may have to read it again: at this speed at least, and never less than a minute.
CHECKED_BYTES_A_SECOND: Final = 20 << 20
CHECK_SECONDS: Final = 60.0
_PATIENCE: Final = ("upload.busy", "upload.offset")


def begin_upload(transport: Transport, case: bytes, size: int, media_type: str, sm3: bytes) -> str:
    """A new upload's id."""
    body = dumps({"media_type": media_type, "size": size, "sm3": sm3.hex()})
    answer = transport.json("POST", f"/cases/{case.hex()}/uploads", content=body, attempts=1)
    return read_hex(answer.get("id"), "id", 16).hex()


def continue_upload(
    transport: Transport, upload: str, path: Path, digests: FileDigests, progress: Callable[[int], None] | None = None
) -> FileDigests:
    """Send what the service does not hold yet, to the end. Raises VerificationFailed `file.digest_mismatch`, and what
    the last try raised."""
    failures, best, deadline = 0, -1, float("inf")
    while True:
        try:
            state = transport.json("GET", f"/uploads/{upload}")
            offset = read_integer(state.get("offset"), "offset", digests.size)
            if offset > best:
                failures, best = 0, offset
            if offset == digests.size:
                deadline = min(deadline, time.monotonic() + CHECK_SECONDS + digests.size / CHECKED_BYTES_A_SECOND)
            if progress is not None:
                progress(offset)
            return _checked(
                state if state.get("complete") else _send(transport, upload, path, offset, progress), digests
            )
        except (Unavailable, Conflict) as error:
            if not _worth_another_try(error, failures, deadline):
                raise
        time.sleep(PAUSES_SECONDS[min(failures, len(PAUSES_SECONDS) - 1)])
        failures += 1


def _worth_another_try(error: TiezhengError, failures: int, deadline: float) -> bool:
    if isinstance(error, Conflict) and error.code not in _PATIENCE:
        return False
    return time.monotonic() < deadline if deadline < float("inf") else failures < len(PAUSES_SECONDS)


def _send(transport: Transport, upload: str, path: Path, offset: int, progress: Callable[[int], None] | None) -> Json:
    length = path.stat().st_size - offset
    headers = {
        "Content-Type": "application/partial-upload",
        "Content-Length": str(length),
        "Upload-Offset": str(offset),
        "Upload-Complete": "?1",
    }

    def pieces() -> Iterator[bytes]:
        at = offset
        with path.open("rb", buffering=0) as file:
            file.seek(offset)
            while piece := file.read(PIECE_SIZE):
                yield piece
                at += len(piece)
                if progress is not None:
                    progress(at)

    return transport.json("PATCH", f"/uploads/{upload}", stream=pieces, headers=headers, attempts=1)


def _checked(answer: Json, digests: FileDigests) -> FileDigests:
    taken = FileDigests(
        read_integer(answer.get("size"), "size", MAX_INTEGER),
        read_hex(answer.get("sm3"), "sm3", 32),
        read_hex(answer.get("sha256"), "sha256", 32),
    )
    if taken != digests:
        raise VerificationFailed("file.digest_mismatch", expected=digests.sm3, got=taken.sm3)
    return taken
