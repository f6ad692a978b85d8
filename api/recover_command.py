"""`tiezheng recover`: after a restore from an older backup, bring the database up to the chain.

Guaranteed: exit code 0 only where nothing is missing that this run could name; it says what was recovered and what
stays missing. Not guaranteed: that the service is stopped; stop it, and the worker, first.
"""

from pathlib import Path
from typing import Annotated, Final

import typer

from anchors.recover import Recovered
from anchors.recover_papers import read_papers
from api.bootstrap import open_recovery
from api.settings import DEFAULT_HOME, read_password, read_settings
from tiezheng.cli.language import pick
from tiezheng.cli.output import AsJson, emit, say, show
from tiezheng.error_catalogue import CATALOGUE

SHOWN_MAX: Final = 20
_COUNTS: Final = (
    ("statements", "补回的声明", "statements taken back"),
    ("batches", "补回的批次", "batches taken back"),
    ("leaves_files", "由镜像补回的叶子文件", "leaves files from the mirror"),
    ("checkpoints", "由镜像补回的检查点", "checkpoints from the mirror"),
    ("receipts_original", "持有人交来的回执", "receipts of holders"),
    ("receipts_signed_anew", "重新签署的回执", "receipts signed anew"),
    ("promises_taken", "重新受理的承诺", "promises taken again"),
    ("refusals", "补回的拒绝书", "refusals taken back"),
    ("refusals_with_their_holders", "仅持有人留存的拒绝书", "refusals that only holders have"),
    ("refused", "因位置已被占而拒绝", "refused, as their place was taken"),
    ("contents", "由证据包补回的内容", "contents from bundles"),
    ("files", "重新登记的证据文件", "evidence files found again"),
    ("statements_proven", "重新取得证明的声明", "statements proven anew"),
)

Folder = Annotated[Path | None, typer.Option("--home", metavar="DIR", help=f"主目录，默认 {DEFAULT_HOME} / home")]


def recover(
    home: Folder = None,
    rpc: Annotated[str | None, typer.Option("--rpc", metavar="URL", help="节点地址 / the chain's node")] = None,
    receipts: Annotated[
        Path | None, typer.Option("--receipts", metavar="DIR", help="持有人交来的回执、拒绝书和声明 / from holders")
    ] = None,
    bundles: Annotated[
        Path | None, typer.Option("--bundles", metavar="DIR", help="证据包文件夹 / a folder of bundles")
    ] = None,
    mirror: Annotated[
        Path | None, typer.Option("--mirror", metavar="DIR", help="镜像文件夹,补叶子文件 / a mirror, for leaves")
    ] = None,
    password_file: Annotated[
        Path | None, typer.Option("--password-file", metavar="FILE", help="运营机构私钥的口令 / operator's password")
    ] = None,
    _json: AsJson = False,
) -> None:
    """由备份恢复后补齐数据库；先停止服务 / bring a restored database up to the chain; stop the service first"""
    password = None if password_file is None else read_password(password_file)
    papers = read_papers(receipts, bundles)
    with open_recovery(read_settings(home, password=password), rpc, papers, mirror) as recovery:
        told = recovery.run()
    _show(told)
    emit(to_json(told))
    if not told.complete:
        raise SystemExit(1)


def to_json(told: Recovered) -> dict[str, object]:
    """Stable members."""
    return {
        "complete": told.complete,
        "contents_missing": [digest.hex() for digest in told.contents_missing],
        "files_missing": [{"case": case.hex(), "sm3": sm3.hex()} for case, sm3 in told.files_missing],
        "not_taken": [{"code": code, "statement": digest.hex()} for digest, code in told.not_taken],
        "objects_unknown": told.objects_unknown,
        "receipts_without_statement": [digest.hex() for digest in told.receipts_without_statement],
        "recovered": dict(sorted(told.counts.items())),
    }


def _show(told: Recovered) -> None:
    show([(zh, en, told.counts.get(name) or None) for name, zh, en in _COUNTS])
    if not any(told.counts.values()):
        say("数据库与链一致，无可补。", "The database is up to the chain: nothing to take back.", "green")
    digests = [digest.hex() for digest in told.contents_missing]
    _list(
        "缺内容（丢失或未交），请机构重新提交",
        "contents missing, lost or withheld: submit them again",
        digests,
    )
    files = [sm3.hex() for _, sm3 in told.files_missing]
    _list("缺证据文件，请重新上传", "evidence files missing: have them uploaded again", files)
    _list("证据文件库中无人认领的对象", "objects that nothing names", told.objects_unknown)
    lone = [digest.hex() for digest in told.receipts_without_statement]
    _list("只有回执而无声明，请持有人交来声明", "receipts without their statement: ask their holders for it", lone)
    refused = [f"{digest.hex()}  {pick(*CATALOGUE[code])}" for digest, code in told.not_taken]
    _list("未能收回", "not taken back", refused)
    say(
        "备份之后签发的接口令牌、会签和身份卡不在链上，请重新签发、发起和录入。",
        "API tokens, collections and identity cards from after the backup are on no chain: make them anew.",
        "yellow",
    )


def _list(zh: str, en: str, items: list[str]) -> None:
    if not items:
        return
    say(f"{zh}：{len(items)}", f"{en}: {len(items)}", "yellow")
    for item in items[:SHOWN_MAX]:
        show([("  ", "", item)])
    if len(items) > SHOWN_MAX:
        more = len(items) - SHOWN_MAX
        say(f"……另有 {more} 项，见 --json。", f"… and {more} more; see --json.", "dim", indent=2)
