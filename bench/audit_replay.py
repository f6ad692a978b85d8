"""How fast an auditor replays: signed statements a second and leaves a second, on one core.

Method: a made-up ledger with real SM2 keys. Registry lane: 250 matters of seven steps (eight signatures each), as logs
that the replay decodes, parses, verifies and judges by the rules, in spans of 500 logs. Batch lane: 2,048 bulk deposits
in leaves files of 512, each held to its anchored header and verified. Nothing is asked of a node, so its time is not in
the figures. `audit_leaves_per_second` holds one leaves file of 8,192 leaves to the root of its header, byte for byte,
as an incremental audit does with files whose statements it verified before; `audit_leaves_parsed_per_second` parses
each statement too. Seconds are processor time of this one process (the machine may be shared); the median of three
rounds after a warm-up. No round may leave a finding.

Run alone: `.venv/bin/python -m bench.audit_replay [--profile]`
"""

import argparse
import cProfile
import pstats
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from statistics import median
from typing import Final

from eth_abi.abi import encode

from anchors.chains.port import Log
from anchors.contracts import BATCH, REGISTRY, artifact, decode_event
from anchors.deployment import Contract, Deployment
from anchors.events import Span
from anchors.findings import Findings
from anchors.replay import Replay
from ledger.domain.chain_records import BlockRef
from ledger.domain.records import InstitutionRow, KeyRow, TableRow
from tests.support.consortium import OFFICE, OPERATOR, ROLES, Consortium
from tests.support.stage import MATTER, SEAL
from tests.support.world import procedure_of
from tiezheng.batch import BatchHeader, build_batch, hold_leaves, read_leaves, write_leaves
from tiezheng.digest import sm3
from tiezheng.evm.keccak import keccak256
from tiezheng.procedures import OPEN_END, Kind, Procedure
from tiezheng.signature import Signature, sign
from tiezheng.signature.sm2 import z_value
from tiezheng.statement import ZERO, Flag, SignedStatement, Statement, contract_id, message_for, new_case_id

ROUNDS: Final = 3
MATTERS: Final = 250
SPAN: Final = 500
BATCHES: Final = 4
BATCH_LEAVES: Final = 512
FILE_LEAVES: Final = 8_192
CHAIN_ID: Final = 31_337
SECONDS: Final = 1_770_000_000


def deployment() -> Deployment:
    """A ledger at made-up addresses."""
    founding = sm3(b"bench")

    def contract(name: str) -> Contract:
        address = sm3(name.encode())[:20]
        return Contract(address, contract_id(CHAIN_ID, address, founding), ZERO, 1)

    names = ("institutions", "registry", "batch", "verifier", "keys")
    return Deployment(CHAIN_ID, ZERO, "http://127.0.0.1:1", founding, *map(contract, names), 1, OPERATOR, 16)


class Filer:
    """Signs statements of the made-up members."""

    def __init__(self, ledger: Deployment) -> None:
        self.ledger, self.consortium, self.count = ledger, Consortium("bench"), 0

    def file(
        self, kind: Kind, procedure: Procedure, plan: list[tuple[int, int]], after: Statement | None
    ) -> SignedStatement:
        """The next statement of a case, or the first of a new one."""
        self.count += 1
        drawn = sm3(b"drawn", self.count.to_bytes(8, "big"))
        in_batch = kind.lane.value == "batch"
        statement = Statement(
            kind=kind.number,
            flags=Flag.BATCH if in_batch else Flag(0),
            sequence=0 if after is None else after.sequence + 1,
            institution=OFFICE,
            counterparty=0,
            occurred=SECONDS * 1000,
            case=new_case_id(OFFICE, drawn[:28]) if after is None else after.case,
            previous=procedure.table_digest if after is None else after.digest,
            subject=ZERO,
            content=drawn,
        )
        contract = self.ledger.batch if in_batch else self.ledger.registry
        signatures = [
            Signature(signer, role, 0, self._sign(signer, message_for(statement, contract.id, signer, role, len(plan))))
            for signer, role in sorted(plan)
        ]
        return SignedStatement(statement, tuple(signatures))

    def seal(self, header: BatchHeader) -> Signature:
        return Signature(OPERATOR, 0, 0, self._sign(OPERATOR, header.message(self.ledger.batch.id)))

    def _sign(self, signer: int, message: bytes) -> bytes:
        return sign(self.consortium.keys[signer], message)


