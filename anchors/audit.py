"""The audit: rebuild everything from the chain and the published leaves, and hold the service against it.

Guaranteed: a clean report means that every statement, receipt, refusal, content, case, member, decision, batch, proof,
file and paper that was looked at is as the chain commits it; what could not be looked at, and what rests on an earlier
audit, is named in the report. Not guaranteed: that the chain is final (see the witnesses), nor anything about what
nothing commits to.

1. The node's chain is the deployment's, with the exported code. 2. Replay of all events and leaves, or of those after
the kept state. 3. The rebuilt state proven under one header. 4. Database rows, proofs, cosignatures. 5. Evidence files.
6. Receipts and bundles that people hold.
"""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

from anchors.audit_chain import check_code, check_state
from anchors.audit_files import FileAudit
from anchors.audit_papers import PaperAudit, Papers
from anchors.audit_proofs import ProofAudit
from anchors.audit_result import Report, software
from anchors.audit_rows import RowAudit
from anchors.audit_state import Kept, Memory, dump_replay, load_replay
from anchors.chains.port import Block, Chain, Log
from anchors.deployment import Deployment, check_chain
from anchors.events import spans
from anchors.findings import Findings, describe
from anchors.progress import Progress, silent
from anchors.replay import OpenLeaves, Replay
from ledger.domain.chain_records import BlockRef
from ledger.ports import ObjectStore, Store, Vault
from tiezheng.batch import hold_leaves
from tiezheng.digest import sm3
from tiezheng.errors import IntegrityFault, NotFound, TiezhengError
from tiezheng.procedures import Procedure
from tiezheng.trust import Trust


@dataclass(frozen=True, slots=True)
class Service:
    """What is held against the chain. `vault` and `objects` are None where the master key is not at hand."""

    store: Store
    trust: Trust
    vault: Vault | None = None
    objects: ObjectStore | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """How to go about it. `memory`: the auditor's own file, for an incremental audit. `reread_leaves`: hold the leaves
    files of earlier batches to their headers again. `new_files`: do not read again what was intact earlier."""

    jobs: int = 1
    memory: Memory | None = None
    reread_leaves: bool = True
    new_files: bool = False
    papers: Papers = field(default_factory=Papers)
    trust: Trust | None = None


def basis_of(deployment: Deployment, trust: Trust | None, procedures: Sequence[Procedure]) -> bytes:
    """What a kept state has to have been made for."""
    pinned = b"" if trust is None else trust.to_bytes()
    tables = b"".join(sorted(one.table_digest for one in procedures))
    return sm3(b"%b|%b|%b|%b" % (software().encode(), deployment.to_bytes(), pinned, tables))


def audit(
    chain: Chain,
    deployment: Deployment,
    procedures: Sequence[Procedure],
    open_leaves: OpenLeaves,
    now_ms: int,
    service: Service | None = None,
    progress: Progress = silent,
    plan: Plan | None = None,
) -> Report:
    """Audit the chain and, if given, the service. `open_leaves` opens a batch's leaves file.

    Raises IntegrityFault `chain.*` for another chain than the deployment's, Unavailable `chain.*` without an answer,
    IntegrityFault `audit.state_invalid` for a kept state that cannot be used.
    """
    return _Audit(chain, deployment, procedures, open_leaves, now_ms, service, progress, plan or Plan()).run()


