"""Writes spec/vectors/{bundle,trust}/{ok,bad}: three good bundles under one trust file, and edits that spoil them.

The good ones hold SM2 signatures, which are random: they are made once, and kept. The bad ones are computed from them:
`set` and `delete` work on the parsed JSON, which is then written canonically; `text` replaces in the bytes. `--check`
compares, `--renew` makes everything anew. Exit code 1 where a file is stale.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.edits import apply, at  # noqa: E402
from tests.support.world import AT_MS, FILE, World, digests_of  # noqa: E402
from tiezheng.trust import parse_trust  # noqa: E402
from tiezheng.verify import Verifier  # noqa: E402

VECTORS = ROOT / "spec" / "vectors"
FIELD = ["statements", 0, "content", "leaves", 3]
RECORD = ["statements", 0, "content", "leaves", 8, "record"]
SLOT = ["chain", "accounts", 0, "slots", 0]
# "flip" becomes a `set` with one hex digit changed.
BAD: list[tuple[str, str, list[list[Any]]]] = [
    ("a byte after the end", "deposit", [["text", "}$", "}\n"]]),
    ("a repeated member", "deposit", [["text", '"format":', '"format":"tiezheng/bundle/1","format":']]),
    ("an unknown member", "deposit", [["set", ["note"], 1]]),
    ("upper-case hex", "deposit", [["text", '"target":"', '"target":"A']]),
    ("a target that is not there", "deposit", [["flip", ["target"]]]),
    ("another chain", "deposit", [["set", ["ledger", "chain_id"], 1]]),
    ("an altered field", "deposit", [["set", [*FIELD, "value"], "其他"]]),
    ("an altered path", "deposit", [["flip", [*FIELD, "path", 0]]]),
    ("a withheld content", "deposit", [["set", ["statements", 0, "content"], None]]),
    ("signers not disclosed", "deposit", [["delete", ["statements", 0, "content", "leaves", 0]]]),
    ("an altered record", "bulk", [["set", [*RECORD, "leaves", 0, "value"], "x"]]),
    ("an altered signature", "deposit", [["flip", ["statements", 0, "signatures", 0]]]),
    ("a signature dropped", "matter", [["delete", ["statements", 5, "signatures", 1]]]),
    ("an altered statement", "matter", [["flip", ["statements", 2, "statement"]]]),
    ("an altered header", "deposit", [["flip", ["chain", "header"]]]),
    ("an altered account node", "deposit", [["flip", ["chain", "accounts", 0, "nodes", 0]]]),
    ("an account missing", "deposit", [["delete", ["chain", "accounts", 0]]]),
    ("an altered storage node", "deposit", [["flip", [*SLOT, "nodes", 0]]]),
    ("a slot missing", "deposit", [["delete", SLOT]]),
    ("a storage node missing", "deposit", [["delete", [*SLOT, "nodes", 1]]]),
    ("another index in the batch", "bulk", [["set", ["statements", 0, "anchor", "index"], 3]]),
    ("an altered batch header", "bulk", [["flip", ["statements", 0, "anchor", "header"]]]),
    ("a withheld card", "deposit", [["set", ["signers", 0, "card"], None]]),
    ("an altered card", "deposit", [["set", ["signers", 0, "card", "leaves", 2, "value"], "假机构"]]),
    ("a cosignature dropped", "deposit", [["delete", ["witnesses", 1]]]),
    ("an altered cosignature", "deposit", [["flip", ["witnesses", 1, "signature"]]]),
    ("pending", "deposit", [["set", ["chain"], None], ["set", ["witnesses"], []]]),
]  # fmt: skip


def good() -> tuple[dict[str, Any], dict[str, Any]]:
    world, cases = World(), []
    for name in ("deposit", "matter", "bulk"):
        made = getattr(world, name)()
        cases.append((name, made if isinstance(made, list) else [made]))
    trust = world.trust()
    listed = []
    for name, filed in cases:
        data = world.bundle(filed).to_bytes()
        verdict = Verifier(trust).verify(data, AT_MS)
        steps = {step.id: step.status.value for step in verdict.steps}
        given = {"at": AT_MS, "bundle": data.decode(), "trust": "world"}
        listed.append({"expect": {"result": verdict.result.value, "steps": steps}, "input": given, "name": name})
    digests = digests_of(FILE)
    file = {"sha256": digests.sha256.hex(), "size": digests.size, "sm3": digests.sm3.hex()}
    contracts = {one.role: one.id.hex() for one in trust.contracts}
    tables = [one.table_digest.hex() for one in trust.procedures]
    case = {
        "expect": {"ids": contracts, "tables": tables},
        "input": {"trust": trust.to_bytes().decode()},
        "name": "world",
    }
    return {"cases": listed, "file": file, "topic": "bundle"}, {"cases": [case], "topic": "trust"}


def spoiled(bundles: dict[str, Any], trusts: dict[str, Any]) -> dict[str, Any]:
    trust = parse_trust(trusts["cases"][0]["input"]["trust"].encode())
    texts = {case["name"]: case["input"]["bundle"] for case in bundles["cases"]}
    listed = []
    for name, base, wanted in BAD:
        edits = [
            ["set", way, at(texts[base], way)] if kind == "flip" else [kind, way, *rest] for kind, way, *rest in wanted
        ]
        verdict = Verifier(trust).verify(apply(texts[base], edits).encode(), AT_MS)
        step = next(one for one in verdict.steps if one.reason_code is not None)
        expect = {"code": step.reason_code, "result": verdict.result.value, "step": step.id}
        listed.append(
            {"expect": expect, "input": {"at": AT_MS, "base": base, "edits": edits, "trust": "world"}, "name": name}
        )
    return {"cases": listed, "topic": "bundle"}


def main() -> int:
    paths = {name: VECTORS / name / "ok" / f"{name}.json" for name in ("bundle", "trust")}
    if "--renew" in sys.argv or not all(path.exists() for path in paths.values()):
        documents = dict(zip(("bundle", "trust"), good(), strict=True))
    else:
        documents = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items()}
    outputs = {paths[name]: document for name, document in documents.items()}
    outputs[VECTORS / "bundle" / "bad" / "bundle.json"] = spoiled(documents["bundle"], documents["trust"])
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
