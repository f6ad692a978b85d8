"""Act 2: a file by the registry lane, a folder by the batch lane, a table of works as one record set."""

import csv
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from api.dev.stage import Stage

BIG_FILE: Final = "recording-200MB.bin"
BIG_SIZE: Final = 200 << 20
_BLOCK: Final = 1 << 20
TABLE: Final = "works.csv"
FOLDER: Final = "folder"
FINAL_SECONDS: Final = "120"
# Of the thousand works one is proved alone later; the demonstration makes the work's file itself.
RECORD: Final = 16


@dataclass(slots=True)
class Evidence:
    """What goes to court: the file deposited first, and for each bundle its files, all as names at the desk."""

    first: str
    bundles: dict[str, list[str]] = field(default_factory=dict)


def lay_out(stage: Stage, given: list[Path], examples: Path) -> Evidence:
    """Put the files on the desk: those given, else the examples with a 200 MB file made now."""
    sources = given or [examples / name for name in ("contract.pdf", "photograph.jpg", "webpage.html")]
    folder = stage.desk / FOLDER
    folder.mkdir()
    for at, path in enumerate(sources):
        name = path.name if not (folder / path.name).exists() else f"{at}-{path.name}"
        (folder / name).symlink_to(path.resolve())
    first = sources[0].name
    (stage.desk / first).symlink_to(sources[0].resolve())
    (stage.desk / TABLE).symlink_to((examples / TABLE).resolve())
    if not given:
        stage.tell("当场生成一个 200 MB 的文件", "making a file of 200 MB on the spot")
        with (folder / BIG_FILE).open("wb") as writer:
            for _ in range(BIG_SIZE // _BLOCK):
                writer.write(os.urandom(_BLOCK))
    return Evidence(first)


def deposit_all(stage: Stage, evidence: Evidence) -> None:
    """Deposit everything, look one up, and fetch the bundles once they are final."""
    stage.tell("一份文件走登记通道：一笔链上交易", "one file by the registry lane: one transaction on chain")
    one = stage.run("deposit", evidence.first, "--out", "receipts", "--json", who="office")
    stage.expect("登记通道存证", "deposit by the registry lane", "accepted", one.answer.get("status", one.error))

    found = stage.run("lookup", evidence.first, "--json", who="office")
    stage.expect("按文件可查到存证", "the file can be looked up", 1, len(found.answer.get("statements", [])))

    names = sorted(path.name for path in (stage.desk / FOLDER).iterdir())
    size = sum(path.stat().st_size for path in (stage.desk / FOLDER).iterdir())
    stage.tell(
        f"一个文件夹（{len(names)} 个文件，{size / 1e6:.0f} MB）走批量通道：合成一棵树，一次锚定",
        f"a folder ({len(names)} files, {size / 1e6:.0f} MB) by the batch lane: one tree, one anchor",
    )
    begun = time.monotonic()
    many = stage.run("deposit", FOLDER, "--bulk", "--out", "receipts", "--json", who="office")
    deposits = many.answer.get("deposits", [])
    stage.expect("批量存证的文件数", "files deposited in bulk", len(names), len(deposits))
    stage.tell(f"用时 {time.monotonic() - begun:.1f} 秒", f"it took {time.monotonic() - begun:.1f} s")

    stage.tell("一张 1,000 件作品的表，一次签名，每件可单独证明", "1,000 works, signed once, each provable alone")
    table = stage.run(
        "deposit", "--table", TABLE, "--title", "作品登记 works", "--out", "receipts", "--json", who="office"
    )
    stage.expect("记录集中的作品数", "works in the record set", 1000, table.answer.get("records", table.error))

    stage.tell("等待上链，并等待三家见证方中的两家签名", "waiting for the chain, and for two of the three witnesses")
    work = _make_work(stage)
    fetch(stage, one.answer.get("digest", ""), "first.bundle.json", [evidence.first], evidence)
    for told in deposits:
        name = Path(told["file"]).name
        fetch(stage, told["digest"], f"{name}.bundle.json", [f"{FOLDER}/{name}"], evidence)
    record = ("--record", str(RECORD))
    fetch(stage, table.answer.get("digest", ""), "work.bundle.json", [work], evidence, *record)
    stage.expect("取得的证据包数", "bundles fetched", 2 + len(names), len(evidence.bundles))


def fetch(stage: Stage, digest: str, name: str, files: list[str], evidence: Evidence, *options: str) -> None:
    """Fetch one bundle when it is final, for the court's folder."""
    target = f"court/{name}"
    (stage.desk / "court").mkdir(exist_ok=True)
    done = stage.run("bundle", digest, "--wait", FINAL_SECONDS, "--out", target, *options, "--json", who="office")
    if done.code == 0:
        evidence.bundles[target] = files


def _make_work(stage: Stage) -> str:
    """The file of the one work that is proved alone, as the table describes it."""
    with (stage.desk / TABLE).open(encoding="utf-8", newline="") as reader:
        row = list(csv.DictReader(reader))[RECORD]
    text = f"{row['title']}\n作品编号 work {RECORD + 1:04}\n"
    (stage.desk / row["file_name"]).write_text(text, encoding="utf-8")
    return row["file_name"]
