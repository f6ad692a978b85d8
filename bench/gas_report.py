"""`bench/gas.md` from the figures of `bench/gas.json`: what a record costs here and elsewhere.

Guaranteed: every number in the page is one of the figures or follows from them by one division. Not guaranteed: prices;
a permissioned chain may ask none, and gas then only says how much work a block can take.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

# Parts of the figures that are no rows of our own.
SECTIONS: Final = {"code_bytes", "packages", "peers"}
# Row, 中文, English. "whole": gas of the whole transaction; "execution": of the check alone.
OURS: Final = (
    ("statement_open", "立案（首条存证，一个签名）", "opening statement of a case, one signature", "whole"),
    ("statement_step", "案件中再记一步（一个签名）", "further step in a case, one signature", "whole"),
    ("further_signer", "每多一名签名人", "each further signer", "difference"),
    ("statement_close", "结案", "closing statement", "whole"),
    ("sample_open", "检材封存入账", "sealing a sample", "whole"),
    ("sample_transfer", "检材移交（双方各一人签名）", "handing a sample over, one person of each side", "whole"),
    (
        "batch_anchor",
        "批次上链（一个签名，任意多条）",
        "anchoring a batch, one signature, any number of records",
        "whole",
    ),
    ("admission", "从业人员入册（三个签名）", "admitting a practitioner, three signatures", "whole"),
    ("register_key", "为密钥建预计算表（一次）", "adding a key's table, once for each key", "whole"),
    ("decision", "联盟决议（三个签名）", "a decision of the members, three signatures", "whole"),
    ("table_registration", "登记程序表（三个签名）", "registering a procedure table, three signatures", "whole"),
    ("registry_close", "关闭合约（三个签名）", "closing a contract, three signatures", "whole"),
    ("founding", "创立账本（五家机构）", "founding with five institutions", "whole"),
    ("sm2_verify_table", "SM2 验签，密钥有表", "SM2 verification, key with a table", "execution"),
    ("sm2_verify", "SM2 验签，无表", "SM2 verification, bare key", "execution"),
    ("sm3_block", "SM3，每 64 字节", "SM3, each 64 bytes", "execution"),
)
MEASURED: Final = {
    "whole": "整笔交易 / whole transaction",
    "execution": "仅执行 / execution",
    "difference": "差额 / difference",
}
HEAD: Final = """\
# Gas 对照表 / Gas table

由 `make gas` 生成：数字见 `gas.json`，方法见 [METHOD.md](METHOD.md)。
Made by `make gas`: figures in `gas.json`, method in [METHOD.md](METHOD.md).

