"""Writes spec/openapi.json, the OpenAPI 3.1 document of the service, from the application itself.

Guaranteed: the file is what the service answers at /v1/openapi.json. `--check` writes nothing and exits 1 where the
file is stale. Not guaranteed: that the answers are as described; the attack on the running service checks that.
"""

import json
import sys
from pathlib import Path

from api.app import description

TARGET = Path(__file__).resolve().parent.parent / "spec" / "openapi.json"


def main() -> int:
    text = json.dumps(description(), ensure_ascii=False, indent=1) + "\n"
    if sys.argv[1:] == ["--check"]:
        current = TARGET.is_file() and TARGET.read_text(encoding="utf-8") == text
        if not current:
            sys.stderr.write("spec/openapi.json 已过期 / is stale: python scripts/make_openapi.py\n")
        return int(not current)
    TARGET.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
