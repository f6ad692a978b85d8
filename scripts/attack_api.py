"""A long attack on the interface of a running service: attack_api.py [EXAMPLES for each operation].

Guaranteed: exit code 0 says that every answer was as spec/openapi.json describes it, that none was a defect of the
service, and that no refusal repeated anything personal; the counts are then in `bench/results/attack.json`. Default:
1,000 examples for each operation, some ten minutes. Not guaranteed: that other requests would fare as well.
"""

import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from api.logs import configure_logs  # noqa: E402
from tests.support.api_attack import Attack, operations  # noqa: E402
from tests.support.populated import populated  # noqa: E402

RESULT = ROOT / "bench" / "results" / "attack.json"


def main(arguments: list[str]) -> int:
    examples = int(arguments[0]) if arguments else 1_000
    configure_logs("CRITICAL")
    begun, failed = time.monotonic(), list[str]()
    with tempfile.TemporaryDirectory() as directory, populated(Path(directory) / "home") as filled:
        attack = Attack(filled)
        for operation in operations():
            try:
                attack.run(operation, examples, number=1)
            except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001  a finding is told; the attack goes on
                failed.append(operation)
                sys.stderr.write(f"{operation}: {type(error).__name__}: {str(error)[:2_000]}\n")
            sys.stdout.write(f"{operation}: {attack.tally.requests} requests so far\n")
        attack.close()
    tally = attack.tally
    sys.stdout.write(f"请求 {tally.requests} 次，与接口说明不符 {len(failed)} 处 / ")
    sys.stdout.write(f"{tally.requests} requests, {len(failed)} operations with findings\n")
    if failed:
        return 1
    result = {
        "date": datetime.now(UTC).date().isoformat(),
        "command": f"python scripts/attack_api.py {examples}",
        "schemathesis": version("schemathesis"),
        "operations": len(operations()),
        "examples_for_each_operation": examples,
        "requests": tally.requests,
        "answers_by_status": {str(status): tally.statuses[status] for status in sorted(tally.statuses)},
        "refusals_by_code": dict(sorted(tally.codes.items())),
        "findings": 0,
        "seconds": round(time.monotonic() - begun),
    }
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
