"""The trust file of a deployment: what its operator publishes, and others receive out of band and decide to rely on.

Guaranteed: it names the contracts with the code that the chain had when they were created. Not guaranteed: that it
deserves trust; the file is unsigned, and how it was received decides.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from anchors.deployment import Deployment
from tiezheng.procedures import Procedure, load_procedures
from tiezheng.trust import (
    BATCH,
    INSTITUTIONS,
    REGISTRY,
    WITNESS,
    FinalityRule,
    Name,
    Trust,
    Witness,
    trusted_contract,
)

FIRST_ISSUE: Final = 1


def make_trust(
    deployment: Deployment,
    *,
    name: Name,
    founders_threshold: int,
    witnesses: Sequence[Witness],
    witness_threshold: int,
    issued_at: datetime,
    valid_until: datetime,
    issue: int = FIRST_ISSUE,
    procedures: Sequence[Procedure] | None = None,
) -> Trust:
    """The trust file for this deployment; procedures default to those of this version in the registry's domain.

    Times are aware UTC, whole seconds. Raises Malformed `trust.*`.
    """
    ledger = deployment.ledger
    placed = [
        trusted_contract(ledger, role, contract.address, contract.code_hash, domain, contract.block)
        for role, contract, domain in (
            (INSTITUTIONS, deployment.institutions, None),
            (REGISTRY, deployment.registry, deployment.domain),
            (BATCH, deployment.batch, None),
        )
    ]
    if procedures is None:
        procedures = [one for one in load_procedures() if one.domain == deployment.domain]
    return Trust(
        issue=issue,
        issued_at=issued_at,
        valid_until=valid_until,
        name=name,
        ledger=ledger,
        founders_threshold=founders_threshold,
        contracts=tuple(sorted(placed, key=lambda one: one.address)),
        procedures=tuple(procedures),
        finality=FinalityRule(WITNESS, witness_threshold, tuple(sorted(witnesses, key=lambda one: one.number))),
    )
