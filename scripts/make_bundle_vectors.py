"""Writes spec/vectors/{bundle,trust}/{ok,bad}: four good bundles under one trust file, and edits that spoil them.

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

from tests.support.bundle_cases import BUNDLES, TRUSTS, Edits  # noqa: E402
from tests.support.edits import apply, at  # noqa: E402
from tests.support.words import digests_of  # noqa: E402
from tests.support.world import AT_MS, FILE, World  # noqa: E402
from tiezheng.digest import FileDigests  # noqa: E402
from tiezheng.errors import TiezhengError  # noqa: E402
from tiezheng.trust import parse_trust  # noqa: E402
from tiezheng.verify import LabelledFile, Verifier  # noqa: E402

VECTORS = ROOT / "spec" / "vectors"


def good() -> tuple[dict[str, Any], dict[str, Any]]:
    world, cases = World(), []
    for name in ("deposit", "matter", "bulk", "marked"):
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


def edited(text: str, wanted: Edits) -> tuple[Edits, bytes]:
    """The edits with each "flip" as a `set`, and the bytes after them."""
    edits = [["set", way, at(text, way)] if kind == "flip" else [kind, way, *rest] for kind, way, *rest in wanted]
    return edits, apply(text, edits).encode()


def spoiled(bundles: dict[str, Any], trusts: dict[str, Any]) -> dict[str, Any]:
    texts = {case["name"]: case["input"]["bundle"] for case in bundles["cases"]}
    listed = []
    for one in BUNDLES:
        edits, data = edited(texts[one.base], one.edits)
        trust_edits, trust = edited(trusts["cases"][0]["input"]["trust"], one.trust_edits)
        files = [
            LabelledFile("file", FileDigests(file["size"], *(bytes.fromhex(file[name]) for name in ("sm3", "sha256"))))
            for file in one.files
        ]
        moment = AT_MS if one.at is None else one.at
        verdict = Verifier(parse_trust(trust)).verify(data, moment, files)
        step = next(step for step in verdict.steps if step.reason_code is not None)
        steps = {step.id: step.status.value for step in verdict.steps}
        expect = {"code": step.reason_code, "result": verdict.result.value, "step": step.id, "steps": steps}
        given = {"at": moment, "base": one.base, "edits": edits, "trust": "world"}
        given |= {"files": list(one.files)} if one.files else {}
        given |= {"trust_edits": trust_edits} if trust_edits else {}
        listed.append({"expect": expect, "input": given, "name": one.name})
    return {"cases": listed, "topic": "bundle"}


def refused(trusts: dict[str, Any]) -> dict[str, Any]:
    listed = []
    for name, wanted in TRUSTS:
        edits, data = edited(trusts["cases"][0]["input"]["trust"], wanted)
        try:
            parse_trust(data)
        except TiezhengError as error:
            listed.append({"error": error.code, "input": {"base": "world", "edits": edits}, "name": name})
        else:
            raise SystemExit(f"accepted: {name}")
    return {"cases": listed, "topic": "trust"}


def main() -> int:
    paths = {name: VECTORS / name / "ok" / f"{name}.json" for name in ("bundle", "trust")}
    if "--renew" in sys.argv or not all(path.exists() for path in paths.values()):
        documents = dict(zip(("bundle", "trust"), good(), strict=True))
    else:
        documents = {name: json.loads(path.read_text(encoding="utf-8")) for name, path in paths.items()}
    outputs = {paths[name]: document for name, document in documents.items()}
    outputs[VECTORS / "bundle" / "bad" / "bundle.json"] = spoiled(documents["bundle"], documents["trust"])
    outputs[VECTORS / "trust" / "bad" / "trust.json"] = refused(documents["trust"])
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
