"""Steps 12 and 13: time, and files held against the evidence (spec/SPEC.md §3, §4, §12).

Guaranteed: a file matches only by all digests that are disclosed for it. Not guaranteed: that the time claimed as
`occurred` is true; only that it is not later than the block allows.
"""

from typing import Final

from tiezheng.digest import FileDigests
from tiezheng.procedures.rules import AHEAD_MS
from tiezheng.procedures.schema import FieldType
from tiezheng.statement import ZERO
from tiezheng.verify.run import LabelledFile, Run
from tiezheng.verify.verdict import Notes

# A disclosed digest field of this name is the SM3 of a file; one named `file_sha256` beside it must agree too.
FILE_SM3: Final = "file_sm3"
FILE_SHA256: Final = "file_sha256"


def check_time(run: Run, notes: Notes) -> None:
    """Step 12: what is claimed to have occurred lies at most 5 minutes after the block."""
    for act in run.acts:
        if act.record is None:
            notes.lack("bundle.pending" if run.state is None else "verify.depends", act.place)
        elif act.statement.occurred > act.record.block_time * 1000 + AHEAD_MS:
            notes.fail("statement.future", act.place)
    header = None if run.state is None else run.state.header
    if header is not None and header.timestamp * 1000 > run.at_ms + AHEAD_MS:
        run.find(
            "time.block_ahead",
            "区块时间晚于核验时间：请检查核验所用电脑的时钟。",
            "The block is later than the time of verification: check the clock of the verifying computer.",
        )


def check_files(run: Run, notes: Notes) -> None:
    """Step 13: each given file equals the subject, a disclosed attachment, or a disclosed digest of a file."""
    known = _Known(run)
    seen: set[str] = set()
    for file in run.files:
        places = known.places(file.digests)
        seen.update(places)
        run.file_rows.append(_row(file, places))
        if not places:
            notes.fail("verify.file_unknown", file.label)
    for place in sorted(known.attachments.keys() - seen):
        run.file_rows.append({"label": None, "matches": [place], "status": "NOT CHECKED"})
    if not run.files:
        notes.lack("verify.no_files" if known.any else "verify.nothing_disclosed")


def _row(file: LabelledFile, places: list[str]) -> dict[str, object]:
    return {
        "label": file.label,
        "matches": list(places),
        "sha256": file.digests.sha256.hex(),
        "size": file.digests.size,
        "sm3": file.digests.sm3.hex(),
        "status": "PASSED" if places else "FAILED",
    }


class _Known:
    """The digests that files can be held against, from contents that proved into their roots."""

    def __init__(self, run: Run) -> None:
        self.subjects: dict[str, bytes] = {}
        self.attachments: dict[str, FileDigests] = {}
        self.fields: dict[str, tuple[bytes, bytes | None]] = {}
        for act in run.acts:
            if act.statement.subject != ZERO:
                self.subjects[f"{act.place}: subject"] = act.statement.subject
            hashes: dict[int | None, dict[str, bytes]] = {}
            for value in act.values:
                if value.attachment is not None:
                    self.attachments[f"{act.place}: {value.place} {value.name}"] = value.attachment.digests
                elif value.spec is not None and value.spec.type is FieldType.DIGEST and isinstance(value.value, str):
                    hashes.setdefault(value.record, {})[value.name] = bytes.fromhex(value.value)
            for record, named in hashes.items():
                if FILE_SM3 in named:
                    where = FILE_SM3 if record is None else f"records[{record}].{FILE_SM3}"
                    self.fields[f"{act.place}: {where}"] = (named[FILE_SM3], named.get(FILE_SHA256))

    @property
    def any(self) -> bool:
        """Whether there is anything to compare with."""
        return bool(self.subjects or self.attachments or self.fields)

    def places(self, digests: FileDigests) -> list[str]:
        """Where these digests stand."""
        found = [place for place, subject in self.subjects.items() if subject == digests.sm3]
        found += [place for place, attached in self.attachments.items() if attached == digests]
        found += [
            place
            for place, (sm3, sha256) in self.fields.items()
            if sm3 == digests.sm3 and sha256 in (None, digests.sha256)
        ]
        return found
