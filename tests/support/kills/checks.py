"""What must hold after every kill, and what must hold at the end.

Guaranteed: looked at from outside: the service's answers, the database's rows, the chain's events, the published
leaves, and the product's own audit and verifier. Not guaranteed: that a violation is seen in the very cycle that caused
it; at the end each statement is looked at.
"""

import json
import random
import subprocess
import sys
import time
from collections import Counter
from typing import Final

from sqlalchemy import text

from anchors.events import spans
from anchors.leaves import open_leaves
from ledger.storage.database import open_engine, reading
from tests.support.consortium import OPERATOR
from tests.support.kills.clients import Held
from tests.support.kills.ground import Ground
from tiezheng.batch import parse_batch_header, read_leaves
from tiezheng.client import Client
from tiezheng.errors import Unavailable
from tiezheng.receipt import check_receipt, check_refusal, parse_receipt_file, parse_refusal_file
from tiezheng.verify import Result, verify

SAMPLE: Final = 6
BUNDLES: Final = 20
REDEEM_SECONDS: Final = 240.0
_PROGRAM: Final = (sys.executable, "-m", "tiezheng.cli.main")


class Checks:
    """Holds receipts in clients' hands against service, database and chain."""

    def __init__(self, ground: Ground, address: str, database: str, held: Held, seed: int) -> None:
        self._ground = ground
        self._address = address
        self._database = database
        self._engine = open_engine(database)
        self._held = held
        self._rng = random.Random(seed)

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def after_kill(self, thorough: bool) -> None:
        """Receipts in hand are the stored ones; no nonce has two payloads; batches join on; the file is whole."""
        with self._held.lock:
            known = list(self._held.receipts.items())
        sample = known[-SAMPLE // 2 :] + self._rng.sample(known, min(len(known), SAMPLE // 2))
        with reading(self._engine) as connection:
            for digest, receipt in sample:
                stored = connection.execute(
                    text("SELECT file FROM receipts WHERE digest = :digest"), {"digest": digest}
                ).scalar()
                if stored is None or bytes(stored) != receipt:
                    self._held.violate(f"receipt in hand is not the stored one: {digest.hex()}")
            nonces = connection.execute(
                text("SELECT nonce FROM transactions GROUP BY sender, nonce HAVING count(DISTINCT raw) > 1")
            ).all()
            batches = connection.execute(text("SELECT number, first, count FROM batches ORDER BY number")).all()
        if nonces:
            self._held.violate(f"nonces with two payloads: {nonces}")
        leaves = 0
        for place, (number, first, count) in enumerate(batches):
            if (number, first) != (place, leaves):
                self._held.violate(f"batch {number} is not contiguous")
            leaves += count
        if thorough and self._engine.dialect.name == "sqlite":
            with reading(self._engine) as connection:
                found = connection.execute(text("PRAGMA integrity_check")).scalar()
            if found != "ok":
                self._held.violate(f"database: {found}")

    def at_the_end(self) -> dict[str, object]:
        """Wait until every receipt is redeemed; then hold everything against the chain. Gives what was counted."""
        pending = self._wait_redeemed()
        refused = self._refused()
        recorded, doubled = self._on_chain()
        with self._held.lock:
            digests = set(self._held.receipts)
        for digest in digests:
            times = recorded[digest]
            if times != (0 if digest in refused else 1) and digest not in pending:
                self._held.violate(f"on chain {times} times, refused {digest in refused}: {digest.hex()}")
        if doubled:
            self._held.violate(f"recorded more than once: {doubled}")
        self._check_receipts(digests)
        return {
            "receipts": len(digests),
            "anchored": sum(recorded[digest] == 1 for digest in digests),
            "refused": len(refused),
            "pending": len(pending),
            "bundles_valid": self._bundles([digest for digest in digests if recorded[digest]]),
            "audit": self._audit(),
        }

    def _statuses(self) -> dict[bytes, str]:
        with reading(self._engine) as connection:
            rows = connection.execute(text("SELECT digest, status FROM statements")).all()
        return {bytes(digest): status for digest, status in rows}

    def _wait_redeemed(self) -> set[bytes]:
        deadline = time.monotonic() + REDEEM_SECONDS
        while True:
            statuses = self._statuses()
            with self._held.lock:
                pending = {one for one in self._held.receipts if statuses.get(one) not in ("final", "refused")}
            if not pending:
                return pending
            if time.monotonic() > deadline:
                told = Counter(statuses.get(one) for one in pending)
                self._held.violate(f"not redeemed after {REDEEM_SECONDS} s: {told}")
                return pending
            time.sleep(0.5)

    def _refused(self) -> set[bytes]:
        """Those with a refusal that the operator signed."""
        key, found = self._ground.consortium.keys[OPERATOR].public, set()
        contract = self._ground.consortium.deployment.registry.id
        with Client(self._address, self._ground.token) as client:
            for digest, status in self._statuses().items():
                if status == "refused" and digest in self._held.receipts:
                    check_refusal(parse_refusal_file(client.refusal(digest)), key, contract, digest)
                    found.add(digest)
        return found

    def _on_chain(self) -> tuple[Counter[bytes], list[str]]:
        """How often each statement stands on the chain, by its events and the leaves of anchored batches."""
        ground, counted = self._ground, Counter[bytes]()
        deployment, chain = ground.consortium.deployment, ground.chain
        for span in spans(chain, deployment, deployment.first_block - 1, chain.head()):
            for event, _ in span.events:
                if event.name == "StatementRecorded":
                    counted[event.values["digest"]] += 1
                elif event.name == "BatchAnchored":
                    header = parse_batch_header(event.values["header"])
                    with open_leaves(ground.home.leaves, header.batch) as reader:
                        for leaf in read_leaves(reader).leaves:
                            counted[leaf.digest] += 1
        return counted, [digest.hex() for digest, times in counted.items() if times > 1]

    def _check_receipts(self, digests: set[bytes]) -> None:
        key, deployment = self._ground.consortium.keys[OPERATOR].public, self._ground.consortium.deployment
        for digest in digests:
            file, made = parse_receipt_file(self._held.receipts[digest]), self._held.made[digest]
            contract = deployment.batch if file.receipt.lane == 2 else deployment.registry
            check_receipt(file, key, contract.id, made.signed)

    def _bundles(self, digests: list[bytes]) -> int:
        """How many of a sample verify."""
        sample, valid = self._rng.sample(digests, min(len(digests), BUNDLES)), 0
        with Client(self._address, self._ground.token) as client:
            for digest in sample:
                try:
                    bundle = client.bundle(digest, whole_case=False)
                except Unavailable as error:
                    self._held.violate(f"no bundle of {digest.hex()}: {error.code}")
                    continue
                verdict = verify(bundle, self._ground.trust, time.time_ns() // 1_000_000, ())
                if verdict.result is Result.VALID:
                    valid += 1
                else:
                    self._held.violate(f"bundle of {digest.hex()} is {verdict.result}")
        return valid

    def _audit(self) -> str:
        """The product's own audit: clean but for statements that others relayed on purpose."""
        arguments = [*_PROGRAM, "audit", "--home", str(self._ground.home.root), "--db", self._database, "--json"]
        done = subprocess.run(arguments, capture_output=True, check=False, timeout=1200)
        try:
            findings = json.loads(done.stdout)["findings"]
        except (ValueError, KeyError):
            self._held.violate(f"audit ended with {done.returncode}: {done.stderr.decode()[-400:]}")
            return "failed"
        named = {"audit.row_missing": self._held.rivals, "audit.case_altered": self._held.rival_cases}
        others = [
            one
            for one in findings
            if not any(word.hex() in one["subject"] for word in named.get(one["code"], ()))
            # What an upload that was cut off left behind: encrypted, named by nothing.
            and one["code"] != "audit.object_unknown"
        ]
        for one in others[:5]:
            self._held.violate(f"audit: {json.dumps(one, ensure_ascii=False)[:300]}")
        return "clean" if not others else f"{len(others)} findings"
