"""The thirteen steps of §12 and what they come to."""

from types import TracebackType

from tests.plain.refusal import Refused

NAMES = (
    "format", "trust", "statements", "content", "signatures", "header", "contracts", "anchor", "keys", "identity",
    "finality", "time", "files",
)  # fmt: skip
PASSED, FAILED, NOT_CHECKED = "PASSED", "FAILED", "NOT CHECKED"


class Steps:
    """Faults and lacks of each step; findings beside them change no verdict."""

    def __init__(self) -> None:
        self.faults: dict[str, list[str]] = {name: [] for name in NAMES}
        self.lacks: dict[str, list[str]] = {name: [] for name in NAMES}
        self.findings: list[str] = []

    def fault(self, step: str, why: str) -> None:
        self.faults[step].append(why)

    def lack(self, step: str, why: str) -> None:
        self.lacks[step].append(why)

    def lack_after(self, step: str, why: str) -> None:
        """Nothing more is checked after this step."""
        for name in NAMES[NAMES.index(step) + 1 :]:
            self.lack(name, why)

    def under(self, step: str) -> "Under":
        return Under(self, step)

    def status(self, step: str) -> str:
        return FAILED if self.faults[step] else NOT_CHECKED if self.lacks[step] else PASSED

    @property
    def statuses(self) -> dict[str, str]:
        return {name: self.status(name) for name in NAMES}

    @property
    def verdict(self) -> str:
        statuses = self.statuses
        if FAILED in statuses.values():
            return "INVALID"
        return "INCONCLUSIVE" if any(statuses[name] == NOT_CHECKED for name in NAMES[1:11]) else "VALID"


class Under:
    """A context: what is refused inside is a fault of the step, and ends only what is inside."""

    def __init__(self, steps: Steps, step: str) -> None:
        self.steps, self.step = steps, step

    def __enter__(self) -> None:
        return

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if isinstance(error, Refused):
            self.steps.fault(self.step, str(error))
        return isinstance(error, Refused)
