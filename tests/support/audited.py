"""A healthy place to audit: what a service and its customers keep, copied, and the node that the auditor asks."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from anchors.audit import Plan, Service, audit, basis_of
from anchors.audit_papers import Papers
from anchors.audit_result import Report
from anchors.audit_state import Memory
from anchors.chains.port import Chain
from anchors.leaves import open_leaves
from ledger.domain.life import Status
from ledger.storage.keyring import Keyring
from ledger.storage.objects import EncryptedObjects
from ledger.storage.sql_store import open_store
from tests.support.fake_chain import FakeChain
from tests.support.stage import Made, Stage


@dataclass
class History:
    """What a service did: a matter, bulk deposits, a deposit with a file, a refused step."""

    stage: Stage
    matter: list[Made]
    lots: list[Made]
    deposit: Made
    refused: Made


@dataclass
class Place:
    """A copy of all that the service and its customers keep, and the node that the auditor asks."""

    history: History
    root: Path
    chain: Chain

    def audit(self, memory: bool = False, full: bool = False, jobs: int = 1) -> Report:
        """The audit of this copy, by the service's own keys."""
        stage = self.history.stage
        store = open_store(self.root / "ledger.db")
        basis = basis_of(stage.deployment, stage.trust, stage.trust.procedures)
        try:
            keyring = Keyring(store.engine, b"\7" * 16)
            objects = EncryptedObjects(str(self.root / "objects"), keyring)
            return audit(
                self.chain,
                stage.deployment,
                stage.trust.procedures,
                lambda batch: open_leaves(self.root / "leaves", batch),
                stage.clock.now_ms(),
                Service(store, stage.trust, keyring, objects),
                plan=Plan(
                    jobs=jobs,
                    papers=Papers(self.root / "receipts", self.root / "bundles"),
                    memory=Memory(self.root / "state.json", basis, full) if memory else None,
                ),
            )
        finally:
            store.close()

    def change(self, sql: str, *values: object) -> None:
        """One statement of SQL behind the service's back; it has to hit exactly one row."""
        with closing(sqlite3.connect(self.root / "ledger.db")) as connection:
            assert connection.execute(sql, values).rowcount == 1
            connection.commit()

    def read(self, sql: str, *values: object) -> bytes:
        with closing(sqlite3.connect(self.root / "ledger.db")) as connection:
            found: bytes = connection.execute(sql, values).fetchone()[0]
        return found

    def flip(self, table: str, column: str, key: str, value: object, at: int = -1) -> None:
        """Flip a bit of one stored value."""
        data = self.read(f"SELECT {column} FROM {table} WHERE {key}=?", value)
        self.change(f"UPDATE {table} SET {column}=? WHERE {key}=?", flipped(data, at), value)

    @property
    def object(self) -> Path:
        """The one evidence file of the store."""
        (path,) = [path for path in (self.root / "objects").rglob("*") if path.is_file()]
        return path

    @property
    def fake(self) -> FakeChain:
        assert isinstance(self.chain, FakeChain)
        return self.chain


def make_history(stage: Stage) -> History:
    """Honest work, all of it final."""
    matter, lots, deposit = stage.matter(), [stage.bulk() for _ in range(3)], stage.deposit(b"a picture " * 5000)
    stage.submit(*matter, *lots, deposit)
    stage.run_until(Status.FINAL, *matter, *lots, deposit)
    refused, _ = stage.refused()
    return History(stage, matter, lots, deposit, refused)


def make_place(history: History, root: Path) -> Place:
    """A healthy copy: database, objects, leaves, receipts as they were handed out, bundles."""
    stage, home = history.stage, history.stage.home
    root.mkdir(parents=True, exist_ok=True)
    for name in ("objects", "leaves"):
        shutil.copytree(home / name, root / name)
    with closing(sqlite3.connect(home / "ledger.db")) as source, closing(sqlite3.connect(root / "ledger.db")) as to:
        source.backup(to)
    made = [*history.matter, *history.lots, history.deposit, history.refused]
    (root / "receipts").mkdir()
    (root / "bundles").mkdir()
    with stage.store.read() as tables:
        for one in made:
            receipt = tables.statements.receipt(one.digest)
            assert receipt is not None
            (root / "receipts" / f"{one.digest.hex()[:16]}.receipt.json").write_bytes(receipt)
        refusal = tables.refusals.get(history.refused.digest)
        assert refusal is not None
        (root / "receipts" / "refusal.json").write_bytes(refusal.file)
    for one in (history.deposit, history.lots[0], history.matter[-1]):
        (root / "bundles" / f"{one.digest.hex()[:16]}.bundle.json").write_bytes(stage.bundle(one, names=True))
    return Place(history, root, FakeChain(stage.chain))


def flipped(data: bytes, at: int = -1) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)
