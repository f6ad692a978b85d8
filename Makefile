# Every entry point of a person and of continuous integration. Nothing here needs root.
.POSIX:
.PHONY: help setup test test-solidity demo up down bench lint generated clean distclean

BIN = .venv/bin
FILES =
PORT = 8321
CHAIN_PORT = 8546

help:
	@echo '铁证 Tiezheng'
	@echo '  make setup          安装环境并编译合约 / install the environment and build the contracts'
	@echo '  make test           全部测试 / all tests'
	@echo '  make test-solidity  仅合约测试 / Solidity tests only'
	@echo '  make demo           演示全流程 / show the whole way (FILES="a.pdf b.jpg": 用自己的文件 / with your own files)'
	@echo '  make up             启动本机服务 / start a local service (PORT=8321 CHAIN_PORT=8546: 换端口 / other ports)'
	@echo '  make down           停止本机服务 / stop it'
	@echo '  make bench          性能测试 / benchmarks'
	@echo '  make lint           静态检查 / static checks'
	@echo '  make generated      检查生成的文件 / check the generated files'
	@echo '  make clean          删除编译产物 / remove what was built'
	@echo '  make distclean      同上，并删除环境 / and the installed environment too'

setup:
	@echo '准备环境 / setup'
	@sh scripts/setup.sh

test: setup
	@sh scripts/test.sh

test-solidity: setup
	@sh scripts/foundry.sh forge test

demo: setup
	@$(BIN)/python scripts/demo.py $(FILES)

up: setup
	@$(BIN)/tiezheng dev up --port $(PORT) --chain-port $(CHAIN_PORT)

down:
	@if [ -x $(BIN)/tiezheng ]; then $(BIN)/tiezheng dev down; else echo '未安装，无服务可停 / not installed, nothing to stop'; fi

bench: setup
	@$(BIN)/python -m bench

lint: setup
	@sh scripts/lint.sh

generated: setup
	@echo '检查生成的文件 / checking the generated files'
	@$(BIN)/python scripts/export_artifacts.py --check
	@$(BIN)/python scripts/make_error_list.py --check
	@$(BIN)/python scripts/make_vectors.py --check
	@$(BIN)/python scripts/make_sm3.py --check
	@echo '结果 / result: 生成的文件一致 generated files are current'

clean:
	rm -rf out cache dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find tiezheng ledger anchors api scripts tests -type d -name __pycache__ -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv node_modules