@dataclass(slots=True)
class _Audit:
    """One audit under way."""

    chain: Chain
    deployment: Deployment
    procedures: Sequence[Procedure]
    open_leaves: OpenLeaves
    now_ms: int
    service: Service | None
    progress: Progress
    plan: Plan
    findings: Findings = field(default_factory=Findings)
    report: Report = field(init=False)

    def run(self) -> Report:
        check_chain(self.chain, self.deployment)
        head = self.chain.head()
        trust = self.plan.trust or (None if self.service is None else self.service.trust)
        self.report = Report(
            head.number,
            head.hash,
            head.time,
            chain_id=self.deployment.chain_id,
            deployment=sm3(self.deployment.to_bytes()),
            trust=b"" if trust is None else sm3(trust.to_bytes()),
            started_ms=time.time_ns() // 1_000_000,
        )
        check_code(self.chain, self.deployment, self.findings)
        kept, replay = self._begin(head)
        before = len(self.findings)
        self._replay(replay, self.deployment.first_block - 1 if kept is None else kept.block.number, head)
        proven = self._prove(replay, whole=kept is None)
        sound = proven and len(self.findings) == before
        held = Kept(BlockRef(head.number, head.hash, head.time), {})
        if self.service is None:
            self._skip(
                "未给出数据库和证据文件，只审计了链和批次文件。",
                "No database or files were given: only the chain and the leaves were audited.",
            )
        else:
            self._service(self.service, replay, kept, held)
        self._papers(replay, head, trust)
        if self.plan.memory is not None and sound:
            held.replay = dump_replay(replay)
            self.plan.memory.save(held)
        elif self.plan.memory is not None:
            self._skip(
                "链上部分有问题或未能证明，未保留审计状态；下次从同一处开始。",
                "The chain's part left findings or was not proven: no state was kept; the next begins as this one did.",
            )
        self.report.findings = self.findings.found
        self.report.ended_ms = time.time_ns() // 1_000_000
        return self.report

    def _begin(self, head: Block) -> tuple[Kept | None, Replay]:
        """The kept state, if the chain still has its block and its leaves still lead to their roots; else nothing."""
        kept = None if self.plan.memory is None else self.plan.memory.load()
        if self.plan.memory is not None and kept is None and self.plan.memory.path.exists():
            self.report.fresh_start = (
                "保留的状态属于另一部署、信任根文件或版本，或者要求从头审计。",
                "The kept state is of another deployment, trust file or version, or a full audit was asked for.",
            )
        if kept is not None and not self._still_there(kept, head):
            kept = None
        if kept is not None:
            replay = self._empty()
            load_replay(replay, kept.replay)
            if self._leaves_hold(replay):
                self.report.since, self.report.since_hash = kept.block.number, kept.block.hash
                return kept, replay
            self.report.fresh_start = (
                "以前核对过的批次文件有改动或缺失，从头审计。",
                "A leaves file that was verified earlier was altered or is missing: the audit began at the start.",
            )
        return None, self._empty()

    def _empty(self) -> Replay:
        known = {one.table_digest: one for one in self.procedures}
        return Replay(self.deployment, known, self.open_leaves, self.findings, jobs=self.plan.jobs)

    def _still_there(self, kept: Kept, head: Block) -> bool:
        block = self.chain.block(kept.block.number) if kept.block.number <= head.number else None
        if block is not None and block.hash == kept.block.hash:
            return True
        assert self.plan.memory is not None
        evidence = self.plan.memory.set_aside(kept.block.hash)
        self.findings.add(
            "chain.reorganised" if block is not None else "chain.younger",
            f"block {kept.block.number}",
            f"kept as {evidence.name}",
            block=kept.block.number,
            expected=kept.block.hash,
            got=None if block is None else block.hash,
            head=head.number,
            head_hash=head.hash,
            file=evidence.name,
        )
        self.report.fresh_start = (
            "链上已没有上次审计所见的区块，从头审计。",
            "The chain no longer has the block of the last audit: the audit began at the start.",
        )
        return False

    def _leaves_hold(self, replay: Replay) -> bool:
        """Whether the files of earlier batches still lead to the roots that are anchored."""
        if not self.plan.reread_leaves:
            self.report.carried["leaves_files"] = len(replay.batches)
            return True
        for count, (number, batch) in enumerate(replay.batches.items(), 1):
            try:
                with self.open_leaves(number) as reader:
                    if hold_leaves(reader) != (batch.header, batch.signature):
                        return False
            except (NotFound, TiezhengError):
                return False
            self.progress("leaves", count, len(replay.batches))
        self.report.counts["leaves_files_reread"] = len(replay.batches)
        return True

    def _replay(self, replay: Replay, after: int, head: Block) -> None:
        def unread(log: Log, fault: IntegrityFault) -> None:
            told = {"block": log.block_number, "transaction": log.transaction, "log_index": log.index}
            subject = f"transaction {log.transaction.hex()}"
            self.findings.add("audit.chain_invalid", subject, describe(fault), **told)

        carried = self.report.carried
        if self.report.since is not None:
            carried["statements_on_chain"] = len(replay.statements)
            carried["signatures"] = replay.kept_signatures
        with closing(replay):
            for span in spans(self.chain, self.deployment, after, head, unread=unread):
                replay.feed(span)
                self.progress("blocks", span.last.number - after, head.number - after)
            replay.finish()
        self.report.counts |= {
            "batches": len(replay.batches),
            "blocks_replayed": head.number - after,
            "cases": len(replay.cases),
            "decisions": replay.decisions.decisions,
            "keys": len(replay.keys),
            "signatures": replay.signatures_checked,
            "statements_on_chain": len(replay.statements),
        }

    def _prove(self, replay: Replay, *, whole: bool) -> bool:
        """Hold the replay to the head's state root; whether it was proven."""
        with self.findings.noting("audit.chain_invalid", "state", block=self.report.height):
            proven = check_state(self.chain, self.deployment, replay, self.report.height, whole=whole)
            if proven is not None:
                self.report.counts["words_proven"] = proven.words
                if proven.carried:
                    self.report.carried["words_proven"] = proven.carried
                return True
            self._skip(
                "节点未能给出状态证明，重放结果未与状态根核对。",
                "The node gave no state proofs: the replay was not held to a state root.",
            )
        return False

    def _service(self, service: Service, replay: Replay, kept: Kept | None, held: Kept) -> None:
        proofs = ProofAudit(service.store, service.trust, replay)
        rows = RowAudit(service.store, service.vault, self.deployment, replay, proofs, self.report.height, self.now_ms)
        if kept is not None:
            rows.clean, rows.wanted_files = kept.clean, {case: set(found) for case, found in kept.wanted.items()}
        rows.marking = self.plan.memory is not None
        rows.run(self.progress)
        held.clean, held.wanted = rows.passed, rows.wanted_files
        self.report.counts |= {
            "statements_in_database": rows.statements,
            "contents_opened": rows.contents,
            "contents_withheld": rows.withheld,
            "statements_proven": proofs.proven,
        }
        if rows.carried:
            self.report.carried["statements_in_database"] = rows.carried
        if rows.unread:
            self._skip(
                f"数据库有 {rows.unread} 行无法读取，其内容和证明未核对。",
                f"{rows.unread} row(s) of the database cannot be read: their contents and proofs were not checked.",
            )
        self._erased(rows)
        if service.vault is None:
            self._skip(
                "没有主密钥，加密内容未打开，证据文件未读取。",
                "Without the master key neither sealed contents nor evidence files were opened.",
            )
        elif service.objects is None:
            self._skip("未给出证据文件库，文件未读取。", "No object store was given: evidence files were not read.")
        else:
            files = FileAudit(service.store, service.objects, self.findings, rows.erased)
            if kept is not None and self.plan.new_files:
                files.clean = kept.files
            files.run(rows.wanted_files, self.progress)
            held.files = frozenset(files.intact)
            self.report.counts |= {"files_intact": len(files.intact), "files_erased": len(files.erased_files)}
            if files.carried:
                self.report.carried["files"] = files.carried

    def _erased(self, rows: RowAudit) -> None:
        self.report.counts["contents_erased"] = len(rows.erased_contents)
        for case, at_ms in sorted(rows.erased.items()):
            listed = sorted(digest.hex() for digest in rows.erased_contents if rows.case_of[digest] == case)
            self.report.erased.append({"case": case.hex(), "contents": listed, "destroyed_ms": at_ms})

    def _papers(self, replay: Replay, head: Block, trust: Trust | None) -> None:
        papers, store = self.plan.papers, None if self.service is None else self.service.store
        if papers == Papers():
            return
        judge = PaperAudit(self.chain, self.deployment, replay, head, self.now_ms, trust, store)
        judge.run(papers, self.progress)
        self.report.counts |= {"receipts": judge.receipts, "receipts_kept": judge.kept, "bundles": judge.bundles}
        if judge.pending:
            self._skip(
                f"{judge.pending} 份回执在节点最新区块时尚未到期，未作判断。",
                f"{judge.pending} receipt(s) were not yet due at the node's last block, and were not judged.",
            )

    def _skip(self, zh: str, en: str) -> None:
        self.report.not_checked.append((zh, en))
