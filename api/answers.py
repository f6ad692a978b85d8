"""JSON answers.

Guaranteed: kernel files (receipts, refusals, bundles) leave byte for byte as stored. Not guaranteed: canonical form of
anything else.
"""

import json
from collections.abc import Mapping
from typing import Any

from fastapi.responses import Response

JSON = "application/json"


def json_answer(value: Mapping[str, Any], status: int = 200) -> Response:
    """An object as JSON."""
    return Response(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(), status, media_type=JSON)


def file_answer(data: bytes) -> Response:
    """A kernel file as it is."""
    return Response(data, media_type=JSON)


def with_file(value: Mapping[str, Any], name: str, data: bytes | None, status: int = 200) -> Response:
    """An object with one more member, whose JSON is there already and is not written anew; none for None."""
    head = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    if data is None:
        return Response(head, status, media_type=JSON)
    comma = b"," if value else b""
    return Response(head[:-1] + comma + json.dumps(name).encode() + b":" + data + b"}", status, media_type=JSON)
