"""Build the bundle of a statement, and hold it to the verifier before it is handed out.

Guaranteed: a bundle that leaves here has no failed step in `tiezheng.verify` against the service's own trust file; a
final one is VALID. Not guaranteed: that a stranger's trust file is the same; it is received out of band.

1. Choose the statements, and the checkpoint at which all of them are proved.
2. Disclose contents and identity cards as asked: names of persons and personal fields only with `names`.
3. Put the stored proofs and cosignatures together.
4. Verify.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from ledger.domain.accepting import Slot
from ledger.domain.life import PENDING, Status
from ledger.domain.limits import BUNDLE_STATEMENTS_MAX
from ledger.domain.records import KeyRow, StatementRow
from ledger.ports import Clock, Store, Tables, Vault
from ledger.services.known_members import public_key
from ledger.services.list_refusals import refused_already
from ledger.services.manage_signers import open_card, sealed_card
from ledger.services.needed_slots import needed_slots, used_keys
from ledger.services.permissions import check_participant
from ledger.services.submit_statement import CONTENT_LABEL
from tiezheng.batch import leaf_hash, parse_batch_header
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
from tiezheng.content import ALL, Content, DisclosedContent, disclose, parse_private_json
from tiezheng.errors import Conflict, IntegrityFault, NotFound, Unavailable
from tiezheng.identity import disclose_card
from tiezheng.merkle import Tree
from tiezheng.procedures import FieldClass, kind_of
from tiezheng.receipt import Lane
from tiezheng.signature import Signature
from tiezheng.statement import SignedStatement, is_practitioner, parse_signed_statement
from tiezheng.trust import Trust
from tiezheng.verify import Result, Verdict, verify

# Trees of batches that bundles are asked from one after another; 65,536 leaves take some 10 MB.
TREES_KEPT: Final = 4
RETRY_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class Wish:
    """What the bundle shall hold.

    `names`: names of persons and fields of the classes P2 and P3. `whole_case`: all statements of the case that are
    proved. `record`: index of one record of the target's record set. `pending`: also before it is final.
    """

    names: bool = False
    whole_case: bool = False
    record: int | None = None
    pending: bool = False


@dataclass(frozen=True, slots=True)
class Built:
    """The bundle's bytes and the verdict of the service's own check."""

    data: bytes
    verdict: Verdict


class BuildBundle:
    """Builds bundles from what the worker stored."""

    def __init__(self, store: Store, vault: Vault, clock: Clock, trust: Trust) -> None:
        self._store = store
        self._vault = vault
        self._clock = clock
        self._trust = trust
        self._trees: OrderedDict[int, Tree] = OrderedDict()
        self._lock = threading.Lock()

    def build(self, digest: bytes, institution: int, wish: Wish) -> Built:
        """Raises NotFound `evidence.not_found`, Refused `case.not_participant`, Conflict `bundle.not_final` and
        `statement.refused` (409), Unavailable `bundle.not_ready`, Malformed `content.leaf_place` (no such record),
        IntegrityFault `bundle.mismatch` where the stored parts do not verify.
        """
        with self._store.read() as tables:
            target = tables.statements.get(digest)
            if target is None:
                raise NotFound("evidence.not_found", got=digest)
            check_participant(tables, target.case, institution)
            refused = refused_already(tables, digest) if target.status is Status.REFUSED else None
            if refused is not None:
                raise refused
            if target.status is not Status.FINAL and not wish.pending:
                raise Conflict("bundle.not_final", got=target.status.value)
            bundle = self._assemble(tables, target, wish)
        verdict = verify(bundle, self._trust, self._clock.now_ms(), ())
        if verdict.result is Result.INVALID or (target.status is Status.FINAL and verdict.result is not Result.VALID):
            held = verdict.failed[0].reason_code if verdict.failed else None
            if held is not None or not self._lacks_content(bundle):
                raise IntegrityFault("bundle.mismatch", got=held, detail="the service's own check")
        return Built(bundle.to_bytes(), verdict)

    @staticmethod
    def _lacks_content(bundle: Bundle) -> bool:
        """Withheld contents and cards make a verdict INCONCLUSIVE, which is no fault of the service (SPEC §12)."""
        withheld = any(item.content is None for item in bundle.statements)
        return withheld or any(signer.card is None for signer in bundle.signers)

    def _assemble(self, tables: Tables, target: StatementRow, wish: Wish) -> Bundle:
        rows, height = _choose(tables, target, wish)
        keys = used_keys(tables, rows) if height is not None else _signing_keys(tables, rows)
        return Bundle(
            ledger=self._trust.ledger,
            target=target.digest,
            statements=tuple(self._statement(tables, row, target, wish, final=height is not None) for row in rows),
            signers=tuple(self._signer(tables, key, wish) for key in keys),
            chain=None if height is None else self._chain(tables, height, needed_slots(tables, self._trust, rows)),
            witnesses=() if height is None else self._witnesses(tables, height),
        )

    def _statement(
        self, tables: Tables, row: StatementRow, target: StatementRow, wish: Wish, *, final: bool
    ) -> BundleStatement:
        signed = parse_signed_statement(row.statement, row.signatures)
        sealed = tables.statements.content(row.digest)
        disclosed = None
        if sealed is not None:
            content = parse_private_json(self._vault.open(row.case, CONTENT_LABEL + row.digest, sealed))
            record = wish.record if row.digest == target.digest else None
            disclosed = self._disclose(signed, content, wish.names, record, tables)
        elif wish.record is not None and row.digest == target.digest:
            raise NotFound("content.withheld", got=row.digest)
        batch = self._batch(tables, row) if final and row.lane is Lane.BATCH else None
        return BundleStatement(signed, disclosed, batch)

    def _disclose(
        self, signed: SignedStatement, content: Content, names: bool, record: int | None, tables: Tables
    ) -> DisclosedContent:
        statement = signed.statement
        case = tables.cases.get(statement.case)
        table = statement.previous if statement.sequence == 0 or case is None else case.after.table
        procedure = self._trust.procedure(table)
        if procedure is None:
            raise IntegrityFault("procedure.unknown", got=table)
        kind = kind_of(procedure, statement)
        open_classes = {FieldClass.PUBLIC, FieldClass.WORK}
        shown = [spec.name for spec in kind.schema.fields if names or spec.field_class in open_classes]
        records = () if record is None else (record,)
        record_fields: Sequence[str] | None = None
        if record is not None and not names and content.records:
            schema = kind.record_schemas[content.records[0].schema_id]
            record_fields = [spec.name for spec in schema.fields if spec.field_class in open_classes]
        return disclose(content, shown, ALL, records, ALL if record_fields is None else record_fields)

    def _batch(self, tables: Tables, row: StatementRow) -> BatchProof:
        batch = None if row.batch is None else tables.batches.get(row.batch)
        if batch is None or row.batch_index is None:
            raise IntegrityFault("chain.record_mismatch", got=row.digest, detail="batch")
        tree = self._tree(tables, batch.number)
        header = parse_batch_header(batch.header)
        if tree.root != header.root:
            raise IntegrityFault("chain.record_mismatch", expected=header.root, got=tree.root, detail="batch")
        return BatchProof(header, row.batch_index, tuple(tree.path(row.batch_index)), Signature.parse(batch.signature))

    def _tree(self, tables: Tables, number: int) -> Tree:
        with self._lock:
            if number in self._trees:
                self._trees.move_to_end(number)
                return self._trees[number]
        rows = tables.batches.statements(number)
        tree = Tree([leaf_hash(parse_signed_statement(row.statement, row.signatures)) for row in rows])
        with self._lock:
            self._trees[number] = tree
            if len(self._trees) > TREES_KEPT:
                self._trees.popitem(last=False)
        return tree

    def _signer(self, tables: Tables, key: KeyRow, wish: Wish) -> BundleSigner:
        row = sealed_card(tables, key)
        card = None
        if row is not None:
            withheld = is_practitioner(key.number) and not wish.names
            card = disclose_card(open_card(self._vault, key, row), withhold_name=withheld)
        return BundleSigner(key.number, key.key_index, public_key(key), card)

    def _chain(self, tables: Tables, height: int, slots: Sequence[Slot]) -> ChainProof:
        checkpoint = tables.proofs.checkpoint(height)
        if checkpoint is None:
            raise IntegrityFault("chain.record_mismatch", got=height, detail="checkpoint")
        accounts = []
        for address in sorted({address for address, _ in slots}):
            account = tables.proofs.account(height, address)
            if account is None:
                raise Unavailable("bundle.not_ready", retry_after_seconds=RETRY_SECONDS, detail="account")
            proofs = []
            for position in sorted(position for owner, position in slots if owner == address):
                proof = tables.proofs.slot(height, address, position)
                if proof is None:
                    raise Unavailable("bundle.not_ready", retry_after_seconds=RETRY_SECONDS, detail="slot")
                proofs.append(SlotProof(position, proof.nodes))
            accounts.append(AccountProof(address, account.nodes, tuple(proofs)))
        return ChainProof(checkpoint.header, tuple(accounts))

    def _witnesses(self, tables: Tables, height: int) -> tuple[Cosignature, ...]:
        rows = tables.proofs.cosignatures(height)
        return tuple(Cosignature(row.seen, Signature.parse(row.signature)) for row in rows)


def _choose(tables: Tables, target: StatementRow, wish: Wish) -> tuple[list[StatementRow], int | None]:
    """The statements, ascending, and the height at which they are proved (None: nothing proved yet)."""
    if not wish.whole_case:
        return [target], target.proof_height
    rows = [row for row in tables.statements.of_case(target.case) if row.status not in PENDING]
    heights = [row.proof_height for row in rows if row.status is Status.FINAL and row.proof_height is not None]
    if wish.pending and target.status is not Status.FINAL:
        heights = [] if target.proof_height is None else [target.proof_height]
    if not heights:
        return [target], None
    height = max(heights)
    proved = [row for row in rows if row.proof_height is not None and row.proof_height <= height]
    if len(proved) > BUNDLE_STATEMENTS_MAX:
        proved = [row for row in proved if row.sequence <= target.sequence][-BUNDLE_STATEMENTS_MAX:]
    return proved, height


def _signing_keys(tables: Tables, rows: Sequence[StatementRow]) -> list[KeyRow]:
    """Keys of the statements' signers alone, for a bundle that nothing is proved of."""
    return used_keys(tables, [replace(row, batch=None) for row in rows])
