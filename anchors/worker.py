"""The worker: one process that brings what was accepted onto the chain, and keeps what proves it.

Guaranteed: one worker at a time holds the database's `worker` lock, and one that lost it writes nothing more; each
round follows the chain before it sends; an integrity fault stops it, is stored for the operators to see, and nothing is
swallowed or repeated. Not guaranteed: progress while chain or database do not answer; they are waited for, and receipts
say until when.

A round: 1. read the chain's events; 2. look after transactions on their way; 3. seal a batch; 4. send batches, then
statements; 5. take proofs at the last checkpoint; 6. make final what has enough cosignatures.
"""

import threading
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import structlog

from anchors.chains.port import Chain
from anchors.chains.relayer import Relayer
from anchors.checkpoint import take_checkpoint
from anchors.deployment import Deployment, check_chain
from anchors.follow import follow
from anchors.seal_batch import WAIT_MS, Sealer
from anchors.sender import Sender
from ledger.domain.chain_records import Fault
from ledger.ports import Clock, OperatorSigner, Store
from ledger.services.receive_cosignature import make_final
from tiezheng.errors import IntegrityFault, TiezhengError, Unavailable, VerificationFailed
from tiezheng.trust import Trust

LOCK: Final = "worker"
POLL_SECONDS: Final = 0.25
RETRY_SECONDS: Final = 2.0
# A node that starts anew or lags behind its peers catches up within this; one that lost blocks does not.
BEHIND_SECONDS: Final = 120.0
_log = structlog.get_logger("anchors.worker")


@dataclass(slots=True)
class Worker:
    """All that one worker needs; `seal_wait_ms` is how long a batch waits for company."""

    store: Store
    chain: Chain
    deployment: Deployment
    relayer: Relayer
    operator: OperatorSigner
    trust: Trust
    leaves: Path
    clock: Clock
    seal_wait_ms: int = WAIT_MS
    _checked: bool = field(init=False, default=False)
    _behind_since: float | None = field(init=False, default=None)

    def round(self) -> int:
        """One round; says how many things moved. Raises IntegrityFault, VerificationFailed, Unavailable.

        A node that stays behind what was read for `BEHIND_SECONDS` is IntegrityFault `chain.younger`.
        """
        try:
            moved = self._round()
        except Unavailable as error:
            self._checked = False  # whatever answers next may be another node
            self._note_behind(error)
            raise
        self._behind_since = None
        return moved

    def _note_behind(self, error: Unavailable) -> None:
        if error.code != "chain.behind":
            return
        now = time.monotonic()
        self._behind_since = now if self._behind_since is None else self._behind_since
        if now - self._behind_since >= BEHIND_SECONDS:
            raise IntegrityFault(
                "chain.younger", expected=error.expected, got=error.got, detail=error.detail
            ) from error

    def _round(self) -> int:
        if not self._checked:
            check_chain(self.chain, self.deployment)
            self._check_trust()
            self._checked = True
        follow(self.store, self.chain, self.deployment, self.clock.now_ms())
        sender = Sender(self.store, self.chain, self.deployment, self.relayer, self.operator, self.trust, self.clock)
        sealer = Sealer(
            self.store,
            self.chain,
            self.deployment,
            self.operator,
            self.trust,
            self.leaves,
            self.clock,
            self.seal_wait_ms,
        )
        sender.settle()
        moved = sealer.seal() + sender.send_batches() + sender.send_statements()
        moved += take_checkpoint(self.store, self.chain, self.deployment, self.trust)
        return moved + self._make_final()

    def run(self, stop: threading.Event) -> None:
        """Rounds until `stop` is set. Raises Unavailable `service.locked` if another worker runs, or took over when
        this one lost the lock, and the fault that ends it.
        """
        while not stop.is_set():
            try:
                with self.store.exclusive(LOCK) as held:
                    _log.info("worker.started", chain_id=self.deployment.chain_id)
                    replace(self, store=held)._rounds(stop)
            except Unavailable as error:
                if error.code == "service.locked":
                    raise
                _log.warning("lock.waited_for", code=error.code)
                stop.wait(error.retry_after_seconds)
        _log.info("worker.stopped")

    def _rounds(self, stop: threading.Event) -> None:
        """Rounds with the lock. Raises Unavailable `service.lock_lost`, and the fault that ends the worker."""
        healthy = False
        while not stop.is_set():
            try:
                moved = self.round()
                if not healthy:
                    self._clear_fault()
                    healthy = True
            except Unavailable as error:
                if error.code == "service.lock_lost":
                    raise
                _log.warning("chain.waited_for", code=error.code, detail=error.detail)
                stop.wait(RETRY_SECONDS)
                continue
            except (IntegrityFault, VerificationFailed) as error:
                self._stop_with(error)
                raise
            if moved:
                _log.info("worker.moved", count=moved)
            else:
                stop.wait(POLL_SECONDS)

    def _check_trust(self) -> None:
        """The trust file is for this deployment. Raises IntegrityFault `chain.deployment`."""
        pinned = {contract.address: contract.code_hash for contract in self.trust.contracts}
        for contract in (self.deployment.institutions, self.deployment.registry, self.deployment.batch):
            if self.trust.ledger != self.deployment.ledger or pinned.get(contract.address) != contract.code_hash:
                raise IntegrityFault("chain.deployment", got=contract.address, detail="trust file of another ledger")

    def _make_final(self) -> int:
        with self.store.read() as tables:
            heights = tables.statements.pending_heights()
        if not heights:
            return 0
        with self.store.write() as tables:
            return sum(make_final(tables, self.trust, height, self.clock.now_ms()) for height in heights)

    def _stop_with(self, error: TiezhengError) -> None:
        _log.error("worker.faulted", code=error.code)
        detail = " ".join(str(part) for part in (error.expected, error.got, error.detail) if part is not None)
        try:
            with self.store.write() as tables:
                tables.chain.put_fault(Fault(error.code, detail, self.clock.now_ms()))
        except Unavailable as unavailable:
            # The fault ends the process all the same; the next start finds it anew.
            _log.error("fault.not_stored", code=unavailable.code)

    def _clear_fault(self) -> None:
        with self.store.read() as tables:
            fault = tables.chain.fault()
        if fault is not None:
            with self.store.write() as tables:
                tables.chain.put_fault(None)
            _log.warning("fault.cleared", code=fault.code)
