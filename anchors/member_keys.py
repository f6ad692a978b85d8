"""A member's keys as the chain has them, read from a node alone.

Guaranteed: each key's period and the reason of its end follow from the events, in the chain's order. Not guaranteed:
that the node gave all events; the audit checks what they say.
"""

from dataclasses import replace

from anchors.chains.port import Chain
from anchors.contracts import INSTITUTIONS, artifact, decode_event
from anchors.deployment import Deployment
from anchors.members import KeyEnd, KeyMark, member_changes
from ledger.domain.records import KeyRow


def read_keys(chain: Chain, deployment: Deployment, number: int) -> list[KeyRow]:
    """Ascending by index; empty for an unknown number. Raises Unavailable as the chain does."""
    contract, address = artifact(INSTITUTIONS), deployment.institutions.address
    logs = chain.logs([address], deployment.institutions.block, chain.head().number)
    events = [decode_event(contract, log) for log in logs]
    keys: dict[int, KeyRow] = {}
    for change in member_changes(events, lambda _number: None, lambda _number: None):
        if isinstance(change, KeyRow):
            if change.number == number:
                keys[change.key_index] = change
        elif isinstance(change, KeyEnd) and change.number == number:
            ended = keys[change.key_index]
            keys[change.key_index] = replace(ended, valid_until=change.until, ended_by=change.ended_by)
        elif isinstance(change, KeyMark) and change.number == number:
            keys[change.key_index] = replace(keys[change.key_index], compromised_since=change.since)
    return [keys[index] for index in sorted(keys)]
