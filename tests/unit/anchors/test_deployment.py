"""Deployment files: one encoding, contract ids recomputed, another chain refused."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from anchors.deployment import Contract, Deployment, parse_deployment
from tiezheng.canonical import dumps
from tiezheng.errors import TiezhengError
from tiezheng.statement import contract_id

FOUNDING = b"\x0f" * 32


def contract(at: int) -> Contract:
    address = bytes(19) + bytes([at])
    return Contract(address, contract_id(7, address, FOUNDING), bytes([at]) * 32, at)


DEPLOYMENT = Deployment(
    chain_id=7,
    genesis=b"\x0a" * 32,
    rpc="http://127.0.0.1:8546",
    founding=FOUNDING,
    institutions=contract(2),
    registry=contract(3),
    batch=contract(4),
    verifier=contract(1),
    keys=contract(5),
    domain=1,
    operator=2,
    checkpoint_interval=4,
)


def test_a_deployment_reads_back_as_it_was_written() -> None:
    assert parse_deployment(DEPLOYMENT.to_bytes()) == DEPLOYMENT
    assert parse_deployment(DEPLOYMENT.to_bytes() + b"\n") == DEPLOYMENT
    assert DEPLOYMENT.first_block == 2


def _set(*path: str, value: object) -> Callable[[Any], None]:
    def change(data: Any) -> None:
        for name in path[:-1]:
            data = data[name]
        data[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_set("founding", value="00" * 32), "chain.deployment"),
        (_set("chain_id", value=8), "chain.deployment"),
        (_set("contracts", "batch", "address", value="11" * 20), "chain.deployment"),
        (_set("contracts", "batch", "id", value="22" * 32), "chain.deployment"),
        (_set("genesis", value="0A" * 32), "json.hex"),
        (_set("checkpoint_interval", value=0), "json.integer_range"),
        (_set("checkpoint_interval", value=65), "json.integer_range"),
        (_set("extra", value=1), "json.member_unknown"),
        (_set("contracts", "registry", "domain", value=16), "json.integer_range"),
        (lambda data: data["contracts"].pop("verifier"), "json.member_missing"),
    ],
)
def test_an_altered_deployment_is_refused(change: Callable[[Any], None], code: str) -> None:
    data = json.loads(DEPLOYMENT.to_bytes())
    change(data)
    with pytest.raises(TiezhengError) as caught:
        parse_deployment(dumps(data))
    assert caught.value.code in {code, "json.member_type", "json.integer_range"}
    assert caught.value.code == code or "range" in code
