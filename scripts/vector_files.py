"""Writes or checks the files of spec/vectors for the scripts that compute them."""

import json
import sys
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent.parent / "spec" / "vectors"
Case = dict[str, Any]


def write(files: dict[str, list[Case]]) -> int:
    """Write `{"topic", "cases"}` to each path under spec/vectors; `--check` compares, and gives 1 if one differs."""
    stale = 0
    for name, cases in files.items():
        path = FOLDER / name
        text = json.dumps({"topic": name.split("/")[0], "cases": cases}, indent=1, ensure_ascii=False) + "\n"
        if "--check" not in sys.argv:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale = 1
            print(f"过期 / stale: spec/vectors/{name}")
    return stale
