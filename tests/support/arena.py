"""Registries on a real embedded chain that the kernel's rules are held against.

Thirteen institutions and thirteen practitioners in every custody; one institution's key and one practitioner's are
revoked, one practitioner and one institution are suspended. What the rules are told of members is read from the
contract itself; cases and records are compared word by word.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from eth_abi.abi import decode
from requests import Session

from anchors.chains.port import Block, Chain, Mined, Reverted
from anchors.chains.relayer import Relayer
from anchors.contracts import BATCH, INSTITUTIONS, REGISTRY, artifact
from anchors.decide import Decider
from anchors.deploy import found_ledger, plan_founding
from anchors.deployment import Contract, Deployment
from anchors.govern import Admission, Governor, NewKey, revocation_message, suspension_message
from anchors.transact import transact
from tests.support.consortium import key_of
from tiezheng.batch import BatchHeader
from tiezheng.digest import sm3
from tiezheng.evm.keccak import keccak256
from tiezheng.founding import Custody, Founder, Function, InstitutionRole
from tiezheng.governance import Decision, suspend_institution
from tiezheng.procedures import OPEN_END, CaseState, Holding, Procedure, Recorded, Split
from tiezheng.signature import PrivateKey, Signature, sign
from tiezheng.statement import contract_id
from tiezheng.storage_words import (
    CaseFlag,
    KeyWord,
    ProgressWord,
    RecordBit,
    RecordWord,
    case_tag,
    holding_word,
    numbers_word,
)

REGULATOR, OPERATOR, OFFICE, SECOND, COURT = 1, 2, 101, 102, 201
REVOKED_OFFICE, SUSPENDED_OFFICE = 103, 104
NEVER_MEMBER = 999
ROLES = {
    REGULATOR: InstitutionRole.REGULATOR,
    OPERATOR: InstitutionRole.OPERATOR,
    OFFICE: InstitutionRole.NOTARY_OFFICE,
    SECOND: InstitutionRole.NOTARY_OFFICE,
    REVOKED_OFFICE: InstitutionRole.NOTARY_OFFICE,
    SUSPENDED_OFFICE: InstitutionRole.NOTARY_OFFICE,
    COURT: InstitutionRole.COURT,
    202: InstitutionRole.COURT,
    301: InstitutionRole.PROCURATORATE,
    401: InstitutionRole.PRISON,
    501: InstitutionRole.APPRAISAL_INSTITUTE,
    601: InstitutionRole.ASSOCIATION,
    701: InstitutionRole.COMMUNITY_CORRECTIONS,
}
FIRST_PERSON = 0x8000_0001
SUSPENDED, REVOKED = 0x8000_0009, 0x8000_000A
PERSONS = {
    FIRST_PERSON: (OFFICE, Function.NOTARY, Custody.SELF),
    0x8000_0002: (OFFICE, Function.NOTARY, Custody.SELF),
    0x8000_0003: (OFFICE, Function.NOTARY, Custody.HOSTED),
    0x8000_0004: (OFFICE, Function.NOTARY, Custody.HOSTED),
    0x8000_0005: (OFFICE, Function.APPRAISER, Custody.HARDWARE),
    0x8000_0006: (SECOND, Function.NOTARY, Custody.SELF),
    0x8000_0007: (SECOND, Function.NOTARY, Custody.HOSTED),
    0x8000_0008: (COURT, Function.OFFICER, Custody.SELF),
    SUSPENDED: (OFFICE, Function.NOTARY, Custody.SELF),
    REVOKED: (OFFICE, Function.NOTARY, Custody.SELF),
    0x8000_000B: (COURT, Function.NOTARY, Custody.HOSTED),
    0x8000_000C: (SUSPENDED_OFFICE, Function.NOTARY, Custody.SELF),
    0x8000_000D: (OFFICE, Function.OFFICER, Custody.SELF),
    0x8000_000E: (OFFICE, Function.STAFF, Custody.SELF),
}
DOMAIN, THRESHOLD = 1, 3
VOTERS = (REGULATOR, OPERATOR, OFFICE)


@dataclass(frozen=True)
class ChainKey:
    """A key as the contract gives it (SPEC §5.3), as `tiezheng.procedures.MemberKey`."""

    word: KeyWord
    institution_active: bool

    @property
    def institution(self) -> int:
        return self.word.institution

    @property
    def role(self) -> int:
        return self.word.role

    @property
    def custody(self) -> int:
        return self.word.custody

    def valid(self, at_seconds: int) -> bool:
        return self.word.valid_from <= at_seconds and self.word.ended_by == 0


@dataclass(frozen=True)
class Registry:
    """One registry: the contract, and the index of each of its tables."""

    contract: Contract
    deployment: Deployment
    indices: dict[bytes, int] = field(default_factory=dict)


@dataclass
class Arena:
    """Chain, ledger, registries. `open` it before use; it is `tiezheng.procedures.Members` too.

    `windows` says when the tables of some procedures are in force (ms); the others always are.
    """

    chain: Chain
    url: str
    procedures: Sequence[Procedure]
    windows: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    keys: dict[int, PrivateKey] = field(init=False)
    deployment: Deployment = field(init=False)
    relayer: Relayer = field(init=False, default_factory=lambda: Relayer(b"\3" * 32))
    last_batch: BatchHeader | None = None
    _head: Block | None = None
    _records: dict[tuple[int, int], ChainKey | None] = field(default_factory=dict)
    _known: dict[int, bool] = field(default_factory=dict)
    _session: Session = field(default_factory=Session)

    def open(self) -> None:
        self.keys = {number: key_of(f"arena {number}") for number in (*ROLES, *PERSONS)}
        # A block for each transaction at once, and none between: times and heights stand still during a check.
        self._node("evm_setIntervalMining", 0)
        self._node("evm_setAutomine", True)
        self._found()
        for number in PERSONS:
            self._admit(number)
        self._end()

    def first(self) -> Registry:
        """The registry of the founding, with all tables."""
        return self._furnish(self.deployment.registry)

    def successor(self, before: Registry) -> Registry:
        """A registry that would succeed another one, with all tables."""
        return self._furnish(self._deploy(before.contract.address))

    def without_tables(self, domain: int = DOMAIN) -> Registry:
        """One that succeeds nobody and holds no table."""
        contract = self._deploy(bytes(20), domain)
        return Registry(contract, replace(self.deployment, registry=contract))

    def _deploy(self, predecessor: bytes, domain: int = DOMAIN) -> Contract:
        creation = artifact(REGISTRY).creation(self.deployment.institutions.address, domain, predecessor)
        mined = transact(self.chain, self.relayer, self.deployment.chain_id, None, creation)
        assert mined.contract is not None
        self._head = None
        identity = contract_id(self.deployment.chain_id, mined.contract, self.deployment.founding)
        return Contract(mined.contract, identity, keccak256(self.chain.code(mined.contract)), mined.block_number)

    def _furnish(self, contract: Contract) -> Registry:
        place = Registry(contract, replace(self.deployment, registry=contract))
        decider = Decider(self.chain, self.relayer, place.deployment)
        for index, procedure in enumerate(self.procedures, 1):
            start, until = self.windows.get(procedure.table_digest, (0, OPEN_END))
            decision = decider.propose_table(procedure.table_bytes, start, until)
            decider.register_table(decision, procedure.table_bytes, start, self._votes(decision), until)
            place.indices[procedure.table_digest] = index
        self._head = None
        return place

    def close(self, place: Registry, successor: Registry) -> None:
        decider = Decider(self.chain, self.relayer, place.deployment)
        decision = decider.propose_closing(place.contract, successor.contract.address)
        decider.close(decision, place.contract, successor.contract.address, self._votes(decision))
        self._head = None

    def _votes(self, decision: Decision) -> list[Signature]:
        identity = self.deployment.institutions.id
        return [
            Signature(one, 0, 0, sign(self.keys[one], decision.message(one, len(VOTERS), identity))) for one in VOTERS
        ]

    def head(self) -> Block:
        """The last block; it stands still until something is sent."""
        if self._head is None:
            self._head = self.chain.head()
        return self._head

    # What the rules ask -----------------------------------------------------------------------------------------

    def key(self, number: int, key_index: int) -> ChainKey | None:
        place = (number, key_index)
        if place not in self._records:
            _, _, word, active = self._read(INSTITUTIONS, "keyOf", number, key_index)
            self._records[place] = ChainKey(KeyWord.parse(word), active) if any(word) else None
        return self._records[place]

    def is_member(self, number: int) -> bool:
        if number not in self._known:
            (member,) = self._read(INSTITUTIONS, "member", number)
            self._known[number] = bool(member[2])
        return self._known[number]

    # What the contracts say -------------------------------------------------------------------------------------

    def refusal(self, place: Registry, statement: bytes, signatures: bytes, height: int) -> bytes | None:
        """Revert data of `record` in this block, None if it would be recorded."""
        return self._refusal(place, height, "record", statement, signatures)

    def table_refusal(self, place: Registry, table: bytes) -> bytes:
        """Revert data of `registerTable` under a decision that nobody took."""
        refusal = self._refusal(place, self.head().number, "registerTable", table, 0, OPEN_END, 0, 0, b"")
        assert refusal is not None
        return refusal

    def _refusal(self, place: Registry, height: int, function: str, *arguments: object) -> bytes | None:
        try:
            self.chain.call(place.contract.address, artifact(REGISTRY).call(function, *arguments), height=height)
        except Reverted as refusal:
            return refusal.data
        return None

    def record(self, place: Registry, statement: bytes, signatures: bytes) -> Mined:
        """Really send it."""
        return self._send(place.contract.address, artifact(REGISTRY).call("record", statement, signatures))

    def check_case(self, place: Registry, case: bytes, state: CaseState) -> None:
        """That the registry holds the five words of this case."""
        (words,) = self._read(REGISTRY, "wordsOf", case, at=place)
        guests = state.participants[1:]
        progress = ProgressWord(
            state.sequence, state.state, CaseFlag(state.flags), state.kinds_seen, state.last_occurred, state.end,
            place.indices[state.table], state.holder, len(guests),
        )  # fmt: skip
        expected = (
            state.head,
            progress.to_bytes(),
            numbers_word(guests),
            numbers_word(state.handlers),
            holding_word(state.quantity, state.unit),
        )
        assert tuple(words) == expected, [word.hex() for word in (*words, *expected)]

    def check_record(self, place: Registry, digest: bytes, record: Recorded, table: bytes, block: Block | None) -> None:
        """That the registry holds this record, of this block where one is given."""
        (word,) = self._read(REGISTRY, "recordOf", digest, at=place)
        found = RecordWord.parse(word)
        bits = RecordBit(record.status_byte & ~7)
        expected = RecordWord(
            found.block_time, found.block_number, record.status, bits, place.indices[table], record.position,
            case_tag(record.case),
        )  # fmt: skip
        assert found == expected, (found, expected)
        if block is not None:
            assert (found.block_time, found.block_number) == (block.time, block.number)

    def check_split(self, place: Registry, digest: bytes, split: Split) -> None:
        """That the registry keeps this split."""
        quantity, unit, holder, used = self._read(REGISTRY, "splitOf", digest, at=place)
        assert (Holding(quantity, unit, holder), used) == (split.holding, split.used)

    def anchor(self, header: BatchHeader) -> Mined:
        """Anchor a batch under the operator's signature."""
        signature = sign(self.keys[OPERATOR], header.message(self.deployment.batch.id))
        sealed = Signature(OPERATOR, 0, 0, signature).to_bytes()
        mined = self._send(self.deployment.batch.address, artifact(BATCH).call("anchor", header.to_bytes(), sealed))
        self.last_batch = header
        return mined

    def check_leaf(self, header: bytes, leaf: bytes, index: int, path: Sequence[bytes]) -> bool:
        return bool(self._read(BATCH, "checkLeaf", header, leaf, index, list(path))[0])

    # The chain --------------------------------------------------------------------------------------------------

    def _node(self, method: str, *params: object) -> None:
        body: dict[str, Any] = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        answer = self._session.post(self.url, json=body, timeout=30).json()
        assert "error" not in answer, answer

    def _read(self, contract: str, function: str, *arguments: object, at: Registry | None = None) -> tuple[Any, ...]:
        where = {INSTITUTIONS: self.deployment.institutions, BATCH: self.deployment.batch}
        address = (where[contract] if at is None else at.contract).address
        known = artifact(contract)
        return known.result(function, self.chain.call(address, known.call(function, *arguments)))

    def _send(self, to: bytes, data: bytes) -> Mined:
        self._head = None
        return transact(self.chain, self.relayer, self.deployment.chain_id, to, data, gas=20_000_000)

    def _found(self) -> None:
        founders = [
            Founder(number, role, Custody.SELF, self.keys[number].public, sm3(b"card", b"%d" % number))
            for number, role in sorted(ROLES.items())
        ]
        plan = plan_founding(self.chain, self.relayer, THRESHOLD, founders)
        signatures = {number: sign(self.keys[number], plan.message(number)) for number in ROLES}
        self.deployment = found_ledger(
            self.chain, self.relayer, plan, signatures, domain=DOMAIN, operator=OPERATOR, rpc=self.url
        )

    def _admit(self, number: int) -> None:
        institution, function, custody = PERSONS[number]
        identity, key = self.deployment.institutions.id, self.keys[number]
        first = NewKey(number, custody, key.public, sm3(b"card", b"%d" % number))
        admission = Admission(institution, function, first)
        signed = [
            Signature(signer, 0, 0, sign(self.keys[signer], admission.decision(signer, identity)))
            for signer in (REGULATOR, institution)
        ]
        possession = Signature(number, 0, 0, sign(key, first.possession(identity)))
        Governor(self.chain, self.relayer, self.deployment).admit_practitioner(admission, signed, possession)

    def _end(self) -> None:
        """End the keys of those who are suspended or revoked."""
        identity = self.deployment.institutions.id
        governor = Governor(self.chain, self.relayer, self.deployment)
        message = suspension_message(SUSPENDED, governor.changes(SUSPENDED), OFFICE, identity)
        governor.suspend_practitioner(SUSPENDED, Signature(OFFICE, 0, 0, sign(self.keys[OFFICE], message)))
        for number in (REVOKED, REVOKED_OFFICE):
            message = revocation_message(number, 0, identity)
            governor.revoke_key(Signature(number, 0, 0, sign(self.keys[number], message)))
        decider = Decider(self.chain, self.relayer, self.deployment)
        decision = decider.propose(self.deployment.institutions, suspend_institution(SUSPENDED_OFFICE))
        decider.execute(decision, self._votes(decision))


def limit_of(refusal: bytes) -> int:
    """The first argument of `OccurredInFuture`: the latest time that the registry takes, in ms."""
    limit, _ = decode(["uint256", "uint256"], refusal[4:])
    return int(limit)
