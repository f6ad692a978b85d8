"""What the kernel says of a proof of breach or fork, in the words of the vectors."""

import io
import json
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

from tiezheng.trust import Trust, parse_trust
from tiezheng.verify.breach import check_breach, parse_breach
from tiezheng.verify.fork import check_fork, parse_fork

VECTORS = Path(__file__).parents[2] / "spec" / "vectors"


@cache
def trust_named(name: str) -> Trust:
    document = json.loads((VECTORS / "trust" / "ok" / "trust.json").read_text(encoding="utf-8"))
    return parse_trust(next(case for case in document["cases"] if case["name"] == name)["input"]["trust"].encode())


def check_proof(topic: str, given: dict[str, Any]) -> dict[str, Any]:
    """Raises TiezhengError where the proof does not hold."""
    trust, data = trust_named(given["trust"]), given["proof"].encode()
    if topic == "fork":
        fork = check_fork(parse_fork(data), trust, given["at"])
        return {
            "about": dict(fork.about),
            "gaps": len(fork.gaps),
            "kind": fork.kind.value,
            "signers": sorted(fork.signers),
        }
    leaves = [bytes.fromhex(one) for one in given.get("leaves", [])]

    def opened(batch: int) -> BinaryIO | None:
        return io.BytesIO(leaves[batch]) if batch < len(leaves) else None

    breach = check_breach(parse_breach(data), trust, given["at"], opened)
    return {
        "block_time": breach.block_time,
        "due": breach.receipt.due,
        "gaps": len(breach.gaps),
        "header_time": breach.header_time,
        "kind": breach.kind.value,
        "refused_late": breach.refused_late,
        "statement": breach.receipt.statement.hex(),
    }
