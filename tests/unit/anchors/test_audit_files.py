"""Files that arrive while an audit reads are no finding; objects that nobody names are one."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from anchors.audit_files import FileAudit
from anchors.findings import Findings
from anchors.progress import silent
from ledger.domain.records import FileRow
from tiezheng.digest import sha256, sm3

DATA = b"evidence"
CASE = bytes(32)


def _row(name: str) -> FileRow:
    return FileRow(CASE, sm3(DATA), sha256(DATA), len(DATA), "text/plain", name, 1)


class GrowingStore:
    """Each look sees the next of the given lists of rows, the last one from then on."""

    def __init__(self, *looks: list[FileRow]) -> None:
        self.looks = list(looks)

    @contextmanager
    def read(self) -> Iterator[Any]:
        rows = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        yield SimpleNamespace(files=SimpleNamespace(all=lambda: iter(rows)))


class Objects:
    """Objects by name."""

    def __init__(self, *names: str) -> None:
        self.held = names

    def names(self) -> Iterator[str]:
        return iter(self.held)

    def read(self, _case: bytes, _name: str) -> Iterator[bytes]:
        return iter([DATA])


def _audit(store: Any, objects: Any) -> list[tuple[str, str]]:
    findings = Findings()
    FileAudit(store, objects, findings).run({}, silent)
    return [(one.code, one.subject) for one in findings.found]


def test_what_rows_name_is_clean() -> None:
    assert _audit(GrowingStore([_row("a")]), Objects("a")) == []


def test_a_file_whose_row_comes_a_moment_later_is_no_finding() -> None:
    assert _audit(GrowingStore([], [_row("a")]), Objects("a")) == []


def test_a_file_that_arrives_after_the_names_were_listed_is_no_finding() -> None:
    assert _audit(GrowingStore([_row("a"), _row("b")]), Objects("a")) == []


def test_an_object_that_no_row_ever_names_is_found() -> None:
    assert _audit(GrowingStore([_row("a")]), Objects("a", "x")) == [("audit.object_unknown", "object x")]
