"""Signatures verified in groups, in this process or in several, while the replay goes on.

Guaranteed: every signature that was added is verified by the kernel before `finish` returns; one that does not hold
becomes the finding that was given with it. Not guaranteed: the order of these findings among others.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from typing import Final

from anchors.findings import Findings
from tiezheng.signature import PublicKey, verify

# Large enough that handing a group to another process costs little beside verifying it (some 0.4 s).
GROUP: Final = 1_024
# Groups that may wait for one process: enough that it is never idle, few enough that memory stays small.
AHEAD: Final = 4
Wanted = tuple[PublicKey, bytes, bytes]


@dataclass(frozen=True, slots=True)
class Claim:
    """What to say where a signature does not hold."""

    code: str
    subject: str
    signer: int
    evidence: Mapping[str, object]


@dataclass(slots=True)
class SignatureChecks:
    """Collects and verifies. `jobs` is the number of processes, 1 for this one alone. `close` at the end."""

    findings: Findings
    jobs: int = 1
    checked: int = 0
    _wanted: list[Wanted] = field(default_factory=list)
    _claims: list[Claim] = field(default_factory=list)
    _running: deque[tuple["Future[list[bool]]", list[Claim]]] = field(default_factory=deque)
    _pool: ProcessPoolExecutor | None = None

    def add(self, key: PublicKey, message: bytes, r_s: bytes, claim: Claim) -> None:
        """Verify `r_s` over `message` by `key`, now or a little later."""
        self._wanted.append((key, message, r_s))
        self._claims.append(claim)
        self.checked += 1
        if len(self._wanted) >= GROUP:
            self._start()

    def finish(self) -> None:
        """Returns when all that was added is verified."""
        if self._wanted:
            self._start()
        while self._running:
            self._settle()

    def close(self) -> None:
        """End the other processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def _start(self) -> None:
        wanted, claims = self._wanted, self._claims
        self._wanted, self._claims = [], []
        if self.jobs == 1:
            self._judge(verify_all(wanted), claims)
            return
        if self._pool is None:
            # Started afresh, not forked: this process may have threads (a client, a database).
            self._pool = ProcessPoolExecutor(self.jobs, mp_context=get_context("spawn"))
        self._running.append((self._pool.submit(verify_all, wanted), claims))
        while len(self._running) > self.jobs * AHEAD:
            self._settle()

    def _settle(self) -> None:
        future, claims = self._running.popleft()
        self._judge(future.result(), claims)

    def _judge(self, answers: Sequence[bool], claims: Sequence[Claim]) -> None:
        for holds, claim in zip(answers, claims, strict=True):
            if not holds:
                told = {**claim.evidence, "reason": "signature.invalid", "signer": claim.signer}
                self.findings.add(claim.code, claim.subject, f"signature.invalid, got {claim.signer}", **told)


def verify_all(wanted: Sequence[Wanted]) -> list[bool]:
    """Whether each signature holds."""
    return [verify(key, message, r_s) for key, message, r_s in wanted]
