"""Ways to tamper with a good bundle: its JSON, the world behind it, or the trust file."""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from tests.support.words import word
from tests.support.world import (
    APPROVER,
    BATCH,
    COURT,
    INSTITUTIONS,
    NOTARY,
    OFFICE,
    OPERATOR,
    PROCURATORATE,
    REGISTRY,
    REGULATOR,
    Filed,
    World,
    key_positions,
    procedure_of,
)
from tests.unit.tiezheng.evm.trie_builder import keccak_of
from tiezheng.bundle import Bundle, Cosignature
from tiezheng.canonical import dumps
from tiezheng.digest import sm3
from tiezheng.signature import Signature, private_key, sign, z_value
from tiezheng.statement import SignedStatement, message_for
from tiezheng.trust import Trust, trusted_contract
from tiezheng.verify import Result

Json = dict[str, Any]
Case = tuple[bytes, Trust]
INVALID, INCONCLUSIVE, VALID = Result.INVALID, Result.INCONCLUSIVE, Result.VALID


@cache
def good(case: str) -> tuple[World, list[Filed], bytes]:
    """One world a kind of case, made once; attacks on its chain make their own."""
    world = World()
    made = getattr(world, case)()
    filed = made if isinstance(made, list) else [made]
    return world, filed, world.bundle(filed).to_bytes()


def edited(case: str, edit: Callable[[Json], object]) -> Callable[[], Case]:
    """The good bundle of this case with its JSON edited."""

    def attack() -> Case:
        world, _, data = good(case)
        value = json.loads(data)
        edit(value)
        return dumps(value), world.trust()

    return attack


def raw(change: Callable[[bytes], bytes]) -> Callable[[], Case]:
    return lambda: (change(good("deposit")[2]), good("deposit")[0].trust())


def trusting(case: str, change: Callable[[World, Trust], Trust]) -> Callable[[], Case]:
    """The good bundle under another trust file."""
    return lambda: (good(case)[2], change(good(case)[0], good(case)[0].trust()))


def staged(stage: Callable[[World], Bundle]) -> Callable[[], Case]:
    """A world of its own, tampered with before the bundle is made."""

    def attack() -> Case:
        world = World()
        return stage(world).to_bytes(), world.trust()

    return attack


def flip(value: Json, *way: Any, at: int = -1) -> None:
    """Change one hex digit at the end of the way."""
    *path, last = way
    for name in path:
        value = value[name]
    text = list(value[last])
    text[at] = "0" if text[at] != "0" else "1"
    value[last] = "".join(text)


def leaf(value: Json, name: str, statement: int = 0) -> Json:
    return next(x for x in value["statements"][statement]["content"]["leaves"] if x.get("name") == name)


def account(value: Json, address: bytes) -> Json:
    return next(x for x in value["chain"]["accounts"] if x["address"] == address.hex())


def drop_slot(value: Json, address: bytes, position: bytes) -> None:
    slots = account(value, address)["slots"]
    slots[:] = [slot for slot in slots if slot["position"] != position.hex()]


def key_slot(world: World, number: int, which: int) -> bytes:
    return key_positions(z_value(world.members[number, 0].key.public), 0)[which]


def broken_link(world: World) -> Bundle:
    procedure = procedure_of(1)
    first = world.deposit()
    values = {"title": "二", "change": "改", "given_by": "party"}
    second = world.file(procedure.by_step[2], procedure, values, [(OFFICE, 0)], first, previous=sm3(b"other"))
    world.record(second)
    return world.bundle([first, second])


def with_table_slot(world: World) -> Bundle:
    filed = world.deposit()
    filed.table = sm3(b"another table")
    world.record(filed)
    return world.bundle([filed])


def unknown_kind(world: World) -> Bundle:
    return world.bundle([world.deposit(kind=0x1163)])


def with_counterparty(world: World) -> Bundle:
    procedure = procedure_of(3)
    values = {"matter_type": "声明", "applicant": "甲"}
    filed = world.file(procedure.by_step[1], procedure, values, [(OFFICE, 0)], counterparty=COURT)
    world.record(filed)
    return world.bundle([filed])


def later_table(world: World) -> Bundle:
    """A step without its opening, pinned by the chain to a table that the trust file does not list."""
    filed = world.matter()[-1]
    filed.table = sm3(b"another table")
    world.record(filed)
    return world.bundle([filed])


