"""The keys, cards and key records of a simulated ledger, which `tests.support.world` makes bundles of.

Words and positions are written here from spec/SPEC.md §5.3, apart from the verifier.
"""

from dataclasses import dataclass, field, replace

from tests.support.words import packed, word
from tests.unit.tiezheng.evm.trie_builder import keccak_of
from tiezheng.bundle import (
    BatchProof,
    LedgerId,
)
from tiezheng.content import (
    Content,
)
from tiezheng.digest import sm3
from tiezheng.identity import institution_card, practitioner_card
from tiezheng.signature import PrivateKey, private_key, z_value
from tiezheng.statement import SignedStatement, Statement, contract_id

REGULATOR, OPERATOR, OFFICE, COURT, PROCURATORATE = 1, 2, 101, 201, 301
NOTARY, APPROVER = 0x8000_0001, 0x8000_0002
START = 1_795_000_000
OPEN_END = (1 << 48) - 1
AT_MS = (START + 7_200) * 1000
FILE = b"the deposited work\n" * 40
INSTITUTIONS, REGISTRY, BATCH = b"\x11" * 20, b"\x22" * 20, b"\x33" * 20
ROLES = {REGULATOR: 6, OPERATOR: 9, OFFICE: 1, COURT: 4, PROCURATORATE: 5}
SEAL = 0x00


@dataclass
class Member:
    """A key on chain with its card; `record` gives the word of §5.3."""

    number: int
    institution: int
    role: int
    key: PrivateKey
    card: Content
    index: int = 0
    custody: int = 1
    valid_from: int = START - 1_000_000
    valid_until: int = OPEN_END
    compromised: int = 0
    ended_by: int = 0

    def record(self) -> bytes:
        return packed(
            (self.number, 4), (self.institution, 4), (self.role, 1), (self.index, 1), (self.custody, 1),
            (self.valid_from, 6), (self.valid_until, 6), (self.compromised, 6), (self.ended_by, 1),
        )  # fmt: skip


@dataclass
class Filed:
    """A statement with its content and, once recorded, its record word (registry) or batch proof."""

    signed: SignedStatement
    content: Content
    table: bytes
    batch: BatchProof | None = None

    @property
    def statement(self) -> Statement:
        return self.signed.statement


@dataclass
class WorldState:
    """Storage of the three contracts by position; `extra` accounts make the state trie branch."""

    seed: str = "world"
    chain_id: int = 31_337
    height: int = 120
    time: int = START + 600
    threshold: int = 2
    storage: dict[bytes, dict[bytes, bytes]] = field(
        default_factory=lambda: {INSTITUTIONS: {}, REGISTRY: {}, BATCH: {}}
    )
    code: dict[bytes, bytes] = field(init=False)
    members: dict[tuple[int, int], Member] = field(default_factory=dict)
    _salts: int = 0

    def __post_init__(self) -> None:
        self.code = {address: keccak_of(b"code of " + address) for address in self.storage}
        for number, role in ROLES.items():
            card = institution_card(number, f"9132{number:014}", f"示范机构{number}", role, draw_salt=self.salt)
            self.enrol(Member(number, number, role, self.key(number), card))
        for number in (NOTARY, APPROVER):
            card = practitioner_card(number, f"A{number:010}", f"公证员{number}", 1, OFFICE, draw_salt=self.salt)
            self.enrol(Member(number, OFFICE, 1, self.key(number), card))

    def salt(self) -> bytes:
        self._salts += 1
        return sm3(b"salt", self.seed.encode(), word(self._salts))[:16]

    def key(self, name: object) -> PrivateKey:
        number = int.from_bytes(sm3(b"key", self.seed.encode(), str(name).encode()), "big")
        return private_key(number % (1 << 255) + 1)

    def digest(self, name: str) -> bytes:
        return sm3(self.seed.encode(), name.encode())

    @property
    def ledger(self) -> LedgerId:
        return LedgerId(self.chain_id, self.digest("founding"), self.digest("genesis"))

    def contract(self, address: bytes) -> bytes:
        return contract_id(self.chain_id, address, self.ledger.founding)

    def enrol(self, member: Member) -> None:
        """Write the member's key record and identity root."""
        self.members[member.number, member.index] = member
        z = z_value(member.key.public)
        record, root = key_positions(z, member.index)
        self.storage[INSTITUTIONS][record] = member.record()
        self.storage[INSTITUTIONS][root] = member.card.root

    def change(self, number: int, **changes: object) -> None:
        """Another key record for a member."""
        if "valid_until" in changes:
            changes.setdefault("ended_by", 1)
        self.enrol(replace(self.members[number, 0], **changes))  # type: ignore[arg-type]


def key_positions(z: bytes, index: int) -> list[bytes]:
    """Key record and identity root of a key period (§5.3)."""
    return [keccak_of(word(index) + keccak_of(z + word(mapping))) for mapping in (0, 1)]
