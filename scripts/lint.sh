#!/bin/sh
# Runs every static check to its end and closes with one line that names those that failed.
set -u
cd -- "$(dirname -- "$0")/.."
unset PYTHONHOME PYTHONPATH
failed=

check() {
    name=$1
    shift
    echo "== $name"
    "$@" || failed="$failed $name"
}

check ruff .venv/bin/python -m ruff check --quiet .
check ruff-format .venv/bin/python -m ruff format --check --quiet .
check mypy .venv/bin/python -m mypy
check import-linter .venv/bin/lint-imports --no-logo
check forge-fmt sh scripts/foundry.sh forge fmt --check

echo
if [ -n "$failed" ]; then
    echo "结果 / result: 静态检查失败 static checks FAILED:$failed"
    exit 1
fi
echo "结果 / result: 静态检查通过 static checks passed"
