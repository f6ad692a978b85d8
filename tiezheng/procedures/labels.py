"""Chinese and English names of what a procedure says of its kinds (spec/SPEC.md §8.1, §8.2), for pages and forms.

Guaranteed: every flag, effect, recorder and unit has one pair. Not guaranteed: that a name explains it; the
specification does.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from tiezheng.procedures.model import DeadlineUnit, Effect, KindFlag, Who

Label: TypeAlias = tuple[str, str]

FLAG_LABELS: Final[Mapping[KindFlag, Label]] = MappingProxyType(
    {
        KindFlag.OPENS: ("立案", "opens"),
        KindFlag.CLOSES: ("结束", "closes"),
        KindFlag.INSTRUMENT: ("文书", "instrument"),
        KindFlag.NAMES_COUNTERPARTY: ("可列相对方", "may name a counterparty"),
        KindFlag.BATCH: ("批次", "batch lane"),
        KindFlag.MAY_BE_LATE: ("可补录", "may be late"),
        KindFlag.MAY_BE_IRREGULAR: ("可记违规", "may be irregular"),
        KindFlag.PAUSES: ("中止", "pauses"),
        KindFlag.RESUMES: ("恢复", "resumes"),
        KindFlag.PASSES_PAUSE: ("中止期间可记", "also during a pause"),
        KindFlag.FREEZES: ("冻结", "freezes the sample"),
        KindFlag.THAWS: ("解冻", "ends the freeze"),
        KindFlag.AFTER_CLOSE: ("结案后可记", "also after closing"),
        KindFlag.AFTER_END: ("期满后", "only after the end time"),
    }
)
EFFECT_LABELS: Final[Mapping[Effect, Label]] = MappingProxyType(
    {
        Effect.NONE: ("无", "none"),
        Effect.END: ("定期限", "sets the end time"),
        Effect.CORRECT: ("更正", "corrects"),
        Effect.SUPPLEMENT: ("补充", "supplements"),
        Effect.SUSPEND: ("中止效力", "suspends"),
        Effect.LIFT: ("恢复效力", "lifts the suspension of"),
        Effect.REVOKE: ("撤销", "revokes"),
        Effect.REVOKE_PART: ("部分撤销", "revokes in part"),
        Effect.BASIS: ("以某存证为依据", "rests on a statement"),
        Effect.HOLD: ("登记检材", "holds a sample"),
        Effect.TRANSFER: ("移交检材", "transfers the sample"),
        Effect.CONSUME: ("消耗检材", "uses up of the sample"),
        Effect.SPLIT: ("分样", "splits off for a child"),
        Effect.CHILD: ("由分样立案", "opens from a split"),
        Effect.DISPOSE: ("处置检材", "disposes of the sample"),
    }
)
WHO_LABELS: Final[Mapping[Who, Label]] = MappingProxyType(
    {
        Who.OPENER: ("立案机构", "opener"),
        Who.GUEST: ("受邀机构", "guest"),
        Who.HOLDER: ("保管机构", "holder"),
    }
)
DEADLINE_UNIT_LABELS: Final[Mapping[DeadlineUnit, Label]] = MappingProxyType(
    {
        DeadlineUnit.HOURS: ("小时", "hours"),
        DeadlineUnit.DAYS: ("日", "days"),
        DeadlineUnit.WORKING_DAYS: ("个工作日", "working days"),
        DeadlineUnit.MONTHS: ("个月", "months"),
        DeadlineUnit.YEARS: ("年", "years"),
    }
)
WHOLE_DAYS_LABEL: Final[Label] = ("按整日（东八区）", "by whole days (UTC+8)")
