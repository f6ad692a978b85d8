"""A case's state as JSON text, in which every statement keeps the state that it led to.

Guaranteed: `load_case(dump_case(row)) == row`; it holds public values alone. Not guaranteed: a format for others.
"""

import json
from dataclasses import asdict
from typing import Any

from ledger.domain.records import CaseRow
from tiezheng.procedures import CaseState


def dump_case(row: CaseRow) -> str:
    """The row with its state."""
    state: dict[str, Any] = asdict(row.after)
    state |= {name: value.hex() for name, value in state.items() if isinstance(value, bytes)}
    whole = {"case": row.case.hex(), "kind": row.kind, "state": state, "updated": row.updated}
    return json.dumps(whole, separators=(",", ":"))


def load_case(stored: str) -> CaseRow:
    """The inverse of `dump_case`."""
    whole = json.loads(stored)
    state = whole["state"]
    for name in ("head", "table"):
        state[name] = bytes.fromhex(state[name])
    for name in ("participants", "handlers"):
        state[name] = tuple(state[name])
    return CaseRow(bytes.fromhex(whole["case"]), CaseState(**state), whole["kind"], whole["updated"])
