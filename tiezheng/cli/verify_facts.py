"""The facts of a verification, as a court clerk reads them: acts, signers, disclosed content, files, witnesses, ledger.

Guaranteed: what is claimed (the time of the act) and what the chain shows (the time of the block) stand apart. Not
guaranteed: the layout.
"""

from rich.text import Text

from tiezheng.cli.language import pick
from tiezheng.cli.output import console
from tiezheng.cli.times import show_gap, show_time
from tiezheng.cli.verify_papers import show_content, show_files, show_ledger, show_witnesses
from tiezheng.cli.verify_sections import Facts, label, section
from tiezheng.verify import Verdict


def show_facts(verdict: Verdict) -> None:
    """All sections that the verdict has facts for; nothing for a bundle that could not be read."""
    facts = verdict.facts
    if not facts:
        return
    signers = {(one["number"], one["key_index"]): one for one in facts["signers"]}
    _show_acts(facts, signers)
    _show_signers(facts["signers"])
    for statement in facts["statements"]:
        show_content(statement)
    show_files(facts["files"])
    show_witnesses(facts)
    show_ledger(facts)


def _show_acts(facts: Facts, signers: dict[tuple[int, int], Facts]) -> None:
    heads = [
        ("序", "no."),
        ("步骤", "step"),
        ("声称时间", "claimed time"),
        ("上链时间", "block time"),
        ("区块", "block"),
        ("间隔", "gap"),
        ("签名人", "signed by"),
    ]
    rows = []
    for one in facts["statements"]:
        block = one["anchored"] or {"time": None, "number": "-", "gap_ms": None}
        rows.append(
            [
                f"{one['sequence']}{'*' if one['digest'] == facts['target'] else ''}",
                label(one["kind"]),
                show_time(one["occurred"]["ms"]),
                show_time(None if block["time"] is None else block["time"] * 1000),
                str(block["number"]),
                "-" if block["gap_ms"] is None else show_gap(block["gap_ms"]),
                "\n".join(_signed_by(sign, signers) for sign in one["signatures"]),
            ]
        )
    section(
        "做了什么、何时、谁签名（* 为本证据包的目标）", "What was done, when, signed by whom (* target)", heads, rows
    )
    target = next(one for one in facts["statements"] if one["digest"] == facts["target"])
    pairs = [
        (pick("存证编号", "evidence id"), facts["target"]),
        (pick("案件编号", "case"), target["case"]),
        (pick("文件 SM3", "file SM3"), target["subject"] or "-"),
    ]
    for name, value in pairs:
        console().print(Text.assemble((f"{name}: ", "dim"), value), soft_wrap=True)


def _institution(number: int, signers: list[Facts]) -> str:
    own = next((one for one in signers if one["number"] == number), None)
    return str(number) if own is None or own["card"] is None else f"{number} {own['card']['name'] or ''}".strip()


def _signed_by(signature: Facts, signers: dict[tuple[int, int], Facts]) -> str:
    number = signature["signer"]
    return f"{_name(signers.get((number, signature['key_index'])), number)} ({label(signature['role'])})"


def _name(signer: Facts | None, number: int) -> str:
    card = None if signer is None else signer["card"]
    if card is None or card["name"] is None:
        return str(number)
    return str(card["name"])


def _show_signers(signers: list[Facts]) -> None:
    heads = [
        ("编号", "number"),
        ("名称（身份卡）", "name (identity card)"),
        ("证号", "code"),
        ("类别", "role"),
        ("机构", "institution"),
        ("密钥保管", "key custody"),
        ("密钥有效期", "key valid"),
    ]
    rows = []
    for one in signers:
        card = one["card"] or {"name": None, "code": None}
        record = one["record"]
        period = "-"
        if record is not None:
            end = record["valid_until"]
            period = f"{show_time(record['valid_from'] * 1000)} → {'…' if end is None else show_time(end * 1000)}"
        rows.append(
            [
                str(one["number"]),
                card["name"] or pick("未公开", "withheld"),
                card["code"] or "-",
                "-" if record is None else label(record["role"]),
                "-" if record is None else _institution(record["institution"], signers),
                "-" if record is None else label(record["custody"]),
                period,
            ]
        )
    section("签名人与密钥（由链上记录证明）", "Signers and keys (as the chain proves)", heads, rows)
