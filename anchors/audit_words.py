"""How an audit's report names things, in Chinese and English: counts, places, kinds of evidence.

Guaranteed: every count of a report has a name here. Not guaranteed: the wording.
"""

from collections.abc import Mapping
from typing import Final

COUNTS: Final = (
    ("blocks_replayed", "重放的区块", "blocks replayed"),
    ("statements_on_chain", "链上声明", "statements on chain"),
    ("cases", "案件", "cases"),
    ("batches", "批次", "batches"),
    ("leaves_files_reread", "重新核对的批次文件", "leaves files held again"),
    ("keys", "密钥", "keys"),
    ("decisions", "治理决议", "governance decisions"),
    ("signatures", "验过的签名", "signatures verified"),
    ("words_proven", "按状态根证明的记录", "words proven under the state root"),
    ("statements_in_database", "数据库声明", "statements in the database"),
    ("contents_opened", "打开核对的内容", "contents opened"),
    ("contents_withheld", "未交存的内容", "contents never handed in"),
    ("contents_erased", "依记录销毁的内容", "contents erased on record"),
    ("statements_proven", "证明完好的声明", "statements whose proofs hold"),
    ("files_intact", "完好的证据文件", "intact evidence files"),
    ("files_erased", "依记录销毁的文件", "files erased on record"),
    ("receipts", "回执", "receipts"),
    ("receipts_kept", "已兑现的回执", "receipts kept"),
    ("bundles", "证据包", "bundles"),
)
CARRIED: Final = (
    ("statements_on_chain", "链上声明（上次已重放）", "statements on chain, replayed earlier"),
    ("signatures", "签名（上次已验）", "signatures, verified earlier"),
    ("words_proven", "状态记录（上次已证明）", "state words, proven earlier"),
    ("leaves_files", "批次文件（上次已核对，此次未重读）", "leaves files, held earlier and not read again"),
    ("statements_in_database", "数据库声明（逐字节未变）", "statements in the database, byte for byte as before"),
    ("files", "证据文件（仍在，此次未重读）", "evidence files, still there and not read again"),
)
STEPS: Final[Mapping[str, tuple[str, str]]] = {
    "leaves": ("核对批次文件", "holding leaves files"),
    "blocks": ("重放区块", "replaying blocks"),
    "statements": ("核对声明", "comparing statements"),
    "cases": ("核对案件", "comparing cases"),
    "files": ("核对文件", "checking files"),
    "receipts": ("核对回执", "checking receipts"),
    "bundles": ("核对证据包", "checking bundles"),
}
AREAS: Final = (
    ("链与节点", "Chain and node", ("chain.", "procedure.", "audit.chain_invalid")),
    ("公开的批次文件", "Published leaves files", ("audit.leaves",)),
    ("数据库", "Database", ("audit.row", "audit.case", "audit.member")),
    ("回执与拒绝书", "Receipts and refusals", ("audit.receipt", "audit.refusal", "audit.overdue", "audit.promise")),
    ("内容与密钥", "Contents and keys", ("audit.content", "audit.key")),
    ("证据文件", "Evidence files", ("audit.file", "audit.object")),
    ("存储的证明", "Stored proofs", ("audit.proof",)),
    ("外部的回执和证据包", "Papers that people hold", ("audit.paper", "audit.bundle")),
)
"""What findings concern, by the beginnings of their codes."""
OTHER: Final = ("其他", "Other")


def area_of(code: str) -> tuple[str, str]:
    """What a finding with this code concerns."""
    found = (area for area in AREAS if code.startswith(area[2]))
    zh, en, _ = next(found, (*OTHER, ()))
    return zh, en


def verdict_of(findings: int) -> tuple[str, str]:
    """The sentence at the top."""
    if not findings:
        return "审计结果：未发现差异。", "Audit: no difference was found."
    return f"审计结果：发现 {findings} 处问题。", f"Audit: {findings} finding(s)."
