#!/bin/sh
# Coverage of the contracts by the Solidity tests, to bench/results/coverage.md; fails where a line or branch outside the
# SM2 and SM3 assembly is never run. The compiler measures without its optimizer, so tests of gas stay out, and gas means
# nothing here. It works on a copy, in which functions named table… are renamed: forge takes these for table tests, and
# leaves their contracts out.
set -eu
cd -- "$(dirname -- "$0")/.."
place=cache/coverage
root=$(pwd -P)
rm -rf $place/tree
mkdir -p $place/tree/tests
cp -R contracts $place/tree/contracts
cp -R tests/solidity $place/tree/tests/solidity
# Code that nobody optimized may be too large; warnings about anything else are for the build itself to refuse.
sed -e '/^deny = /d' -e 's/solc\.mjs/solc_coverage.mjs/' foundry.toml >$place/tree/foundry.toml
for shared in node_modules scripts package.json; do ln -s "$root/$shared" $place/tree/$shared; done

find $place/tree/contracts $place/tree/tests -name '*.sol' -exec sed -i 's/\btable\(Of\|Index\)\b/aTable\1/g' {} +
if grep -rnE 'function (table|test|invariant)' $place/tree/contracts; then
    echo '错误 / error: forge 会把上列函数当作测试 / forge would take the functions above for tests' >&2
    exit 1
fi

cd $place/tree
sh scripts/foundry.sh forge coverage --report lcov --report-file ../lcov.info --out ../out --cache-path ../cache \
    --no-match-test '_gas\(\)' --no-match-path 'tests/solidity/gas/*' >../log 2>&1 || { tail -n 60 ../log >&2; exit 1; }
cd "$root"
.venv/bin/python scripts/report_coverage.py $place/lcov.info
