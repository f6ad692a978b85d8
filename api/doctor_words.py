"""What each check of a deployment looks at, and what to do where it is not passed.

Guaranteed: an entry for every check, in both languages. Not guaranteed: that the advice fits a fault nobody thought of.
"""

# fmt: off
# ruff: noqa: E501

from typing import Final

from api.doctor import Advice

ADVICE: Final[dict[str, Advice]] = {
    "home.files": Advice(("主目录齐全", "the home directory is complete"), ("请由备份补回所缺文件，勿另行生成密钥。", "Put the missing files back from a backup; do not make new keys.")),
    "home.modes": Advice(("密钥和数据只有服务账户可读", "keys and data are readable by the service's user alone"), ("请对所列文件执行 chmod 600、目录 chmod 700，并交给服务账户所有。", "chmod 600 the files named, 700 the folders, and give them to the service's user.")),
    "disk.free": Advice(("磁盘余量", "room on the disk"), ("请清理或扩大磁盘；余量不足 1 GiB 时服务不再就绪。", "Free some room or enlarge the disk; below 1 GiB the service is not ready any more.")),
    "disk.flush": Advice(("磁盘写入与落盘", "the disk's writing and flushing"), ("落盘过慢：换用更快的磁盘。快得不合常理：该磁盘可能并未真正落盘，断电会丢数据，请关闭其写缓存或换盘。", "Too slow: use a faster disk. Faster than any disk: it may not flush at all, and a power cut would lose data; turn its write cache off or replace it.")),
    "ledger.agrees": Advice(("部署文件与信任根文件一致", "deployment file and trust file agree"), ("请使用同一账本的文件。", "Use the files of one ledger.")),
    "trust.validity": Advice(("信任根文件在有效期内", "the trust file is valid"), ("请由账本的治理机构签发下一期信任根文件，分发后重启服务。", "Have the governing bodies issue the next trust file, hand it out, and start the service again.")),
    "backup.age": Advice(("备份足够新", "the last backup is recent"), ("请检查备份任务，并立即备份一次。", "Look at the backup job, and make a backup now.")),
    "database.whole": Advice(("数据库完好", "the database is whole"), ("请停止服务和上链进程，保留现场，由备份恢复后审计。", "Stop service and worker, keep everything as it is, restore from a backup, and audit.")),
    "database.revision": Advice(("数据库结构与程序版本一致", "the database fits this version"), ("版本升级后请启动服务完成迁移；数据库较新时请换用相应版本的程序。", "After an upgrade, start the service, which migrates; where the database is newer, use the version that wrote it.")),
    "operator.key": Advice(("运营机构密钥已登记且有效", "the operator's key is registered and valid"), ("请按运营手册更换密钥，或等上链进程读到链上的登记。", "Replace the key as the operator's guide says, or wait until the worker has read its registration.")),
    "worker.running": Advice(("上链进程在运行", "the worker runs"), ("请启动上链进程：systemctl start tiezheng-worker。", "Start the worker: systemctl start tiezheng-worker.")),
    "worker.fault": Advice(("没有未处理的故障", "no fault stands"), ("请按运营手册“故障代码”一节处理，之后再启动上链进程。", "Act as the section on fault codes in the operator's guide says, then start the worker again.")),
    "worker.round": Advice(("上链进程一分钟内看过链", "the worker saw the chain within a minute"), ("请检查上链进程的日志和节点。", "Look at the worker's log and at the node.")),
    "receipts.overdue": Advice(("没有逾期的回执", "no receipt is overdue"), ("逾期的回执可由持有人举证：请立即恢复上链，并通知有关机构。", "Its holder can prove each of them: get the anchoring going at once, and tell the institutions.")),
    "witnesses.cosign": Advice(("见证方在签署", "witnesses cosign"), ("请联系见证方：签署不足时存证不能终局。", "Ask the witnesses: nothing becomes final while too few of them sign.")),
    "witnesses.forks": Advice(("没有分叉证据", "no evidence of a fork"), ("请停止写入，保存 forks 表作为证据，并通知治理机构。", "Stop writing, keep the table `forks` as evidence, and tell the governing bodies.")),
    "node.chain": Advice(("节点在正确的链上，合约齐全", "the node is on the right chain and has the contracts"), ("请核对节点地址、链编号和数据目录。", "Check the node's address, chain id and data.")),
    "node.code": Advice(("合约代码就是本版本公布的代码", "the contracts' code is the published one"), ("请勿采信该链上的合约，并通知治理机构。", "Do not rely on the contracts of this chain, and tell the governing bodies.")),
    "node.lag": Advice(("节点没有落后", "the node keeps up"), ("请检查节点的同步和验证方是否出块。", "Look whether the node is in step and the validators make blocks.")),
    "node.history": Advice(("链上仍有数据库读到的区块", "the chain still has the block that the database stands at"), ("链被重置或重组：请停止上链进程，由节点备份恢复，勿在新链上继续。", "The chain was reset or reorganised: stop the worker, restore the node from its backup, and do not go on with the new chain.")),
    "node.proofs": Advice(("节点能证明过去的状态", "the node proves past states"), ("请增大节点保留的历史状态（至少 128 个区块），否则上链进程停顿后取不到证明。", "Have the node keep more past states (at least 128 blocks), or a worker that stood still cannot fetch its proofs.")),
    "node.fees": Advice(("交易免费", "transactions cost nothing"), ("本服务以零价发送交易：请把链的基础费设为零。", "The service sends at price zero: set the chain's base fee to zero.")),
    "relayer.account": Advice(("发送账户只由上链进程使用", "only the worker uses the sending account"), ("该账户被别的程序用过：请停用那个程序，或换用新账户（tiezheng relayer replace）。", "Another program used the account: stop it, or take a new account (tiezheng relayer replace).")),
    "clock.chain": Advice(("本机时钟不落后于链", "this clock is not behind the chain"), ("请校准时钟并开启时间同步。", "Set the clock right, and turn time synchronisation on.")),
    "clock.service": Advice(("本机与服务的时钟一致", "this clock and the service's agree"), ("请在两台机器上都开启时间同步。", "Turn time synchronisation on at both machines.")),
}
