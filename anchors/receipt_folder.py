"""A folder of receipts and refusals, told apart by what is in them, whatever their names.

Guaranteed: every file that calls itself a receipt or a refusal is read or named as unreadable; nothing else counts.
Not guaranteed: that a signature holds; `anchors.receipt_check` looks.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tiezheng.cli.files import open_file
from tiezheng.errors import NotFound, TiezhengError
from tiezheng.receipt import MAX_FILE_SIZE, ReceiptFile, RefusalFile, parse_receipt_file, parse_refusal_file

_RECEIPT: Final = b'"format":"tiezheng/receipt/'
_REFUSAL: Final = b'"format":"tiezheng/refusal/'


@dataclass(slots=True)
class Folder:
    """What was found: receipts by file, refusals by statement, files that are damaged (with why), how many others."""

    receipts: list[tuple[Path, ReceiptFile]] = field(default_factory=list)
    refusals: dict[bytes, list[RefusalFile]] = field(default_factory=dict)
    damaged: list[tuple[Path, TiezhengError]] = field(default_factory=list)
    others: int = 0


def read_folder(place: Path, progress: Callable[[int], None] = lambda _count: None) -> Folder:
    """Everything below `place`, or one file. Raises NotFound `file.not_found`."""
    if not place.exists():
        raise NotFound("file.not_found", got=place.name)
    folder = Folder()
    for count, path in enumerate(_files(place), 1):
        _read(folder, path)
        progress(count)
    return folder


def _files(place: Path) -> Iterator[Path]:
    if place.is_file():
        yield place
        return
    yield from sorted(path for path in place.rglob("*") if path.is_file())


def _read(folder: Folder, path: Path) -> None:
    with open_file(path) as reader:
        data = reader.read(MAX_FILE_SIZE + 2).removesuffix(b"\n")
    if not data.startswith(b"{") or len(data) > MAX_FILE_SIZE:
        folder.others += 1
        return
    try:
        if _RECEIPT in data:
            folder.receipts.append((path, parse_receipt_file(data)))
        elif _REFUSAL in data:
            refusal = parse_refusal_file(data)
            folder.refusals.setdefault(refusal.statement, []).append(refusal)
        else:
            folder.others += 1
    except TiezhengError as error:
        folder.damaged.append((path, error))
