"""The entry point: finds the command, turns errors into sentences and exit codes.

Guaranteed exit codes: `verify`, `breach` and `fork` 0 VALID, 1 INVALID, 3 INCONCLUSIVE, 2 anything that kept them from
a verdict; the others 0 done, 1 refused or failed, 2 usage. 70 is a defect of this program. Not guaranteed: that a
command of the server rooms is installed; one that is not says so.
"""

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Final

import typer

from tiezheng.cli import server_rooms
from tiezheng.cli.language import Language, language_of_environment, set_language
from tiezheng.cli.output import say, show_error
from tiezheng.errors import TiezhengError

FAILED: Final = 1
USAGE: Final = 2
DEFECT: Final = 70
HELP: Final = "铁证：司法存证账本的命令行 / Tiezheng: evidence ledger, verifiable offline"

# Each module brings `register(app)` or is a command itself; only what is asked for is imported.
COMMANDS: Final = {
    "verify": ("tiezheng.cli.verify", "离线核验证据包和文件 / verify bundles and files, offline"),
    "key": ("tiezheng.cli.key", "SM2 密钥和普通签名 / SM2 keys and plain signatures"),
    "deposit": ("tiezheng.cli.deposit", "存证：文件、文件夹、作品表 / deposit files, folders, tables of works"),
    "case": ("tiezheng.cli.case", "公证事项：开立、推进、查看 / matters: open, step, show"),
    "collect": ("tiezheng.cli.collect", "会签：待签、签署 / collections: what waits, sign"),
    "submit": ("tiezheng.cli.submit", "按 JSON 提交任一步骤 / submit any step from JSON"),
    "bundle": ("tiezheng.cli.bundle", "取得证据包 / fetch a bundle"),
    "refusals": ("tiezheng.cli.refusals", "被链拒绝的声明及原因 / what the chain refused, and why"),
    "breach": ("tiezheng.cli.breach", "离线核验违约证明 / check a proof of a broken receipt, offline"),
    "fork": ("tiezheng.cli.fork", "离线核验分叉证明 / check a proof of a fork, offline"),
    "lookup": ("tiezheng.cli.lookup", "按文件查存证 / look a file up"),
}

# Their exit code 1 is a verdict, so what kept them from one has another.
WITH_VERDICT: Final = frozenset({"verify", "breach", "fork"})


def main(arguments: Sequence[str]) -> int:
    """Run one command line (without the program's name); the exit code."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):  # a stream that a caller put in its place
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    set_language(language_of_environment())
    rest, language = _without_language(arguments)
    name = next((word for word in rest if not word.startswith("-")), None)
    try:
        if language is not None:
            set_language(Language(language))
        _run(rest, name)
    except ValueError:
        say("--lang 只接受 zh、en、both。", "--lang takes zh, en or both.", "red", error=True)
        return USAGE
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _run(arguments: list[str], name: str | None) -> None:
    try:
        _application(name)(args=arguments, prog_name="tiezheng")
    except TiezhengError as error:
        show_error(error)
        raise SystemExit(USAGE if name in WITH_VERDICT or error.code.startswith("config.") else FAILED) from error
    except BrokenPipeError:
        # Whoever reads the output stopped; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(FAILED) from None
    except KeyboardInterrupt:
        say("已中断。", "Interrupted.", "yellow", error=True)
        raise SystemExit(130) from None
    except Exception:  # noqa: BLE001  a defect must not look like a verdict, whose exit code is 1
        traceback.print_exc()
        raise SystemExit(DEFECT) from None


def _without_language(arguments: Sequence[str]) -> tuple[list[str], str | None]:
    """`--lang X` may stand anywhere, also after the command."""
    rest, language = list(arguments), None
    end = rest.index("--") if "--" in rest else len(rest)
    for at, word in enumerate(rest[:end]):
        if word.startswith("--lang="):
            language = word.partition("=")[2]
            del rest[at]
            break
        if word == "--lang":
            language = rest[at + 1] if at + 1 < end else ""
            del rest[at : at + 2]
            break
    return rest, language


def _application(name: str | None) -> typer.Typer:
    app = typer.Typer(help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
    app.callback()(_options)
    for command, (module, text) in COMMANDS.items():
        if command == name:
            import_module(module).register(app)
        else:
            app.command(command, help=text)(_placeholder)
    server_rooms.register(app)
    return app


def _options(
    lang: str = typer.Option("", "--lang", metavar="zh|en|both", help="语言，默认依系统语言 / language of messages"),
) -> None:
    """Options of all commands; `--lang` was taken out before."""


def _placeholder() -> None:
    """Stands for a command that was not asked for."""


def run() -> None:
    """The console script."""
    sys.exit(main(sys.argv[1:]))


if __name__ == "__main__":
    run()
