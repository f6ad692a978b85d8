"""Manipulations of everything that an audit looks at, each planted by itself, and what an audit has to name.

Every one is a function of a healthy `Place` that alters one thing and gives the texts of which each finding has to name
one; beside it stands the code that has to be among the findings.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from anchors.audit_result import Report
from anchors.chains.port import StateProof
from anchors.contracts import INSTITUTIONS, artifact
from anchors.leaves import leaves_path
from tests.support.audited import Place, flipped
from tests.support.consortium import OPERATOR
from tiezheng.receipt import Lane, ReceiptFile, group_receipts, receipt_for, receipt_message
from tiezheng.signature import Signature, sign
from tiezheng.storage_words import record_slot


def _case(place: Place) -> str:
    return place.history.matter[0].signed.statement.case.hex()


def altered_bytes(place: Place) -> list[str]:
    digest = place.history.matter[2].digest
    place.flip("statements", "statement", "digest", digest, 100)
    return [digest.hex()]


def altered_signature(place: Place) -> list[str]:
    digest = place.history.matter[2].digest
    place.flip("statements", "signatures", "digest", digest)
    return [digest.hex()]


def moved_in_time(place: Place) -> list[str]:
    digest = place.history.matter[0].digest
    place.change("UPDATE statements SET block_time=block_time-86400 WHERE digest=?", digest)
    return [digest.hex()]


def later_due(place: Place) -> list[str]:
    digest = place.history.matter[0].digest
    place.change("UPDATE statements SET due=due+86400000 WHERE digest=?", digest)
    return [digest.hex()]


def earlier_received(place: Place) -> list[str]:
    digest = place.history.lots[0].digest
    place.change("UPDATE statements SET received=received-86400000 WHERE digest=?", digest)
    return [digest.hex()]


def other_institution(place: Place) -> list[str]:
    digest = place.history.lots[0].digest
    place.change("UPDATE statements SET institution=201 WHERE digest=?", digest)
    return [digest.hex()]


def moved_status(place: Place) -> list[str]:
    digest = place.history.refused.digest
    place.change("UPDATE statements SET status='anchored', block_number=1, block_time=1 WHERE digest=?", digest)
    return [digest.hex(), place.history.refused.signed.statement.case.hex()]


def deleted_row(place: Place) -> list[str]:
    digest = place.history.lots[2].digest
    place.change("DELETE FROM statements WHERE digest=?", digest)
    return [digest.hex()]


def deleted_before_anchoring(place: Place) -> list[str]:
    digest = place.history.refused.digest
    place.change("DELETE FROM statements WHERE digest=?", digest)
    return [digest.hex()]


def altered_content(place: Place) -> list[str]:
    digest = place.history.deposit.digest
    place.flip("contents", "sealed", "digest", digest)
    return [digest.hex()]


def swapped_content(place: Place) -> list[str]:
    digest = place.history.matter[0].digest
    data = place.read("SELECT sealed FROM contents WHERE digest=?", place.history.matter[1].digest)
    place.change("UPDATE contents SET sealed=? WHERE digest=?", data, digest)
    return [digest.hex()]


def lost_content(place: Place) -> list[str]:
    digest = place.history.matter[3].digest
    place.change("DELETE FROM contents WHERE digest=?", digest)
    return [digest.hex()]


def lost_key(place: Place) -> list[str]:
    place.change("DELETE FROM wrapped_keys WHERE owner=?", b"case:" + bytes.fromhex(_case(place)))
    return [_case(place)]


def altered_receipt(place: Place) -> list[str]:
    digest = place.history.lots[1].digest
    whole = json.loads(place.read("SELECT file FROM receipts WHERE digest=?", digest))
    whole["receipt"] = flipped(bytes.fromhex(whole["receipt"]), 70).hex()
    text = json.dumps(whole, sort_keys=True, separators=(",", ":")).encode()
    place.change("UPDATE receipts SET file=? WHERE digest=?", text, digest)
    return [digest.hex()]


def replaced_receipt(place: Place) -> list[str]:
    digest = place.history.lots[1].digest
    other = place.read("SELECT file FROM receipts WHERE digest=?", place.history.lots[0].digest)
    place.change("UPDATE receipts SET file=? WHERE digest=?", other, digest)
    return [digest.hex()]


def deleted_refusal(place: Place) -> list[str]:
    place.change("DELETE FROM refusals WHERE digest=?", place.history.refused.digest)
    return [place.history.refused.digest.hex()]


def forged_refusal(place: Place) -> list[str]:
    place.change("UPDATE refusals SET reason=reason+1 WHERE digest=?", place.history.refused.digest)
    return [place.history.refused.digest.hex()]


def flipped_object(place: Place) -> list[str]:
    place.object.write_bytes(flipped(place.object.read_bytes(), 5000))
    return [place.history.deposit.signed.statement.subject.hex()]


def missing_object(place: Place) -> list[str]:
    place.object.unlink()
    return [place.history.deposit.signed.statement.subject.hex()]


def missing_object_and_row(place: Place) -> list[str]:
    place.change("DELETE FROM files WHERE sm3=?", place.history.deposit.signed.statement.subject)
    return missing_object(place)


def unknown_object(place: Place) -> list[str]:
    name = "ab" * 16
    (place.object.parent / name).write_bytes(b"x")
    return [name]


def altered_leaves(place: Place) -> list[str]:
    path = leaves_path(place.root / "leaves", 0)
    path.write_bytes(flipped(path.read_bytes(), 300))
    return ["leaves 000000", *_in_batches(place)]


def truncated_leaves(place: Place) -> list[str]:
    path = leaves_path(place.root / "leaves", 0)
    path.write_bytes(path.read_bytes()[:-10])
    return ["leaves 000000", *_in_batches(place)]


def removed_leaves(place: Place) -> list[str]:
    leaves_path(place.root / "leaves", 0).unlink()
    return ["leaves 000000", *_in_batches(place)]


def _in_batches(place: Place) -> list[str]:
    """Without the leaves nothing shows that these are on the chain, and the audit says so."""
    lots = place.history.lots
    return [text for one in lots for text in (one.digest.hex(), one.signed.statement.case.hex())] + [
        f"file {one.digest.hex()[:16]}" for one in lots
    ]


def altered_seal(place: Place) -> list[str]:
    place.flip("batches", "signature", "number", 0)
    return ["batch 0"]


def deleted_batch(place: Place) -> list[str]:
    place.change("DELETE FROM batches WHERE number=?", 0)
    return ["batch 0"]


def longer_key(place: Place) -> list[str]:
    place.change("UPDATE member_keys SET valid_from=valid_from-1 WHERE number=?", 101)
    return ["key 101/0"]


def inserted_key(place: Place) -> list[str]:
    columns = "x,y,z,institution,role,custody,identity_root,valid_from,valid_until,compromised_since,ended_by"
    place.change(
        f"INSERT INTO member_keys (number,key_index,{columns}) SELECT number,9,{columns} FROM member_keys "
        "WHERE number=? AND key_index=0",
        101,
    )
    return ["key 101/9"]


def changed_institution(place: Place) -> list[str]:
    place.change("UPDATE institutions SET status=2 WHERE number=?", 201)
    return ["institution 201"]


def changed_table(place: Place) -> list[str]:
    digest = place.history.matter[0].signed.statement.previous
    place.change("UPDATE procedure_tables SET valid_until=valid_until-1 WHERE digest=?", digest)
    return [f"table {digest.hex()}"]


def closed_contract(place: Place) -> list[str]:
    address = place.history.stage.deployment.registry.address
    place.change("INSERT INTO closed_contracts (address,successor) VALUES (?,?)", address, bytes(20))
    return [f"contract {address.hex()}"]


def changed_case(place: Place) -> list[str]:
    change = """UPDATE cases SET state=replace(state, '"kinds_seen":', '"kinds_seen":1') WHERE case_id=?"""
    place.change(change, bytes.fromhex(_case(place)))
    return [_case(place)]


def _height(place: Place) -> object:
    return place.read("SELECT proof_height FROM statements WHERE digest=?", place.history.deposit.digest)


def altered_header(place: Place) -> list[str]:
    height = _height(place)
    place.flip("checkpoints", "header", "height", height, 100)
    return [f"checkpoint {height}"]


def removed_slot(place: Place) -> list[str]:
    place.change("DELETE FROM slot_proofs WHERE slot=?", record_slot(place.history.deposit.digest))
    return [place.history.deposit.digest.hex()]


def forged_cosignature(place: Place) -> list[str]:
    height = _height(place)
    data = place.read("SELECT signature FROM cosignatures WHERE height=? AND signer=1", height)
    place.change("UPDATE cosignatures SET signature=? WHERE height=? AND signer=1", flipped(data), height)
    return [f"checkpoint {height}"]


def broken_promise(place: Place) -> list[str]:
    """A receipt that the operator signed for a statement which never came to the chain, and was wiped out."""
    stage, received = place.history.stage, place.history.stage.clock.now_ms() - 40 * 86_400_000
    (made,) = stage.matter([1])
    receipt = receipt_for(made.signed, received, received + 86_400_000, Lane.REGISTRY)
    root, paths = group_receipts([receipt])
    message = receipt_message(root, OPERATOR, stage.deployment.registry.id)
    seal = Signature(OPERATOR, 0, 0, sign(stage.consortium.keys[OPERATOR], message))
    file = ReceiptFile(receipt, 0, 1, tuple(paths[0]), seal)
    (place.root / "receipts" / "wiped.receipt.json").write_bytes(file.to_bytes())
    return [made.digest.hex()]


def altered_bundle(place: Place) -> list[str]:
    path = next(iter(sorted((place.root / "bundles").iterdir())))
    whole = json.loads(path.read_bytes())
    signature = bytes.fromhex(whole["statements"][0]["signatures"][0])
    whole["statements"][0]["signatures"][0] = flipped(signature).hex()
    path.write_text(json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False))
    return [path.name]


def hidden_event(place: Place) -> list[str]:
    """The node keeps back one step of the matter; later steps then follow on nothing."""
    topic = place.history.matter[-1].digest
    place.fake.hide_logs = lambda log: topic in log.topics
    return [topic.hex(), _case(place), f"file {topic.hex()[:16]}"]


def hidden_decision(place: Place) -> list[str]:
    """The node keeps back the last key that was ended: only the state shows it."""
    ended = next(key for key, event in artifact(INSTITUTIONS).events.items() if event.name == "KeyEnded")
    place.fake.hide_logs = lambda log: log.topics[0] == ended
    return ["key 2147483651/0"]


def wrong_state(place: Place) -> list[str]:
    """The node gives proofs of another state."""

    def alter(proof: StateProof) -> StateProof:
        first = proof.slots[0]
        nodes = (*first.nodes[:-1], flipped(first.nodes[-1]))
        return replace(proof, slots=(replace(first, nodes=nodes), *proof.slots[1:]))

    place.fake.alter_proof = alter
    return ["state"]


Plant = Callable[[Place], list[str]]
MANIPULATIONS: Final[list[tuple[Plant, str]]] = [
    (altered_bytes, "audit.row_altered"),
    (altered_signature, "audit.row_altered"),
    (moved_in_time, "audit.row_altered"),
    (later_due, "audit.row_altered"),
    (earlier_received, "audit.row_altered"),
    (other_institution, "audit.row_altered"),
    (moved_status, "audit.row_extra"),
    (deleted_row, "audit.row_missing"),
    (deleted_before_anchoring, "audit.row_missing"),
    (altered_content, "audit.content_altered"),
    (swapped_content, "audit.content_altered"),
    (lost_content, "audit.content_missing"),
    (lost_key, "audit.key_lost"),
    (altered_receipt, "audit.receipt_altered"),
    (replaced_receipt, "audit.receipt_altered"),
    (deleted_refusal, "audit.refusal_altered"),
    (forged_refusal, "audit.refusal_altered"),
    (flipped_object, "audit.file_altered"),
    (missing_object, "audit.file_missing"),
    (missing_object_and_row, "audit.file_missing"),
    (unknown_object, "audit.object_unknown"),
    (altered_leaves, "audit.leaves_mismatch"),
    (truncated_leaves, "audit.leaves_mismatch"),
    (removed_leaves, "audit.leaves_missing"),
    (altered_seal, "audit.row_altered"),
    (deleted_batch, "audit.row_missing"),
    (longer_key, "audit.member_altered"),
    (inserted_key, "audit.member_altered"),
    (changed_institution, "audit.member_altered"),
    (changed_table, "audit.member_altered"),
    (closed_contract, "audit.member_altered"),
    (changed_case, "audit.case_altered"),
    (altered_header, "audit.proof_altered"),
    (removed_slot, "audit.proof_altered"),
    (forged_cosignature, "audit.proof_altered"),
    (broken_promise, "audit.promise_broken"),
    (altered_bundle, "audit.paper_invalid"),
    (hidden_event, "audit.chain_invalid"),
    (hidden_decision, "audit.chain_invalid"),
    (wrong_state, "audit.chain_invalid"),
]
"""What is planted, and a code that has to be found."""


OF_THE_SERVICE: Final = [one for one in MANIPULATIONS if one[0] not in (hidden_event, hidden_decision)]
"""Those that leave the node honest about blocks that it showed before."""


def strangers(report: Report, named: list[str]) -> list[str]:
    """Findings that name nothing of what was planted."""
    return [
        f"{one.code} {one.subject} {one.detail}"
        for one in report.findings
        if not any(text in f"{one.subject} {one.detail}" for text in named)
    ]
