"""The audit: rebuild everything from the chain and the published leaves, and hold the service against it.

Guaranteed: a clean report means that every statement, receipt, refusal, content, case, member, batch, proof and file
that was looked at is as the chain commits it; what could not be looked at is named in the report. Not guaranteed: that
the chain is final (see the witnesses), nor anything about what nothing commits to.

1. The node's chain is the deployment's, with the exported code. 2. Replay of all events and leaves. 3. The rebuilt
state proven under one header. 4. Database rows. 5. Kept proofs and cosignatures. 6. Evidence files.
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from anchors.audit_chain import check_code, check_state
from anchors.audit_files import check_files
from anchors.audit_proofs import ProofAudit
from anchors.audit_rows import PAGE, Progress, RowAudit
from anchors.chains.port import Chain, Log
from anchors.deployment import Deployment, check_chain
from anchors.events import spans
from anchors.findings import Finding, Findings, describe
from anchors.replay import OpenLeaves, Replay
from ledger.ports import ObjectStore, Store, Vault
from tiezheng.errors import IntegrityFault, TiezhengError
from tiezheng.procedures import Procedure
from tiezheng.trust import Trust


@dataclass(frozen=True, slots=True)
class Service:
    """What is held against the chain. `vault` and `objects` are None where the master key is not at hand."""

    store: Store
    trust: Trust
    vault: Vault | None = None
    objects: ObjectStore | None = None


@dataclass(slots=True)
class Report:
    """The outcome: findings, what was counted, and what was not checked and why (zh, en)."""

    height: int
    block_hash: bytes
    block_time: int
    counts: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    not_checked: list[tuple[str, str]] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def to_json(self) -> dict[str, object]:
        """Stable members."""
        return {
            "block": {
                "hash": self.block_hash.hex(),
                "height": self.height,
                "time": datetime.fromtimestamp(self.block_time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            },
            "clean": self.clean,
            "counts": dict(sorted(self.counts.items())),
            "findings": [finding.to_json() for finding in self.findings],
            "not_checked": [{"en": en, "zh": zh} for zh, en in self.not_checked],
        }


def audit(
    chain: Chain,
    deployment: Deployment,
    procedures: Sequence[Procedure],
    open_leaves: OpenLeaves,
    now_ms: int,
    service: Service | None = None,
    progress: Progress = lambda _what, _count: None,
    jobs: int = 1,
) -> Report:
    """Audit the chain and, if given, the service. `open_leaves` opens a batch's leaves file; `jobs` processes verify.

    Raises IntegrityFault `chain.*` for another chain than the deployment's, Unavailable `chain.*` without an answer.
    """
    check_chain(chain, deployment)
    findings = Findings()
    head = chain.head()
    check_code(chain, deployment, findings)
    replay = Replay(deployment, {one.table_digest: one for one in procedures}, open_leaves, findings, jobs=jobs)

    def unread(log: Log, fault: IntegrityFault) -> None:
        findings.add("audit.chain_invalid", f"transaction {log.transaction.hex()}", describe(fault))

    with closing(replay):
        for span in spans(chain, deployment, deployment.first_block - 1, head, unread=unread):
            replay.feed(span)
            progress("blocks", span.last.number)
        replay.finish()
    report = Report(head.number, head.hash, head.time)
    report.counts |= {
        "batches": len(replay.batches),
        "cases": len(replay.cases),
        "keys": len(replay.keys),
        "signatures": replay.signatures_checked,
        "statements_on_chain": len(replay.statements),
    }
    with findings.noting("audit.chain_invalid", "state"):
        proven = check_state(chain, deployment, replay, head.number)
        if proven is None:
            report.not_checked.append(
                (
                    "节点未能给出状态证明,重放结果未与状态根核对。",
                    "The node gave no state proofs: the replay was not held to a state root.",
                )
            )
        else:
            report.counts["words_proven"] = proven.words
    if service is None:
        report.not_checked.append(
            (
                "未给出数据库和证据文件,只审计了链和批次文件。",
                "No database or files were given: only the chain and the leaves were audited.",
            )
        )
    else:
        _audit_service(service, deployment, replay, report, now_ms, progress)
    report.findings = findings.found
    return report


def _audit_service(
    service: Service, deployment: Deployment, replay: Replay, report: Report, now_ms: int, progress: Progress
) -> None:
    rows = RowAudit(service.store, service.vault, deployment, replay, report.height, now_ms)
    rows.run(progress)
    report.counts |= {"statements_in_database": rows.statements, "contents_opened": rows.contents}
    proofs = ProofAudit(service.store, service.trust, replay)
    after = 0
    while True:
        try:
            with service.store.read() as tables:
                page = tables.statements.all(after, PAGE)
        except (ValueError, TiezhengError):
            report.not_checked.append(
                ("有数据库行不可读,其后的证明未核对。", "A row cannot be read: the proofs behind it were not checked.")
            )
            break
        if not page:
            break
        for row in page:
            proofs.check(row)
        after = page[-1].position
        progress("proofs", proofs.proven)
    report.counts["statements_proven"] = proofs.proven
    if service.vault is None:
        report.not_checked.append(
            ("没有主密钥,加密内容未打开。", "Without the master key sealed contents were not opened.")
        )
    if service.objects is None:
        report.not_checked.append(
            ("未给出证据文件库,文件未读取。", "No object store was given: evidence files were not read.")
        )
    else:
        report.counts["files_intact"] = check_files(
            service.store, service.objects, rows.wanted_files, replay.findings, progress
        )
