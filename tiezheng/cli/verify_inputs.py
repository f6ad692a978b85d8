"""What `tiezheng verify` was given: bundles and evidence files, told apart by what is in them.

Guaranteed: a bundle that is damaged is still taken for one where its name or its beginning says so; where nothing looks
like a bundle, everything counts as one, so that a spoiled bundle is reported and never passed over. Files are read in
pieces.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tiezheng.bundle import MAX_BUNDLE_SIZE, parse_bundle
from tiezheng.cli.files import open_file
from tiezheng.content import Attachment, DisclosedContent, Field
from tiezheng.digest import digest_file
from tiezheng.errors import Malformed, TiezhengError
from tiezheng.statement import ZERO
from tiezheng.verify import LabelledFile

SUFFIX: Final = ".bundle.json"
_MARK: Final = b'"format":"tiezheng/bundle/'


@dataclass(frozen=True, slots=True)
class Inputs:
    """Bundles as (path, bytes), and the evidence files with their digests."""

    bundles: list[tuple[Path, bytes]]
    files: list[LabelledFile]


def read_inputs(paths: Sequence[Path]) -> Inputs:
    """Read everything; a folder stands for the files in it. Raises `file.*`."""
    found: list[Path] = []
    for path in paths:
        found += sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    if not found:
        raise Malformed("file.empty", got=", ".join(map(str, paths)))
    bundles = [(path, _head(path)) for path in found if _is_bundle(path)]
    if not bundles:
        return Inputs([(path, _head(path)) for path in found], [])
    taken = {path for path, _ in bundles}
    return Inputs(bundles, [LabelledFile(str(path), digest_file(path)) for path in found if path not in taken])


def _head(path: Path) -> bytes:
    """One byte more than a bundle may have is enough to refuse it."""
    with open_file(path) as reader:
        return reader.read(MAX_BUNDLE_SIZE + 1)


def _is_bundle(path: Path) -> bool:
    if path.name.endswith(SUFFIX):
        return True
    with open_file(path) as reader:
        return reader.read(1) == b"{" and _MARK in reader.read(MAX_BUNDLE_SIZE)


def known_digests(data: bytes) -> set[bytes]:
    """SM3s that a bundle names: subjects, attachments, digests in fields. Empty for one that cannot be read."""
    try:
        bundle = parse_bundle(data)
    except TiezhengError:
        return set()
    known = {item.signed.statement.subject for item in bundle.statements} - {ZERO}
    for item in bundle.statements:
        if item.content is not None:
            known |= _of_content(item.content)
    return known


def _of_content(content: DisclosedContent) -> set[bytes]:
    known: set[bytes] = set()
    for item in content.leaves:
        leaf = item.leaf
        if isinstance(leaf, Attachment):
            known.add(leaf.digests.sm3)
        elif isinstance(leaf, Field):
            if isinstance(leaf.value, str) and len(leaf.value) == 2 * len(ZERO):
                known |= _hex(leaf.value)
        else:
            known |= _of_content(leaf)
    return known


def _hex(text: str) -> set[bytes]:
    try:
        return {bytes.fromhex(text)}
    except ValueError:
        return set()
