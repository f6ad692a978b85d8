#!/bin/sh
# Runs slither over the contracts and writes bench/results/slither.json and slither.md; fails at a finding that nothing
# justifies. slither gets an environment of its own: it is large, and nothing else needs it. It works on a copy in which
# the body of the unrolled SM3 compression is left out: with it, slither gives nothing within five minutes.
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

rm -rf $place/tree $place/findings.json
mkdir -p $place/tree
cp -R contracts $place/tree/
sed '/^deny = /d' foundry.toml >$place/tree/foundry.toml
for shared in node_modules scripts package.json; do ln -s "$(pwd -P)/$shared" $place/tree/$shared; done
for library in contracts/libraries/Sm3*.sol; do
    awk '/function _?compress\(/ { within = 1 }
        within && /\{$/ { print; within = 0; left = 1; next }
        left && /^    }$/ { left = 0 }
        !left { print }' "$library" >"$place/tree/$library"
done

cd $place/tree
sh scripts/foundry.sh forge build contracts --quiet --build-info --force
PATH=$(cd .. && pwd -P)/bin:$PATH ../venv/bin/slither . --compile-force-framework foundry --ignore-compile \
    --filter-paths 'node_modules|tests/' --json ../findings.json --fail-none >../log 2>&1 || { cat ../log >&2; exit 1; }
cd ../../..
.venv/bin/python scripts/report_slither.py $place/findings.json "$version"
