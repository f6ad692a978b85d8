"""Contents from the owner's side: leaves, root and a disclosure, to compare with the vectors' (§4)."""

import json
from typing import Any

from tests.plain import content, merkle


def build_content(given: Any) -> Any:
    """Leaves, root and one disclosure of a whole content: what its owner computes, here to compare the leaves."""
    private = json.loads(given["private"])
    leaves = [content.field_leaf(bytes.fromhex(one["salt"]), one["name"], one["value"]) for one in private["fields"]]
    leaves += [content.attachment_leaf(bytes.fromhex(one["salt"]), one["name"], one) for one in private["attachments"]]
    shown = [one["name"] in given["fields"] for one in private["fields"]]
    shown += [place in given["attachments"] for place in range(len(private["attachments"]))]
    parts: list[Any] = [*private["fields"], *private["attachments"]]
    records = private["records"] or {"rows": [], "names": [], "schema": 0}
    for place, row in enumerate(records["rows"]):
        salts = [row["salts"][at : at + 32] for at in range(0, len(row["salts"]), 32)]
        fields = [
            {"name": name, "salt": salt, "value": value}
            for name, salt, value in zip(records["names"], salts, row["values"], strict=True)
        ]
        inner = [content.field_leaf(bytes.fromhex(one["salt"]), one["name"], one["value"]) for one in fields]
        record, root = disclose(
            2, records["schema"], inner, fields, [one["name"] in given["record_fields"] for one in fields]
        )
        leaves.append(content.record_leaf(place, root))
        shown.append(place in (given["records"] or []))
        parts.append({"record": record})
    shown[content.RECORDS_INDEX] |= bool(given["records"])
    disclosed, root = disclose(private["type"], private["schema"], leaves, parts, shown)
    return {"disclosed": disclosed, "leaves": [leaf.hex() for leaf in leaves], "root": root.hex()}


def disclose(kind: int, schema_id: int, leaves: list[bytes], parts: list[Any], shown: list[bool]) -> tuple[Any, bytes]:
    """The disclosure of the parts that are shown, with paths from the leaves, and the content root."""
    listed = [
        {"index": place, "path": [node.hex() for node in path_to(leaves, place)]} | parts[place]
        for place in range(len(leaves))
        if shown[place]
    ]
    root = content.root_over(kind, schema_id, len(leaves), merkle.root(leaves))
    return {"count": len(leaves), "leaves": listed, "schema": schema_id, "type": kind}, root


def path_to(leaves: list[bytes], index: int) -> list[bytes]:
    if len(leaves) == 1:
        return []
    left = 1 << (len(leaves) - 1).bit_length() - 1
    if index < left:
        return [*path_to(leaves[:left], index), merkle.root(leaves[left:])]
    return [*path_to(leaves[left:], index - left), merkle.root(leaves[:left])]
