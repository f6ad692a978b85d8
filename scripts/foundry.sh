#!/bin/sh
# Runs one Foundry tool: scripts/foundry.sh forge build
# A tool on PATH is used when its version is the pinned one; otherwise the binary from the npm platform package.
set -eu

wanted=1.7.1
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)

tool=${1:-}
case "$tool" in
    forge | anvil | cast) shift ;;
    *)
        echo "用法 / usage: scripts/foundry.sh forge|anvil|cast [args…]" >&2
        exit 64
        ;;
esac

case "$(uname -s)" in
    Darwin) system=darwin ;;
    *) system=linux ;;
esac
case "$(uname -m)" in
    arm64 | aarch64) machine=arm64 ;;
    *) machine=amd64 ;;
esac
packaged=$root/node_modules/@foundry-rs/$tool-$system-$machine/bin/$tool

# Whoever puts this script itself on PATH under the tool's name sets TIEZHENG_PACKAGED, or it would ask itself for ever.
if [ -z "${TIEZHENG_PACKAGED:-}" ] && found=$(command -v "$tool") && "$found" --version 2>/dev/null | head -n 1 | grep -Eq "[ :v]$wanted([^0-9]|\$)"; then
    exec "$found" "$@"
elif [ -x "$packaged" ]; then
    exec "$packaged" "$@"
fi
echo "找不到 $tool $wanted：请运行 npm ci，或将该版本放入 PATH。" >&2
echo "$tool $wanted is missing: run npm ci, or put that version on PATH." >&2
exit 69
