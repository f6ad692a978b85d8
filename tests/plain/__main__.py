"""`python -m tests.plain BUNDLE TRUST [FILE…]`: the verdict and every step, at the present time."""

import hashlib
import sys
import time
from pathlib import Path

from tests.plain.sm import sm3
from tests.plain.steps import NAMES
from tests.plain.trust import read_trust
from tests.plain.verify import File, verify


def main(bundle: str, trust: str, *files: str) -> int:
    given = [Path(name).read_bytes() for name in files]
    described = [File(len(data), sm3(data), hashlib.sha256(data).digest()) for data in given]
    now = time.time_ns() // 10**6
    steps = verify(Path(bundle).read_bytes(), read_trust(Path(trust).read_bytes()), now, described)
    print(steps.verdict)
    for number, name in enumerate(NAMES, 1):
        why = "; ".join(dict.fromkeys(steps.faults[name] + steps.lacks[name]))
        print(f"{number:2} {name:10} {steps.status(name)}{': ' if why else ''}{why}")
    for finding in dict.fromkeys(steps.findings):
        print(f"   {finding}")
    return 0 if steps.verdict == "VALID" else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
