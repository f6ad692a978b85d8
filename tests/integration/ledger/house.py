"""A service's ledger on a real database and real files, with the keys of the simulated world."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ledger.domain.chain_records import AccountProof, BlockRef, Checkpoint, SlotProof
from ledger.domain.records import InstitutionRow, KeyRow, TableRow
from ledger.services.build_bundle import BuildBundle
from ledger.services.collect_signatures import CollectSignatures
from ledger.services.commit_group import Accepted
from ledger.services.manage_signers import put_card
from ledger.services.needed_slots import needed_slots, with_earlier
from ledger.services.read_file import ReadFile
from ledger.services.receive_cosignature import make_final, receive_cosignature
from ledger.services.receive_file import ReceiveFile
from ledger.services.receive_upload import ReceiveUpload
from ledger.services.submit_statement import SubmitStatement
from ledger.storage.growing import GrowingFiles
from ledger.storage.keyring import Keyring
from ledger.storage.objects import EncryptedObjects
from ledger.storage.sql_store import SqlStore, open_store
from tests.support.world import OPERATOR, START, Filed, World, table_index
from tests.unit.tiezheng.evm.trie_builder import keccak_of
from tiezheng.content import to_private_json
from tiezheng.governance import NO_END
from tiezheng.signature import PrivateKey, sign, z_value
from tiezheng.trust import Trust

MASTER_KEY = bytes(range(16))


@dataclass
class SetClock:
    """A clock that stands until it is set."""

    now: int = (START + 100) * 1000

    def now_ms(self) -> int:
        return self.now


@dataclass(frozen=True)
class KeyedOperator:
    """The operator's key in memory."""

    key: PrivateKey
    number: int = OPERATOR
    key_index: int = 0

    def sign(self, message: bytes) -> bytes:
        return sign(self.key, message)


@dataclass
class House:
    """Store, vault, objects and services over one folder."""

    folder: Path
    world: World
    place: Path | str
    clock: SetClock = field(default_factory=SetClock)

    def __post_init__(self) -> None:
        self.store: SqlStore = open_store(self.place)
        self.vault = Keyring(self.store.engine, MASTER_KEY)
        self.objects = EncryptedObjects(str(self.folder / "objects"), self.vault)
        self.operator = KeyedOperator(self.world.members[OPERATOR, 0].key)
        self.trust: Trust = self.world.trust()
        self.submit = SubmitStatement(self.store, self.vault, self.clock, self.operator, self.trust)
        self.collect = CollectSignatures(self.store, self.vault, self.clock, self.trust, self.submit)
        self.receive = ReceiveFile(self.store, self.objects, self.clock)
        self.growing = GrowingFiles(self.folder / "objects", self.vault)
        self.uploads = ReceiveUpload(self.store, self.growing, self.clock)
        self.read = ReadFile(self.store, self.objects)
        self.bundles = BuildBundle(self.store, self.vault, self.clock, self.trust)
        self.learn_members()

    def learn_members(self) -> None:
        """What the worker does with the events of members and tables, and the portal with identity cards."""
        with self.store.write() as tables:
            for (number, index), member in self.world.members.items():
                public = member.key.public.to_bytes()
                tables.members.put_key(
                    KeyRow(
                        number=number,
                        key_index=index,
                        x=public[:32],
                        y=public[32:],
                        z=z_value(member.key.public),
                        institution=member.institution,
                        role=member.role,
                        custody=member.custody,
                        identity_root=member.card.root,
                        valid_from=member.valid_from,
                        valid_until=member.valid_until,
                    )
                )
                if number == member.institution:
                    tables.members.put_institution(InstitutionRow(number, member.role, voter=True))
            for procedure in self.trust.procedures:
                digest = procedure.table_digest
                tables.registries.put_table(TableRow(digest, table_index(digest), 0, NO_END))
        for (number, _), member in self.world.members.items():
            put_card(self.store, self.vault, number, None, to_private_json(member.card))

    def accept(self, filed: Filed, *, content: bool = True, not_held: Sequence[bytes] | None = None) -> Accepted:
        """Submit it; attachments count as kept by the institution unless said otherwise."""
        own = [one.digests.sm3 for one in filed.content.attachments] if not_held is None else not_held
        private = to_private_json(filed.content) if content else None
        return self.submit.submit(
            filed.statement.to_bytes(), filed.signed.signatures_bytes, private, own if content else ()
        )

    def anchor(self, *filed: Filed, number: int = 100, time: int = START + 100) -> None:
        """As the worker does when it sees the events of a block."""
        block = BlockRef(number, self.world.digest(f"block {number}"), time)
        with self.store.write() as tables:
            tables.statements.mark_sent([one.statement.digest for one in filed])
            for one in filed:
                assert tables.statements.mark_anchored(one.statement.digest, block)

    def prove(self) -> bytes:
        """As the worker does at a checkpoint; the header's bytes."""
        header, height = self.world.header(), self.world.height
        with self.store.write() as tables:
            tables.proofs.put_checkpoint(Checkpoint(height, keccak_of(header), header, self.world.time))
            rows = tables.statements.unproven(height, 1000)
            wanted: dict[bytes, list[bytes]] = {}
            for address, position in needed_slots(tables, self.trust, with_earlier(tables, rows, height)):
                wanted.setdefault(address, []).append(position)
            for account in self.world.prove(wanted):
                tables.proofs.put_account(AccountProof(height, account.address, account.nodes))
                tables.proofs.put_slots(
                    [SlotProof(height, account.address, slot.position, slot.nodes) for slot in account.slots]
                )
            tables.statements.mark_proven([row.digest for row in rows], height)
            make_final(tables, self.trust, height, self.clock.now)
        return header

    def cosign(self, header: bytes, witnesses: Sequence[int]) -> None:
        """Witnesses post their signatures."""
        for one in self.world.cosign(header, witnesses):
            receive_cosignature(
                self.store,
                self.clock,
                self.trust,
                self.world.height,
                keccak_of(header),
                one.seen,
                one.signature.to_bytes(),
            )

    def close(self) -> None:
        self.submit.close()
        self.store.close()


@contextmanager
def open_house(folder: Path, world: World | None = None, place: Path | str | None = None) -> Iterator[House]:
    """`place` is the database's, a SQLite file in the folder if it is not given."""
    house = House(folder, world or World(), folder / "ledger.db" if place is None else place)
    try:
        yield house
    finally:
        house.close()
