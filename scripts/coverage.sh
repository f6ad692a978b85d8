#!/bin/sh
# Coverage of the contracts by the Solidity tests, to bench/results/coverage.md; fails where a line or branch outside the
# SM2 and SM3 assembly is never run. Coverage is measured without the optimizer, so gas means nothing here.
set -eu
cd -- "$(dirname -- "$0")/.."
place=cache/coverage
mkdir -p $place
sh scripts/foundry.sh forge coverage --report lcov --report-file $place/lcov.info --out $place/out --cache-path $place/cache \
    >$place/log 2>&1 || { tail -n 60 $place/log >&2; exit 1; }
.venv/bin/python scripts/report_coverage.py $place/lcov.info
