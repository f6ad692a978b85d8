"""What an act says to the contract itself: its terms, and whether it is filled in late or irregular.

Guaranteed: terms are laid out as the kind's effect asks (SPEC §8.2), and an option that the kind has no use for is
refused. Not guaranteed: that target or holder exist; the service and the chain answer that.
"""

from dataclasses import dataclass
from typing import Annotated, Final

import typer

from tiezheng.errors import Malformed
from tiezheng.procedures import UNIT_LABELS, Effect, Holding, Kind, digest_terms, end_terms, holding_terms
from tiezheng.statement import ZERO, Flag

Target = Annotated[
    str | None, typer.Option("--target", metavar="ID", help="所针对的存证编号 / evidence id that it is about")
]
End = Annotated[str | None, typer.Option("--end", metavar="TIME", help="期满时间 / when the period ends")]
Held = Annotated[
    str | None,
    typer.Option("--holding", metavar='"QUANTITY UNIT HOLDER"', help='检材数量、单位、持有机构 / as in "500 mg 501"'),
]
Late = Annotated[str | None, typer.Option("--late", metavar="REASON", help="事后补录及原因 / filled in late, why")]
Irregular = Annotated[
    str | None, typer.Option("--irregular", metavar="REASON", help="不合程序及原因 / against the procedure, why")
]
_OPTION: Final = {
    Effect.END: "--end",
    Effect.BASIS: "--target",
    Effect.CHILD: "--target",
    Effect.HOLD: "--holding",
    Effect.TRANSFER: "--holding",
    Effect.CONSUME: "--holding",
    Effect.SPLIT: "--holding",
}


@dataclass(frozen=True, slots=True)
class Wording:
    """What an act says beside its content: `terms` (SPEC §8.2), and why it is filled in late or is irregular."""

    terms: bytes = ZERO
    late: str | None = None
    irregular: str | None = None

    @property
    def flags(self) -> Flag:
        """The flags that go with the reasons."""
        return (Flag.LATE if self.late else Flag(0)) | (Flag.IRREGULAR if self.irregular else Flag(0))

    @property
    def reason(self) -> str | None:
        """For the reserved field `flag_reason`."""
        return "；".join(text for text in (self.late, self.irregular) if text) or None


def terms_for(kind: Kind, target: bytes | None, end: int | None, holding: Holding | None) -> bytes:
    """The terms that the kind asks for; `end` in ms. Raises Malformed `statement.terms_layout` naming the option."""
    given = {"--target": target, "--end": end, "--holding": holding}
    wanted = _OPTION.get(kind.effect, "--target" if kind.effect.has_target else None)
    surplus = [name for name, value in given.items() if value is not None and name != wanted]
    if surplus or (wanted is not None and given[wanted] is None):
        raise Malformed("statement.terms_layout", expected=wanted or "-", got=", ".join(surplus) or None)
    if wanted == "--end" and end is not None:
        return end_terms(end)
    if wanted == "--holding" and holding is not None:
        return holding_terms(holding)
    return ZERO if target is None else digest_terms(target)


def parse_holding(text: str | None) -> Holding | None:
    """`500 mg 501`: quantity, unit by name or number, holder. Raises Malformed `statement.terms_layout`."""
    if text is None:
        return None
    names = {name: unit for unit, labels in UNIT_LABELS.items() for name in labels}
    parts = text.split()
    if len(parts) == 3 and parts[0].isdecimal() and parts[2].isdecimal():
        unit = names.get(parts[1]) or (int(parts[1]) if parts[1].isdecimal() else None)
        if unit is not None:
            return Holding(int(parts[0]), int(unit), int(parts[2]))
    raise Malformed("statement.terms_layout", expected="500 mg 501", got=text[:64], detail="--holding")


PLAIN: Final = Wording()
