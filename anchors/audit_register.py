"""The database's register held against the replay: cases, members, tables, closed contracts, batches.

Guaranteed: every row is compared, and a difference names table, row and column. Not guaranteed: when a row was written.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from anchors.findings import Findings
from anchors.progress import Progress
from anchors.replay import Replay
from ledger.domain.life import lane_of
from ledger.domain.records import CaseRow
from ledger.ports import Store
from tiezheng.errors import TiezhengError
from tiezheng.procedures import CaseState, check_step
from tiezheng.receipt import Lane
from tiezheng.statement import SignedStatement


@dataclass(slots=True)
class RegisterAudit:
    """One audit of the register at `now_ms`."""

    store: Store
    replay: Replay
    now_ms: int

    @property
    def findings(self) -> Findings:
        """Where differences go."""
        return self.replay.findings

    def members(self) -> None:
        """Keys, institutions, procedure tables and closed contracts."""
        with self.store.read() as tables:
            stored = {(row.number, row.key_index): row for row in tables.members.all_keys()}
            closed = dict(tables.kept.closed())
        for place in sorted(stored.keys() | self.replay.keys.keys()):
            row, own = stored.get(place), self.replay.keys.get(place)
            if row != own:
                detail = "missing" if row is None else "not on chain" if own is None else _differing(row, own)
                self._altered("member_keys", f"key {place[0]}/{place[1]}", own, row, detail)
        for number, institution in self.replay.institutions.items():
            with self.store.read() as tables:
                kept = tables.members.institution(number)
            if kept != institution:
                self._altered("institutions", f"institution {number}", institution, kept)
        for digest, table in self.replay.tables.items():
            with self.store.read() as tables:
                known = tables.registries.table(digest)
            if known != table:
                self._altered("procedure_tables", f"table {digest.hex()}", table, known)
        for address in sorted(closed.keys() | self.replay.closed.keys()):
            if closed.get(address) != self.replay.closed.get(address):
                told, own_word = closed.get(address), self.replay.closed.get(address)
                self._altered("closed_contracts", f"contract {address.hex()}", own_word, told)

    def batches(self) -> None:
        """Headers, seals and places of the operator's batches."""
        for number, batch in self.replay.batches.items():
            with self.store.read() as tables:
                row = tables.batches.get(number)
            if row is None:
                self.findings.add("audit.row_missing", f"batch {number}", "", table="batches", **batch.evidence)
                continue
            header = batch.header
            own = {
                "header": header.to_bytes(),
                "signature": batch.signature.to_bytes(),
                "digest": header.digest,
                "count": header.count,
                "first": header.first,
            }
            if row.block_number is not None:
                own |= {"block_number": batch.block.number, "block_time": batch.block.time}
            for column, expected in own.items():
                got = getattr(row, column)
                if got != expected:
                    told = {**batch.evidence, "table": "batches", "column": column, "expected": expected, "got": got}
                    self.findings.add("audit.row_altered", f"batch {number}", column, **told)

    def cases(
        self, known: set[bytes], pending: Mapping[bytes, Sequence[SignedStatement]], seen: set[bytes], tell: Progress
    ) -> None:
        """`known` are the cases of all rows, `pending` accepted statements by case, `seen` the rows' digests."""
        for count, case in enumerate(sorted(known | self.replay.cases.keys()), 1):
            self._case(case, pending.get(case, ()), seen)
            tell("cases", count)

    def _case(self, case: bytes, pending: Sequence[SignedStatement], seen: set[bytes]) -> None:
        """The case's row against the rebuilt state, moved on by what is accepted and not yet anchored."""
        subject, told = f"case {case.hex()}", {"table": "cases", "row": case}
        state = self.replay.cases.get(case)
        for signed in sorted(pending, key=lambda one: one.statement.sequence):
            if signed.digest in self.replay.statements:
                continue
            if lane_of(signed.statement) is Lane.BATCH:
                return
            table = signed.statement.previous if state is None else state.table
            procedure = self.replay.procedures.get(table)
            if procedure is None:
                return
            try:
                step = check_step(
                    procedure, state, signed, self.replay, self.replay.book, at_seconds=self.now_ms // 1000
                )
                state = step.state
            except TiezhengError:
                return  # it will be refused, and the case set back
        try:
            with self.store.read() as tables:
                row = tables.cases.get(case)
                differences = _case_differences(row, state)
                if not differences:
                    return
                standing = {one.digest for one in tables.statements.of_case(case)}
        except (ValueError, TypeError, KeyError, TiezhengError) as error:
            self.findings.add("audit.case_altered", subject, type(error).__name__, **told)
            return
        if not standing <= seen or not {one.digest for one in pending} <= standing:
            return  # the case moved on while the audit ran
        for column, expected, got in differences:
            self.findings.add("audit.case_altered", subject, column, **told, column=column, expected=expected, got=got)

    def _altered(self, table: str, subject: str, expected: object, got: object, detail: str = "") -> None:
        self.findings.add("audit.member_altered", subject, detail, table=table, expected=expected, got=got)


def _differing(row: object, own: object) -> str:
    """Names of the members in which two records of one class differ."""
    names = (one.name for one in fields(row))  # type: ignore[arg-type]
    return ", ".join(name for name in names if getattr(row, name) != getattr(own, name))


def _case_differences(row: CaseRow | None, state: CaseState | None) -> list[tuple[str, object, object]]:
    """What the case's row says otherwise than the rebuilt state: member, expected, got."""
    if row is None:
        return [] if state is None else [("missing", state.head, None)]
    if state is None:
        return [("not on chain", None, row.after.head)]
    names = (one.name for one in fields(CaseState))
    given = ((name, getattr(state, name), getattr(row.after, name)) for name in names)
    return [(name, expected, got) for name, expected, got in given if expected != got]