def replay_of(filer: Filer, files: dict[int, bytes]) -> Replay:
    """A replay that has read the members and tables, which cost the same in any ledger."""
    procedures = {one.table_digest: one for one in (procedure_of(2), procedure_of(3))}
    replay = Replay(filer.ledger, procedures, lambda batch: BytesIO(files[batch]), Findings())
    for number, private in filer.consortium.keys.items():
        institution, role = (number, int(ROLES[number])) if number in ROLES else (OFFICE, 1)
        x, y = private.public.to_bytes()[:32], private.public.to_bytes()[32:]
        replay.keys[number, 0] = KeyRow(
            number, 0, x, y, z_value(private.public), institution, role, 1, sm3(b"card"), SECONDS - 1
        )
        if number in ROLES:
            replay.institutions[number] = InstitutionRow(number, role, voter=True)
    for index, digest in enumerate(procedures, 1):
        replay.tables[digest] = TableRow(digest, index, 0, OPEN_END)
        replay.book.register(digest)
    return replay


def _log(name: str, event: str, values: dict[str, object], address: bytes) -> Log:
    entry = next(one for one in artifact(name).events.values() if one.name == event)
    kinds = list(zip(entry.names, entry.types, entry.indexed, strict=True))
    topics = [encode([kind], [values[each]]) for each, kind, indexed in kinds if indexed]
    plain = [(kind, values[each]) for each, kind, indexed in kinds if not indexed]
    data = encode([kind for kind, _ in plain], [value for _, value in plain])
    return Log(address, (keccak256(f"{event}({','.join(entry.types)})".encode()), *topics), data, 2, ZERO, ZERO, 0)


def registry_logs(filer: Filer) -> list[Log]:
    """Matters from application to certificate."""
    procedure, logs = procedure_of(3), []
    for _ in range(MATTERS):
        after: Statement | None = None
        for step in MATTER:
            signed = filer.file(procedure.by_step[step], procedure, MATTER[step], after)
            after = signed.statement
            told = {"digest": after.digest, "caseId": after.case, "subject": after.subject}
            told |= {"statement": after.to_bytes(), "signatures": signed.signatures_bytes}
            logs.append(_log(REGISTRY, "StatementRecorded", told, filer.ledger.registry.address))
    return logs


def batch_logs(filer: Filer, count: int, size: int) -> tuple[list[Log], dict[int, bytes]]:
    """Anchored batches of bulk deposits, and their files."""
    procedure, last = procedure_of(2), None
    logs, files = [], {}
    for number in range(count):
        leaves = [filer.file(procedure.by_step[1], procedure, [(OFFICE, SEAL)], None) for _ in range(size)]
        last, _ = build_batch(OPERATOR, last, leaves)
        seal = filer.seal(last)
        files[number] = b"".join(write_leaves(last, seal, leaves))
        told = {"headerDigest": last.digest, "operator": OPERATOR, "batch": number}
        told |= {"header": last.to_bytes(), "signature": seal.to_bytes()}
        logs.append(_log(BATCH, "BatchAnchored", told, filer.ledger.batch.address))
    return logs, files


def spans(name: str, logs: list[Log]) -> Iterator[Span]:
    block = BlockRef(2, ZERO, SECONDS + 1)
    for at in range(0, len(logs), SPAN):
        yield Span(block, tuple((decode_event(artifact(name), log), block) for log in logs[at : at + SPAN]))


def replayed(filer: Filer, name: str, logs: list[Log], files: dict[int, bytes]) -> int:
    """Replay them all; how many statements there were."""
    replay = replay_of(filer, files)
    for span in spans(name, logs):
        replay.feed(span)
    replay.finish()
    assert not replay.findings.found, replay.findings.found[:3]
    return len(replay.statements)


def rate(work: Callable[[], int]) -> float:
    """What `work` counts, a second of processor time."""
    start = time.process_time()
    done = work()
    return done / (time.process_time() - start)


def measure() -> dict[str, float]:
    """The figures."""
    works = _works()
    for work in works.values():
        work()
    rounds = [{name: rate(work) for name, work in works.items()} for _ in range(ROUNDS)]
    return {name: median(one[name] for one in rounds) for name in works}


def _works() -> dict[str, Callable[[], int]]:
    filer = Filer(deployment())
    registry = registry_logs(filer)
    batches, files = batch_logs(filer, BATCHES, BATCH_LEAVES)
    _, large = batch_logs(filer, 1, FILE_LEAVES)
    return {
        "audit_statements_per_second_registry": lambda: replayed(filer, REGISTRY, registry, {}),
        "audit_statements_per_second_batch": lambda: replayed(filer, BATCH, batches, files),
        "audit_leaves_per_second": lambda: hold_leaves(BytesIO(large[0]))[0].count,
        "audit_leaves_parsed_per_second": lambda: len(list(read_leaves(BytesIO(large[0])).leaves)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--profile", action="store_true", help="show where the time goes instead")
    if not parser.parse_args().profile:
        for name, value in measure().items():
            print(f"{name} = {value:,.0f}")
        return
    for name, work in _works().items():
        profiler = cProfile.Profile()
        profiler.runcall(work)
        print(name)
        pstats.Stats(profiler).sort_stats("tottime").print_stats(14)


if __name__ == "__main__":
    main()
