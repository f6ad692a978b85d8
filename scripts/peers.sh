#!/bin/sh
# Installs the contracts of others that the gas table compares with (bench/peers), and builds them.
# A stamp with a digest of the inputs makes an unchanged run cost nothing.
set -eu
cd -- "$(dirname -- "$0")/../bench/peers"

wanted=$(find package.json package-lock.json foundry.toml contracts ../../scripts/solc.mjs -type f -exec sha256sum {} + | LC_ALL=C sort | sha256sum)
if [ -f node_modules/.stamp ] && [ -d ../../out/peers ] && [ "$(cat node_modules/.stamp)" = "$wanted" ]; then
    exit 0
fi
echo '  安装并编译对照合约 / installing and building the peers'
npm ci --include=dev --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null || {
    echo '错误 / error: 安装对照合约失败；请检查网络或软件源后重试。' >&2
    echo '              the peers could not be installed; check the network or package source and try again.' >&2
    exit 1
}
sh ../../scripts/foundry.sh forge build --quiet
printf '%s' "$wanted" >node_modules/.stamp
