"""The cases of `spec/vectors/storage`: where the contracts keep what proofs show, and what a witness signs.

Guaranteed: positions by §5.3, §6 and §8.5, witness digests and messages by §9 of spec/SPEC.md, from the verifier's own
code. Not guaranteed: the words at these positions, which the bundles of `spec/vectors/bundle` hold.
"""

from typing import Any

from tests.support import evidence as ev
from tiezheng.batch import build_batch
from tiezheng.digest import sm3
from tiezheng.errors import VerificationFailed
from tiezheng.signature import PublicKey, verify, z_value
from tiezheng.storage_words import case_slots, case_tag, identity_root_slot, key_record_slot, record_slot, table_slot
from tiezheng.verify.finality import witness_digest, witness_message

_hex = bytes.fromhex
Given = dict[str, Any]


def check(given: Given) -> dict[str, str]:
    """Positions of a key, a statement, a case, a table or a batch header, or a cosignature checked."""
    if "key" in given and "signature" not in given:
        z, index = z_value(PublicKey.parse(_hex(given["key"]))), given["key_index"]
        return {
            "identity_root": identity_root_slot(z, index).hex(),
            "key_record": key_record_slot(z, index).hex(),
            "z": z.hex(),
        }
    if "case" in given:
        case = _hex(given["case"])
        return {"tag": case_tag(case).hex(), **{name: slot.hex() for name, slot in case_slots(case).items()}}
    if "table_index" in given:
        return {"table": table_slot(given["table_index"]).hex()}
    if "signature" not in given:
        data = _hex(given.get("statement") or given["header"])
        return {"digest": sm3(data).hex(), "record": record_slot(sm3(data)).hex()}
    digest = witness_digest(_hex(given["genesis"]), given["height"], _hex(given["block_hash"]), given["seen"])
    message = witness_message(given["witness"], _hex(given["contract_id"]), digest)
    if not verify(PublicKey.parse(_hex(given["key"])), message, _hex(given["signature"])):
        raise VerificationFailed("signature.invalid")
    return {"digest": digest.hex(), "message": message.hex()}


def storage(sign: ev.Sign) -> tuple[list[tuple[str, Given]], list[tuple[str, Given, str]]]:
    """Good cases, and cosignatures with one thing changed."""
    one, key = ev.statement(), ev.KEYS[ev.COURT]
    leaf = ev.sign_statement(ev.bulk_statement(0), [(ev.OFFICE, 0)], sign)
    header, _ = build_batch(ev.OPERATOR, None, [leaf])
    genesis, block, seen = sm3(b"genesis"), sm3(b"block"), ev.OCCURRED + 5_000
    message = witness_message(ev.COURT, ev.CONTRACT, witness_digest(genesis, 120, block, seen))
    witness: Given = {
        "block_hash": block.hex(),
        "contract_id": ev.CONTRACT.hex(),
        "genesis": genesis.hex(),
        "height": 120,
        "key": key.public.to_bytes().hex(),
        "seen": seen,
        "signature": sign(key, message).hex(),
        "witness": ev.COURT,
    }
    changes: dict[str, Given] = {
        "another height": {"height": 121},
        "another block": {"block_hash": genesis.hex()},
        "another genesis": {"genesis": block.hex()},
        "another time": {"seen": seen + 1},
        "another witness": {"witness": ev.OFFICE},
        "another contract": {"contract_id": block.hex()},
        "another key": {"key": ev.KEYS[ev.OFFICE].public.to_bytes().hex()},
        "r and s swapped": {"signature": witness["signature"][64:] + witness["signature"][:64]},
    }
    good = [
        ("key record and identity root", {"key": key.public.to_bytes().hex(), "key_index": 0}),
        ("a later period of that key", {"key": key.public.to_bytes().hex(), "key_index": 255}),
        ("record of a statement", {"statement": one.to_bytes().hex()}),
        ("words of a case", {"case": one.case.hex()}),
        ("words of another case", {"case": "00000065" + "ff" * 28}),
        ("the first table", {"table_index": 1}),
        ("the last table", {"table_index": 65535}),
        ("record of a batch", {"header": header.to_bytes().hex()}),
        ("cosignature", witness),
    ]
    return good, [(name, witness | change, "signature.invalid") for name, change in changes.items()]
