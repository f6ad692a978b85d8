"""What `tiezheng breach check` and `tiezheng fork check` share: reading, the three results, exit codes.

Guaranteed: VALID only where the kernel found nothing missing; what is missing is named with what to do. Not guaranteed:
the wording.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer

from tiezheng.cli.files import read_small
from tiezheng.cli.output import emit, say, show_error
from tiezheng.error_catalogue import CATALOGUE
from tiezheng.errors import Malformed, TiezhengError
from tiezheng.trust import MAX_TRUST_SIZE, Trust, parse_trust
from tiezheng.verify import Result

ProofFile = Annotated[Path, typer.Argument(metavar="FILE", help="证明文件 / proof file")]
TrustFile = Annotated[Path, typer.Option("--trust", metavar="FILE", help="信任根文件 / trust file")]
AtTime = Annotated[
    str | None, typer.Option("--at", metavar="TIME", help="核验时间，默认现在 / time of verification, default now")
]
_EXIT: Final = {Result.VALID: 0, Result.INVALID: 1, Result.INCONCLUSIVE: 3}


def read_proof(path: Path, limit: int) -> bytes:
    """The file without a line's end after it. Raises `file.*`."""
    return read_small(path, limit + 1).removesuffix(b"\n")


def read_trust(path: Path) -> Trust:
    """Raises `file.*`, `trust.*`, `json.*`."""
    return parse_trust(read_small(path, MAX_TRUST_SIZE + 1).removesuffix(b"\n"))


def end_invalid(error: TiezhengError) -> NoReturn:
    """The proof does not hold: say why, exit code 1. What is no proof at all goes on as an error of use."""
    if isinstance(error, Malformed) and error.code.endswith(".format"):
        raise error
    say("结论：证明不成立。", "Result: the proof does not hold.", "bold red")
    emit({"error": error.to_problem(), "result": Result.INVALID.value})
    show_error(error, beside_answer=True)
    raise typer.Exit(_EXIT[Result.INVALID])


def end_with(gaps: Sequence[tuple[str, str | None]], answer: Mapping[str, Any]) -> NoReturn:
    """Say what is missing, print the JSON answer, and end with the exit code."""
    result = Result.INCONCLUSIVE if gaps else Result.VALID
    missing = []
    for code, detail in gaps:
        zh, en = CATALOGUE[code]
        missing.append({"code": code, "detail": detail, "en": en, "zh": zh})
        note = "" if detail is None else f" ({detail})"
        say(f"尚缺 {code}{note}：{zh}", f"Missing {code}{note}: {en}", "yellow", indent=2)
    if gaps:
        say(
            "结论：证明自身成立，但尚不能定论。",
            "Result: INCONCLUSIVE. It holds, and something is missing.",
            "yellow",
        )
    else:
        say("结论：证明成立。", "Result: VALID. The proof holds.", "bold green")
    emit({**answer, "missing": missing, "result": result.value})
    raise typer.Exit(_EXIT[result])
