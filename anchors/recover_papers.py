"""What holders hand in for a recovery: receipts, refusals, signed statements and bundles, told apart by what they are.

Guaranteed: only files that parse strictly are taken; nothing here is believed before its signature was checked. Not
guaranteed: that a folder holds everything.

A signed statement is a file of `statement (183) ‖ count u8 ‖ signatures`; bundles, pending ones too, hold them as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from anchors.receipt_folder import read_folder
from tiezheng.bundle import MAX_BUNDLE_SIZE, BundleStatement, parse_bundle
from tiezheng.content import Attachment, Content, Field
from tiezheng.errors import TiezhengError
from tiezheng.receipt import ReceiptFile, RefusalFile
from tiezheng.signature import MAX_STATEMENT_SIGNATURES, RECORD_SIZE
from tiezheng.statement import STATEMENT_SIZE, SignedStatement, parse_signed_statement

_MARK: Final = b'"format":"tiezheng/bundle/'
_MAX_STATEMENT: Final = STATEMENT_SIZE + 1 + MAX_STATEMENT_SIGNATURES * RECORD_SIZE


@dataclass(slots=True)
class Papers:
    """By evidence id. `contents` are whole, but not yet held to a statement."""

    receipts: dict[bytes, list[ReceiptFile]] = field(default_factory=dict)
    refusals: dict[bytes, list[RefusalFile]] = field(default_factory=dict)
    statements: dict[bytes, SignedStatement] = field(default_factory=dict)
    contents: dict[bytes, Content] = field(default_factory=dict)


def read_papers(*folders: Path | None) -> Papers:
    """Everything in these folders. Raises NotFound `file.not_found`."""
    papers = Papers()
    for folder in folders:
        if folder is None:
            continue
        found = read_folder(folder)
        for _, receipt in found.receipts:
            papers.receipts.setdefault(receipt.receipt.statement, []).append(receipt)
        for digest, refusals in found.refusals.items():
            papers.refusals.setdefault(digest, []).extend(refusals)
        for path in sorted(one for one in folder.rglob("*") if one.is_file()):
            _read(papers, path)
    return papers


def _read(papers: Papers, path: Path) -> None:
    size = path.stat().st_size
    if size > MAX_BUNDLE_SIZE + 1:
        return
    data = path.read_bytes()
    try:
        if data.startswith(b"{") and _MARK in data:
            for item in parse_bundle(data.removesuffix(b"\n")).statements:
                papers.statements.setdefault(item.signed.digest, item.signed)
                for content in _whole(item):
                    papers.contents.setdefault(item.signed.digest, content)
        elif STATEMENT_SIZE + 1 < size <= _MAX_STATEMENT and (size - STATEMENT_SIZE - 1) % RECORD_SIZE == 0:
            signed = parse_signed_statement(data[:STATEMENT_SIZE], data[STATEMENT_SIZE + 1 :])
            if signed.to_bytes() == data:
                papers.statements.setdefault(signed.digest, signed)
    except TiezhengError:
        return


def _whole(item: BundleStatement) -> Iterator[Content]:
    """The content, if the bundle discloses all of it; of a record set the records are left to their institution."""
    disclosed = item.content
    if disclosed is None or len(disclosed.leaves) != disclosed.count:
        return
    fields = tuple(leaf.leaf for leaf in disclosed.leaves if isinstance(leaf.leaf, Field))
    attachments = tuple(leaf.leaf for leaf in disclosed.leaves if isinstance(leaf.leaf, Attachment))
    if len(fields) + len(attachments) == disclosed.count:
        content = Content(disclosed.type, disclosed.schema_id, fields, attachments)
        if content.root == item.signed.statement.content:
            yield content
