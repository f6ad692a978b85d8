"""Tells the whole story on this machine: found a ledger, deposit, carry a matter, verify offline, tamper, audit.

Usage: demo.py [--lang zh|en|both] [FILE…]. The files given are deposited in place of those in `examples/`.
"""

import argparse
import sys
from pathlib import Path

from api.dev.story import main
from tiezheng.cli.language import Language


def run() -> int:
    """Parse the command line and tell the story; its exit code."""
    parser = argparse.ArgumentParser(description="铁证演示 / Tiezheng demonstration")
    parser.add_argument("files", metavar="FILE", nargs="*", type=Path, help="要存证的文件 / files to deposit")
    parser.add_argument("--lang", choices=[one.value for one in Language], default=Language.BOTH.value)
    given = parser.parse_args()
    return main(given.files, Language(given.lang))


if __name__ == "__main__":
    sys.exit(run())
