"""The story that `make demo` tells, in five acts, from the founding of a ledger to an audit that finds who meddled.

Guaranteed: it ends what it started and removes what it made, also when it is interrupted; its exit code is 0 only if
everything went as expected. Not guaranteed: the same on a machine whose process is killed outright.
"""

import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn

from api.dev import stack
from api.dev.composition import free_port
from api.dev.consortium import INSTITUTIONS, PRACTITIONERS
from api.dev.home import Home
from api.dev.stage import Stage
from api.dev.story_audit import audit_all
from api.dev.story_court import try_in_court
from api.dev.story_deposits import deposit_all, lay_out
from api.dev.story_matter import carry_matter
from tiezheng.cli.language import Language, set_language
from tiezheng.cli.output import say, show_error
from tiezheng.errors import NotFound, TiezhengError

EXAMPLES: Final = Path(__file__).parents[2] / "examples"
_ENDING: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def tell_story(files: list[Path], language: Language = Language.BOTH) -> int:
    """Tell it with these files, or with the examples; the exit code."""
    set_language(language)
    absent = next((path for path in files if not path.is_file()), None)
    if absent is not None:
        show_error(NotFound("file.not_found", got=str(absent)))
        return 1
    with _stage(language) as stage:
        try:
            _play(stage, files)
        except TiezhengError as error:
            show_error(error)
            stage.expect("演示走到结尾", "the story comes to its end", "yes", error.code)
    stage.curtain("全部停止并清理，对照应当与实际", "All is ended and removed; expected and happened are compared")
    stage.expect("遗留的进程和文件", "processes and files left behind", "0", stage.left_behind())
    stage.conclude()
    return 0 if stage.succeeded else 1


def _play(stage: Stage, files: list[Path]) -> None:
    port, chain_port = free_port(), free_port()
    stage.act(1, "创立联盟账本", "A consortium is founded")
    for one in (*INSTITUTIONS, *PRACTITIONERS):
        stage.tell(f"{one.name.zh}（编号 {one.number}）", f"{one.name.en} (number {one.number})")
    stack.up(stage.home.root, port, chain_port, stage.tell)
    stage.expect("在运行的进程", "processes that run", 1 + len(stack.SERVICES), stage.remember_processes())
    stage.tell(
        "演示中三家见证方共用一个节点，未各自重新执行区块", "here the witnesses share one node and re-execute nothing"
    )
    stage.act(2, "公证处存证：文件、文件夹、一千件作品", "The notary office deposits files, a folder, a thousand works")
    evidence = lay_out(stage, files, EXAMPLES)
    deposit_all(stage, evidence)
    stage.act(3, "一件公证事项，从申请到公证书", "A matter, from application to certificate")
    carry_matter(stage, evidence)
    stage.act(
        4, "平台停机，法院离线核验；篡改与伪造", "The platform is down; a court verifies offline; tampering, forgery"
    )
    try_in_court(stage, evidence)
    stage.act(5, "恢复运行，审计；有人暗改数据", "Restart and audit; somebody alters data")
    audit_all(stage, port, chain_port)


@contextmanager
def _stage(language: Language) -> Iterator[Stage]:
    """A stage in a temporary folder; whatever happens, its processes are ended and the folder is removed."""
    before = {number: signal.signal(number, _interrupt) for number in _ENDING}
    root = Path(tempfile.mkdtemp(prefix="tiezheng-demo-"))
    try:
        (root / "desk").mkdir()
        yield Stage(Home(root / "ledger"), root / "desk", language)
    finally:
        for number in _ENDING:
            signal.signal(number, signal.SIG_IGN)
        with suppress(OSError):
            stack.down(root / "ledger")
        shutil.rmtree(root, ignore_errors=True)
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main(files: list[Path], language: Language) -> int:
    """As `tell_story`; an interruption is an outcome too."""
    try:
        return tell_story(files, language)
    except KeyboardInterrupt:
        say("已中断，并已清理。", "Interrupted, and cleaned up.", "yellow", error=True)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 1
