"""Kill real processes again and again and check that nothing is lost: faults.py [--kills N] [--seed S] [--database D].

Guaranteed: exit code 0 says that nothing was lost, doubled or changed; each kill is a line of JSON in the log, whose
last line is the summary. Not guaranteed: the time; a kill takes about a second.
"""

import argparse
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests.support.kills.campaign import Campaign  # noqa: E402
from tests.support.kills.page import write  # noqa: E402
from tests.support.postgresql import private_cluster  # noqa: E402


def main(arguments: list[str]) -> int:
    given = argparse.ArgumentParser(description="进程强杀试验 / killing real processes")
    given.add_argument("--kills", type=int, default=1000)
    given.add_argument("--seed", type=int, default=1)
    given.add_argument("--database", default="sqlite", help="sqlite, postgresql (a server is started), or a URL")
    given.add_argument("--services", type=int, default=1, help="API processes on the one database")
    given.add_argument("--keep", type=Path, help="directory that is kept for looking at")
    given.add_argument("--log", type=Path, default=ROOT / "cache" / "faults.jsonl")
    given.add_argument("--page", action="store_true", help="only write docs/reliability.md from the log")
    options = given.parse_args(arguments)
    if options.page:
        write(ROOT / "docs" / "reliability.md", options.log)
        return 0
    options.log.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        root = options.keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = None if options.database == "sqlite" else options.database
        if database == "postgresql":
            cluster = stack.enter_context(private_cluster(durable=True))
            cluster.prepare()
            database = stack.enter_context(cluster.database())
        if database is not None:
            os.environ["TIEZHENG_DATABASE"] = database
        campaign = Campaign(root, options.kills, options.seed, options.log, database, options.services)
        summary = campaign.run()
    sys.stdout.write(json.dumps(summary, ensure_ascii=False, indent=2) + "\n")
    good = not summary["violations"]
    if options.kills >= 1000:
        write(ROOT / "docs" / "reliability.md", options.log)
    sys.stdout.write("结果 / result: " + ("无丢失 nothing lost\n" if good else "有问题 something is wrong\n"))
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
