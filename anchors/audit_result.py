"""The outcome of an audit: what was found, what was looked at, what was carried over, and what was not looked at.

Guaranteed: `to_json` holds every finding with its evidence, and enough of what the audit rests on to repeat it. Not
guaranteed: anything about what `not_checked` names.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final

from anchors.findings import Finding

FORMAT: Final = "tiezheng/audit/1"
Sentence = tuple[str, str]
"""Chinese, English."""


@dataclass(slots=True)
class Report:
    """`since` is the block of the kept state that an incremental audit began from, None where it began at the start;
    `fresh_start` says why it did so although a state was there. Digests of deployment and trust file are SM3."""

    height: int
    block_hash: bytes
    block_time: int
    chain_id: int = 0
    deployment: bytes = b""
    trust: bytes = b""
    started_ms: int = 0
    ended_ms: int = 0
    since: int | None = None
    since_hash: bytes = b""
    fresh_start: Sentence | None = None
    counts: dict[str, int] = field(default_factory=dict)
    carried: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    not_checked: list[Sentence] = field(default_factory=list)
    erased: list[dict[str, object]] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    def to_json(self) -> dict[str, object]:
        """Stable members."""
        since = None if self.since is None else {"hash": self.since_hash.hex(), "height": self.since}
        return {
            "block": {
                "hash": self.block_hash.hex(),
                "height": self.height,
                "time": in_utc(self.block_time * 1000),
            },
            "carried": dict(sorted(self.carried.items())),
            "chain_id": self.chain_id,
            "clean": self.clean,
            "counts": dict(sorted(self.counts.items())),
            "deployment_sm3": self.deployment.hex(),
            "ended": in_utc(self.ended_ms),
            "erased": self.erased,
            "findings": [finding.to_json() for finding in self.findings],
            "format": FORMAT,
            "fresh_start": None if self.fresh_start is None else _spoken(self.fresh_start),
            "not_checked": [_spoken(one) for one in self.not_checked],
            "since": since,
            "software": software(),
            "started": in_utc(self.started_ms),
            "trust_sm3": self.trust.hex(),
        }


def software() -> str:
    """Name and version of this program."""
    return f"tiezheng {version('tiezheng')}"


def in_utc(at_ms: int) -> str:
    """A time for programs."""
    return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _spoken(sentence: Sentence) -> dict[str, str]:
    return {"en": sentence[1], "zh": sentence[0]}
