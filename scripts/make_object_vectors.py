"""Write `spec/vectors` of the kernel's objects, or with `--check` compare them with what the code makes.

Signatures are random, so they are data: `spec/vectors/signatures.json` maps SM3(public key ‖ message) to r ‖ s. One
that is there is verified and used again; a missing one is made, which `--check` reports as a difference.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.support.storage_cases import storage  # noqa: E402
from tests.support.vector_cases import TOPICS  # noqa: E402
from tests.support.vector_checks import run  # noqa: E402
from tiezheng.digest import sm3  # noqa: E402
from tiezheng.errors import TiezhengError  # noqa: E402
from tiezheng.signature import PrivateKey, sign, verify  # noqa: E402

VECTORS = ROOT / "spec" / "vectors"
SIGNATURES = VECTORS / "signatures.json"


class Signatures:
    """Signatures by key and message, kept from run to run."""

    def __init__(self) -> None:
        self.known = json.loads(SIGNATURES.read_text()) if SIGNATURES.is_file() else {}
        self.used: dict[str, str] = {}

    def sign(self, key: PrivateKey, message: bytes) -> bytes:
        name = sm3(key.public.to_bytes(), message).hex()
        kept = bytes.fromhex(self.used.get(name) or self.known.get(name, ""))
        if not kept or not verify(key.public, message, kept):
            kept = sign(key, message)
        self.used[name] = kept.hex()
        return kept


def text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def error_of(topic: str, given: dict[str, Any]) -> str | None:
    try:
        run(topic, given)
    except TiezhengError as error:
        return error.code
    return None


def main() -> int:
    signatures, files, wrong = Signatures(), {}, []
    for topic, cases in (*TOPICS.items(), ("storage", storage)):
        good, bad = cases(signatures.sign)
        accepted = [{"name": name, "input": given, "expect": run(topic, given)} for name, given in good]
        refused: list[dict[str, Any]] = [{"name": name, "input": given, "error": code} for name, given, code in bad]
        wrong += [
            f"{topic}: {one['name']}: expected {one['error']}, got {got}"
            for one in refused
            if (got := error_of(topic, one["input"])) != one["error"]
        ]
        for folder, found in (("ok", accepted), ("bad", refused)):
            files[VECTORS / topic / folder / f"{topic}.json"] = text({"topic": topic, "cases": found})
    files[SIGNATURES] = text(signatures.used)
    for line in wrong:
        sys.stderr.write(line + "\n")
    if "--check" in sys.argv[1:]:
        stale = [path for path, new in files.items() if not path.is_file() or path.read_text("utf-8") != new]
        for path in stale:
            sys.stderr.write(f"{path.relative_to(ROOT)} differs; run python scripts/make_object_vectors.py\n")
        return 1 if stale or wrong else 0
    for path, new in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(new, encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
