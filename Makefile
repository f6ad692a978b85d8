# Every entry point of a person and of continuous integration. Nothing here needs root.
.POSIX:
.PHONY: help setup test test-solidity contracts gas gas-check slither coverage differential attack faults rehearse-restore manipulations demo up down bench soak lint generated clean distclean

BIN = .venv/bin
FILES =
PORT = 8321
CHAIN_PORT = 8546
KILLS = 1000
SEED = 1

help:
	@echo '铁证 Tiezheng'
	@echo '  make setup          安装环境并编译合约 / install the environment and build the contracts'
	@echo '  make test           全部测试 / all tests'
	@echo '  make test-solidity  仅合约测试 / Solidity tests only'
	@echo '  make contracts      编译、测试合约并列出 gas / build and test the contracts, show their gas'
	@echo '  make gas            测量 gas，与同类方案对照 / measure gas beside that of others'
	@echo '  make gas-check      gas 是否增长 / whether gas has grown'
	@echo '  make slither        合约静态分析 / static analysis of the contracts'
	@echo '  make coverage       合约测试覆盖率 / coverage of the contracts by their tests'
	@echo '  make differential   合约与两个 SM2 库、与内核规则长时间对照 / hold the contracts against two SM2 libraries and the kernel, at length'
	@echo '  make attack         长时间攻击服务接口，核对每个回答 / attack the service at length and check each answer'
	@echo '  make faults         强杀各进程一千次，查有无丢失（KILLS=1000 SEED=1）/ kill processes a thousand times and see that nothing is lost'
	@echo '  make rehearse-restore  备份、销毁、恢复、补齐、审计 / back up, destroy, restore, recover, audit'
	@echo '  make manipulations  植入改动，看审计是否一一指出 / plant manipulations and have the audit name each'
	@echo '  make demo           演示全流程 / show the whole way (FILES="a.pdf b.jpg": 用自己的文件 / with your own files)'
	@echo '  make up             启动本机服务 / start a local service (PORT=8321 CHAIN_PORT=8546: 换端口 / other ports)'
	@echo '  make down           停止本机服务 / stop it'
	@echo '  make bench          性能测试 / benchmarks'
	@echo '  make soak           半小时稳定负载下的内存 / memory under half an hour of steady load'
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

contracts: setup
	@sh scripts/foundry.sh forge build
	@sh scripts/foundry.sh forge test
	@$(BIN)/python scripts/measure_gas.py --check

gas: setup
	@sh scripts/peers.sh
	@$(BIN)/python scripts/measure_gas.py

gas-check: setup
	@$(BIN)/python scripts/measure_gas.py --check

slither: setup
	@sh scripts/slither.sh

coverage: setup
	@sh scripts/coverage.sh

differential: setup
	@$(BIN)/python scripts/fuzz_sm2.py
	@$(BIN)/python scripts/fuzz_rules.py

attack: setup
	@$(BIN)/python scripts/attack_api.py

faults: setup
	@$(BIN)/python scripts/faults.py --kills $(KILLS) --seed $(SEED)

rehearse-restore: setup
	@$(BIN)/python scripts/rehearse_restore.py

manipulations: setup
	@$(BIN)/python scripts/plant_manipulations.py

demo: setup
	@$(BIN)/python scripts/demo.py $(FILES)

up: setup
	@$(BIN)/tiezheng dev up --port $(PORT) --chain-port $(CHAIN_PORT)

down:
	@if [ -x $(BIN)/tiezheng ]; then $(BIN)/tiezheng dev down; else echo '未安装，无服务可停 / not installed, nothing to stop'; fi

bench: setup
	@$(BIN)/python -m bench

soak: setup
	@$(BIN)/python -m bench.soak

lint: setup
	@sh scripts/lint.sh

generated: setup
	@echo '检查生成的文件 / checking the generated files'
	@$(BIN)/python scripts/export_artifacts.py --check
	@$(BIN)/python scripts/make_error_list.py --check
	@$(BIN)/python scripts/make_limits.py --check
	@$(BIN)/python scripts/make_openapi.py --check
	@$(BIN)/python scripts/make_vectors.py --check
	@$(BIN)/python scripts/make_sm3.py --check
	@$(BIN)/python scripts/make_sm3_pair.py --check
	@echo '结果 / result: 生成的文件一致 generated files are current'

clean:
	rm -rf out cache dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find tiezheng ledger anchors api bench scripts tests -type d -name __pycache__ -prune -exec rm -rf {} +

distclean: clean
	rm -rf .venv node_modules bench/peers/node_modules
