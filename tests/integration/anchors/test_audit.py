"""The audit is clean after honest work, and names each thing that was altered behind the service's back."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from anchors.audit import Report, Service, audit
from anchors.leaves import leaves_path, open_leaves
from ledger.domain.life import Status
from ledger.storage.keyring import Keyring
from ledger.storage.objects import EncryptedObjects
from ledger.storage.sql_store import SqlStore, open_store
from tests.support.stage import Made, Stage

pytestmark = pytest.mark.chain


@dataclass
class History:
    """What the service did, and a place with a copy of all that it keeps."""

    stage: Stage
    matter: list[Made]
    lots: list[Made]
    deposit: Made
    refused: Made

    def copy(self, place: Path) -> Path:
        """Database, objects and leaves, as somebody with access to the disks has them."""
        home = self.stage.home
        shutil.copytree(home / "objects", place / "objects")
        shutil.copytree(home / "leaves", place / "leaves")
        with (
            closing(sqlite3.connect(home / "ledger.db")) as source,
            closing(sqlite3.connect(place / "ledger.db")) as to,
        ):
            source.backup(to)
        return place

    def audit(self, place: Path) -> Report:
        """The audit of a copy, by the service's own keys."""
        store: SqlStore = open_store(place / "ledger.db")
        try:
            keyring = Keyring(store.engine, b"\7" * 16)
            objects = EncryptedObjects(str(place / "objects"), keyring)
            return audit(
                self.stage.chain,
                self.stage.deployment,
                self.stage.trust.procedures,
                lambda batch: open_leaves(place / "leaves", batch),
                self.stage.clock.now_ms(),
                Service(store, self.stage.trust, keyring, objects),
            )
        finally:
            store.close()


@pytest.fixture(scope="module")
def history(stage: Stage) -> History:
    matter, lots, deposit = stage.matter(), [stage.bulk() for _ in range(3)], stage.deposit(b"a picture " * 5000)
    stage.submit(*matter, *lots, deposit)
    stage.run_until(Status.FINAL, *matter, *lots, deposit)
    refused, _ = stage.refused()
    return History(stage, matter, lots, deposit, refused)


def change(place: Path, sql: str, *values: object) -> None:
    """One statement of SQL behind the service's back; it has to hit exactly one row."""
    with closing(sqlite3.connect(place / "ledger.db")) as connection:
        assert connection.execute(sql, values).rowcount == 1
        connection.commit()


def flip(data: bytes, at: int = -1) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


def kept(place: Path, sql: str, *values: object) -> bytes:
    with closing(sqlite3.connect(place / "ledger.db")) as connection:
        found: bytes = connection.execute(sql, values).fetchone()[0]
    return found


def test_after_honest_work_the_audit_is_clean(history: History, tmp_path: Path) -> None:
    report = history.audit(history.copy(tmp_path))
    assert report.findings == []
    assert report.clean
    assert report.not_checked == []
    assert report.counts["statements_proven"] >= 10
    assert report.counts["files_intact"] == 1
    assert report.counts["signatures"] > 20


def test_a_stranger_audits_chain_and_leaves_without_a_database(history: History) -> None:
    stage = history.stage
    report = audit(
        stage.chain,
        stage.deployment,
        stage.trust.procedures,
        lambda batch: open_leaves(stage.leaves, batch),
        stage.clock.now_ms(),
    )
    assert report.findings == []
    assert len(report.not_checked) == 1
    assert report.counts["words_proven"] > 10


def _flip_statement(history: History, place: Path) -> str:
    digest = history.matter[2].digest
    data = kept(place, "SELECT statement FROM statements WHERE digest=?", digest)
    change(place, "UPDATE statements SET statement=? WHERE digest=?", flip(data, 100), digest)
    return digest.hex()


def _flip_signature(history: History, place: Path) -> str:
    digest = history.matter[2].digest
    data = kept(place, "SELECT signatures FROM statements WHERE digest=?", digest)
    change(place, "UPDATE statements SET signatures=? WHERE digest=?", flip(data), digest)
    return digest.hex()


def _move_in_time(history: History, place: Path) -> str:
    digest = history.matter[0].digest
    change(place, "UPDATE statements SET block_time=block_time-86400 WHERE digest=?", digest)
    return digest.hex()


def _later_receipt(history: History, place: Path) -> str:
    digest = history.matter[0].digest
    change(place, "UPDATE statements SET due=due+86400000 WHERE digest=?", digest)
    return digest.hex()


def _flip_content(history: History, place: Path) -> str:
    digest = history.deposit.digest
    data = kept(place, "SELECT sealed FROM contents WHERE digest=?", digest)
    change(place, "UPDATE contents SET sealed=? WHERE digest=?", flip(data), digest)
    return digest.hex()


def _swap_contents(history: History, place: Path) -> str:
    digest = history.matter[0].digest
    data = kept(place, "SELECT sealed FROM contents WHERE digest=?", history.matter[1].digest)
    change(place, "UPDATE contents SET sealed=? WHERE digest=?", data, digest)
    return digest.hex()


def _flip_receipt(history: History, place: Path) -> str:
    digest = history.lots[1].digest
    data = kept(place, "SELECT file FROM receipts WHERE digest=?", digest)
    at = data.index(b'"receipt":"') + 20
    changed = data[:at] + (b"0" if data[at : at + 1] != b"0" else b"1") + data[at + 1 :]
    change(place, "UPDATE receipts SET file=? WHERE digest=?", changed, digest)
    return digest.hex()


