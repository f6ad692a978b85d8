"""A table of works in CSV: one statement whose content is a record set, signed once, by the batch lane."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tiezheng.cli.deposit_file import show_receipt
from tiezheng.cli.drafts import build_draft, find_kind, find_procedure, opening, plan_signers, salt
from tiezheng.cli.files import read_small
from tiezheng.cli.output import emit, say
from tiezheng.cli.session import Session
from tiezheng.cli.times import now_ms
from tiezheng.content import Record, build_records
from tiezheng.errors import Malformed
from tiezheng.procedures import FieldType, JsonValue, Procedure, Schema

MAX_TABLE_BYTES: Final = 256 << 20


def deposit_table(session: Session, path: Path, values: Mapping[str, JsonValue], out: Path | None) -> None:
    """Deposit the rows; each can be proved alone later, by its index from 0."""
    procedure = find_procedure("bulk_deposit")
    kind = find_kind(procedure, "deposit")
    records = read_records(path, procedure)
    institution = session.profile.institution
    plan = plan_signers(kind, institution, ())
    place = opening(procedure, institution)
    draft = build_draft(kind, place, institution, plan, values, now_ms(), records=records)
    told = {**session.hand_in(draft, out), "records": len(records), "table": str(path)}
    say(f"{len(records)} 条记录已作为一份存证受理。", f"{len(records)} records were accepted as one deposit.", "green")
    show_receipt(told)
    emit(told)


def read_records(path: Path, procedure: Procedure) -> tuple[Record, ...]:
    """The rows of a CSV file (UTF-8) whose head names fields of the record schema; an empty cell is null.

    Raises Malformed `content.*` with the row's index, `file.*`.
    """
    try:
        text = read_small(path, MAX_TABLE_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Malformed("file.encoding", got=str(path)) from error
    if not text.strip():
        raise Malformed("file.empty", got=str(path))
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    schema = procedure.record_schemas[0].schema
    unknown = sorted(set(reader.fieldnames or ()) - set(schema.names))
    if unknown or not reader.fieldnames:
        raise Malformed("content.unknown_field", expected=", ".join(schema.names), got=", ".join(unknown)[:200])
    try:
        rows = list(reader)
    except csv.Error as error:
        raise Malformed("file.unreadable", got=str(path), detail=f"CSV: {error}") from error
    return build_records(schema, [_typed(row, schema, at) for at, row in enumerate(rows)], salt)


def _typed(row: Mapping[str | None, str | None], schema: Schema, at: int) -> dict[str, JsonValue]:
    values: dict[str, JsonValue] = {}
    for name, text in row.items():
        if name is None:
            raise Malformed("content.unknown_field", got=f"record {at}", detail="more cells than the head")
        if not text:
            continue
        if schema.spec(name).type is FieldType.INTEGER:
            if not text.isascii() or not text.isdigit():
                raise Malformed("content.field_value", expected="integer", got=f"record {at}", detail=name)
            values[name] = int(text)
        else:
            values[name] = text
    return values
