"""The object store held against what the database and the statements say of it.

Guaranteed: every file that a row names is read whole, decrypted, authenticated, and its size and both digests compared
(or, where the caller says so, only looked for if an earlier audit read it); every attachment that should be held is
looked for; a file whose key was destroyed is erased and no finding; a file that arrives meanwhile is none either. Not
guaranteed: files whose attachments the institution keeps itself.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from anchors.findings import Findings, describe
from anchors.progress import Progress
from ledger.domain.records import FileRow
from ledger.ports import ObjectStore, Store
from tiezheng.digest import new_sm3, sm3
from tiezheng.errors import TiezhengError


@dataclass(slots=True)
class FileAudit:
    """One audit of the files. `clean` are fingerprints of rows whose file is not to be read again."""

    store: Store
    objects: ObjectStore
    findings: Findings
    erased: Mapping[bytes, int] = field(default_factory=dict)
    clean: frozenset[bytes] = frozenset()
    intact: set[bytes] = field(default_factory=set)
    carried: int = 0
    erased_files: list[bytes] = field(default_factory=list)

    def run(self, wanted: Mapping[bytes, set[bytes]], progress: Progress) -> None:
        """Look at all held files; `wanted` are SM3s by case that must be among them."""
        # An object is written before its row: names first, rows after, and once more what has no row yet.
        names = set(self.objects.names())
        rows = self._rows()
        for count, row in enumerate(rows, 1):
            self._file(row, names)
            progress("files", count, len(rows))
        held: dict[bytes, set[bytes]] = {}
        for row in rows:
            held.setdefault(row.case, set()).add(row.sm3)
        for case, digests in wanted.items():
            for digest in sorted(digests - held.get(case, set())):
                told = {"table": "files", "case": case, "expected": digest}
                self.findings.add("audit.file_missing", f"file {digest.hex()}", f"case {case.hex()}: no row", **told)
        unknown = names - {row.object_name for row in rows}
        if unknown:
            unknown -= {row.object_name for row in self._rows()}
        for name in sorted(unknown):
            self.findings.add("audit.object_unknown", f"object {name}", "", object=name)

    def _rows(self) -> list[FileRow]:
        with self.store.read() as tables:
            return list(tables.files.all())

    def _file(self, row: FileRow, names: set[str]) -> None:
        if row.case in self.erased:
            self.erased_files.append(row.sm3)
            return
        mark = sm3(repr(row).encode())
        if mark in self.clean and row.object_name in names:
            self.carried += 1
            self.intact.add(mark)
        elif self._is_intact(row):
            self.intact.add(mark)

    def _is_intact(self, row: FileRow) -> bool:
        subject = f"file {row.sm3.hex()}"
        where = f"case {row.case.hex()}, object {row.object_name}"
        told: dict[str, object] = {"table": "files", "case": row.case, "object": row.object_name, "expected": row.sm3}
        first, second, size = new_sm3(), hashlib.sha256(), 0
        try:
            for piece in self.objects.read(row.case, row.object_name):
                first.update(piece)
                second.update(piece)
                size += len(piece)
        except (TiezhengError, ValueError) as error:
            reason = error.code if isinstance(error, TiezhengError) else type(error).__name__
            code = "audit.file_missing" if reason == "object.missing" else "audit.file_altered"
            detail = describe(error) if isinstance(error, TiezhengError) else reason
            self.findings.add(code, subject, f"{where}: {detail}", **told, reason=reason)
            return False
        got = first.digest()
        if (size, got, second.digest()) != (row.size, row.sm3, row.sha256):
            self.findings.add("audit.file_altered", subject, f"{where}: digests", **told, got=got, size=size)
            return False
        return True
