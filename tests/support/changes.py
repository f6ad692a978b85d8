"""Changes of a vector's input: each spoils one place of a copy."""

import copy
import json
from collections.abc import Callable
from typing import Any

from tiezheng.canonical import dumps

Change = Callable[[dict[str, Any]], None]


def changed(given: dict[str, Any], change: Change) -> dict[str, Any]:
    copied = copy.deepcopy(given)
    change(copied)
    return copied


def edit(name: str, at: int, data: str) -> Change:
    """Overwrite bytes of a hex member; `at` and `data` in bytes and hex."""

    def change(given: dict[str, Any]) -> None:
        given[name] = given[name][: 2 * at] + data + given[name][2 * at + len(data) :]

    return change


def put(*where: Any) -> Change:
    """Set the member at a path: put("a", 0, "b", value)."""

    def change(given: dict[str, Any]) -> None:
        target: Any = given
        for step in where[:-2]:
            target = target[step]
        target[where[-2]] = where[-1]

    return change


def drop(*where: Any) -> Change:
    def change(given: dict[str, Any]) -> None:
        target: Any = given
        for step in where[:-1]:
            target = target[step]
        del target[where[-1]]

    return change


def inside(name: str, change: Change) -> Change:
    """Change a member that holds canonical JSON as text."""

    def outer(given: dict[str, Any]) -> None:
        value = json.loads(given[name])
        change(value)
        given[name] = dumps(value).decode()

    return outer
