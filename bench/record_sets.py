"""How many records a second go from plain values to a durable receipt, as record sets over HTTP.

Method: one process draws salts, builds contents of `--records` records with four fields each (text, integer, date,
text), signs one statement over each set and posts it, while it builds the next; the service, a process of its own with
a founded home on disk, reads the set, checks every value and the root, verifies the signature, seals, commits and
answers with the receipt. The clock runs from the first value to the last receipt. The procedure is a bulk deposit whose
record schema has four fields; anchoring a set is one leaf of a batch, whatever its size, and is not in the figure.

    python -m bench.record_sets [--records 2000] [--sets 60]
"""

import argparse
import json
import secrets
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import httpx

from api.bootstrap import issue_token_in
from api.settings import HOST
from bench.intake_http import service
from ledger.domain.records import TableRow
from ledger.storage.sql_store import open_store
from tests.support.served import found_home
from tests.support.world import BATCH, OFFICE, SEAL, World
from tiezheng.content import ContentType, build_content, build_records, to_private_json
from tiezheng.governance import NO_END
from tiezheng.procedures import JsonValue, Procedure, load_procedures, parse_procedure
from tiezheng.statement import ZERO, Flag, Statement, new_case_id

CASE_TYPE: Final = 15
FIELDS: Final = (("person", "text"), ("score", "integer"), ("day", "date"), ("remark", "text"))
TOKEN_MS: Final = 86_400_000


def four_fields() -> Procedure:
    """The bulk deposit with records of four fields."""
    folder = Path(load_procedures.__module__.replace(".", "/")).parent
    path = Path(__file__).parents[1] / folder / "notarization_bulk_deposit.json"
    document: dict[str, Any] = json.loads(path.read_bytes())
    document["case_type"] = {**document["case_type"], "number": CASE_TYPE, "code": "daily_records"}
    document["record_schemas"][0]["fields"] = [
        {"name": name, "type": kind, "required": True, "class": "P1", "zh": name, "en": name} for name, kind in FIELDS
    ]
    return parse_procedure(document)


def rows(count: int) -> list[Mapping[str, JsonValue]]:
    """Values as a prison's day has them."""
    return [
        {"person": f"P{number:08}", "score": number % 100, "day": "2026-11-24", "remark": f"劳动考核 第{number}条"}
        for number in range(count)
    ]


def measure(records: int = 2_000, sets: int = 60) -> dict[str, float]:
    """Records a second from values to receipts."""
    world, procedure = World(), four_fields()
    with tempfile.TemporaryDirectory() as name:
        home = found_home(Path(name) / "home", world)
        home.trust.write_bytes(world.trust(procedures=(*load_procedures(), procedure)).to_bytes())
        with closing(open_store(home.database)) as store, store.write() as tables:
            tables.registries.put_table(TableRow(procedure.table_digest, 99, 0, NO_END))
        token = issue_token_in(home.root, OFFICE, "bench", ("submit",), TOKEN_MS)
        values = rows(records)
        with service(home.root, []) as port, httpx.Client(trust_env=False, timeout=60) as client:
            address = f"http://{HOST}:{port}/v1/statements"
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

            def send(body: bytes) -> None:
                answer = client.post(address, content=body, headers=headers)
                assert answer.status_code == 201, answer.text[:500]

            send(_body(world, procedure, values))
            begun = time.perf_counter()
            with ThreadPoolExecutor(2) as pool:
                sent: list[Future[None]] = []
                for _ in range(sets):
                    if len(sent) >= 2:
                        sent[-2].result()
                    sent.append(pool.submit(send, _body(world, procedure, values)))
                for one in sent:
                    one.result()
            seconds = time.perf_counter() - begun
    return {"records_per_second": records * sets / seconds, "records_in_a_set": float(records)}


def _body(world: World, procedure: Procedure, values: list[Mapping[str, JsonValue]]) -> bytes:
    kind, plan = procedure.by_step[1], [(OFFICE, SEAL)]
    records = build_records(procedure.record_schemas[0].schema, values, _salt)
    given: dict[str, JsonValue] = {"title": "日考核", "given_by": "party", "signers": [list(place) for place in plan]}
    content = build_content(ContentType.STATEMENT, kind.schema, given, (), records, draw_salt=_salt)
    statement = Statement(
        kind=kind.number,
        flags=Flag.BATCH,
        sequence=0,
        institution=OFFICE,
        counterparty=0,
        occurred=time.time_ns() // 1_000_000,
        case=new_case_id(OFFICE, secrets.token_bytes(28)),
        previous=procedure.table_digest,
        subject=ZERO,
        content=content.root,
    )
    signed = world.sign(statement, plan, BATCH)
    signatures = ",".join(f'"{one.to_bytes().hex()}"' for one in signed.signatures)
    rest = f'"not_held":[],"signatures":[{signatures}],"statement":"{statement.to_bytes().hex()}"'
    return b'{"content":' + to_private_json(content) + b"," + rest.encode() + b"}"


def _salt() -> bytes:
    return secrets.token_bytes(16)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--records", type=int, default=2_000)
    parser.add_argument("--sets", type=int, default=60)
    given = parser.parse_args()
    print(json.dumps(measure(given.records, given.sets), indent=1, sort_keys=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
