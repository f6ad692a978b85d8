"""The vectors of `spec/vectors/sm2`, through both SM2 libraries."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tiezheng.errors import TiezhengError
from tiezheng.signature import (
    PrivateKey,
    PublicKey,
    der,
    parse_signatures,
    parse_signed_message,
    signatures_to_bytes,
    z_value,
)
from tiezheng.signature.provider import native_provider, reference_provider
from tiezheng.signature.sm2 import Provider, check_scalar, digest_to_sign, in_range, split

VECTORS = Path(__file__).parents[2] / "spec" / "vectors" / "sm2"
SOLIDITY = Path(__file__).parents[1] / "solidity" / "vectors" / "sm2.json"


@pytest.fixture(scope="module", params=["native", "reference"])
def library(request: pytest.FixtureRequest) -> Provider:
    found = native_provider() if request.param == "native" else reference_provider()
    if found is None:
        pytest.skip(f"{request.param} SM2 library is not installed")
    return found


def _cases(folder: str) -> list[Any]:
    found = []
    for path in sorted((VECTORS / folder).glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        assert document["topic"] == "sm2"
        found += [pytest.param(case, id=f"{path.stem}: {case['name']}") for case in document["cases"]]
    return found


def _accepts(library: Provider, public: PublicKey, digest: bytes, signature: bytes) -> bool:
    r, s = split(signature)
    return in_range(r, s) and library.verify_digest(public, digest, r, s)


def _run(library: Provider, given: Mapping[str, Any]) -> object:
    """Carry out one vector's check and return its result in the form of `expect`."""
    raw = {name: bytes.fromhex(value) for name, value in given.items() if name != "check"}
    match given["check"]:
        case "message":
            public = PublicKey.parse(raw["public"])
            return _accepts(library, public, digest_to_sign(public, raw["message"]), raw["signature"])
        case "digest":
            return _accepts(library, PublicKey.parse(raw["public"]), raw["digest"], raw["signature"])
        case "digest_der":
            return _accepts(library, PublicKey.parse(raw["public"]), raw["digest"], der.decode(raw["der"]))
        case "z":
            public = PublicKey.parse(raw["public"])
            return {"z": z_value(public).hex(), "e": digest_to_sign(public, raw["message"]).hex()}
        case "key":
            return PublicKey.parse(raw["public"]).to_bytes().hex()
        case "scalar":
            scalar = int.from_bytes(raw["private"], "big")
            check_scalar(scalar)
            return library.public_of(scalar).to_bytes().hex()
        case "der":
            signature = der.decode(raw["der"])
            assert der.encode(signature) == raw["der"]
            return signature.hex()
        case "signed_message":
            message = parse_signed_message(raw["message"])
            assert message.to_bytes() == raw["message"]
            return {n: v.hex() if isinstance(v, bytes) else v for n, v in asdict(message).items()}
        case "signatures":
            listed = parse_signatures(raw["data"])
            assert signatures_to_bytes(listed) == raw["data"]
            return [[item.signer, item.role, item.key_index, item.r_s.hex()] for item in listed]
    raise AssertionError(given["check"])


@pytest.mark.parametrize("case", _cases("ok"))
def test_a_good_vector_gives_what_it_says(case: dict[str, Any], library: Provider) -> None:
    assert _run(library, case["input"]) == case["expect"]


@pytest.mark.parametrize("case", _cases("bad"))
def test_a_bad_vector_is_refused_with_its_code(case: dict[str, Any], library: Provider) -> None:
    if "error" not in case:
        assert case["expect"] is False
        assert _run(library, case["input"]) is False
        return
    with pytest.raises(TiezhengError) as caught:
        _run(library, case["input"])
    assert caught.value.code == case["error"]


def test_the_libraries_agree_with_the_vectors_of_the_contracts(library: Provider) -> None:
    document = json.loads(SOLIDITY.read_text(encoding="utf-8"))
    for case in document["signed"] + document["cases"]:
        e, r, s, x, y = (int(case[letter], 16) for letter in "ersxy")
        try:
            public = PublicKey(x, y)
        except TiezhengError:
            assert case["valid"] is False, case["name"]
            continue
        got = in_range(r, s) and library.verify_digest(public, e.to_bytes(32, "big"), r, s)
        assert got is case["valid"], case["name"]


def test_what_one_library_signs_the_other_accepts(library: Provider) -> None:
    scalar = library.generate()
    key = PrivateKey(scalar, library.public_of(scalar))
    others = [other for other in (native_provider(), reference_provider()) if other is not None]
    for number in range(4):
        digest = digest_to_sign(key.public, bytes([number]))
        r, s = library.sign_digest(key, digest)
        assert in_range(r, s)
        for other in others:
            assert other.public_of(scalar) == key.public
            assert other.verify_digest(key.public, digest, r, s)
            assert not other.verify_digest(key.public, digest_to_sign(key.public, b"other"), r, s)
