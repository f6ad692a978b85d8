"""Writes spec/vectors/bundle/bad/state.json: bundles of a ledger whose state is not as it should be.

They hold random SM2 signatures, so they are made once and kept; `--renew` makes them anew. What the verifier says of
the kept ones is computed on every run; `--check` compares. Exit code 1 where the file is stale.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.attacks import changed_member, key_of_another, never_recorded, recorded, unregistered  # noqa: E402
from tests.support.world import AT_MS, OFFICE, OPERATOR, START, World  # noqa: E402
from tiezheng.bundle import Bundle  # noqa: E402
from tiezheng.trust import parse_trust  # noqa: E402
from tiezheng.verify import Verifier  # noqa: E402

VECTORS = ROOT / "spec" / "vectors"
PATH = VECTORS / "bundle" / "bad" / "state.json"
STATES: dict[str, Callable[[World], Bundle]] = {
    "never recorded": never_recorded,
    "recorded with status 0": recorded(status=0),
    "recorded with status 7": recorded(status=7),
    "recorded as late": recorded(status=0x11),
    "recorded as irregular": recorded(status=0x21),
    "recorded of another kind": recorded(position=1),
    "recorded of another case": recorded(case=1),
    "recorded without a table": recorded(index=0),
    "recorded after the block": recorded(number=121),
    "recorded before the contract": recorded(number=2),
    "recorded later than the block's time": recorded(time=START + 601),
    "key not registered": unregistered,
    "key of another number": key_of_another,
    "key of another institution": changed_member(OFFICE, institution=201),
    "key of another role": changed_member(OFFICE, role=4),
    "key ended before": changed_member(OFFICE, valid_until=START),
    "key that began later": changed_member(OFFICE, valid_from=START + 3_600),
    "key ended without a reason": changed_member(OFFICE, valid_until=START + 3_600, ended_by=0),
    "key ended for an unknown reason": changed_member(OFFICE, valid_until=START + 3_600, ended_by=5),
    "operator of another role": changed_member(OPERATOR, "bulk", role=6),
}


def main() -> int:
    trust = json.loads((VECTORS / "trust" / "ok" / "trust.json").read_text(encoding="utf-8"))
    verifier = Verifier(parse_trust(trust["cases"][0]["input"]["trust"].encode()))
    old = PATH.read_text(encoding="utf-8") if PATH.exists() else '{"cases": []}'
    kept = {} if "--renew" in sys.argv else {one["name"]: one["input"]["bundle"] for one in json.loads(old)["cases"]}
    cases: list[dict[str, Any]] = []
    for name, stage in STATES.items():
        bundle = kept.get(name) or stage(World()).to_bytes().decode()
        verdict = verifier.verify(bundle.encode(), AT_MS)
        assert verdict.result.value != "VALID", name
        step = next(one for one in verdict.steps if one.reason_code is not None)
        steps = {one.id: one.status.value for one in verdict.steps}
        expect = {"code": step.reason_code, "result": verdict.result.value, "step": step.id, "steps": steps}
        cases.append({"expect": expect, "input": {"at": AT_MS, "bundle": bundle, "trust": "world"}, "name": name})
    text = json.dumps({"cases": cases, "topic": "bundle"}, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
    if text == old:
        return 0
    print(f"{'stale' if '--check' in sys.argv else 'written'}: {PATH.relative_to(ROOT)}")
    if "--check" not in sys.argv:
        PATH.write_text(text, encoding="utf-8")
    return int("--check" in sys.argv)


if __name__ == "__main__":
    sys.exit(main())
