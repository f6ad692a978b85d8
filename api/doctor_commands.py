"""`tiezheng doctor`: one look at a deployment, for whoever runs it.

Guaranteed: nothing is changed but for one temporary file that is removed; exit code 1 if any check failed, else 0. Not
guaranteed: checks that need a node or a database which is away; they are shown as skipped.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from api import doctor_chain, doctor_files, doctor_ledger
from api.bootstrap import open_node, open_unchanged, read_ledger
from api.doctor import Check, Database, Examination, Outcome, examine, skipped
from api.doctor_words import ADVICE
from api.settings import DEFAULT_HOME, Settings, read_settings
from tiezheng.cli.language import is_json, pick
from tiezheng.cli.output import AsJson, console, emit, say
from tiezheng.errors import TiezhengError

_STYLE: Final = {Outcome.PASSED: "green", Outcome.WARNING: "yellow", Outcome.FAILED: "red", Outcome.SKIPPED: "dim"}
_MARK: Final = {Outcome.PASSED: "✓", Outcome.WARNING: "!", Outcome.FAILED: "✗", Outcome.SKIPPED: "-"}
_LEDGER: Final = ("database.", "operator.", "worker.", "receipts.", "witnesses.")
_NODE: Final = ("node.", "relayer.", "clock.")


def doctor(
    home: Annotated[
        Path | None,
        typer.Option("--home", metavar="DIR", help=f"主目录，默认 {DEFAULT_HOME} / home directory", show_default=False),
    ] = None,
    rpc: Annotated[str | None, typer.Option("--rpc", metavar="URL", help="区块链节点 / the chain's node")] = None,
    service: Annotated[
        str | None, typer.Option("--service", metavar="URL", help="并与服务对时 / compare clocks with the service")
    ] = None,
    backups: Annotated[
        Path | None, typer.Option("--backups", metavar="DIR", help="备份目录 / where backups lie")
    ] = None,
    _json: AsJson = False,
) -> None:
    """检查部署，不作改动；不通过时退出码为 1 / check a deployment, changing nothing; 1 if a check failed"""
    settings = read_settings(home)
    found: list[Check] = []
    for check in _checks(settings, rpc, service, backups):
        found.append(check)
        _show(check)
    counts = {outcome: sum(check.outcome is outcome for check in found) for outcome in Outcome}
    good, bad = counts[Outcome.PASSED], counts[Outcome.FAILED]
    odd, left = counts[Outcome.WARNING], counts[Outcome.SKIPPED]
    say(
        f"通过 {good} 项，警告 {odd} 项，不通过 {bad} 项，未检查 {left} 项。",
        f"{good} passed, {odd} warnings, {bad} failed, {left} skipped.",
        "red" if bad else "green",
    )
    emit({"healthy": not bad, "checks": [check.to_json() for check in found]})
    raise typer.Exit(1 if bad else 0)


def _checks(settings: Settings, rpc: str | None, service: str | None, backups: Path | None) -> Iterator[Check]:
    yield from examine(doctor_files.examinations(settings.home, backups), ADVICE)
    try:
        deployment, _, _ = read_ledger(settings.home)
    except TiezhengError as error:
        yield from examine(_left_out((*_LEDGER, *_NODE), error.code), ADVICE)
        return
    now_ms, store = time.time_ns() // 1_000_000, _open(settings)
    if isinstance(store, str):
        yield from examine(_left_out(_LEDGER, store), ADVICE)
        held: Database | None = None
    else:
        held = store
        yield from examine(doctor_ledger.examinations(settings, held, now_ms), ADVICE)
    try:
        chain = open_node(deployment.rpc if rpc is None else rpc)
        chain.chain_id()
    except TiezhengError as error:
        fault = error

        def away() -> tuple[Outcome, str]:
            raise fault

        yield from examine([("node.chain", away)], ADVICE)
        rest = [one for one in _left_out(_NODE, error.code) if one[0] != "node.chain"]
        yield from examine(rest, ADVICE)
        return
    yield from examine(
        doctor_chain.examinations(settings.home, chain, deployment, held, service, time.time_ns() // 1_000_000), ADVICE
    )


def _open(settings: Settings) -> Database | str:
    """The database, or the code of what keeps it away."""
    try:
        store = open_unchanged(settings.home)
        with store.read() as tables:
            tables.chain.head()
    except TiezhengError as error:
        return error.code
    except Exception as error:  # noqa: BLE001  a file that is no database, tables of another version
        return type(error).__name__
    return store


def _left_out(areas: tuple[str, ...], why: str) -> list[Examination]:
    return [(name, lambda: skipped(why)) for name in ADVICE if name.startswith(areas)]


def _show(check: Check) -> None:
    if is_json():
        return
    line = f"{_MARK[check.outcome]} {pick(*check.title)}" + (f": {check.detail}" if check.detail else "")
    console().print(Text(line, _STYLE[check.outcome]), soft_wrap=True)
    if check.todo is not None and check.outcome is not Outcome.SKIPPED:
        say(*check.todo, indent=4)
