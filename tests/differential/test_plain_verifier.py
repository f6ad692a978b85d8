"""The product's verifier and the plain one say the same of every step, whatever is done to a bundle.

Edits of bundles at random places, and bundles of acts that break the procedure, signed and recorded as they are. The
seeds are fixed; a failure names the edits or the act. Not covered: codes and wording of reasons.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.plain.trust import read_trust
from tests.plain.verify import verify as verify_plainly
from tests.support.words import example
from tests.support.world import AT_MS, NOTARY, OFFICE, START, Filed, World, procedure_of
from tiezheng.statement import ZERO, Flag
from tiezheng.trust import parse_trust
from tiezheng.verify import verify

VECTORS = Path(__file__).parents[2] / "spec" / "vectors"
Way = tuple[Any, ...]


def cases(path: str) -> list[Any]:
    return list(json.loads((VECTORS / path).read_text(encoding="utf-8"))["cases"])


TRUST = cases("trust/ok/trust.json")[0]["input"]["trust"].encode()
BUNDLES = [case["input"]["bundle"] for path in ("ok/bundle", "bad/state") for case in cases(f"bundle/{path}.json")]
RELIED_ON, PLAINLY_RELIED_ON = parse_trust(TRUST), read_trust(TRUST)


def compare(data: bytes, what: object) -> str:
    """That both verifiers give the same steps; the verdict."""
    verdict, steps = verify(data, RELIED_ON, AT_MS), verify_plainly(data, PLAINLY_RELIED_ON, AT_MS, [])
    said = {step.id: step.status.value for step in verdict.steps}
    faults = {name: steps.faults[name] + steps.lacks[name] for name in said if said[name] != steps.status(name)}
    assert (verdict.result.value, said) == (steps.verdict, steps.statuses), (what, faults)
    return steps.verdict


# ---- Edits of the text


def ways(value: Any, way: Way = ()) -> Iterator[Way]:
    """Every place in a JSON value."""
    yield way
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield from ways(one, (*way, name))


def edit(value: Any, draw: random.Random) -> str:
    """Change the value at one random place; what was done."""
    places = [way for way in ways(value) if way]
    way = draw.choice([way for way in places if len(way) < 5] if draw.random() < 0.5 else places)
    parent = value
    for name in way[:-1]:
        parent = parent[name]
    last, old, act = way[-1], parent[way[-1]], draw.random()
    if act < 0.2:
        del parent[last]
    elif act < 0.3 and isinstance(parent, list):
        parent.insert(last, old)
    elif act < 0.4 and isinstance(parent, list):
        other = draw.randrange(len(parent))
        parent[last], parent[other] = parent[other], old
    else:
        parent[last] = another(old, draw)
    return f"{way}: {act:.2f} {str(old)[:40]} → {str(parent)[:40]}"


def another(old: Any, draw: random.Random) -> Any:
    if isinstance(old, str) and old and draw.random() < 0.7:
        place = draw.randrange(len(old))
        return old[:place] + draw.choice("0123456789abcdef") + old[place + 1 :]
    if isinstance(old, str):
        return draw.choice(["", old[2:], f"{old}00", old.upper(), None, 7])
    if isinstance(old, int):
        return draw.choice([old + 1, old - 1, 0, 2 * old + 1, 2**31, 2**32, 2**53, -1, None, str(old)])
    if isinstance(old, list):
        return draw.choice([[], old[:1], old[1:], old[::-1], None, {}])
    return draw.choice([None, {}, [], 0, "x"])


@pytest.mark.parametrize("seed", range(8))
def test_both_verifiers_agree_on_edited_bundles(seed: int) -> None:
    draw = random.Random(seed)
    for _ in range(40):
        value = json.loads(draw.choice(BUNDLES))
        edits = [edit(value, draw) for _ in range(draw.choice([1, 1, 2]))]
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
        compare(text.encode(), edits)


# ---- Acts against the procedure

ROLES = [0x00, 0x41, 0x42, 0x43, 0x46, 0x80, 0xC1, 0xFF]
TERMS = [ZERO, b"\x01" * 32, b"\x01\xa1\xee\x56\x5e\x01".ljust(32, b"\0")]


def act(world: World, draw: random.Random, after: Filed | None) -> Filed:
    """One statement of a random kind, with changes that its kind may or may not allow, recorded with a random word."""
    procedure = procedure_of(3)
    kind = procedure.by_step[1] if after is None and draw.random() < 0.8 else draw.choice(list(procedure.kinds))
    values = {spec.name: example(spec.type.value, spec.choices) for spec in kind.schema.fields if spec.required}
    values.pop("signers")
    plan = [(NOTARY if slot.role & 0x40 else OFFICE, slot.role) for slot in kind.slots]
    changes: dict[str, Any] = {}
    if kind.targets and after is not None:
        changes["terms"] = after.statement.digest
    if draw.random() < 0.4:
        changes["flags"] = Flag(draw.choice([1, 2, 3, 4]))
        if changes["flags"] & Flag.IRREGULAR and draw.random() < 0.8:
            plan = [(OFFICE, 0xFF)] + [one for one in plan if one[0] != OFFICE and draw.random() < 0.5]
    if draw.random() < 0.4:
        values["flag_reason"] = "原因 reason"
    if draw.random() < 0.2:
        changes["counterparty"] = draw.choice([201, 301])
    if draw.random() < 0.2:
        changes["terms"] = draw.choice(TERMS)
    if draw.random() < 0.2:
        changes["occurred"] = (START + draw.choice([100, 400, 401, 2**30])) * 1000
    if draw.random() < 0.2:
        plan = [(signer, draw.choice(ROLES)) for signer, _ in plan]
    if draw.random() < 0.1:
        plan.append((201, draw.choice(ROLES)))
    if draw.random() < 0.1 and after is not None:
        changes["sequence"] = after.statement.sequence + 2
    if draw.random() < 0.1:
        changes["previous"] = b"\x02" * 32
    filed = world.file(kind, procedure, values, sorted(dict(plan).items()), after, **changes)
    word: dict[str, Any] = {
        "status": (int(filed.statement.flags) & 3) << 4 | draw.choice([1, 1, 1, 2, 6, 9, 0x41, 0x81])
    }
    if draw.random() < 0.2:
        other: dict[str, Any] = {"status": draw.randrange(256), "number": draw.choice([0, 2, 120, 121]), "index": 9}
        other |= {"time": draw.choice([0, START + 600, START + 601]), "position": draw.randrange(256), "case": 1}
        name = draw.choice(sorted(other))
        word[name] = other[name]
    world.record(filed, **word)
    return filed


MEMBERS: list[dict[str, Any]] = [
    {"valid_until": START + 100}, {"valid_until": START + 99}, {"valid_from": START + 100}, {"valid_from": START + 101},
    {"role": 4}, {"institution": 201}, {"custody": 3}, {"compromised": START}, {"ended_by": 2},
    {"valid_until": START + 100, "ended_by": 5},
]  # fmt: skip


@pytest.mark.parametrize("seed", range(8))
def test_both_verifiers_agree_on_acts_against_the_procedure(seed: int) -> None:
    draw, verdicts = random.Random(seed), set()
    for number in range(8):
        world, filed = World(), list[Filed]()
        for _ in range(draw.choice([1, 2, 3])):
            filed.append(act(world, draw, filed[-1] if filed else None))
        if draw.random() < 0.3:
            world.change(draw.choice([OFFICE, NOTARY]), **draw.choice(MEMBERS))
        held = filed[draw.randrange(len(filed)) :] if draw.random() < 0.3 else filed
        said = [(one.statement.kind, one.signed.signatures, one.statement) for one in held]
        verdicts.add(compare(world.bundle(held).to_bytes(), (number, said)))
    assert "INVALID" in verdicts