def _other_state(history: History, place: Path) -> str:
    case = history.matter[0].signed.statement.case
    change(place, """UPDATE cases SET state=replace(state, '"kinds_seen":', '"kinds_seen":1') WHERE case_id=?""", case)
    return case.hex()


def _delete_row(history: History, place: Path) -> str:
    digest = history.lots[2].digest
    change(place, "DELETE FROM statements WHERE digest=?", digest)
    return digest.hex()


def _invent_row(history: History, place: Path) -> str:
    """A signed statement that was never on chain, given out as anchored."""
    invented = history.stage.matter([1])[0]
    statement = invented.signed.statement
    with closing(sqlite3.connect(place / "ledger.db")) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(statements)") if row[1] != "position"]
        model = dict(
            zip(
                columns,
                connection.execute(
                    f"SELECT {','.join(columns)} FROM statements WHERE digest=?", (history.matter[0].digest,)
                ).fetchone(),
                strict=True,
            )
        )
        model |= {
            "digest": invented.digest,
            "statement": statement.to_bytes(),
            "signatures": invented.signed.signatures_bytes,
            "case_id": statement.case,
            "occurred": statement.occurred,
            "subject": statement.subject,
        }
        marks = ",".join("?" * len(columns))
        connection.execute(f"INSERT INTO statements ({','.join(columns)}) VALUES ({marks})", list(model.values()))
        connection.commit()
    return invented.digest.hex()


def _extend_key(history: History, place: Path) -> str:
    change(place, "UPDATE member_keys SET valid_from=valid_from-1 WHERE number=?", 101)
    return "101/0"


def _flip_proof(history: History, place: Path) -> str:
    digest = history.deposit.digest
    height = kept(place, "SELECT proof_height FROM statements WHERE digest=?", digest)
    data = kept(place, "SELECT header FROM checkpoints WHERE height=?", height)
    change(place, "UPDATE checkpoints SET header=? WHERE height=?", flip(data, 100), height)
    return f"checkpoint {height}"


def _drop_cosignature(history: History, place: Path) -> str:
    height = kept(place, "SELECT proof_height FROM statements WHERE digest=?", history.deposit.digest)
    with closing(sqlite3.connect(place / "ledger.db")) as connection:
        connection.execute("DELETE FROM cosignatures WHERE height=? AND signer>1", (height,))
        connection.commit()
    return f"checkpoint {height}"


def _undo_refusal(history: History, place: Path) -> str:
    change(place, "DELETE FROM refusals WHERE digest=?", history.refused.digest)
    return history.refused.digest.hex()


def _flip_file(history: History, place: Path) -> str:
    (path,) = [path for path in (place / "objects").rglob("*") if path.is_file()]
    path.write_bytes(flip(path.read_bytes(), 5000))
    return history.deposit.signed.statement.subject.hex()


def _remove_file(history: History, place: Path) -> str:
    (path,) = [path for path in (place / "objects").rglob("*") if path.is_file()]
    path.unlink()
    return history.deposit.signed.statement.subject.hex()


def _remove_file_and_row(history: History, place: Path) -> str:
    change(place, "DELETE FROM files WHERE sm3=?", history.deposit.signed.statement.subject)
    return _remove_file(history, place)


def _flip_leaf(history: History, place: Path) -> str:
    path = leaves_path(place / "leaves", 0)
    path.write_bytes(flip(path.read_bytes(), 300))
    return path.stem


def _remove_leaves(history: History, place: Path) -> str:
    leaves_path(place / "leaves", 0).unlink()
    return "leaves 000000"


def _flip_batch(history: History, place: Path) -> str:
    data = kept(place, "SELECT signature FROM batches WHERE number=0")
    change(place, "UPDATE batches SET signature=? WHERE number=0", flip(data))
    return "batch 0"


ATTACKS: list[tuple[Callable[[History, Path], str], str]] = [
    (_flip_statement, "audit.row_altered"),
    (_flip_signature, "audit.row_altered"),
    (_move_in_time, "audit.row_altered"),
    (_later_receipt, "audit.row_altered"),
    (_flip_content, "audit.content_altered"),
    (_swap_contents, "audit.content_altered"),
    (_flip_receipt, "audit.receipt_altered"),
    (_other_state, "audit.case_altered"),
    (_delete_row, "audit.row_missing"),
    (_invent_row, "audit.row_extra"),
    (_extend_key, "audit.member_altered"),
    (_flip_proof, "audit.proof_altered"),
    (_drop_cosignature, "audit.proof_altered"),
    (_undo_refusal, "audit.refusal_altered"),
    (_flip_file, "audit.file_altered"),
    (_remove_file, "audit.file_missing"),
    (_remove_file_and_row, "audit.file_missing"),
    (_flip_leaf, "audit.leaves_mismatch"),
    (_remove_leaves, "audit.leaves_missing"),
    (_flip_batch, "audit.row_altered"),
]


@pytest.mark.parametrize(("attack", "code"), ATTACKS, ids=lambda value: getattr(value, "__name__", value))
def test_what_was_altered_is_named(
    history: History, tmp_path: Path, attack: Callable[[History, Path], str], code: str
) -> None:
    place = history.copy(tmp_path)
    named = attack(history, place)
    report = history.audit(place)
    assert not report.clean
    found = [finding for finding in report.findings if finding.code == code and named in finding.subject]
    assert found, report.findings
