"""Act 5: everything runs again; an auditor replays the chain; then data are altered behind the service's back."""

import sqlite3
from contextlib import closing
from typing import Any

from api.dev import stack
from api.dev.stage import Outcome, Stage


def audit_all(stage: Stage, port: int, chain_port: int) -> None:
    """Restart, audit clean, alter a row and a file, audit again."""
    stage.tell("全部重新启动，数据照旧", "everything is started again, on the same data")
    stack.up(stage.home.root, port, chain_port, stage.tell)
    stage.remember_processes()
    stage.tell(
        "审计人由链和公开的批次重放一切，与数据库和文件逐一核对", "an auditor replays chain and leaves, and compares"
    )
    clean = _audit(stage)
    stage.expect("审计", "the audit", "exit 0, clean", _told(clean))
    _note(stage, clean)

    stage.tell("有人绕过服务，改动数据库中的一行和一个存储的文件", "somebody alters a database row and a stored file")
    digest, name = _alter(stage)
    found = _audit(stage)
    findings = found.answer.get("findings", [])
    stage.expect("再次审计", "the audit again", "exit 1, findings", _told(found))
    stage.expect("点名被改的行", "it names the row", True, _named(findings, digest))
    stage.expect("点名被改的文件", "it names the file", True, _named(findings, name))
    _note(stage, found)


def _note(stage: Stage, outcome: Outcome) -> None:
    for one in outcome.answer.get("findings", []):
        stage.note(f"{one['subject']}：{one['zh']}", f"{one['subject']}: {one['en']} [{one['detail']}]")


def _audit(stage: Stage) -> Outcome:
    return stage.run("audit", "--home", str(stage.home.root), "--json")


def _told(outcome: Outcome) -> str:
    if outcome.error:
        return f"{outcome.code} {outcome.error}"
    return f"exit {outcome.code}, {'clean' if outcome.answer.get('clean') else 'findings'}"


def _named(findings: list[dict[str, Any]], name: str) -> bool:
    return any(name in f"{one['subject']} {one['detail']}" for one in findings)


def _alter(stage: Stage) -> tuple[str, str]:
    """Change one byte of a statement's row and one of a stored file; evidence id and object name."""
    with closing(sqlite3.connect(stage.home.root / "ledger.db", timeout=30)) as database, database:
        row = database.execute("SELECT digest, statement FROM statements ORDER BY position LIMIT 1").fetchone()
        digest, statement = bytes(row[0]), bytearray(row[1])
        statement[-1] ^= 1
        database.execute("UPDATE statements SET statement = ? WHERE digest = ?", (bytes(statement), digest))
        (name,) = database.execute("SELECT object_name FROM files ORDER BY size LIMIT 1").fetchone()
    path = next(one for one in (stage.home.root / "objects").rglob("*") if one.is_file() and one.name in name)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return digest.hex(), path.name
