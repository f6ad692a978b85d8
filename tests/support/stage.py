"""A whole service on an embedded chain: database, object store, worker, witnesses, and institutions that submit.

Everything is real but for HTTP: witnesses hand in through a callable, statements go straight to the service's use case.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path

import httpx

from anchors.chains.port import Chain
from anchors.chains.relayer import Relayer
from anchors.deployment import Deployment
from anchors.witness import Witness
from anchors.worker import Worker
from ledger.domain.life import Status
from ledger.services.build_bundle import BuildBundle, Wish
from ledger.services.manage_signers import put_card
from ledger.services.receive_cosignature import receive_cosignature
from ledger.services.receive_file import ReceiveFile
from ledger.services.submit_statement import SubmitStatement
from ledger.storage.keyring import Keyring
from ledger.storage.objects import EncryptedObjects
from ledger.storage.sql_store import SqlStore, open_store
from tests.support.consortium import APPROVER, NOTARY, OFFICE, OPERATOR, SPARE, WITNESSES, Consortium, salts
from tests.support.words import digests_of, example
from tests.support.world import procedure_of
from tiezheng.content import Attachment, Content, ContentType, build_content, to_private_json
from tiezheng.digest import sm3
from tiezheng.procedures import JsonValue, Kind, Procedure
from tiezheng.signature import KeySigner, Signature, sign
from tiezheng.statement import ZERO, Flag, SignedStatement, Statement, message_for, new_case_id
from tiezheng.trust import Trust
from tiezheng.verify import Verdict, verify

SEAL, HANDLER, APPROVAL = 0x00, 0x41, 0x42
MATTER = {
    1: [(OFFICE, SEAL)],
    2: [(NOTARY, HANDLER)],
    4: [(NOTARY, HANDLER)],
    8: [(NOTARY, HANDLER)],
    5: [(NOTARY, HANDLER)],
    6: [(APPROVER, APPROVAL)],
    7: [(OFFICE, SEAL), (NOTARY, HANDLER)],
}
"""The seven steps of a matter and who signs each: apply, accept, inform, identify, review, approve, issue."""


class SystemClock:
    """The clock of this machine, moved by `ahead_ms`."""

    ahead_ms = 0

    def now_ms(self) -> int:
        return int(time.time() * 1000) + self.ahead_ms


@dataclass(frozen=True)
class OperatorKey:
    """The operator's signer in memory."""

    signer: KeySigner
    number: int = OPERATOR
    key_index: int = 0

    def sign(self, message: bytes) -> bytes:
        return self.signer.sign(message)


@dataclass(frozen=True)
class Made:
    """A signed statement and its private content."""

    signed: SignedStatement
    content: Content

    @property
    def digest(self) -> bytes:
        return self.signed.digest


@dataclass
class ServiceDesk:
    """The service's side for witnesses, without HTTP."""

    stage: "Stage"

    def latest(self) -> tuple[int, bytes] | None:
        with self.stage.store.read() as tables:
            row = tables.proofs.latest()
        return None if row is None else (row.height, row.hash)

    def holds(self, number: int, height: int) -> bool:
        with self.stage.store.read() as tables:
            return any(one.signer == number for one in tables.proofs.cosignatures(height))

    def hand_in(self, height: int, block_hash: bytes, seen_ms: int, signature: Signature) -> None:
        stage = self.stage
        receive_cosignature(stage.store, stage.clock, stage.trust, height, block_hash, seen_ms, signature.to_bytes())


