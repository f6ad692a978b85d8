"""Whether a case and the institution that opened it have room for another file.

Guaranteed: within one write transaction, no bound is passed. Not guaranteed: free space on the disk.
"""

from ledger.domain.limits import FILES_PER_CASE_MAX, QUOTA_DEFAULT_BYTES
from ledger.ports import Tables
from tiezheng.errors import Refused
from tiezheng.statement import case_owner


def check_room(tables: Tables, case: bytes, size: int) -> None:
    """Raises Refused `file.too_many`, and `file.quota` with the bytes that are left as `expected`."""
    if tables.files.count(case) >= FILES_PER_CASE_MAX:
        raise Refused("file.too_many", expected=FILES_PER_CASE_MAX)
    left = bytes_left(tables, case_owner(case))
    if size > left:
        raise Refused("file.quota", expected=max(left, 0), got=size)


def bytes_left(tables: Tables, institution: int) -> int:
    """What the institution's cases may still take; below zero if its quota was lowered since."""
    holding = tables.files.holding(institution)
    quota = QUOTA_DEFAULT_BYTES if holding.quota is None else holding.quota
    return quota - holding.held - tables.uploads.reserved(institution)
