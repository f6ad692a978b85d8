"""Writes spec/vectors/{breach,fork}/{ok,bad}: good proofs under the bundles' trust file, and edits that spoil them.

The good ones hold SM2 signatures, which are random: they are made once, and kept. `--check` compares, `--renew` makes
everything anew. Exit code 1 where a file is stale.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.edits import apply, at  # noqa: E402
from tests.support.proof_cases import AT, BREACH_EDITS, FORK_EDITS, breaches, forks  # noqa: E402
from tests.support.proof_checks import check_proof  # noqa: E402
from tiezheng.errors import TiezhengError  # noqa: E402

VECTORS = ROOT / "spec" / "vectors"
Case = dict[str, Any]


def good() -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = {"breach": [], "fork": []}
    for name, breach, leaves in breaches():
        given: Case = {"at": AT, "proof": breach.to_bytes().decode(), "trust": "world"}
        given |= {} if leaves is None else {"leaves": [leaves.hex()]}
        found["breach"].append({"expect": check_proof("breach", given), "input": given, "name": name})
        if leaves is not None:
            without = {name: value for name, value in given.items() if name != "leaves"}
            expect = check_proof("breach", without)
            found["breach"].append({"expect": expect, "input": without, "name": f"{name}, without the leaves"})
    for name, fork in forks():
        given = {"at": AT, "proof": fork.to_bytes().decode(), "trust": "world"}
        found["fork"].append({"expect": check_proof("fork", given), "input": given, "name": name})
    return found


def spoiled(topic: str, cases: list[Case], wanted: list[tuple[str, str, list[list[Any]]]]) -> list[Case]:
    bases, listed = {case["name"]: case["input"] for case in cases}, []
    for name, base, edits in wanted:
        given = bases[base]
        text = given["proof"]
        told = [["set", way, at(text, way)] if kind == "flip" else [kind, way, *rest] for kind, way, *rest in edits]
        try:
            check_proof(topic, {**given, "proof": apply(given["proof"], told)})
        except TiezhengError as error:
            listed.append({"error": error.code, "input": {"base": base, "edits": told}, "name": name})
        else:
            raise SystemExit(f"accepted: {topic}: {name}")
    return listed


def main() -> int:
    paths = {topic: VECTORS / topic / "ok" / f"{topic}.json" for topic in ("breach", "fork")}
    if "--renew" in sys.argv or not all(path.exists() for path in paths.values()):
        cases = good()
    else:
        cases = {topic: json.loads(path.read_text(encoding="utf-8"))["cases"] for topic, path in paths.items()}
    outputs = {paths[topic]: {"cases": listed, "topic": topic} for topic, listed in cases.items()}
    for topic, edits in (("breach", BREACH_EDITS), ("fork", FORK_EDITS)):
        document = {"cases": spoiled(topic, cases[topic], edits), "topic": topic}
        outputs[VECTORS / topic / "bad" / f"{topic}.json"] = document
    stale = 0
    for path, document in outputs.items():
        text = json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True) + "\n"
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale += 1
            print(f"{'stale' if '--check' in sys.argv else 'written'}: {path.relative_to(ROOT)}")
            if "--check" not in sys.argv:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
    return int("--check" in sys.argv and stale > 0)


if __name__ == "__main__":
    sys.exit(main())
