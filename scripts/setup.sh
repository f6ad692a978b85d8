#!/bin/sh
# Installs the Python environment and the Solidity toolchain into this checkout, and builds the contracts.
# Each step leaves a stamp with a digest of its inputs, so an unchanged step costs nothing. Needs no root.
set -eu
cd -- "$(dirname -- "$0")/.."
root=$(pwd -P)

say() { printf '  %s\n' "$1"; }
fail() {
    printf '错误 / error: %s\n            %s\n' "$1" "$2" >&2
    exit 1
}
is_current() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }

# One set-up at a time in one checkout; the lock ends with this process.
if command -v flock >/dev/null 2>&1; then
    exec 9<scripts/setup.sh
    flock 9
fi

# The caller's pip may be told to install elsewhere, or only in part. Where it finds packages is the caller's affair.
unset PYTHONHOME PYTHONPATH PIP_TARGET PIP_PREFIX PIP_ROOT PIP_REQUIREMENT PIP_EDITABLE PIP_DRY_RUN PIP_REQUIRE_HASHES PIP_PYTHON
unset PIP_NO_BINARY PIP_CONSTRAINT PIP_BUILD_CONSTRAINT PIP_REPORT PIP_IGNORE_INSTALLED PIP_UPGRADE PIP_PRE PIP_NO_DEPS PIP_QUIET
export PIP_USER=0 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

python=
for candidate in "${PYTHON:-python3}" python3.13 python3.12 python3.11; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then
        python=$candidate
        break
    fi
done
[ -n "$python" ] || fail "需要 Python 3.11 或更高版本；请安装后重试，或用 PYTHON=路径 指定。" \
    "Python 3.11 or later is needed; install it, or name it with PYTHON=path."

command -v node >/dev/null 2>&1 || fail "找不到 Node.js；请安装 20 或更高版本。" "Node.js is missing; install version 20 or later."
node -e 'process.exit(parseInt(process.versions.node, 10) < 20 ? 1 : 0)' || fail \
    "Node.js $(node --version) 太旧；请安装 20 或更高版本。" "Node.js $(node --version) is too old; install version 20 or later."
command -v npm >/dev/null 2>&1 || fail "找不到 npm；请与 Node.js 一并安装。" "npm is missing; install it together with Node.js."

# 1. Python. The paths inside an environment are absolute: a moved checkout or another interpreter gets a new one.
place=$("$python" -c 'import sys; print(sys.version.split()[0], sys.base_prefix)')" in $root"
wanted="$place $(cat requirements.txt pyproject.toml | sha256sum)"
if is_current .venv/.stamp "$wanted"; then
    say "[1/3] Python 环境已就绪 / Python environment is ready"
else
    say "[1/3] 安装 Python 环境（.venv）/ installing the Python environment (.venv)"
    if ! { is_current .venv/.place "$place" && .venv/bin/python -c 'import pip' 2>/dev/null; }; then
        "$python" -c 'import ensurepip, venv' 2>/dev/null || fail \
            "此 Python 不能创建虚拟环境；请先安装 python3-venv（Debian：apt install python3-venv）。" \
            "this Python cannot make virtual environments; install python3-venv first (Debian: apt install python3-venv)."
        rm -rf .venv
        "$python" -m venv .venv || { rm -rf .venv; fail "创建虚拟环境失败。" "the virtual environment could not be made."; }
        printf '%s' "$place" >.venv/.place
    fi
    rm -f .venv/.stamp
    .venv/bin/python -m pip install --quiet --quiet --requirement requirements.txt &&
        .venv/bin/python -m pip install --quiet --quiet --no-deps --no-build-isolation --editable . || fail \
        "安装 Python 包失败；请检查网络或软件源后重试。" "Python packages could not be installed; check the network or package source and try again."
    printf '%s' "$wanted" >.venv/.stamp
fi

# 2. Node packages: compiler, test runner and local chain. Their install scripts are not needed.
wanted="$(node --version) $(cat package.json package-lock.json | sha256sum)"
if is_current node_modules/.stamp "$wanted"; then
    say "[2/3] Node 包已就绪 / Node packages are ready"
else
    say "[2/3] 安装 Node 包（node_modules）/ installing Node packages (node_modules)"
    npm ci --include=dev --include=optional --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null || fail \
        "安装 Node 包失败；请检查网络或软件源后重试。" "Node packages could not be installed; check the network or package source and try again."
    printf '%s' "$wanted" >node_modules/.stamp
fi

# 3. Contracts and their tests.
wanted=$(find contracts tests/solidity foundry.toml package-lock.json scripts/solc.mjs -type f -exec sha256sum {} + | LC_ALL=C sort | sha256sum)
if is_current out/.stamp "$wanted"; then
    say "[3/3] 合约已编译 / contracts are built"
else
    say "[3/3] 编译合约 / building the contracts"
    sh scripts/foundry.sh forge build --quiet || fail "合约编译失败，原因见上。" "the contracts do not build; see above."
    printf '%s' "$wanted" >out/.stamp
fi
