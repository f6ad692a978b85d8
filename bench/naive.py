"""The design that one would write first, beside ours: pure Python, and a transaction of its own for each statement.

Method: the same signed statements as `bench.capacity` sends. For each: its signature is verified by the reference
library in pure Python, its row is committed to SQLite (WAL, synchronous=FULL) in a transaction of its own, and its
digest goes to the embedded chain as the data of one transaction, signed and sent alone. No HTTP, no content, no receipt
and no check of a procedure: it does less. Statements a second, one process.

    python -m bench.naive [--count 150]
"""

import argparse
import json
import secrets
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from anchors.chains.anvil import free_port, start_anvil, stop_anvil
from anchors.chains.relayer import Relayer
from anchors.chains.rpc import RpcChain
from tests.support.world import BATCH, OFFICE, SEAL, World, procedure_of
from tiezheng.signature import verify
from tiezheng.signature.provider import reference_provider
from tiezheng.signature.sm2 import digest_to_sign, split
from tiezheng.statement import message_for


def measure(count: int = 150) -> dict[str, float]:
    """Statements a second of the naive design."""
    world, procedure = World(), procedure_of(2)
    kind, plan = procedure.by_step[1], [(OFFICE, SEAL)]
    made = [
        world.file(kind, procedure, {"title": f"电子数据 {number}", "given_by": "party"}, plan).signed
        for number in range(count)
    ]
    reference, key = reference_provider(), world.members[OFFICE, 0].key.public
    assert reference is not None
    with tempfile.TemporaryDirectory() as name:
        node = start_anvil(Path(name), free_port(), Path(name) / "anvil.log")
        try:
            chain, relayer = RpcChain(node.url), Relayer(secrets.token_bytes(32))
            chain_id = chain.chain_id()
            with closing(sqlite3.connect(Path(name) / "naive.db", isolation_level=None)) as database:
                database.execute("PRAGMA journal_mode=WAL")
                database.execute("PRAGMA synchronous=FULL")
                database.execute("CREATE TABLE statements (digest BLOB PRIMARY KEY, bytes BLOB, signature BLOB)")
                begun = time.perf_counter()
                for nonce, signed in enumerate(made):
                    (signature,) = signed.signatures
                    message = message_for(signed.statement, world.contract(BATCH), OFFICE, SEAL, 1)
                    r, s = split(signature.r_s)
                    assert reference.verify_digest(key, digest_to_sign(key, message), r, s)
                    row = (signed.digest, signed.statement.to_bytes(), signature.r_s)
                    database.execute("INSERT INTO statements VALUES (?, ?, ?)", row)
                    sent = relayer.sign(chain_id=chain_id, nonce=nonce, to=b"\x01" * 20, data=signed.digest, gas=60_000)
                    chain.send(sent.raw)
                seconds = time.perf_counter() - begun
                assert verify(key, message, signature.r_s)
        finally:
            stop_anvil(node.pid)
    return {"naive_statements_per_second": count / seconds}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--count", type=int, default=150)
    print(json.dumps(measure(parser.parse_args().count)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
