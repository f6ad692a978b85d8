"""Runs every benchmark and writes `bench/results/latest.json`: one flat object of named figures.

Guaranteed: the file is written only after every benchmark ended. Not guaranteed: that a figure repeats; the ratios do,
within the noise of the machine.
"""

import json
import os
import platform
from pathlib import Path
from typing import Final

from bench import (
    audit_replay,
    capacity,
    intake,
    intake_http,
    naive,
    record_sets,
    sm2_providers,
    verify_bundles,
)

RESULTS: Final = Path(__file__).parent / "results" / "latest.json"
PARTS: Final = (sm2_providers, verify_bundles, audit_replay, intake, intake_http, naive, record_sets, capacity)


def main() -> None:
    figures: dict[str, float | int | str] = {"machine_cores": os.cpu_count() or 0, "python": platform.python_version()}
    for part in PARTS:
        print(f"性能测试 / benchmark: {part.__name__}", flush=True)
        measured = part.measure()
        for name, value in measured.items():
            print(f"  {name} = {value:,.2f}", flush=True)
            figures[name] = round(value, 3)
    figures["singles_ratio_to_naive"] = round(
        float(figures["singles_per_second"]) / float(figures["naive_statements_per_second"]), 1
    )
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    print(f"完成，结果见 / done, results in: bench/results/{RESULTS.name}")


if __name__ == "__main__":
    main()
