#!/bin/sh
# Runs the Solidity tests and the Python tests, both to their end, and closes with one line that says how it went.
# Python tests run in four processes, each file in one of them: they wait for blocks and disks more than they compute.
# Temporary files go into one directory that is removed at the end, however it ends.
set -u
cd -- "$(dirname -- "$0")/.."

TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/tiezheng-test.XXXXXX") || exit 1
export TMPDIR
chmod 711 "$TMPDIR" # PostgreSQL, which does not run as root, has to get through to its own folder
trap 'rm -rf -- "$TMPDIR"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
unset PYTHONHOME PYTHONPATH PYTEST_ADDOPTS
begun=$(date +%s)

echo "== 合约测试 / Solidity tests"
sh scripts/foundry.sh forge test
solidity=$?
echo "== Python 测试 / Python tests"
.venv/bin/python -m pytest -q -n 4 --dist loadfile --durations=40 --durations-min=3 "$@"
python=$?

word() { if [ "$1" -eq 0 ]; then echo "通过 passed"; else echo "失败 FAILED"; fi; }
seconds=$(($(date +%s) - begun))
echo
echo "结果 / result: 合约 Solidity $(word "$solidity") · Python $(word "$python") · ${seconds} s"
[ "$solidity" -eq 0 ] && [ "$python" -eq 0 ]
