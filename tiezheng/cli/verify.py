"""`tiezheng verify`: bundles and files against a trust file, without network, account or configuration."""

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from tiezheng.cli.files import read_small
from tiezheng.cli.output import AsJson, emit, progress, say
from tiezheng.cli.times import now_ms, parse_time
from tiezheng.cli.verify_inputs import known_digests, read_inputs
from tiezheng.cli.verify_report import show_line, show_report
from tiezheng.errors import TiezhengError
from tiezheng.trust import MAX_TRUST_SIZE, Trust, parse_trust
from tiezheng.verify import LabelledFile, Result, Verdict, Verifier

EXIT_CODES: Final = {Result.VALID: 0, Result.INVALID: 1, Result.INCONCLUSIVE: 3}
_WORST_FIRST: Final = (Result.INVALID, Result.INCONCLUSIVE, Result.VALID)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("verify")(verify_command)


def verify_command(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE…", help="证据包和证据文件，数量不限 / bundles and files, any number")
    ],
    trust: Annotated[Path, typer.Option("--trust", metavar="FILE", help="信任根文件 / trust file")],
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="核验时间，默认现在 / time of verification, default now")
    ] = None,
    brief: Annotated[bool, typer.Option("--brief", help="每个证据包一行 / one line a bundle")] = False,
    _json: AsJson = False,
) -> None:
    """离线核验：0 有效，1 无效，3 无法判定，2 用法错误 / verify offline: 0 VALID, 1 INVALID, 3 INCONCLUSIVE, 2 usage"""
    relied_on = _read_trust(trust)
    at_ms = now_ms() if at is None else parse_time(at)
    inputs = read_inputs(files)
    verifier = Verifier(relied_on)
    known = [known_digests(data) for _, data in inputs.bundles]
    strangers = [file for file in inputs.files if not any(file.digests.sm3 in digests for digests in known)]
    verdicts: list[tuple[Path, Verdict]] = []
    with progress() as bar:
        for at_bundle, (path, data) in enumerate(bar.track(inputs.bundles, description="…")):
            mine = [file for file in inputs.files if file.digests.sm3 in known[at_bundle]]
            # With one bundle every file is meant for it; with several a stranger spoils none, and is named at the end.
            mine += strangers if len(inputs.bundles) == 1 else []
            verdicts.append((path, verifier.verify(data, at_ms, mine)))
    lost = strangers if len(inputs.bundles) > 1 else []
    result = _worst(verdicts, lost)
    for path, verdict in verdicts:
        (show_line if brief else show_report)(path, verdict)
    _show_strangers(lost)
    emit(_answer(result, verdicts, lost))
    raise typer.Exit(EXIT_CODES[result])


def _read_trust(path: Path) -> Trust:
    """Raises `file.*`, `json.*`, `trust.*`, each with the file's name."""
    data = read_small(path, MAX_TRUST_SIZE)
    try:
        return parse_trust(data)
    except TiezhengError:
        say(f"信任根文件 {path} 无法使用：", f"The trust file {path} cannot be used:", "red", error=True)
        raise


def _worst(verdicts: list[tuple[Path, Verdict]], strangers: list[LabelledFile]) -> Result:
    results = {verdict.result for _, verdict in verdicts} | ({Result.INVALID} if strangers else set())
    return next(result for result in _WORST_FIRST if result in results)


def _show_strangers(strangers: list[LabelledFile]) -> None:
    for file in strangers:
        say(
            f"不通过：文件 {file.label} 与任何证据包都对不上。",
            f"FAILED: the file {file.label} matches none of the bundles.",
            "bold red",
        )


def _answer(result: Result, verdicts: list[tuple[Path, Verdict]], strangers: list[LabelledFile]) -> dict[str, Any]:
    return {
        "result": result.value,
        "verdicts": [{"bundle": str(path), "verdict": verdict.to_json()} for path, verdict in verdicts],
        "unmatched_files": [{"file": file.label, "sm3": file.digests.sm3.hex()} for file in strangers],
    }
