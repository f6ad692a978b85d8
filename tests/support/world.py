"""A simulated ledger that makes real bundles without a node: keys, storage words, tries, headers, witnesses.

Storage positions and words are written here from spec/SPEC.md §5.3, §6 and §8.5, and tries by an independent builder,
so that the verifier is held against a second reading of the page. Everything can be tampered with before `bundle`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from tests.support.tries import Trie
from tests.support.words import digests_of, example, number_bytes, packed, storage_trie, word
from tests.support.world_state import (
    APPROVER,
    AT_MS,
    BATCH,
    COURT,
    FILE,
    INSTITUTIONS,
    NOTARY,
    OFFICE,
    OPEN_END,
    OPERATOR,
    PROCURATORATE,
    REGISTRY,
    REGULATOR,
    ROLES,
    SEAL,
    START,
    Filed,
    Member,
    WorldState,
    key_positions,
)
from tests.unit.tiezheng.evm.trie_builder import keccak_of, rlp
from tiezheng.batch import BatchHeader, build_batch
from tiezheng.bundle import (
    AccountProof,
    BatchProof,
    Bundle,
    BundleSigner,
    BundleStatement,
    ChainProof,
    Cosignature,
    SlotProof,
)
from tiezheng.content import (
    ALL,
    Attachment,
    Content,
    ContentType,
    DisclosedContent,
    build_content,
    build_records,
    disclose,
)
from tiezheng.digest import sha256, sm3
from tiezheng.identity import disclose_card
from tiezheng.procedures import JsonValue, Kind, Procedure, load_procedures
from tiezheng.signature import Signature, Tag, sign, signed_message, z_value
from tiezheng.statement import ZERO, Flag, SignedStatement, Statement, message_for, new_case_id
from tiezheng.trust import FinalityRule, Name, Trust, Witness, trusted_contract

__all__ = [
    "APPROVER",
    "AT_MS",
    "BATCH",
    "COURT",
    "FILE",
    "INSTITUTIONS",
    "NOTARY",
    "OFFICE",
    "OPEN_END",
    "OPERATOR",
    "PROCURATORATE",
    "REGISTRY",
    "REGULATOR",
    "ROLES",
    "SEAL",
    "START",
    "Filed",
    "Member",
    "World",
    "key_positions",
    "procedure_of",
    "table_index",
]  # fmt: skip


class World(WorldState):
    """Makes statements, words, proofs and bundles of a state."""

    # Making statements ------------------------------------------------------------------------------------------

    def sign(
        self, statement: Statement, plan: Sequence[tuple[int, int]], address: bytes = REGISTRY, index: int = 0
    ) -> SignedStatement:
        """Signatures by the members of the plan, each in its role."""
        identity = self.contract(address)
        signatures = []
        for signer, role in sorted(plan):
            period = index if (signer, index) in self.members else 0
            message = message_for(statement, identity, signer, role, len(plan))
            signatures.append(Signature(signer, role, period, sign(self.members[signer, period].key, message)))
        return SignedStatement(statement, tuple(signatures))

    def file(
        self,
        of_kind: Kind,
        procedure: Procedure,
        values: Mapping[str, JsonValue],
        plan: Sequence[tuple[int, int]],
        after: Filed | None = None,
        attachments: Sequence[Attachment] = (),
        works: Sequence[Mapping[str, JsonValue]] = (),
        index: int = 0,
        **changes: object,
    ) -> Filed:
        """A signed statement of this kind, after another one of its case or opening a case."""
        records = build_records(next(iter(of_kind.record_schemas.values())), works, self.salt) if works else ()
        given = {**values, "signers": [[signer, role] for signer, role in sorted(plan)]}
        content = build_content(ContentType.STATEMENT, of_kind.schema, given, attachments, records, draw_salt=self.salt)
        in_batch = of_kind.lane.value == "batch"
        members: dict[str, object] = {
            "kind": of_kind.number,
            "flags": Flag.BATCH if in_batch else Flag(0),
            "sequence": 0 if after is None else after.statement.sequence + 1,
            "institution": OFFICE,
            "counterparty": 0,
            "occurred": (START + 60) * 1000,
            "case": new_case_id(OFFICE, sm3(self.salt())[:28]) if after is None else after.statement.case,
            "previous": procedure.table_digest if after is None else after.statement.digest,
            "subject": ZERO,
            "content": content.root,
        }
        statement = Statement(**{**members, **changes})  # type: ignore[arg-type]
        signed = self.sign(statement, plan, BATCH if in_batch else REGISTRY, index)
        return Filed(signed, content, procedure.table_digest)

    def deposit(self, **changes: object) -> Filed:
        """A registry deposit of `FILE` with the file attached and as its subject."""
        procedure = procedure_of(1)
        attachment = Attachment("work.txt", "text/plain", digests_of(FILE), self.salt())
        values: dict[str, JsonValue] = {"title": "作品一", "given_by": "party", "owner": "甲"}
        changes.setdefault("subject", digests_of(FILE).sm3)
        filed = self.file(
            procedure.by_step[1], procedure, values, [(OFFICE, SEAL)], attachments=[attachment], **changes
        )
        self.record(filed)
        return filed

    def matter(self) -> list[Filed]:
        """A whole notarization matter: apply, accept, inform, identify, review, approve, issue (two signatures)."""
        procedure, filed = procedure_of(3), list[Filed]()
        plans = {1: [(OFFICE, 0)], 2: [(NOTARY, 0x41)], 4: [(NOTARY, 0x41)], 8: [(NOTARY, 0x41)], 5: [(NOTARY, 0x41)]}
        plans |= {6: [(APPROVER, 0x42)], 7: [(OFFICE, 0), (NOTARY, 0x41)]}
        for step, plan in plans.items():
            kind = procedure.by_step[step]
            values = {spec.name: example(spec.type.value, spec.choices) for spec in kind.schema.fields if spec.required}
            values.pop("signers")
            filed.append(self.file(kind, procedure, values, plan, filed[-1] if filed else None))
            self.record(filed[-1])
        return filed

    def marked(self) -> list[Filed]:
        """A matter with an irregular step, one filled in late, and a correction; a key in its second period."""
        procedure, why = procedure_of(3), {"flag_reason": "系统故障 system failure"}
        notary = self.members[NOTARY, 0]
        self.change(NOTARY, valid_until=START + 120, ended_by=2)
        self.enrol(replace(notary, index=1, valid_from=START + 150))
        acts: list[tuple[int, list[tuple[int, int]], Mapping[str, JsonValue], dict[str, object], int]] = [
            (1, [(OFFICE, 0)], {}, {}, 1),
            (2, [(NOTARY, 0x41)], {}, {}, 2),
            (4, [(OFFICE, 0xFF)], why, {"flags": Flag.IRREGULAR}, 0x29),
            (4, [(NOTARY, 0x41)], why, {"flags": Flag.LATE}, 0x51),
            (27, [(NOTARY, 0x41)], {}, {}, 0x41),
        ]
        filed: list[Filed] = []
        for step, plan, values, changes, status in acts:
            kind = procedure.by_step[step]
            given = {spec.name: example(spec.type.value, spec.choices) for spec in kind.schema.fields if spec.required}
            given.pop("signers")
            if kind.targets:
                changes = {"terms": filed[1].statement.digest}
            before = filed[-1] if filed else None
            filed.append(self.file(kind, procedure, {**given, **values}, plan, before, index=1, **changes))
            self.record(filed[-1], time=START + 200, number=110, status=status)
        return filed

    def bulk(self, lots: int = 5, index: int = 2) -> Filed:
        """A bulk deposit of three works, at `index` of a batch of `lots` statements; anchored."""
        procedure = procedure_of(2)
        works = [
            {
                "title": f"作品{number}",
                "kind_of_work": next(iter(procedure.record_schemas[0].schema.spec("kind_of_work").choices)),
                "file_size": len(FILE) + number,
                "file_sm3": sm3(FILE + bytes(number)).hex(),
                "file_sha256": sha256(FILE + bytes(number)).hex(),
            }
            for number in range(3)
        ]
        filed = [
            self.file(
                procedure.by_step[1], procedure, {"title": "批", "given_by": "party"}, [(OFFICE, SEAL)], works=works
            )
            for _ in range(lots)
        ]
        header, tree = build_batch(OPERATOR, None, [one.signed for one in filed])
        proof = BatchProof(header, index, tuple(tree.path(index)), self.seal(header))
        self.record_batch(header)
        return replace(filed[index], batch=proof)

    def seal(self, header: BatchHeader, operator: int = OPERATOR) -> Signature:
        """The operator's signature over a batch header."""
        key = self.members[operator, 0].key
        return Signature(operator, 0, 0, sign(key, replace(header, operator=operator).message(self.contract(BATCH))))

    # Writing to the chain ---------------------------------------------------------------------------------------

    def record(self, filed: Filed, time: int = START + 100, number: int = 100, status: int = 1, **other: int) -> None:
        """The registry's words for a statement (§8.5); `other` are `position`, `index` or `case` that do not fit."""
        slots = self.storage[REGISTRY]
        index = other.get("index", table_index(filed.table))
        position = other.get("position", self.position_of(filed))
        tag = keccak_of(filed.statement.case)[: 16 if "case" not in other else 15].ljust(16, b"\0")
        head = packed((time, 6), (number, 6), (status, 1), (index, 2), (position, 1))[:16]
        slots[keccak_of(filed.statement.digest + word(0))] = head + tag
        slots[keccak_of(filed.statement.case + word(1))] = filed.statement.digest
        slots[keccak_of(word(index) + word(2))] = filed.table

    def position_of(self, filed: Filed) -> int:
        """Position of the statement's kind in its table; 0 for what no procedure lists."""
        steps = [kind.step for one in load_procedures() if one.table_digest == filed.table for kind in one.kinds]
        step = filed.statement.kind & 0xFF
        return steps.index(step) if step in steps else 0

    def record_batch(self, header: BatchHeader, time: int = START + 100, number: int = 100, status: int = 1) -> None:
        """The batch contract's word (§6)."""
        place = keccak_of(header.digest + word(0))
        self.storage[BATCH][place] = packed((time, 6), (number, 6), (status, 1))

    # Reading from the chain -------------------------------------------------------------------------------------

    def tries(self) -> tuple[Trie, dict[bytes, Trie]]:
        """The state trie (the contracts and some other accounts) and the storage tries."""
        storage = {address: storage_trie(slots) for address, slots in self.storage.items()}
        pairs = {
            keccak_of(address): rlp([b"\x01", b"", trie.root, self.code[address]]) for address, trie in storage.items()
        }
        for number in range(20):
            leaf = [b"", bytes([number + 1]), Trie({}).root, keccak_of(b"")]
            pairs[keccak_of(b"account" + bytes([number]))] = rlp(leaf)
        return Trie(pairs), storage

    def header(self, **changes: bytes) -> bytes:
        """A Shanghai header over the state; `changes` replace fields by name."""
        fields = {
            "parent": self.digest("parent"), "uncles": self.digest("uncles"), "miner": bytes(20),
            "state": self.tries()[0].root, "transactions": self.digest("transactions"),
            "receipts": self.digest("receipts"), "bloom": bytes(256), "difficulty": b"",
            "number": number_bytes(self.height), "limit": number_bytes(30_000_000), "used": number_bytes(21_000),
            "time": number_bytes(self.time), "extra": b"world", "mix": bytes(32), "nonce": bytes(8), "fee": b"\x07",
            "withdrawals": self.digest("withdrawals"),
        }  # fmt: skip
        return rlp(list({**fields, **changes}.values()))

    def prove(
        self, needed: Mapping[bytes, Sequence[bytes]], tries: tuple[Trie, dict[bytes, Trie]] | None = None
    ) -> tuple[AccountProof, ...]:
        """Account and storage proofs, ascending."""
        state, storage = self.tries() if tries is None else tries
        accounts = []
        for address in sorted(needed):
            trie = storage[address]
            slots = tuple(SlotProof(at, trie.prove(keccak_of(at))) for at in sorted(set(needed[address])))
            accounts.append(AccountProof(address, state.prove(keccak_of(address)), slots))
        return tuple(accounts)

    def cosign(
        self, header: bytes, witnesses: Sequence[int] = (REGULATOR, COURT), seen: int = AT_MS
    ) -> tuple[Cosignature, ...]:
        """Cosignatures of a header by witness keys."""
        digest = sm3(self.ledger.genesis, self.height.to_bytes(8, "big"), keccak_of(header), seen.to_bytes(6, "big"))
        out = []
        for number in sorted(witnesses):
            message = signed_message(Tag.WITNESS, 0, 1, number, self.contract(INSTITUTIONS), digest)
            out.append(Cosignature(seen, Signature(number, 0, 0, sign(self.key(f"witness {number}"), message))))
        return tuple(out)

    def bundle(
        self, filed: Sequence[Filed], witnesses: Sequence[int] = (REGULATOR, COURT), fields: object = ALL
    ) -> Bundle:
        """A bundle about the last statement, with everything disclosed but persons' names."""
        raw, tries = self.header(), self.tries()
        return self.assemble(filed, raw, tries, self.cosign(raw, witnesses), fields)

    def bundles(self, filed: Sequence[Filed]) -> list[Bundle]:
        """One bundle for each statement, all of one block."""
        raw, tries = self.header(), self.tries()
        cosignatures = self.cosign(raw)
        return [self.assemble([one], raw, tries, cosignatures, ALL) for one in filed]

    def assemble(
        self,
        filed: Sequence[Filed],
        raw: bytes,
        tries: tuple[Trie, dict[bytes, Trie]],
        cosignatures: tuple[Cosignature, ...],
        fields: object,
    ) -> Bundle:
        """A bundle under this header and state."""
        keys = {(one.signer, one.key_index) for item in filed for one in item.signed.signatures}
        keys |= {(item.batch.signature.signer, item.batch.signature.key_index) for item in filed if item.batch}
        needed: dict[bytes, list[bytes]] = {INSTITUTIONS: []}
        for key in keys:
            needed[INSTITUTIONS] += key_positions(z_value(self.members[key].key.public), key[1])
        for item in filed:
            if item.batch is not None:
                needed.setdefault(BATCH, []).append(keccak_of(item.batch.header.digest + word(0)))
                continue
            needed.setdefault(REGISTRY, []).append(keccak_of(word(table_index(item.table)) + word(2)))
            needed[REGISTRY].append(keccak_of(item.statement.digest + word(0)))
        return Bundle(
            ledger=self.ledger,
            target=filed[-1].statement.digest,
            statements=tuple(
                BundleStatement(item.signed, self.disclosed(item.content, fields), item.batch) for item in filed
            ),
            signers=tuple(BundleSigner(*key, self.members[key].key.public, self.card(key)) for key in sorted(keys)),
            chain=ChainProof(raw, self.prove(needed, tries)),
            witnesses=cosignatures,
        )

    def disclosed(self, content: Content, fields: object) -> DisclosedContent | None:
        return None if fields is None else disclose(content, fields, ALL, ALL)  # type: ignore[arg-type]

    def card(self, key: tuple[int, int]) -> DisclosedContent:
        member = self.members[key]
        return disclose_card(member.card, withhold_name=member.number >= NOTARY)

    def trust(self, **changes: object) -> Trust:
        """The trust file of this ledger; witnesses 1, 201 and 301, `threshold` of them."""
        contracts = [
            trusted_contract(self.ledger, "institutions", INSTITUTIONS, self.code[INSTITUTIONS]),
            trusted_contract(self.ledger, "registry", REGISTRY, self.code[REGISTRY], domain=1, from_height=3),
            trusted_contract(self.ledger, "batch", BATCH, self.code[BATCH], from_height=3),
        ]
        witnesses = tuple(
            Witness(number, Name(f"见证方{number}", f"Witness {number}"), self.key(f"witness {number}").public)
            for number in (REGULATOR, COURT, PROCURATORATE)
        )
        members: dict[str, object] = {
            "issue": 1,
            "issued_at": datetime(2026, 11, 1, 8, tzinfo=UTC),
            "valid_until": datetime(2027, 11, 1, 8, tzinfo=UTC),
            "name": Name("示范账本", "Demo ledger"),
            "ledger": self.ledger,
            "founders_threshold": 3,
            "contracts": tuple(contracts),
            "procedures": load_procedures(),
            "finality": FinalityRule("witness", self.threshold, witnesses),
        }
        return Trust(**{**members, **changes})  # type: ignore[arg-type]


def table_index(table: bytes) -> int:
    """The index under which this world's registry has the table: its place among all procedures, or the next."""
    known = [one.table_digest for one in load_procedures()]
    return known.index(table) + 1 if table in known else len(known) + 1


def procedure_of(case_type: int) -> Procedure:
    return next(one for one in load_procedures() if (one.domain, one.case_type) == (1, case_type))
