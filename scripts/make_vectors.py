"""Runs every scripts/make_*_vectors.py; `--check` is handed on, and any stale file gives exit code 1.

Guaranteed: one command for all computed vectors. Not guaranteed: vectors that were published or written by hand.
"""

import subprocess
import sys
from pathlib import Path

MAKERS = sorted(Path(__file__).resolve().parent.glob("make_*_vectors.py"))


def main() -> int:
    codes = [subprocess.run([sys.executable, str(maker), *sys.argv[1:]], check=False).returncode for maker in MAKERS]
    return int(any(codes))


if __name__ == "__main__":
    sys.exit(main())