Gas 是以太坊虚拟机计量工作量的单位：越少，一个区块能容纳的存证越多。整笔交易含 21,000 基本费与输入数据费。
Gas is the measure of work of the Ethereum virtual machine: the less a record takes, the more records fit into a block.
A whole transaction includes the 21,000 that each one costs, and the price of its input data.""".splitlines()
ROOT_NOTE: Final = """
用 `timestamp` 只存一个 Merkle 根为 {root:,} gas：不验运营方签名，不编号，不能在链上查叶子；批次通道为 {batch:,}。
A Merkle root stamped by `timestamp` takes {root:,} gas: no operator's signature is checked, nothing is numbered, and no
leaf can be looked up on chain. The batch lane takes {batch:,}.""".splitlines()
OPENZEPPELIN: Final = "@openzeppelin/contracts"
SOLARITY: Final = "@solarity/solidity-lib"
EAS: Final = "@ethereum-attestation-service/eas-contracts"
SHORT: Final = {EAS: "EAS", OPENZEPPELIN: "OpenZeppelin", SOLARITY: "solarity"}


GROWTH: Final = 0.02


def grown(committed: Mapping[str, Any], measured: Mapping[str, Any]) -> list[str]:
    """Rows that grew by more than 2 %, that one side lacks, and contracts whose code is new or gone."""
    rows = sorted({name for name in (*committed, *measured) if name not in SECTIONS})
    found = [row for row in rows if row not in committed or row not in measured]
    found += [row for row in rows if row not in found and measured[row] > committed[row] * (1 + GROWTH)]
    return found + sorted(set(committed["code_bytes"]) ^ set(measured["code_bytes"]))


def render(figures: Mapping[str, Any]) -> str:
    """The page, ending in a line break."""
    parts = (
        HEAD,
        _single(figures),
        _checks(figures),
        _batches(figures),
        _ours(figures),
        _sizes(figures),
        _packages(figures),
    )
    return "\n".join("\n".join(part) + "\n" for part in parts)


def _single(figures: Mapping[str, Any]) -> Iterable[str]:
    peers, step = figures["peers"], figures["statement_step"]
    eas = _package(figures, EAS)
    rows = (
        (
            "本项目 / this ledger",
            step,
            "验 SM2 签名，查程序，记顺序 / checks the SM2 signature, the procedure and the order",
        ),
        (
            f"{eas} `attest`, 183 字节 / bytes",
            peers["eas_attest_statement"],
            "不验 SM2，不查程序 / no SM2, no procedure",
        ),
        (f"{eas} `attest`, 32 字节 / bytes", peers["eas_attest_digest"], "只存摘要 / a digest alone"),
        (
            "字符串存证 / string store (JSON)",
            peers["string_store"],
            "谁都可写，不验签 / anyone writes, nothing checked",
        ),
        (
            "一条一合约 / one contract a record",
            peers["contract_per_record"],
            "摘要、时间、提交人 / digest, time, sender",
        ),
        (f"{eas} `timestamp`", peers["eas_timestamp"], "只有摘要与时间 / a digest and its time alone"),
    )
    yield "## 一条存证一笔交易 / One record, one transaction"
    yield ""
    yield "| 方案 / what | gas | 与本项目之比 / against ours | 链上检查什么 / what the chain checks |"
    yield "| --- | ---: | ---: | --- |"
    for name, gas, remark in rows:
        yield f"| {name} | {gas:,} | {gas / step:.2f} | {remark} |"


def _checks(figures: Mapping[str, Any]) -> Iterable[str]:
    peers, table = figures["peers"], figures["sm2_verify_table"]
    rows = (
        ("本项目，密钥有表 / this ledger, key with a table", table),
        ("本项目，无表 / this ledger, bare key", figures["sm2_verify"]),
        (f"{_package(figures, OPENZEPPELIN)} P256.verifySolidity (ECDSA P-256)", peers["openzeppelin_p256_verify"]),
        (f"SM2 用 / on {_package(figures, SOLARITY)} EC256", peers["solarity_sm2_verify"]),
    )
    yield "## 验一个签名（仅执行，摘要 e 已知）/ Checking one signature (execution alone, digest e given)"
    yield ""
    yield "| 方案 / what | gas | 与本项目之比 / against ours |"
    yield "| --- | ---: | ---: |"
    for name, gas in rows:
        yield f"| {name} | {gas:,} | {gas / table:.2f} |"


def _batches(figures: Mapping[str, Any]) -> Iterable[str]:
    peers, eas = figures["peers"], _package(figures, EAS)
    many, batch = peers["eas_multi_timestamp_1000"] / 1_000, figures["batch_anchor"]
    rows = (
        ("本项目批次通道 / this ledger's batch lane", batch / 1_000, batch / 10_000),
        (f"{eas} `multiTimestamp`, 每笔 1,000 条 / 1,000 a transaction", many, many),
        (f"{eas} `timestamp`", peers["eas_timestamp"], peers["eas_timestamp"]),
        ("一条一合约 / one contract a record", peers["contract_per_record"], peers["contract_per_record"]),
        ("字符串存证 / string store", peers["string_store"], peers["string_store"]),
    )
    yield "## 批量存证：每条的 gas / In batches: gas a record"
    yield ""
    yield "| 方案 / what | 1,000 条 / records | 10,000 条 / records |"
    yield "| --- | ---: | ---: |"
    for name, thousand, more in rows:
        yield f"| {name} | {thousand:,.1f} | {more:,.1f} |"
    for line in ROOT_NOTE:
        yield line.format(root=peers["eas_timestamp"], batch=batch)


def _ours(figures: Mapping[str, Any]) -> Iterable[str]:
    yield "## 本项目各项 / This ledger, row by row"
    yield ""
    yield "| 项目 / row | 说明 / what | gas | 计法 / measured |"
    yield "| --- | --- | ---: | --- |"
    for row, chinese, english, measured in OURS:
        yield f"| `{row}` | {chinese} / {english} | {figures[row]:,} | {MEASURED[measured]} |"


def _sizes(figures: Mapping[str, Any]) -> Iterable[str]:
    yield "## 合约代码 / Code of the contracts"
    yield ""
    yield "上限 24,576 字节（EIP-170）。The limit is 24,576 bytes (EIP-170)."
    yield ""
    yield "| 合约 / contract | 字节 / bytes |"
    yield "| --- | ---: |"
    for name, size in figures["code_bytes"].items():
        yield f"| {name} | {size:,} |"


def _packages(figures: Mapping[str, Any]) -> Iterable[str]:
    yield "## 对照的软件包 / Packages of the others"
    yield ""
    for name, version in figures["packages"].items():
        yield f"- {SHORT[name]}: npm `{name}` {version}"


def _package(figures: Mapping[str, Any], name: str) -> str:
    return f"{SHORT[name]} {figures['packages'][name]}"
