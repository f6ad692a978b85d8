"""What the worker and the witnesses do, over the database of a running service."""

from tests.integration.ledger.house import House
from tests.support.served import Served
from tests.support.world import COURT, REGULATOR, Filed


def house_of(service: Served) -> House:
    """The worker's view of the service's own store."""
    house = object.__new__(House)
    house.folder, house.world, house.clock = service.home.root, service.world, service.clock  # type: ignore[assignment]
    house.store, house.trust = service.rooms.sql, service.rooms.trust
    return house


def anchor(service: Served, *filed: Filed) -> bytes:
    """The statements stand in a block, and proofs are kept; the header, which nobody has signed yet."""
    house = house_of(service)
    house.anchor(*filed)
    return house.prove()


def make_final(service: Served, *filed: Filed) -> None:
    """And two witnesses signed."""
    house = house_of(service)
    house.cosign(anchor(service, *filed), (REGULATOR, COURT))


def deposit_cards(service: Served) -> None:
    """Every signer's identity card, each by its institution."""
    for (number, _), member in service.world.members.items():
        with service.client(member.institution) as client:
            client.put_card(number, member.card)