def plan_of_another(world: World) -> Bundle:
    filed = world.deposit()
    procedure = procedure_of(1)
    values = {"title": "作品", "given_by": "party", "signers": [[OFFICE, 0]]}
    other = world.file(procedure.by_step[1], procedure, values, [(OFFICE, 0), (COURT, 0)])
    statement = replace(filed.statement, content=other.content.root)
    forged = Filed(world.sign(statement, [(OFFICE, 0)]), other.content, filed.table)
    world.record(forged)
    return world.bundle([forged])


def resigned(change: Callable[[World, Filed], SignedStatement], case: str = "deposit") -> Callable[[World], Bundle]:
    """A recorded statement whose signatures are made anew."""

    def stage(world: World) -> Bundle:
        made = getattr(world, case)()
        filed = made[-1] if isinstance(made, list) else made
        return world.bundle([replace(filed, signed=change(world, filed))])

    return stage


def dropped(world: World, filed: Filed) -> SignedStatement:
    return SignedStatement(filed.statement, filed.signed.signatures[:1])


def re_roled(world: World, filed: Filed) -> SignedStatement:
    first, second = filed.signed.signatures
    return SignedStatement(filed.statement, (first, replace(second, role=0x42)))


def for_batches(world: World, filed: Filed) -> SignedStatement:
    return world.sign(filed.statement, [(OFFICE, 0)], BATCH)


def by_another_key(world: World, filed: Filed) -> SignedStatement:
    message = message_for(filed.statement, world.contract(REGISTRY), OFFICE, 0, 1)
    return SignedStatement(filed.statement, (Signature(OFFICE, 0, 0, sign(private_key(77), message)),))


def by_the_court(world: World, filed: Filed) -> SignedStatement:
    return world.sign(filed.statement, [(COURT, 0)])


def with_one_more(world: World, filed: Filed) -> SignedStatement:
    return world.sign(filed.statement, [(OFFICE, 0), (NOTARY, 0x41)])


def by_a_person_as_seal(world: World, filed: Filed) -> SignedStatement:
    return world.sign(filed.statement, [(NOTARY, 0)])


def forged_header(witnesses: bool) -> Callable[[World], Bundle]:
    """The attacker's own chain: perfect proofs of a statement that was never recorded."""

    def stage(world: World) -> Bundle:
        honest = world.cosign(world.header())
        bundle = world.bundle([world.deposit()])
        return replace(bundle, witnesses=honest if witnesses else ())

    return stage


def changed_member(number: int, case: str = "deposit", **changes: object) -> Callable[[World], Bundle]:
    """A key record other than at the time of signing."""

    def stage(world: World) -> Bundle:
        made = getattr(world, case)()
        world.change(number, **changes)
        return world.bundle(made if isinstance(made, list) else [made])

    return stage


def unregistered(world: World) -> Bundle:
    filed = world.deposit()
    world.storage[INSTITUTIONS][key_slot(world, OFFICE, 0)] = bytes(32)
    return world.bundle([filed])


def key_of_another(world: World) -> Bundle:
    """The notary's number over the approver's registered key."""
    approver = world.members[APPROVER, 0]
    world.members[NOTARY, 0] = replace(world.members[NOTARY, 0], key=approver.key)
    filed = world.matter()[3]
    return world.bundle([filed])


def recorded(**words: int) -> Callable[[World], Bundle]:
    def stage(world: World) -> Bundle:
        filed = world.deposit()
        world.record(filed, **words)
        return world.bundle([filed])

    return stage


def never_recorded(world: World) -> Bundle:
    filed = world.deposit()
    world.storage[REGISTRY][keccak_of(filed.statement.digest + word(0))] = bytes(32)
    return world.bundle([filed])


def bulk(change: Callable[[World, Filed], Filed]) -> Callable[[World], Bundle]:
    return lambda world: world.bundle([change(world, world.bulk())])


def with_batch(**changes: object) -> Callable[[World, Filed], Filed]:
    def change(world: World, filed: Filed) -> Filed:
        assert filed.batch is not None
        return replace(filed, batch=replace(filed.batch, **changes))  # type: ignore[arg-type]

    return change


def other_count(world: World, filed: Filed) -> Filed:
    assert filed.batch is not None
    header = replace(filed.batch.header, count=9)
    world.record_batch(header)
    return replace(filed, batch=replace(filed.batch, header=header, signature=world.seal(header)))


def sealed_by_the_office(world: World, filed: Filed) -> Filed:
    assert filed.batch is not None
    header = replace(filed.batch.header, operator=OFFICE)
    world.record_batch(header)
    return replace(filed, batch=replace(filed.batch, header=header, signature=world.seal(header, OFFICE)))