@dataclass
class Stage:
    """One service. `open` it, and `close` it at the end; the chain belongs to the caller."""

    home: Path
    chain: Chain
    consortium: Consortium
    relayer: Relayer
    place: Path | str | None = None
    """Where the database is; in the home if it is not given."""
    trust: Trust = field(init=False)
    store: SqlStore = field(init=False)
    keyring: Keyring = field(init=False)
    objects: EncryptedObjects = field(init=False)
    submitting: SubmitStatement = field(init=False)
    worker: Worker = field(init=False)
    witnesses: list[Witness] = field(init=False, default_factory=list)
    clock: SystemClock = field(default_factory=SystemClock)
    drawn: int = 0
    key_indexes: dict[int, int] = field(default_factory=dict)

    @property
    def deployment(self) -> Deployment:
        return self.consortium.deployment

    @property
    def leaves(self) -> Path:
        return self.home / "leaves"

    def open(self) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        self.trust = self.consortium.trust()
        self.store = open_store(self.home / "ledger.db" if self.place is None else self.place)
        self.keyring = Keyring(self.store.engine, b"\7" * 16)
        self.objects = EncryptedObjects(str(self.home / "objects"), self.keyring)
        operator = OperatorKey(KeySigner(self.consortium.keys[OPERATOR]))
        self.submitting = SubmitStatement(self.store, self.keyring, self.clock, operator, self.trust)
        self.worker = Worker(
            self.store,
            self.chain,
            self.deployment,
            self.relayer,
            operator,
            self.trust,
            self.leaves,
            self.clock,
            seal_wait_ms=0,
        )

    def close(self) -> None:
        self.submitting.close()
        self.store.close()

    def invite_witnesses(self, numbers: Sequence[int] = WITNESSES) -> None:
        """Witnesses, each with its own state and view of the chain."""
        self.witnesses = [
            Witness(
                self.chain,
                self.trust,
                number,
                KeySigner(self.consortium.witness_keys[number]),
                self.home / "witness" / str(number),
                ServiceDesk(self),
                self.clock.now_ms,
            )
            for number in numbers
        ]

    def deposit_cards(self) -> None:
        """Identity cards of all members whose keys the worker has read."""
        for number, card in self.consortium.cards.items():
            with self.store.read() as tables:
                known = tables.members.keys(number)
            if known:
                put_card(self.store, self.keyring, number, None, to_private_json(card))

    # Making statements ------------------------------------------------------------------------------------------

    def draw(self) -> bytes:
        self.drawn += 1
        return sm3(b"drawn", self.drawn.to_bytes(8, "big"))

    def make(
        self,
        kind: Kind,
        procedure: Procedure,
        plan: Sequence[tuple[int, int]],
        after: Made | None = None,
        values: Mapping[str, JsonValue] | None = None,
        attachments: Sequence[Attachment] = (),
        **changes: object,
    ) -> Made:
        """A signed statement of this kind, behind another one of its case or opening a case."""
        given: dict[str, JsonValue] = {
            spec.name: example(spec.type.value, spec.choices) for spec in kind.schema.fields if spec.required
        }
        given |= dict(values or {})
        given["signers"] = [[signer, role] for signer, role in sorted(plan)]
        content = build_content(
            ContentType.STATEMENT, kind.schema, given, attachments, (), draw_salt=salts(self.draw())
        )
        in_batch = kind.lane.value == "batch"
        before = None if after is None else after.signed.statement
        members: dict[str, object] = {
            "kind": kind.number,
            "flags": Flag.BATCH if in_batch else Flag(0),
            "sequence": 0 if before is None else before.sequence + 1,
            "institution": OFFICE,
            "counterparty": 0,
            "occurred": self.clock.now_ms(),
            "case": new_case_id(OFFICE, self.draw()[:28]) if before is None else before.case,
            "previous": procedure.table_digest if before is None else before.digest,
            "subject": ZERO,
            "content": content.root,
        }
        statement = Statement(**{**members, **changes})  # type: ignore[arg-type]
        return Made(self.sign(statement, plan), content)

    def sign(self, statement: Statement, plan: Sequence[tuple[int, int]]) -> SignedStatement:
        contract = self.deployment.batch if statement.flags & Flag.BATCH else self.deployment.registry
        signatures = []
        for signer, role in sorted(plan):
            message = message_for(statement, contract.id, signer, role, len(plan))
            index = self.key_indexes.get(signer, 0)
            signatures.append(Signature(signer, role, index, sign(self.consortium.keys[signer], message)))
        return SignedStatement(statement, tuple(signatures))

    def matter(self, steps: Sequence[int] = tuple(MATTER), after: Made | None = None) -> list[Made]:
        """The steps of one matter."""
        procedure, made = procedure_of(3), list[Made]()
        for step in steps:
            after = self.make(procedure.by_step[step], procedure, MATTER[step], after)
            made.append(after)
        return made

    def bulk(self) -> Made:
        """One statement of the batch lane."""
        procedure = procedure_of(2)
        return self.make(procedure.by_step[1], procedure, [(OFFICE, SEAL)])

    def deposit(self, data: bytes, name: str = "work.txt") -> Made:
        """A file kept by the service, and the deposit that names it as subject and attachment."""
        procedure = procedure_of(1)
        case = new_case_id(OFFICE, self.draw()[:28])
        ReceiveFile(self.store, self.objects, self.clock).receive(case, OFFICE, "text/plain", BytesIO(data))
        attachment = Attachment(name, "text/plain", digests_of(data), self.draw()[:16])
        return self.make(
            procedure.by_step[1],
            procedure,
            [(OFFICE, SEAL)],
            attachments=[attachment],
            case=case,
            subject=digests_of(data).sm3,
        )

    # The way of a statement -------------------------------------------------------------------------------------

    def submit(self, *made: Made) -> None:
        for one in made:
            signed = one.signed
            self.submitting.submit(signed.statement.to_bytes(), signed.signatures_bytes, to_private_json(one.content))

    def status(self, made: Made) -> Status:
        with self.store.read() as tables:
            row = tables.statements.get(made.digest)
        assert row is not None
        return row.status

    def run_until(self, status: Status, *made: Made, seconds: float = 40) -> None:
        """Rounds of worker and witnesses until all of these stand there."""
        deadline = time.monotonic() + seconds
        while any(self.status(one) is not status for one in made):
            assert time.monotonic() < deadline, [self.status(one) for one in made]
            self.worker.round()
            for witness in self.witnesses:
                witness.step()
            self.wait()

    def wait(self) -> None:
        """The next block, made at once instead of waited for."""
        httpx.post(self.deployment.rpc, json={"jsonrpc": "2.0", "id": 1, "method": "evm_mine", "params": []})

    def refused(self) -> list[Made]:
        """Two steps that were accepted and receipted, before the key that signed the first one was revoked."""
        relayer = Relayer(b"\3" * 32)
        self.consortium.admit(self.chain, relayer, SPARE)
        (opened,) = self.matter([1])
        self.submit(opened)
        self.run_until(Status.FINAL, opened)
        procedure = procedure_of(3)
        first = self.make(procedure.by_step[2], procedure, [(SPARE, HANDLER)], opened)
        second = self.make(procedure.by_step[4], procedure, [(SPARE, HANDLER)], first)
        self.submit(first, second)
        self.consortium.revoke(self.chain, relayer, SPARE)
        self.run_until(Status.REFUSED, first, second)
        return [first, second]

    def bundle(self, made: Made, **wish: bool) -> bytes:
        built = BuildBundle(self.store, self.keyring, self.clock, self.trust)
        return built.build(made.digest, OFFICE, Wish(**wish)).data

    def verdict(self, made: Made, **wish: bool) -> Verdict:
        return verify(self.bundle(made, names=True, **wish), self.trust, self.clock.now_ms(), ())
