"""Act 4: everything is stopped; a court verifies offline; then somebody tampers, and somebody forges a chain."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from api.dev import stack
from api.dev.forger import forge
from api.dev.stage import Outcome, Stage
from api.dev.story_deposits import Evidence
from tiezheng.bundle import parse_bundle
from tiezheng.canonical import dumps
from tiezheng.trust import parse_trust

MATTER: Final = "court/matter.bundle.json"
FIRST: Final = "court/first.bundle.json"
TRUST: Final = "court/trust.json"
_ON_HEADER: Final = (
    "format",
    "trust",
    "statements",
    "content",
    "signatures",
    "header",
    "contracts",
    "anchor",
    "keys",
    "identity",
)


def try_in_court(stage: Stage, evidence: Evidence) -> None:
    """Stop, verify all, tamper with each part, forge."""
    (stage.desk / TRUST).write_bytes(stage.home.trust.read_bytes())
    stage.tell("停止区块链、服务和见证方", "the chain, the service and the witnesses are stopped")
    stack.down(stage.home.root)
    gone = stage.run("lookup", evidence.first, "--json", who="office")
    stage.expect("服务已不可达", "the service is out of reach", "service.unreachable", gone.error)

    stage.tell("法院离线核验公证事项的证据包，附公证书和合同", "offline, the court verifies the matter with its files")
    report = stage.run("verify", MATTER, *evidence.bundles.get(MATTER, []), "--trust", TRUST)
    stage.show(report)
    stage.expect("公证事项", "the matter", "exit 0, VALID", _exit(report))
    stage.tell("其余证据包连同文件一起核验", "all other bundles, with their files")
    everything = [*evidence.bundles, *{file for files in evidence.bundles.values() for file in files}]
    brief = stage.run("verify", *everything, "--trust", TRUST, "--brief")
    stage.show(brief)
    stage.expect(
        f"全部 {len(evidence.bundles)} 个证据包", f"all {len(evidence.bundles)} bundles", "exit 0, VALID", _exit(brief)
    )
    _tamper(stage, evidence)
    _forge(stage)


def _tamper(stage: Stage, evidence: Evidence) -> None:
    stage.tell("文件被改动一个字节", "one byte of the file is changed")
    (stage.desk / "tampered").mkdir()
    changed = f"tampered/{evidence.first}"
    data = bytearray((stage.desk / evidence.first).read_bytes())
    data[len(data) // 2] ^= 1
    (stage.desk / changed).write_bytes(data)
    _attack(stage, "文件改一字节", "one byte of the file", "INVALID: files", FIRST, changed)

    stage.tell("证据包被改动一个字节（一个字段的盐）", "one byte of the bundle is changed (the salt of a field)")
    name = _rewritten(stage, "content", lambda value: _flip(_title(value), "salt"))
    _attack(stage, "证据包改一字节", "one byte of the bundle", "INVALID: content", name)

    stage.tell("签名被改动一个字节", "one byte of the signature is changed")
    name = _rewritten(stage, "signature", lambda value: _flip(value["statements"][0]["signatures"], 0))
    _attack(stage, "签名改一字节", "one byte of the signature", "INVALID: signatures", name)

    stage.tell("拿掉见证方的签名", "the witnesses' signatures are taken out")
    name = _rewritten(stage, "no-witnesses", lambda value: value.update(witnesses=[]))
    _attack(stage, "没有见证方", "without witnesses", "INCONCLUSIVE: finality", name)


def _forge(stage: Stage) -> None:
    stage.tell(
        "伪造一条链：自造密钥、声明、状态根和区块头，其下的证明完美无缺",
        "a chain is forged: keys, statement, state root and header made up, with perfect proofs under them",
    )
    trust = parse_trust((stage.desk / TRUST).read_bytes())
    forged = forge(parse_bundle((stage.desk / FIRST).read_bytes()), trust, "从未发生的存证 a deposit that never was")
    for name, bundle in (("forged", forged), ("forged-no-witnesses", replace(forged, witnesses=()))):
        (stage.desk / f"tampered/{name}.bundle.json").write_bytes(bundle.to_bytes())
    kept = _attack(
        stage,
        "伪造的链，挪用真见证签名",
        "forged chain, real cosignatures reused",
        "INVALID: finality",
        "tampered/forged.bundle.json",
    )
    passed = {step["id"] for step in _verdict(kept)["steps"] if step["status"] == "PASSED"}
    stage.expect("伪造的证明本身全部成立", "the forged proofs themselves hold", True, passed.issuperset(_ON_HEADER))
    _attack(
        stage,
        "伪造的链，没有见证签名",
        "forged chain, no cosignatures",
        "INCONCLUSIVE: finality",
        "tampered/forged-no-witnesses.bundle.json",
    )


def _attack(stage: Stage, zh: str, en: str, expected: str, *files: str) -> Outcome:
    """Verify, show the verdict in brief, and expect result and the step that decides."""
    done = stage.run("verify", *files, "--trust", TRUST, "--json")
    verdict = _verdict(done)
    open_or_failed = "FAILED" if verdict["result"] == "INVALID" else "NOT CHECKED"
    steps = [one for one in verdict["steps"] if one["status"] == open_or_failed]
    wanted = expected.partition(": ")[2]
    decisive = [one for one in steps if one["id"] == wanted]
    stage.expect(zh, en, expected, f"{verdict['result']}: {(decisive or steps or [{'id': '-'}])[0]['id']}")
    for one in decisive:
        stage.note(one["zh"], f"{one['en']}" + (f" [{one['detail']}]" if one["detail"] else ""))
    return done


def _verdict(outcome: Outcome) -> dict[str, Any]:
    verdicts = outcome.answer.get("verdicts", [])
    nothing = {"result": f"exit {outcome.code} {outcome.error}", "steps": []}
    return verdicts[0]["verdict"] if len(verdicts) == 1 else nothing


def _exit(outcome: Outcome) -> str:
    words = {0: "VALID", 1: "INVALID", 3: "INCONCLUSIVE"}
    return f"exit {outcome.code}, {words.get(outcome.code, 'usage')}"


def _rewritten(stage: Stage, name: str, change: Callable[[dict[str, Any]], None]) -> str:
    """A copy of the first bundle with one thing changed, in canonical form again."""
    value = json.loads((stage.desk / FIRST).read_bytes())
    change(value)
    path = Path("tampered") / f"{name}.bundle.json"
    (stage.desk / path).write_bytes(dumps(value))
    return str(path)


def _title(value: dict[str, Any]) -> dict[str, Any]:
    leaves: list[dict[str, Any]] = value["statements"][0]["content"]["leaves"]
    return next(leaf for leaf in leaves if leaf.get("name") == "title")


def _flip(holder: Any, at: str | int) -> None:
    """Another last hexadecimal digit."""
    text = holder[at]
    holder[at] = text[:-1] + ("0" if text[-1] != "0" else "1")
