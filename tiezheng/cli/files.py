"""Files that commands read and write.

Guaranteed: errors are those of this product, and nothing is written over an existing file. Not guaranteed: that a file
stays as it is between two looks.
"""

import os
import tempfile
from pathlib import Path
from typing import BinaryIO

from tiezheng.errors import Conflict, Malformed, NotFound, Refused, TooLarge


def open_file(path: Path) -> BinaryIO:
    """An open file. Raises NotFound `file.not_found`, Malformed `file.unreadable`."""
    try:
        return path.open("rb")
    except FileNotFoundError as error:
        raise NotFound("file.not_found", got=str(path)) from error
    except OSError as error:
        raise Malformed("file.unreadable", got=str(path), detail=error.strerror) from error


def read_small(path: Path, limit: int) -> bytes:
    """A whole file of at most `limit` bytes. Raises as `open_file`, and TooLarge `file.too_large`."""
    with open_file(path) as reader:
        data = reader.read(limit + 1)
    if len(data) > limit:
        raise TooLarge("file.too_large", expected=f"at most {limit} bytes", got=str(path))
    return data


def write_new(path: Path, data: bytes) -> None:
    """A new file, whole or not at all. Raises Conflict `file.exists`, Refused `file.unwritable`."""
    try:
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as writer:
                writer.write(data)
            mask = os.umask(0)
            os.umask(mask)
            Path(name).chmod(0o666 & ~mask)
            os.link(name, path)
        finally:
            Path(name).unlink()
    except FileExistsError as error:
        raise Conflict("file.exists", got=str(path)) from error
    except OSError as error:
        raise Refused("file.unwritable", got=str(path), detail=error.strerror) from error
