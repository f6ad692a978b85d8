"""Edits of a bundle's text, as the vectors in spec/vectors/bundle/bad list them."""

import json
from typing import Any


def apply(text: str, edits: list[list[Any]]) -> str:
    """The text after all edits: `set` and `delete` at a way through the JSON, `text` a first replacement in the text.

    A trailing `$` of what is replaced stands for the end of the text.
    """
    for kind, way, *rest in edits:
        if kind == "text":
            text = text[: -len(way) + 1] + rest[0] if way.endswith("$") else text.replace(way, rest[0], 1)
            continue
        value = json.loads(text)
        *path, last = way
        inner = value
        for name in path:
            inner = inner[name]
        if kind == "set":
            inner[last] = rest[0]
        else:
            del inner[last]
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text


def at(text: str, way: list[Any]) -> str:
    """The hex text at the end of a way, its last digit changed."""
    value = json.loads(text)
    for name in way:
        value = value[name]
    return str(value[:-1]) + ("0" if value[-1] != "0" else "1")