def sealed_for_another(world: World, filed: Filed) -> Filed:
    assert filed.batch is not None
    return replace(filed, batch=replace(filed.batch, signature=world.seal(filed.batch.header, COURT)))


def bad_seal(world: World, filed: Filed) -> Filed:
    assert filed.batch is not None
    header = replace(filed.batch.header, count=7)
    return replace(filed, batch=replace(filed.batch, signature=world.seal(header)))


def cosigned(change: Callable[[World, Bundle], object]) -> Callable[[World], Bundle]:
    def stage(world: World) -> Bundle:
        bundle = world.bundle([world.deposit()])
        return replace(bundle, witnesses=change(world, bundle))

    return stage


def other_block(world: World, bundle: Bundle) -> object:
    return world.cosign(world.header(extra=b"another"))


def spare_bad(world: World, bundle: Bundle) -> object:
    return (*bundle.witnesses, world.cosign(b"another", [PROCURATORATE])[0])


def of_another_ledger(world: World, bundle: Bundle) -> object:
    assert bundle.chain is not None
    return World(chain_id=world.chain_id + 1).cosign(bundle.chain.header)


def unpinned(world: World, bundle: Bundle) -> tuple[Cosignature, ...]:
    assert bundle.chain is not None
    return world.cosign(bundle.chain.header, [REGULATOR, COURT, 999])


def unpinned_in_a_role(world: World, bundle: Bundle) -> object:
    kept, (last,) = bundle.witnesses[:1], unpinned(world, bundle)[-1:]
    return (*kept, replace(last, signature=replace(last.signature, role=0x41)))


def without_the_operator(value: Json) -> None:
    """The operator's key and its two slots are left out; the batch's record is still proven."""
    world = good("bulk")[0]
    value["signers"] = [one for one in value["signers"] if one["number"] != OPERATOR]
    for position in key_positions(z_value(world.members[OPERATOR, 0].key.public), 0):
        drop_slot(value, INSTITUTIONS, position)


def one_witness(world: World, bundle: Bundle) -> object:
    return bundle.witnesses[:1]


def contracts(world: World, trust: Trust, address: bytes, **changes: Any) -> Trust:
    return replace(
        trust, contracts=tuple(replace(c, **changes) if c.address == address else c for c in trust.contracts)
    )


def unlisted(world: World, trust: Trust) -> Trust:
    """The registry is another contract."""
    others = [contract for contract in trust.contracts if contract.address != REGISTRY]
    other = trusted_contract(world.ledger, "registry", b"\x44" * 20, world.code[REGISTRY], domain=1)
    return replace(trust, contracts=tuple(sorted([*others, other], key=lambda contract: contract.address)))


def extra_slot(value: Json) -> None:
    """A proven slot that nothing needs."""
    world, filed, _ = good("deposit")
    case = int.from_bytes(keccak_of(filed[0].statement.case + word(1)), "big")
    proofs = world.prove({REGISTRY: [word(case)]})[0].to_json()["slots"]
    slots = account(value, REGISTRY)["slots"]
    slots.extend(proofs)  # type: ignore[arg-type]
    slots.sort(key=lambda slot: slot["position"])


def extra_account(value: Json) -> None:
    world = good("deposit")[0]
    value["chain"]["accounts"].append(world.prove({BATCH: []})[0].to_json())


def no_account(value: Json) -> None:
    value["chain"]["accounts"].pop(0)


def extra_node(value: Json) -> None:
    nodes = account(value, REGISTRY)["slots"][0]["nodes"]
    nodes.append(nodes[-1])


def swapped_cards(value: Json) -> None:
    cards = [signer["card"] for signer in value["signers"]]
    value["signers"][1]["card"], value["signers"][2]["card"] = cards[2], cards[1]


def undisclosed_signers(value: Json) -> None:
    leaves = value["statements"][0]["content"]["leaves"]
    leaves[:] = [one for one in leaves if one.get("name") != "signers"]


def record_of(value: Json, at: int) -> Json:
    return [x for x in value["statements"][0]["content"]["leaves"] if "record" in x][at]


def swapped_records(value: Json) -> None:
    first, second = record_of(value, 0), record_of(value, 1)
    first["record"], second["record"] = second["record"], first["record"]


def moved_leaf(value: Json) -> None:
    leaves = value["statements"][0]["content"]["leaves"]
    leaves[1]["index"], leaves[1]["name"], leaves[2]["index"] = 2, "records", 1
    leaves[1], leaves[2] = leaves[2], leaves[1]
