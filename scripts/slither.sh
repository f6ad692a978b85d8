#!/bin/sh
# Runs slither over the contracts and writes bench/results/slither.json and slither.md; fails at a finding that nothing justifies.
# slither gets an environment of its own: it is large, and nothing else needs it.
set -eu
cd -- "$(dirname -- "$0")/.."
version=0.11.6
place=cache/slither

# The paths inside an environment are absolute: a moved checkout gets a new one.
wanted="$version in $(pwd -P)"
if [ "$(cat $place/venv/.stamp 2>/dev/null)" != "$wanted" ]; then
    echo "  安装 slither $version / installing slither $version"
    rm -rf $place/venv
    .venv/bin/python -m venv $place/venv
    $place/venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check "slither-analyzer==$version"
    printf '%s' "$wanted" >$place/venv/.stamp
fi

# slither asks `forge` for its configuration. The stand-in looks for it where this script would, never for itself.
mkdir -p $place/bin
cat >$place/bin/forge <<END
#!/bin/sh
PATH='$PATH' exec sh '$(pwd -P)/scripts/foundry.sh' forge "\$@"
END
chmod +x $place/bin/forge

rm -rf $place/out $place/findings.json
sh scripts/foundry.sh forge build contracts --quiet --build-info --force --out $place/out --cache-path $place/cache
PATH=$(pwd -P)/$place/bin:$PATH $place/venv/bin/slither . --compile-force-framework foundry --ignore-compile \
    --foundry-out-directory $place/out --filter-paths 'node_modules|tests/' --json $place/findings.json \
    --fail-none >$place/log 2>&1 || { cat $place/log >&2; exit 1; }
.venv/bin/python scripts/report_slither.py $place/findings.json "$version"
