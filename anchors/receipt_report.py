"""What `tiezheng receipts check` tells: one line for each receipt that needs a look, and how many of each kind.

Guaranteed: a receipt that was not kept is never left out. Not guaranteed: the wording.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from anchors.receipt_check import Judged, State
from tiezheng.cli.language import pick
from tiezheng.cli.output import say, show
from tiezheng.cli.times import show_time
from tiezheng.error_catalogue import CATALOGUE
from tiezheng.refusals import REASONS_BY_NUMBER


@dataclass(frozen=True, slots=True)
class Description:
    """Words and colour of a state; `good`: nothing to be done about it."""

    zh: str
    en: str
    style: str
    good: bool


_STATES: Final = {
    State.KEPT: Description("已兑现：期限内上链", "kept: anchored by its due time", "green", True),
    State.REFUSED: Description("已答复：期限内签署拒绝", "refused in time, signed", "cyan", True),
    State.PENDING: Description("未到期", "not due yet", "", True),
    State.LATE: Description("迟延：违约，可证明", "late: a breach that can be proven", "bold red", False),
    State.BROKEN: Description("违约：期满未上链也未拒绝", "broken: neither anchored nor refused", "bold red", False),
    State.UNKNOWN: Description("无法判断", "cannot be said", "yellow", False),
    State.INVALID: Description("不是本账本的有效回执", "not a valid receipt of this ledger", "red", False),
}
# A clerk reads a screen; the JSON answer and the exit code cover the rest.
SHOWN_MAX: Final = 200


def describe(one: Judged) -> Description:
    """The words for its state."""
    return _STATES[one.state]


def counted(judged: Sequence[Judged]) -> dict[str, int]:
    """How many of each state; all states are named."""
    found = Counter(one.state for one in judged)
    return {state.value: found[state] for state in _STATES}


def reason_words(number: int) -> tuple[str, str]:
    """Why it was refused (zh, en)."""
    reason = REASONS_BY_NUMBER.get(number)
    return (f"原因 {number}", f"reason {number}") if reason is None else CATALOGUE[reason.code]


def to_json(one: Judged) -> dict[str, object]:
    """Stable members; null where there is nothing to say."""
    receipt = None if one.file is None else one.file.receipt
    reason = None
    if one.refusal is not None:
        zh, en = reason_words(one.refusal.reason)
        reason = {"en": en, "number": one.refusal.reason, "zh": zh}
    return {
        "block_number": one.block_number,
        "block_time": one.block_time,
        "code": one.code,
        "detail": one.detail,
        "due": None if receipt is None else receipt.due,
        "file": str(one.path),
        "lane": None if receipt is None else receipt.lane.name.lower(),
        "operator": None if one.file is None else one.file.signature.signer,
        "reason": reason,
        "received": None if receipt is None else receipt.received,
        "state": one.state.value,
        "statement": None if receipt is None else receipt.statement.hex(),
    }


def show_judged(judged: Sequence[Judged], others: int, height: int, time: int) -> None:
    """Everything that is not simply kept or pending, then the counts; a single receipt always with its details."""
    told = [one for one in judged if one.state not in (State.KEPT, State.PENDING) or len(judged) == 1]
    for one in told[:SHOWN_MAX]:
        _show(one)
    if len(told) > SHOWN_MAX:
        more = len(told) - SHOWN_MAX
        say(f"……另有 {more} 份，见 --json。", f"… and {more} more; see --json.", "dim")
    counts = counted(judged)
    rows: list[tuple[str, str, object]] = [("节点区块", "node's block", f"{height}  {show_time(time * 1000)}")]
    rows += [(words.zh, words.en, counts[state.value] or None) for state, words in _STATES.items()]
    show([*rows, ("其他文件", "other files", others or None)])
    if not judged:
        say("没有找到回执。", "No receipt was found.", "yellow")


def _show(one: Judged) -> None:
    words = describe(one)
    say(f"{words.zh}：{one.path}", f"{words.en}: {one.path}", words.style)
    receipt = None if one.file is None else one.file.receipt
    reason = None if one.refusal is None else pick(*reason_words(one.refusal.reason))
    code = None if one.code is None else f"{one.code}: {pick(*CATALOGUE.get(one.code, (one.code, one.code)))}"
    block = None if one.block_number is None else f"{one.block_number}  {show_time((one.block_time or 0) * 1000)}"
    show(
        [
            ("  存证编号", "  evidence id", None if receipt is None else receipt.statement.hex()),
            ("  承诺期限", "  due", None if receipt is None else show_time(receipt.due)),
            ("  区块", "  block", block),
            ("  拒绝原因", "  refused because", reason),
            ("  说明", "  note", code),
            ("  详情", "  detail", one.detail),
        ]
    )
