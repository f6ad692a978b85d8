"""Evidence files whose rows were lost, found again in the object store by what contents say of them.

Guaranteed: a row is written only for an object that decrypts under the case's key and whose size and both digests are
those of an attachment of that case. Not guaranteed: objects of cases whose key was lost with the database; nobody can
read them any more, and they are named.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final

from ledger.domain.records import FileRow
from ledger.ports import ObjectStore, Store, Vault
from ledger.services.check_group import CONTENT_LABEL
from tiezheng.content import Attachment, parse_private_json
from tiezheng.digest import new_sm3
from tiezheng.errors import TiezhengError

PAGE: Final = 200


@dataclass(slots=True)
class Found:
    """How many rows were written, (case, SM3) of attachments that are nowhere, objects that no row names."""

    restored: int = 0
    missing: list[tuple[bytes, bytes]] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def find_lost_files(store: Store, vault: Vault, objects: ObjectStore, now: int) -> Found:
    """Look for the attachments that have no row among the objects that no row names."""
    with store.read() as tables:
        rows = list(tables.files.all())
    held = {(row.case, row.sm3) for row in rows}
    unknown = set(objects.names()) - {row.object_name for row in rows}
    found = Found()
    for (case, sm3), attachment in _wanted(store, vault).items():
        if (case, sm3) in held:
            continue
        name = next((one for one in sorted(unknown) if _is(objects, case, one, attachment)), None)
        if name is None:
            found.missing.append((case, sm3))
            continue
        unknown.discard(name)
        digests = attachment.digests
        row = FileRow(case, sm3, digests.sha256, digests.size, attachment.media_type, name, now)
        with store.write() as tables:
            tables.files.add(row)
        found.restored += 1
    found.unknown = sorted(unknown)
    return found


def _wanted(store: Store, vault: Vault) -> dict[tuple[bytes, bytes], Attachment]:
    """Attachments that contents name and nobody said to keep elsewhere, by case and SM3."""
    wanted: dict[tuple[bytes, bytes], Attachment] = {}
    after = 0
    while True:
        with store.read() as tables:
            page = tables.statements.all(after, PAGE)
            sealed = [
                (row, tables.statements.content(row.digest), tables.statements.not_held(row.digest)) for row in page
            ]
        for row, data, not_held in sealed:
            if data is None:
                continue
            try:
                content = parse_private_json(vault.open(row.case, CONTENT_LABEL + row.digest, data))
            except TiezhengError:
                continue  # erased, or damaged: the audit says which
            for attachment in content.attachments:
                if attachment.digests.sm3 not in not_held:
                    wanted[row.case, attachment.digests.sm3] = attachment
        if len(page) < PAGE:
            return wanted
        after = page[-1].position


def _is(objects: ObjectStore, case: bytes, name: str, attachment: Attachment) -> bool:
    first, second, size = new_sm3(), hashlib.sha256(), 0
    try:
        for piece in objects.read(case, name):
            first.update(piece)
            second.update(piece)
            size += len(piece)
    except TiezhengError:
        return False
    digests = attachment.digests
    return (size, first.digest(), second.digest()) == (digests.size, digests.sm3, digests.sha256)
