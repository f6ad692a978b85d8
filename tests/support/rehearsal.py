"""A loss and a restore with real processes: chain, service, worker, witnesses, by the command line alone.

Guaranteed: everything that the service's machine holds is destroyed, its processes and its PostgreSQL killed; what
holders and a mirror have lies elsewhere and is all that is used beside the backup. Not guaranteed: a loss
of the chain.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from anchors.chains.anvil import free_port
from api.dev import processes
from api.dev.home import Home
from tests.support.postgresql import Cluster, as_server
from tiezheng.client import Client

Say = Callable[[str, str], None]
# All that is the service's; chain, witnesses and profiles belong to others, who lose nothing.
LOST: Final = ("objects", "leaves", "keys", "secrets", "deployment.json", "trust.json")
DATABASE: Final = "ledger"
PATIENCE_SECONDS: Final = 60


class Failed(Exception):
    """The rehearsal did not come to its end; the text says where."""


def archiving(folder: Path) -> list[str]:
    """Settings of a server that archives its log into a folder."""
    return [
        "wal_level = replica",
        "archive_mode = on",
        f"archive_command = 'test ! -f {folder}/%f && cp %p {folder}/%f'",
    ]


@dataclass
class Rehearsal:
    """`cluster` is None for SQLite. `deposits` are what the institution handed in: (case, file) by SM3."""

    root: Path
    say: Say
    cluster: Cluster | None = None
    archive: Path | None = None
    deposits: dict[str, tuple[str, Path]] = field(default_factory=dict)
    digests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.home = Home(self.root / "home")
        self.desk = self.root / "desk"
        self.desk.mkdir(parents=True)
        self.ports = (free_port(), free_port())

    @property
    def service(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}"

    @property
    def node(self) -> str:
        return f"http://127.0.0.1:{self.ports[1]}"

    def run(self, *arguments: object, good: tuple[int, ...] = (0,)) -> Any:
        """`tiezheng …` at the desk; its JSON. Raises Failed for another exit code."""
        environment = {**os.environ, "TIEZHENG_PROFILE": str(self.home.profile("office"))}
        if self.cluster is not None:
            environment["TIEZHENG_DATABASE"] = self.cluster.url(DATABASE)
        done = subprocess.run(
            [sys.executable, "-m", "tiezheng.cli.main", *map(str, arguments), "--json"],
            cwd=self.desk,
            env=environment,
            capture_output=True,
            timeout=180,
            check=False,
        )
        if done.returncode not in good:
            told = (done.stdout or done.stderr).decode(errors="replace")[-1500:]
            raise Failed(f"tiezheng {' '.join(map(str, arguments[:2]))}: {done.returncode} {told}")
        return json.loads(done.stdout)

    def rehearse(self) -> None:
        """The whole way. Raises Failed."""
        if self.cluster is not None:
            self.cluster.execute(f"CREATE DATABASE {DATABASE}")
        try:
            self._live()
            self._lose()
            self._restore()
            self._go_on()
        finally:
            self.run("dev", "down", "--home", self.home.root)

    def _live(self) -> None:
        self.say("启动链、服务、上链进程、三家见证方", "starting chain, service, worker, three witnesses")
        self._up()
        shutil.copy(self.home.trust, self.desk / "trust.json")
        self._submit("before")
        self._backup()
        self._submit("after")
        self._mirror()
        if self.cluster is not None:
            ((self.moment,),) = self.cluster.execute("SELECT clock_timestamp()::text")
            time.sleep(1.1)
            self.say(f"恢复目标时刻 {self.moment}", f"the moment to go back to: {self.moment}")
            # Rows come back to the moment; each file that they name is in a backup from after it.
            self.files = self.root / "backup-2"
            self.run("backup", self.files, "--with-keys", "--since", self.root / "backup", "--home", self.home.root)
        self._submit("later")
        self._mirror()
        processes.stop(self._place, ["worker"])
        self._submit("promised", final=False)

    @property
    def _place(self) -> Home:
        return Home(self.home.root.resolve())

    def _up(self) -> None:
        self.run("dev", "up", "--home", self.home.root, "--port", self.ports[0], "--chain-port", self.ports[1])

    def _submit(self, when: str, *, final: bool = True) -> None:
        """Two files in each lane, with receipts and bundles that their holder keeps."""
        folder = self.desk / when
        folder.mkdir()
        for number in range(4):
            (folder / f"{number}.txt").write_bytes(f"{when} {number} {os.urandom(8).hex()}\n".encode())
        (self.desk / f"{when}-bulk").mkdir()
        for number in (2, 3):
            (folder / f"{number}.txt").rename(self.desk / f"{when}-bulk" / f"{number}.txt")
        out = ("--out", "receipts")
        told = [self.run("deposit", path, *out) for path in sorted(folder.iterdir())]
        files = sorted(folder.iterdir())
        bulk = self.run("deposit", f"{when}-bulk", "--bulk", *out)["deposits"]
        told += bulk
        files += [self.desk / f"{when}-bulk" / Path(one["file"]).name for one in bulk]
        for one, path in zip(told, files, strict=True):
            digest = one["digest"]
            self.digests.append(digest)
            self.deposits[one["sm3"]] = (one["case"], path)
            waiting = ("--wait", PATIENCE_SECONDS) if final else ("--pending",)
            (self.desk / "bundles").mkdir(exist_ok=True)
            self.run("bundle", digest, *waiting, "--out", f"bundles/{digest}.bundle.json")
        state = ("已终局", "final") if final else ("仅有回执", "receipts alone")
        self.say(
            f"提交 {len(told)} 份（{when}），两条通道，{state[0]}",
            f"{len(told)} submitted ({when}), both lanes, {state[1]}",
        )

    def _mirror(self) -> None:
        self.run("mirror", "mirror", "--service", self.service, "--trust", "trust.json")

    def _backup(self) -> None:
        told = self.run("backup", self.root / "backup", "--with-keys", "--home", self.home.root)
        self.say(
            f"备份：{told['files']} 个文件，{told['bytes']:,} 字节，位置 {told['block']}",
            f"backup: {told['files']} files, {told['bytes']:,} bytes, at block {told['block']}",
        )
        if self.cluster is not None:
            self.cluster.run(
                "pg_basebackup", "-h", self.cluster.socket, "-U", "tiezheng", "-c", "fast", "-D", self._base
            )
            self.say("基础备份：pg_basebackup，日志归档", "base backup by pg_basebackup, with the log archived")

    @property
    def _base(self) -> Path:
        assert self.cluster is not None
        return self.cluster.folder / "base"

    def _lose(self) -> None:
        for name in ("service", "worker"):
            one = processes.running(self._place, name)
            if one is not None:
                os.kill(one.pid, signal.SIGKILL)
        if self.cluster is not None:
            # What was written is in the archive up to its last whole segment; the rest of the log burns too.
            self.cluster.execute("SELECT pg_switch_wal()")
            self._await_archive()
            self.cluster.stop(how=signal.SIGQUIT)
            shutil.rmtree(self.cluster.data)
        for path in (*self.home.root.glob("ledger.db*"), *(self.home.root / name for name in LOST)):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        self.say("强杀服务，销毁数据库、密钥和全部文件", "service killed; database, keys and all files destroyed")

    def _await_archive(self) -> None:
        assert self.cluster is not None
        deadline = time.monotonic() + PATIENCE_SECONDS
        while list((self.cluster.data / "pg_wal" / "archive_status").glob("*.ready")):
            if time.monotonic() > deadline:
                raise Failed("the log was not archived")
            time.sleep(0.1)

    def _restore(self) -> None:
        if self.cluster is None:
            self.run("restore", self.root / "backup", "--home", self.home.root)
        else:
            self._back_in_time(self.cluster)
            self.run("restore", self.files, "--home", self.home.root, "--files-only")
        self.say("由备份恢复", "restored")
        folders = ("--receipts", "receipts", "--bundles", "bundles", "--mirror", "mirror")
        told = self.run("recover", "--home", self.home.root, *folders, good=(0, 1))
        missing = [one["sm3"] for one in told["files_missing"]]
        counts = {name: count for name, count in told["recovered"].items() if count}
        self.say(f"recover 补回：{counts}", f"recover brought back: {counts}")
        self.say(f"仍缺证据文件 {len(missing)} 份", f"evidence files still missing: {len(missing)}")
        for name in ("contents_missing", "not_taken", "receipts_without_statement"):
            if told[name]:
                raise Failed(f"recover: {name}: {told[name]}")
        if not counts or not missing:
            raise Failed("nothing was lost: the rehearsal shows nothing")
        self.missing = missing

    def _back_in_time(self, cluster: Cluster) -> None:
        subprocess.run(["cp", "-a", self._base, cluster.data], check=True, **as_server())
        with (cluster.data / "postgresql.conf").open("a") as file:
            file.write(f"restore_command = 'cp {self.archive}/%f %p'\nrecovery_target_time = '{self.moment}'\n")
            file.write("recovery_target_action = 'promote'\narchive_mode = off\n")
        (cluster.data / "recovery.signal").touch()
        cluster.start()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while cluster.execute("SELECT pg_is_in_recovery()") != [(False,)]:
            if time.monotonic() > deadline:
                raise Failed("PostgreSQL is still in recovery")
            time.sleep(0.1)
        self.say("PostgreSQL 恢复到该时刻", "PostgreSQL is back at that moment")

    def _go_on(self) -> None:
        self._up()
        self.say("重新启动；机构重新上传所缺文件", "started again; institutions upload the missing files")
        token = self.home.secret("office.token").read_text().strip()
        with Client(self.service, token) as client:
            for sm3 in self.missing:
                case, path = self.deposits[sm3]
                client.upload(bytes.fromhex(case), path, "text/plain")
        for digest in self.digests:
            self.run("bundle", digest, "--wait", PATIENCE_SECONDS, "--out", f"new-{digest}.bundle.json")
            verdict = self.run("verify", f"new-{digest}.bundle.json", "--trust", "trust.json")
            if verdict["result"] != "VALID":
                raise Failed(f"{digest}: {verdict['result']}")
        self.say(f"{len(self.digests)} 份存证的证据包全部有效", f"all {len(self.digests)} bundles are VALID")
        checked = self.run(
            "receipts", "check", "receipts", "--trust", "trust.json", "--rpc", self.node, "--service", self.service
        )
        if checked["counts"]["kept"] != len(self.digests):
            raise Failed(f"receipts: {checked['counts']}")
        kept = len(self.digests)
        self.say(f"持有人的 {kept} 份回执全部兑现", f"all {kept} receipts of holders are kept")
        report = self.run(
            "audit", "--home", self.home.root, "--receipts", "receipts", "--bundles", "bundles", good=(0, 1)
        )
        if report["findings"]:
            raise Failed(f"audit: {report['findings'][:5]}")
        self.say("审计：无发现", "audit: no findings")
