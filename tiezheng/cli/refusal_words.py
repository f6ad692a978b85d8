"""Reasons of signed refusals in words.

Guaranteed: the words follow from the number that was signed, by this program's own table, not from what a service says.
Not guaranteed: words for a number that a later version of the contracts added.
"""

from tiezheng.cli.output import say
from tiezheng.errors import CATALOGUE
from tiezheng.receipt import RefusalFile
from tiezheng.refusals import REASONS_BY_NUMBER


def reason_named(number: int) -> tuple[str, str]:
    """What was wrong and what to do, in Chinese and English."""
    reason = REASONS_BY_NUMBER.get(number)
    if reason is None:
        return (
            f"原因编号 {number}，本程序不认识。请升级 tiezheng。",
            f"Reason {number}, which this program does not know. Upgrade tiezheng.",
        )
    return CATALOGUE[reason.code]


def tell_refusal(file: RefusalFile) -> None:
    """The reason of a refusal whose signature holds, on standard error."""
    zh, en = reason_named(file.reason)
    say(f"原因：{zh}", f"Reason: {en}", "red", error=True)
    say(
        "拒绝通知的签名已核验；原样重交不会被受理。",
        "The refusal's signature holds; the same statement is never taken again.",
        error=True,
    )
