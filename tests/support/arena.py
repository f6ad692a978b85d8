"""A registry on a real embedded chain that the kernel's rules are held against.

Twelve institutions and eleven practitioners in every custody; one institution's key and one practitioner's are revoked,
one practitioner is suspended. What the rules are told of members and cases is read from the contracts themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from eth_abi.abi import decode
from requests import Session

from anchors.chains.port import Block, Chain, Mined, Reverted
from anchors.chains.relayer import Relayer
from anchors.contracts import BATCH, INSTITUTIONS, REGISTRY, artifact
from anchors.deploy import found_ledger, plan_founding
from anchors.deployment import Contract, Deployment
from anchors.govern import (
    Admission,
    admit_practitioner,
    revocation_message,
    revoke_key,
    suspend_practitioner,
    suspension_message,
)
from tests.support.consortium import key_of
from tiezheng.batch import BatchHeader
from tiezheng.digest import sm3
from tiezheng.founding import Custody, Founder, Function, InstitutionRole
from tiezheng.procedures import CaseState, Procedure
from tiezheng.signature import PrivateKey, Signature, sign

REGULATOR, OPERATOR, OFFICE, SECOND, COURT = 1, 2, 101, 102, 201
REVOKED_OFFICE = 103
NEVER_MEMBER = 999
ROLES = {
    REGULATOR: InstitutionRole.REGULATOR,
    OPERATOR: InstitutionRole.OPERATOR,
    OFFICE: InstitutionRole.NOTARY_OFFICE,
    SECOND: InstitutionRole.NOTARY_OFFICE,
    REVOKED_OFFICE: InstitutionRole.NOTARY_OFFICE,
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
}
_OPEN_END = (1 << 48) - 1


@dataclass(frozen=True)
class ChainKey:
    """A key record's word (SPEC §5.3), as `tiezheng.procedures.MemberKey`."""

    word: bytes

    @property
    def institution(self) -> int:
        return int.from_bytes(self.word[4:8], "big")

    @property
    def role(self) -> int:
        return self.word[8]

    @property
    def custody(self) -> int:
        return self.word[10]

    def valid(self, at_seconds: int) -> bool:
        begin, end = int.from_bytes(self.word[11:17], "big"), int.from_bytes(self.word[17:23], "big")
        return begin <= at_seconds and (end == _OPEN_END or at_seconds < end)


@dataclass
class Arena:
    """Chain, ledger, and the tables of `procedures`. `open` it before use; it is `tiezheng.procedures.Members` too."""

    chain: Chain
    url: str
    procedures: Sequence[Procedure]
    keys: dict[int, PrivateKey] = field(init=False)
    deployment: Deployment = field(init=False)
    relayer: Relayer = field(init=False, default_factory=lambda: Relayer(b"\3" * 32))
    nonce: int = 0
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
        self._end(SUSPENDED, REVOKED, REVOKED_OFFICE)
        self.nonce = self.chain.next_nonce(self.relayer.address)

    @property
    def registry(self) -> Contract:
        return self.deployment.registry

    def head(self) -> Block:
        """The last block; it stands still until something is sent."""
        if self._head is None:
            self._head = self.chain.head()
        return self._head

    # What the rules ask -----------------------------------------------------------------------------------------

    def key(self, number: int, key_index: int) -> ChainKey | None:
        place = (number, key_index)
        if place not in self._records:
            word = self._read(INSTITUTIONS, "keyAt", number, key_index)[3]
            self._records[place] = ChainKey(word) if any(word) else None
        return self._records[place]

    def is_member(self, number: int) -> bool:
        if number not in self._known:
            ((_, _, status, _),) = self._read(INSTITUTIONS, "member", number)
            self._known[number] = bool(status)
        return self._known[number]

    # What the contracts say -------------------------------------------------------------------------------------

    def refusal(self, statement: bytes, signatures: bytes, height: int) -> bytes | None:
        """Revert data of `record` in this block, None if it would be recorded."""
        try:
            self.chain.call(
                self.registry.address, artifact(REGISTRY).call("record", statement, signatures), height=height
            )
        except Reverted as refusal:
            return refusal.data
        return None

    def record(self, statement: bytes, signatures: bytes) -> Mined:
        """Really send it."""
        return self._send(self.registry.address, artifact(REGISTRY).call("record", statement, signatures))

    def is_recorded(self, digest: bytes) -> bool:
        return any(self._read(REGISTRY, "recordOf", digest)[0])

    def case(self, case: bytes) -> CaseState:
        """The case as the registry holds it."""
        ((head, table, sequence, state, closed, seen, occurred, participants, handlers),) = self._read(
            REGISTRY, "caseOf", case
        )
        named = tuple(number for number in participants if number)
        assert participants[: len(named)] == named
        return CaseState(head, table, sequence, state, closed, seen, occurred, named, tuple(handlers))

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

    def _read(self, contract: str, function: str, *arguments: object) -> tuple[Any, ...]:
        addresses = {
            INSTITUTIONS: self.deployment.institutions.address,
            REGISTRY: self.registry.address,
            BATCH: self.deployment.batch.address,
        }
        known = artifact(contract)
        return known.result(function, self.chain.call(addresses[contract], known.call(function, *arguments)))

    def _send(self, to: bytes, data: bytes) -> Mined:
        signed = self.relayer.sign(
            chain_id=self.deployment.chain_id, nonce=self.nonce, to=to, data=data, gas=20_000_000
        )
        self.nonce += 1
        self._head = None
        self.chain.send(signed.raw)
        for _ in range(10_000):
            mined = self.chain.mined(signed.hash)
            if mined is not None:
                assert mined.succeeded
                return mined
        raise AssertionError("not mined")

    def _found(self) -> None:
        founders = [
            Founder(number, role, Custody.SELF, self.keys[number].public, sm3(b"card", b"%d" % number))
            for number, role in sorted(ROLES.items())
        ]
        plan = plan_founding(self.chain, self.relayer, 3, founders)
        signatures = {number: sign(self.keys[number], plan.message(number)) for number in ROLES}
        tables = [procedure.table_bytes for procedure in self.procedures]
        self.deployment = found_ledger(
            self.chain, self.relayer, plan, signatures, tables, domain=1, operator=OPERATOR, rpc=self.url
        )

    def _admit(self, number: int) -> None:
        institution, function, custody = PERSONS[number]
        identity, key = self.deployment.institutions.id, self.keys[number]
        admission = Admission(number, institution, function, custody, key.public, sm3(b"card", b"%d" % number))
        first, second = (
            Signature(signer, 0, 0, sign(self.keys[signer], admission.decision(signer, identity)))
            for signer in (institution, REGULATOR)
        )
        possession = Signature(number, 0, 0, sign(key, admission.possession(identity)))
        admit_practitioner(self.chain, self.relayer, self.deployment, admission, (first, second), possession)

    def _end(self, suspended: int, *revoked: int) -> None:
        identity = self.deployment.institutions.id
        message = suspension_message(suspended, OFFICE, identity)
        signature = Signature(OFFICE, 0, 0, sign(self.keys[OFFICE], message))
        suspend_practitioner(self.chain, self.relayer, self.deployment, suspended, signature)
        for number in revoked:
            message = revocation_message(number, 0, identity)
            signature = Signature(number, 0, 0, sign(self.keys[number], message))
            revoke_key(self.chain, self.relayer, self.deployment, signature)


def limit_of(refusal: bytes) -> int:
    """The first argument of `OccurredInFuture`: the latest time that the registry takes, in ms."""
    limit, _ = decode(["uint256", "uint256"], refusal[4:])
    return int(limit)
