"""Sections of the verification report: disclosed content, files, witnesses, ledger.

Guaranteed: what was withheld or not given is shown as such. Not guaranteed: the whole of a long value.
"""

import re
from typing import Final

from tiezheng.cli.language import pick
from tiezheng.cli.times import show_time
from tiezheng.cli.verify_sections import Facts, section, shown_value

_RESERVED: Final = ("signers", "basis", "records")
_MAX_VALUE: Final = 200
_PLACE: Final = re.compile(r"statement (\d+): (?:records\[(\d+)\]\.)?(\w+)(?:\[\d+\])?(?: (.*))?", re.DOTALL)
_PLACES: Final = {
    "subject": ("主文件", "subject"),
    "attachments": ("附件", "attachment"),
    "file_sm3": ("文件摘要", "digest of the file"),
}


def show_content(statement: Facts) -> None:
    """The disclosed fields and attachments of one statement."""
    rows = []
    for field in statement["fields"]:
        if field["name"] in _RESERVED or field["value"] is None:
            continue
        place = "" if field["record"] is None else f"[{field['record']}] "
        name = field["name"] if field["zh"] is None else pick(field["zh"], field["en"])
        rows.append([place + name, _shorten(shown_value(field["value"]))])
    rows += [
        [pick("附件", "attachment"), f"{one['name']}  {one['media_type']}  {one['size']} B\nSM3 {one['sm3']}"]
        for one in statement["attachments"]
    ]
    if statement["content"] == "withheld":
        rows.append([pick("内容", "content"), pick("未提供", "withheld")])
    kind, number = statement["kind"], statement["sequence"]
    zh, en = kind["zh"] or kind["number"], kind["en"] or kind["number"]
    heads = [("项目", "field"), ("值", "value")]
    section(f"公开的内容 · 第 {number} 步 {zh}", f"Disclosed content · step {number}, {en}", heads, rows)


def _shorten(text: str) -> str:
    return text if len(text) <= _MAX_VALUE else text[:_MAX_VALUE] + "…"


def show_files(files: list[Facts]) -> None:
    """The given files, and attachments for which none was given."""
    words = {"PASSED": ("一致", "same"), "FAILED": ("不一致", "different"), "NOT CHECKED": ("未提供文件", "not given")}
    heads = [("文件", "file"), ("结果", "result"), ("对应", "equals"), ("SM3", "SM3")]
    rows = [
        [
            one["label"] or "-",
            pick(*words[one["status"]]),
            "\n".join(map(_place, one["matches"])) or "-",
            one.get("sm3") or "-",
        ]
        for one in files
    ]
    section("文件比对", "Files", heads, rows)


def _place(match: str) -> str:
    """Where in the evidence a file stands: `statement 5: attachments[0] name` in words."""
    found = _PLACE.fullmatch(match)
    if found is None:
        return match
    number, record, what, name = found.groups()
    zh, en = _PLACES.get(what, (what, what))
    row = ("", "") if record is None else (f"记录 [{record}] 的", f"record [{record}], ")
    return pick(f"第 {number} 步{row[0] or '的'}{zh}", f"step {number}: {row[1]}{en}") + (f" {name}" if name else "")


def show_witnesses(facts: Facts) -> None:
    """The cosignatures and how many the trust file asks for."""
    rule = facts["ledger"]["finality"]
    asked = f"{rule['threshold']}" if rule["threshold"] else rule["strategy"]
    heads = [("编号", "number"), ("见证方", "witness"), ("看到区块", "saw the block"), ("签名", "signature")]
    rows = [
        [
            str(one["number"]),
            "-" if one["name"] is None else pick(one["name"]["zh"], one["name"]["en"]),
            show_time(one["seen"]),
            pick("有效", "holds") if one["valid"] else pick("无效", "does not hold"),
        ]
        for one in facts["witnesses"]
    ]
    section(f"见证方（要求 {asked} 方）", f"Witnesses (required: {asked})", heads, rows)


def show_ledger(facts: Facts) -> None:
    """Which ledger, which trust file, as of which block."""
    ledger, block = facts["ledger"], facts["as_of"]
    name = pick(ledger["name"]["zh"], ledger["name"]["en"])
    rows = [[pick("账本", "ledger"), f"{name} (chain id {ledger['chain_id']})"]]
    rows.append(
        [pick("信任根文件", "trust file"), pick(f"第 {ledger['trust_issue']} 期", f"issue {ledger['trust_issue']}")]
    )
    if block is not None:
        rows.append(
            [pick("截至区块", "as of block"), f"{block['block_number']}  {show_time(block['block_time'] * 1000)}"]
        )
        rows.append([pick("区块摘要", "block hash"), block["block_hash"]])
    rows.append([pick("密码算法", "cryptography"), pick(facts["cryptography"]["zh"], facts["cryptography"]["en"])])
    section("账本与平台", "Ledger and platform", [], rows)
