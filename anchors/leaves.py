"""Published leaves files of batches: `000000.leaves` and so on (SPEC §6).

Guaranteed: a file appears whole and durable or not at all; where it cannot be written, nothing is left of it. Not
guaranteed: that its batch is anchored; the chain says.
"""

import contextlib
import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from tiezheng.errors import NotFound, Unavailable


def leaves_path(directory: Path, batch: int) -> Path:
    """Where the leaves of a batch stand."""
    return directory / f"{batch:06d}.leaves"


def open_leaves(directory: Path, batch: int) -> BinaryIO:
    """The file for reading. Raises NotFound `audit.leaves_missing`."""
    try:
        return leaves_path(directory, batch).open("rb")
    except FileNotFoundError as error:
        raise NotFound("audit.leaves_missing", got=batch) from error


def publish(path: Path, parts: Iterable[bytes]) -> None:
    """Write a file so that a reader sees all of it or none, also after a power cut; an earlier one is replaced.

    Raises Unavailable `object.store` where the disk is full or may not be written.
    """
    draft = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, draft, parts)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise Unavailable("object.store", detail=errno.errorcode.get(error.errno or 0, type(error).__name__)) from error


def _write(path: Path, draft: Path, parts: Iterable[bytes]) -> None:
    with draft.open("wb") as writer:
        for part in parts:
            writer.write(part)
        writer.flush()
        os.fsync(writer.fileno())
    draft.replace(path)
    flush_directory(path.parent)


def flush_directory(folder: Path) -> None:
    """Make the names in a folder durable."""
    directory = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
