"""The object store held against what the database and the statements say of it.

Guaranteed: every file that a row names is read whole, decrypted, authenticated, and its size and both digests compared;
every attachment that should be held is looked for; a file that arrives meanwhile is no finding. Not guaranteed: files
whose attachments the institution keeps itself.
"""

import hashlib
from collections.abc import Mapping

from anchors.audit_rows import Progress
from anchors.findings import Findings, describe
from ledger.domain.records import FileRow
from ledger.ports import ObjectStore, Store
from tiezheng.digest import new_sm3
from tiezheng.errors import TiezhengError


def check_files(
    store: Store, objects: ObjectStore, wanted: Mapping[bytes, set[bytes]], findings: Findings, progress: Progress
) -> int:
    """Read all held files; `wanted` are SM3s by case that must be among them. Says how many were intact."""
    # An object is written before its row: names first, rows after, and once more what has no row yet.
    names = list(objects.names())
    rows = _rows(store)
    intact = 0
    for count, row in enumerate(rows, 1):
        intact += _is_intact(objects, row, findings)
        progress("files", count)
    held: dict[bytes, set[bytes]] = {}
    for row in rows:
        held.setdefault(row.case, set()).add(row.sm3)
    for case, digests in wanted.items():
        for digest in sorted(digests - held.get(case, set())):
            findings.add("audit.file_missing", f"file {digest.hex()}", f"case {case.hex()}: no row")
    unknown = set(names) - {row.object_name for row in rows}
    if unknown:
        unknown -= {row.object_name for row in _rows(store)}
    for name in sorted(unknown):
        findings.add("audit.object_unknown", f"object {name}")
    return intact


def _rows(store: Store) -> list[FileRow]:
    with store.read() as tables:
        return list(tables.files.all())


def _is_intact(objects: ObjectStore, row: FileRow, findings: Findings) -> bool:
    subject = f"file {row.sm3.hex()}"
    where = f"case {row.case.hex()}, object {row.object_name}"
    first, second, size = new_sm3(), hashlib.sha256(), 0
    try:
        for piece in objects.read(row.case, row.object_name):
            first.update(piece)
            second.update(piece)
            size += len(piece)
    except TiezhengError as error:
        code = "audit.file_missing" if error.code == "object.missing" else "audit.file_altered"
        findings.add(code, subject, f"{where}: {describe(error)}")
        return False
    if (size, first.digest(), second.digest()) != (row.size, row.sm3, row.sha256):
        findings.add("audit.file_altered", subject, f"{where}: digests")
        return False
    return True
