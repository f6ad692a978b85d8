"""Clients that hand in statements over HTTP without end, through every crash, and keep each receipt they were given.

Guaranteed: a client repeats the very same bytes until it has an answer; what it holds is what a court would be shown.
Not guaranteed: a rate.
"""

import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar

from anchors.chains.relayer import Relayer
from anchors.contracts import REGISTRY, artifact
from anchors.transact import transact
from tests.support.consortium import APPROVER, NOTARY, OFFICE
from tests.support.kills.ground import Ground
from tests.support.stage import HANDLER, MATTER, SEAL, Made, Stage
from tests.support.words import digests_of
from tests.support.world import procedure_of
from tiezheng.client import Client
from tiezheng.content import Attachment
from tiezheng.errors import Refused, TiezhengError, Unavailable
from tiezheng.statement import new_case_id

T = TypeVar("T")
PAUSE_SECONDS: Final = 0.1
# A service that is killed every second is back within one; a minute without any answer is a failure of its own.
PATIENCE_SECONDS: Final = 60.0
_NO_CASE: Final = {
    "case.refused",
    "case.not_found",
    "statement.sequence",
    "statement.previous",
    "procedure.opening",
}


@dataclass
class Held:
    """What clients hold: receipts by evidence id, statements by evidence id, and what went wrong."""

    receipts: dict[bytes, bytes] = field(default_factory=dict)
    made: dict[bytes, Made] = field(default_factory=dict)
    rivals: set[bytes] = field(default_factory=set)
    rival_cases: set[bytes] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, made: Made, receipt: bytes) -> None:
        """A receipt that was given; one that differs from an earlier one is a violation."""
        with self.lock:
            before = self.receipts.setdefault(made.digest, receipt)
            self.made[made.digest] = made
            if before != receipt:
                self.violations.append(f"another receipt for {made.digest.hex()}")

    def violate(self, text: str) -> None:
        """Something that must not be."""
        with self.lock:
            self.violations.append(text)


class Load:
    """Threads of clients; `stop` lets each finish what it began."""

    def __init__(self, ground: Ground, addresses: tuple[str, ...], held: Held, seed: int, pause: float) -> None:
        self._ground = ground
        self._addresses = addresses
        self._held = held
        self._pause = pause
        self._stop = threading.Event()
        self._hurry = threading.Event()
        jobs = (self._bulk, self._matter, self._deposit, self._mixed)
        self._threads = [
            threading.Thread(target=self._run, args=(job, seed * 16 + number), daemon=True)
            for number, job in enumerate(jobs)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """No new work; each thread comes to its end."""
        self._stop.set()
        for thread in self._threads:
            thread.join(2 * PATIENCE_SECONDS)
            if thread.is_alive():
                self._held.violate("a client never got its answer")

    def _run(self, job: Callable[["Stage", random.Random, "Client"], None], seed: int) -> None:
        rng = random.Random(seed)
        stage = Stage(self._ground.root, self._ground.chain, self._ground.consortium, Relayer(b"\7" * 32))
        stage.drawn = seed << 40
        with Client(rng.choice(self._addresses), self._ground.token, timeout_seconds=15) as client:
            while not self._stop.is_set():
                try:
                    job(stage, rng, client)
                except TiezhengError as error:
                    self._held.violate(f"a client was told {error}")
                except Exception as error:  # noqa: BLE001  a thread that dies unseen would look like success
                    self._held.violate(f"a client failed: {type(error).__name__} {error}")
                self._stop.wait(self._pause * (0.5 + rng.random()))

    def _until(self, ask: Callable[[], T]) -> T:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return ask()
            except Unavailable:
                if time.monotonic() > deadline:
                    raise
                time.sleep(PAUSE_SECONDS)

    def _submit(self, client: Client, made: Made) -> None:
        try:
            receipt = self._until(lambda: client.submit(made.signed, made.content)).to_bytes()
        except TiezhengError as error:
            if error.code != "statement.refused":
                raise
            receipt = self._until(lambda: client.receipt(made.digest))
        self._held.keep(made, receipt)

    def _bulk(self, stage: Stage, rng: random.Random, client: Client) -> None:
        self._submit(client, stage.bulk())

    def _matter(self, stage: Stage, _rng: random.Random, client: Client) -> None:
        """Seven steps; the last one's two signatures are collected."""
        steps = stage.matter()
        for made in steps[:-1]:
            self._submit(client, made)
        self._collect(client, steps[-1])

    def _collect(self, client: Client, made: Made) -> None:
        statement = made.signed.statement
        plan = [(one.signer, one.role) for one in made.signed.signatures]
        first, *others = made.signed.signatures
        opened = self._until(lambda: client.open_collection(statement, plan, made.content, [first]))
        for signature in others:
            self._until(lambda one=signature: client.sign_collection(opened["id"], one))  # type: ignore[misc]
        self._held.keep(made, self._until(lambda: client.receipt(made.digest)))

    def _deposit(self, stage: Stage, rng: random.Random, client: Client) -> None:
        """A file that is uploaded, and the statement that names it."""
        procedure, case = procedure_of(1), new_case_id(OFFICE, stage.draw()[:28])
        data = rng.randbytes(rng.choice((100, 5_000, 1_200_000)))
        path = Path(self._ground.root, f"upload-{threading.get_ident()}")
        path.write_bytes(data)
        self._until(lambda: client.upload(case, path, "application/octet-stream"))
        attachment = Attachment("a.bin", "application/octet-stream", digests_of(data), stage.draw()[:16])
        made = stage.make(
            procedure.by_step[1],
            procedure,
            [(OFFICE, SEAL)],
            attachments=[attachment],
            case=case,
            subject=digests_of(data).sm3,
        )
        self._submit(client, made)

    def _mixed(self, stage: Stage, rng: random.Random, client: Client) -> None:
        """Old statements handed in once more, and cases whose place somebody else takes on the chain."""
        with self._held.lock:
            known = list(self._held.made.values())[-200:]
        if known and rng.random() < 0.7:
            self._submit(client, rng.choice(known))
            return
        procedure = procedure_of(3)
        (mine,) = stage.matter([1])
        other = stage.make(procedure.by_step[1], procedure, MATTER[1], case=mine.signed.statement.case)
        behind = stage.make(procedure.by_step[2], procedure, [(rng.choice((NOTARY, APPROVER)), HANDLER)], mine)
        data = artifact(REGISTRY).call("record", other.signed.statement.to_bytes(), other.signed.signatures_bytes)
        deployment = self._ground.consortium.deployment
        with self._held.lock:
            self._held.rivals.add(other.digest)
            self._held.rival_cases.add(other.signed.statement.case)
        address = deployment.registry.address
        with suppress(Refused):  # the node heard an earlier attempt after all
            self._until(lambda: transact(self._ground.chain, Relayer(b"\5" * 32), deployment.chain_id, address, data))
        self._submit(client, mine)
        try:
            self._submit(client, behind)
        except TiezhengError as error:
            # The first was refused before the second came: there is no such case.
            if error.code not in _NO_CASE:
                raise
