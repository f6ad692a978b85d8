"""A case and its state as JSON text, in which every statement keeps the state that it led to.

Guaranteed: `load_case(dump_case(row)) == row`, and the same for states; it holds public values alone. Not guaranteed: a
format for others.
"""

import json
from dataclasses import fields
from typing import Any, Final

from ledger.domain.records import CaseRow
from tiezheng.procedures import CaseState

_NAMES: Final = tuple(field.name for field in fields(CaseState))


def dump_case(row: CaseRow) -> str:
    """The row with its state."""
    return _text({"case": row.case.hex(), "kind": row.kind, "state": _plain(row.after), "updated": row.updated})


def load_case(stored: str) -> CaseRow:
    """The inverse of `dump_case`."""
    whole = json.loads(stored)
    return CaseRow(bytes.fromhex(whole["case"]), _state(whole["state"]), whole["kind"], whole["updated"])


def dump_state(state: CaseState) -> str:
    """The state alone."""
    return _text(_plain(state))


def load_state(stored: str) -> CaseState:
    """The inverse of `dump_state`."""
    return _state(json.loads(stored))


def _plain(state: CaseState) -> dict[str, Any]:
    members = {name: getattr(state, name) for name in _NAMES}
    return members | {"head": state.head.hex(), "table": state.table.hex()}


def _state(members: dict[str, Any]) -> CaseState:
    digests = {name: bytes.fromhex(members[name]) for name in ("head", "table")}
    numbers = {name: tuple(members[name]) for name in ("participants", "handlers")}
    return CaseState(**{**members, **digests, **numbers})


def _text(members: dict[str, Any]) -> str:
    return json.dumps(members, separators=(",", ":"))
