"""Writes anchors/artifacts/<Contract>.json: ABI, bytecode and layout of the deployable contracts.

Guaranteed: compiled afresh with the settings of foundry.toml, equal to what `forge build` left in out/, and dependent
on the sources alone (no paths, no node numbers). Sm2Verifier's constructor returns another contract's code and a table:
its deployed code is that code and the table as computed here. `--check` writes nothing, and exits 1 at any difference.
Not guaranteed: anything about interfaces, libraries and abstract contracts, which are not deployed.
"""

import hashlib
import json
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import solcx
from sm2_affine import GX, GY, comb_table

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "anchors" / "artifacts"
OUTPUTS = ["abi", "metadata", "storageLayout", "evm.bytecode.object", "evm.deployedBytecode"]
# EIP-170. `forge build --sizes` passes over a contract whose function names look like tests ("table…").
LARGEST_CODE_BYTES = 24_576


def compiler_settings(profile: dict[str, Any]) -> dict[str, Any]:
    optimizer = {"enabled": profile["optimizer"], "runs": profile["optimizer_runs"]}
    return {
        "optimizer": optimizer | {"details": profile["optimizer_details"]},
        "evmVersion": profile["evm_version"],
        "viaIR": profile["via_ir"],
        "metadata": {"bytecodeHash": profile["bytecode_hash"], "appendCBOR": profile["cbor_metadata"]},
    }


def compile_contracts(profile: dict[str, Any], settings: dict[str, Any], sources: dict[str, str]) -> dict[str, Any]:
    contents = {path: {"content": text} for path, text in sources.items()}
    settings = settings | {"outputSelection": {"*": {"*": OUTPUTS, "": ["ast"]}}}
    request = {"language": "Solidity", "sources": contents, "settings": settings}
    return dict(solcx.compile_standard(request, solc_binary=ROOT / profile["solc"]))


def nodes(tree: object) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
    for inner in tree.values() if isinstance(tree, dict) else tree if isinstance(tree, list) else ():
        yield from nodes(inner)


def immutables(output: dict[str, Any], references: dict[str, Any]) -> dict[str, Any]:
    names = {
        str(node["id"]): node["name"] for node in nodes(output["sources"]) if node.get("mutability") == "immutable"
    }
    return {names[key]: sorted(places, key=lambda place: place["start"]) for key, places in references.items()}


def stable_layout(layout: dict[str, Any]) -> dict[str, Any]:
    """The layout without node numbers, which move with every edit of any source."""
    text = re.sub(r'"astId": \d+, ', "", json.dumps(layout))
    text = re.sub(r"(t_(?:struct|enum|contract|userDefinedValueType)\(\w+\))\d+", r"\1", text)
    return dict(json.loads(text))


def artifacts() -> dict[str, dict[str, Any]]:
    profile = tomllib.loads((ROOT / "foundry.toml").read_text(encoding="utf-8"))["profile"]["default"]
    folder = ROOT / profile["src"]
    sources = {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.sol"))
    }
    settings = compiler_settings(profile)
    output = compile_contracts(profile, settings, sources)
    found = {}
    for path, contracts in sorted(output["contracts"].items()):
        if Path(path).parent != Path(profile["src"]):
            continue
        for name, contract in ((n, c) for n, c in contracts.items() if c["evm"]["bytecode"]["object"]):
            metadata = json.loads(contract["metadata"])
            content = "".join(f"{used}\0{sources[used]}\0" for used in sorted(metadata["sources"]))
            built = json.loads((ROOT / profile["out"] / Path(path).name / f"{name}.json").read_text(encoding="utf-8"))
            deployed = contract["evm"]["deployedBytecode"]
            codes = {"bytecode": contract["evm"]["bytecode"]["object"], "deployedBytecode": deployed["object"]}
            for kind, code in codes.items():
                if built[kind]["object"] != "0x" + code:
                    sys.exit(f"{name}.{kind}: 与 forge build 不同，请先重新构建。/ differs from forge's: rebuild.")
            found[name] = {
                "contract": name,
                "abi": contract["abi"],
                **{kind: "0x" + code for kind, code in codes.items()},
                "immutableReferences": immutables(output, deployed.get("immutableReferences", {})),
                "storageLayout": stable_layout(contract["storageLayout"]),
                "sourceDigest": hashlib.sha256(content.encode()).hexdigest(),
                "compiler": metadata["compiler"]["version"],
                "settings": settings,
            }
    runtime = found.pop("Sm2VerifierRuntime")
    code = runtime["deployedBytecode"] + comb_table((GX, GY)).hex()
    found["Sm2Verifier"] |= {"abi": runtime["abi"], "deployedBytecode": code}
    if large := [name for name in found if len(found[name]["deployedBytecode"]) > 2 * (1 + LARGEST_CODE_BYTES)]:
        sys.exit(f"{large}: 合约代码超过 24,576 字节，无法部署。/ code over 24,576 bytes cannot be deployed.")
    return found


def main() -> int:
    texts = {f"{name}.json": json.dumps(found, indent=1) + "\n" for name, found in artifacts().items()}
    if "--check" in sys.argv:
        stored = {path.name: path.read_text(encoding="utf-8") for path in TARGET.glob("*.json")}
        stale = sorted(name for name in texts | stored if texts.get(name) != stored.get(name))
        print("过期 / stale: " + ", ".join(stale) if stale else "合约构件一致 / artifacts are current")
        return 1 if stale else 0
    for path in TARGET.glob("*.json"):
        path.unlink()
    for name, text in texts.items():
        (TARGET / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
