"""One check for each topic of the table "Vectors": from the input of a case to what it expects, or a refusal."""

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from tests.plain import chain, content, formats, governance, merkle, procedures, proofs, rlp, schema, sm, trie
from tests.plain.disclosing import build_content
from tests.plain.procedures import Kind, Procedure
from tests.plain.refusal import need
from tests.plain.trust import Trust, read_trust
from tests.plain.verify import File, verify
from tests.support.edits import apply

VECTORS = Path(__file__).parents[2] / "spec" / "vectors"


@cache
def cases(topic: str, folder: str) -> list[Any]:
    files = sorted((VECTORS / topic / folder).glob("*.json"))
    return [case for file in files for case in json.loads(file.read_text(encoding="utf-8"))["cases"]]


def unhex(text: str) -> bytes:
    return bytes.fromhex(text)


# ---- §1, §2


def check_sm3(given: Any) -> Any:
    return sm.sm3(unhex(given["data"])).hex()


def check_merkle(given: Any) -> Any:
    digest = sm.sm3 if given["hash"] == "sm3" else lambda data: hashlib.sha256(data).digest()
    if given["check"] == "root":
        return merkle.root([unhex(leaf) for leaf in given["leaves"]], digest).hex()
    path = [unhex(node) for node in given["path"]]
    found = merkle.root_from_path(unhex(given["leaf"]), given["index"], given["count"], path, digest)
    need(found.hex() == given["root"], "another root")
    return True


def check_sm2(given: Any) -> Any:
    key, check = unhex(given.get("public", "")), given["check"]
    if check == "key":
        return bool(sm.public_key(key))
    if check == "scalar":
        return sm.public_of(int(given["private"], 16)).hex()
    if check == "z":
        z = sm.z_of(key)
        return {"z": z.hex(), "e": sm.sm3(z + unhex(given["message"])).hex()}
    if check == "message":
        return sm.verifies(key, unhex(given["message"]), unhex(given["signature"]))
    if check == "digest":
        return sm.verifies_digest(key, unhex(given["digest"]), unhex(given["signature"]))
    if check == "digest_der":
        return sm.verifies_digest(key, unhex(given["digest"]), sm.der_signature(unhex(given["der"])))
    if check == "der":
        return sm.der_signature(unhex(given["der"])).hex()
    if check == "signed_message":
        names = ("tag", "role", "signatures", "signer", "contract_id", "digest")
        values = formats.read_message(unhex(given["message"]))
        return {name: plain(value) for name, value in zip(names, values, strict=True)}
    signatures = formats.read_counted(unhex(given["data"]))
    return [[one.signer, one.role, one.key_index, one.rs.hex()] for one in signatures]


def plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else value


# ---- §3, §5 to §7


def check_statement(given: Any) -> Any:
    one, wire = formats.read_statement(unhex(given["statement"])), unhex(given["signatures"])
    signatures = formats.read_signatures([wire[at : at + 70] for at in range(0, len(wire), 70)])
    messages = formats.statement_messages(one, signatures, unhex(given["contract_id"]))
    for signature, message in zip(signatures, messages, strict=True):
        need(sm.verifies(unhex(given["keys"][str(signature.signer)]), message, signature.rs), "a bad signature")
    names = (
        "case", "content", "counterparty", "digest", "flags", "institution", "kind", "occurred", "previous", "sequence",
        "subject", "terms",
    )  # fmt: skip
    return {
        "messages": [message.hex() for message in messages],
        "signatures_digest": sm.sm3(formats.counted(signatures)).hex(),
        "view": {"version": 1} | {name: plain(getattr(one, name)) for name in names},
    }


def check_founding(given: Any) -> Any:
    if "founders" in given:
        founders = [
            (number, role, custody, unhex(key), unhex(root)) for number, role, custody, key, root in given["founders"]
        ]
        digest = governance.founding_digest(
            given["threshold"], unhex(given["verifier"]), unhex(given["keys"]), founders
        )
        need(len(given["signatures"]) == len(founders), "not every founder signed")
        for (number, _, _, key, _), signature in zip(founders, given["signatures"], strict=True):
            message = formats.signed_message(5, 0, len(founders), number, unhex(given["contract_id"]), digest)
            need(sm.verifies(key, message, unhex(signature)), "a bad signature")
        return {"digest": digest.hex()}
    return check_decisions(given) if "executor" in given else check_actions(given)


def check_actions(given: Any) -> Any:
    number, key, custody = given["number"], unhex(given["key"]), given["custody"]
    need(number > formats.PRACTITIONER, "not the number of a practitioner")
    institution = formats.institution(given["institution"]).to_bytes(4)
    changes, index = given["changes"].to_bytes(4), bytes([given["key_index"]])
    new = bytes([custody]) + key + unhex(given["identity_root"])
    digests = {
        "admission": governance.action_digest("admit", number, institution, bytes([given["function"]]), new),
        "possession": governance.possession_digest(number, key, custody),
        "revocation": governance.action_digest("revoke", number, index, bytes(6)),
        "revocation_of_a_suspect_key": governance.action_digest("revoke", number, index, given["since"].to_bytes(6)),
        "suspension": governance.action_digest("suspend", number, changes),
        "reinstatement": governance.action_digest("reinstate", number, changes, index),
        "renewal": governance.action_digest("new_key", number, changes, new),
    }
    return {name: digest.hex() for name, digest in digests.items()}


def check_decisions(given: Any) -> Any:
    number, key = formats.institution(given["institution"]), unhex(given["key"])
    who, new = number.to_bytes(4), bytes([given["custody"]]) + key + unhex(given["identity_root"])
    table, start, index = unhex(given["table"]), given["from"], bytes([given["key_index"]])
    need(given["voters"] <= 32, "too many voters")
    parts = {
        "admit": [who, bytes([given["role"], given["voter"]]), new],
        "suspend": [who],
        "reinstate": [who, index],
        "remove": [who],
        "new_key": [who, new],
        "threshold": [bytes([given["threshold"]])],
        "recovery_key": [who, key],
        "compromised": [who, index, given["since"].to_bytes(6)],
        "register_table": [table, start.to_bytes(6), formats.FOREVER.to_bytes(6)],
        "end_table": [table, given["until"].to_bytes(6)],
        "close": [unhex(given["successor"])],
    }
    said: dict[str, Any] = {}
    for name, each in parts.items():
        action = governance.decided(name, *each)
        digest = governance.decision_digest(given["number"], given["expires"], unhex(given["executor"]), action)
        message = formats.signed_message(5, 0, given["voters"], 101, unhex(given["contract_id"]), digest)
        said[name] = {"action": action.hex(), "digest": digest.hex(), "message": message.hex()}
    said["recovery"] = governance.action_digest("recover", number, given["changes"].to_bytes(4), new).hex()
    said["possession_of_recovery_key"] = governance.possession_digest(number, key, 0).hex()
    return said


def check_batch(given: Any) -> Any:
    contract, key = unhex(given["contract_id"]), unhex(given["key"])
    if "file" in given:
        header, seal, statements = formats.read_leaves_file(unhex(given["file"]))
        formats.check_by_operator(4, header.digest, seal, key, contract, header.operator)
        return {"digests": [one.digest.hex() for one in statements]}
    header, wire = formats.read_batch_header(unhex(given["header"])), unhex(given["signatures"])
    seal = formats.read_signature(unhex(given["signature"]))
    formats.check_by_operator(4, header.digest, seal, key, contract, header.operator)
    signatures = formats.read_signatures([wire[at : at + 70] for at in range(0, len(wire), 70)])
    leaf = formats.batch_leaf(formats.read_statement(unhex(given["statement"])), signatures)
    path = [unhex(node) for node in given["path"]]
    need(merkle.root_from_path(leaf, given["index"], header.count, path) == header.root, "another root")
    return {"header_digest": header.digest.hex(), "leaf": leaf.hex()}


def check_receipt(given: Any) -> Any:
    contract, key = unhex(given["contract_id"]), unhex(given["key"])
    if "refusal" in given:
        about, digest = formats.check_refusal_file(given["refusal"].encode(), key, contract)
        need(about.hex() == given["statement"], "the refusal of another statement")
        return {"digest": digest.hex()}
    receipt, root = formats.check_receipt_file(given["receipt"].encode(), key, contract)
    wire = unhex(given["signatures"])
    need(receipt.statement == sm.sm3(unhex(given["statement"])), "the receipt of another statement")
    need(receipt.signatures == sm.sm3(bytes([len(wire) // 70]) + wire), "the receipt of other signatures")
    return {"received": receipt.received, "due": receipt.due, "lane": receipt.lane, "root": root.hex()}


# ---- §4, §8


def kind_named(name: str) -> Kind:
    """`domain.case_type.kind` among the documents of the procedure vectors."""
    domain, case_type, code = name.split(".")
    for case in cases("procedure", "ok"):
        document = case["input"].get("document")
        if document and (document["domain"]["code"], document["case_type"]["code"]) == (domain, case_type):
            return next(kind for kind in read(document).kinds.values() if kind.code == code)
    raise LookupError(name)


def read(document: Any) -> Procedure:
    return procedures.read_procedure(document)


def check_content(given: Any) -> Any:
    if "private" in given:
        return build_content(given)
    disclosed, kind = content.read_content(given["disclosed"]), kind_named(given["kind"])
    need(content.root_of(disclosed).hex() == given["root"], "another root")
    content.check_kind(disclosed, kind)
    return list(values_of(disclosed, len(kind.fields)))


def values_of(disclosed: content.Content, fields: int) -> Iterator[list[Any]]:
    records = content.records_of(disclosed)
    for leaf in disclosed.leaves:
        if leaf.attachment is not None:
            yield [f"attachments[{leaf.index - fields}]", leaf.attachment]
        elif leaf.record is not None and records:
            place = leaf.index - disclosed.count + records["count"]
            yield from ([f"records[{place}].{one.name}", one.value] for one in leaf.record.leaves)
        else:
            yield [leaf.name, leaf.value]


def check_identity(given: Any) -> Any:
    card, number = content.read_content(given["card"]), given["number"]
    fields = schema.PRACTITIONER_CARD if number >= formats.PRACTITIONER else schema.INSTITUTION_CARD
    said = content.card_values(card, number)
    need(content.root_of(card).hex() == given["root"], "another root")
    names = [field.name for field in fields]
    every = ("number", "code", "name", "role", "function", "institution")
    return [said.get(name) if name in names else None for name in every]


def check_procedure(given: Any) -> Any:
    if "effect" in given:
        said = procedures.read_terms(procedures.EFFECTS.index(given["effect"]), unhex(given["terms"]))
        return dict(zip(("quantity", "unit", "holder"), said, strict=True)) if isinstance(said, tuple) else plain(said)
    if "table" in given:
        return procedures.check_table(unhex(given["table"]))
    one = read(given["document"])
    return {
        "document_digest": one.document_digest.hex(),
        "table": one.table.hex(),
        "table_digest": one.table_digest.hex(),
        "schemas": [kind.schema_id for kind in one.kinds.values()],
    }


# ---- §9 to §12


def check_evm(given: Any) -> Any:
    if given["check"] == "rlp":
        return items(rlp.decode(unhex(given["data"])))
    if given["check"] == "proof":
        nodes = [unhex(node) for node in given["nodes"]]
        return plain(trie.prove(unhex(given["root"]), unhex(given["key"]), nodes))
    header = chain.read_header(unhex(given["header"]))
    if given["check"] == "header":
        names = ("fields", "hash", "number", "parent_hash", "state_root", "timestamp")
        return {name: plain(getattr(header, name)) for name in names}
    account_nodes = [unhex(node) for node in given["account_nodes"]]
    nonce, balance, storage_root, code = chain.prove_account(header.state_root, unhex(given["address"]), account_nodes)
    storage_nodes = [unhex(node) for node in given["storage_nodes"]]
    value = plain(chain.prove_word(storage_root, unhex(given["slot"]), storage_nodes))
    need("claim" not in given or given["claim"] == value, "another word than claimed")
    return {
        "block_hash": header.hash.hex(),
        "number": header.number,
        "timestamp": header.timestamp,
        "nonce": nonce,
        "balance": str(balance),
        "code_hash": code.hex(),
        "storage_root": storage_root.hex(),
        "value": value,
    }


def items(item: rlp.Item) -> Any:
    return item.hex() if isinstance(item, bytes) else [items(one) for one in item]


def check_storage(given: Any) -> Any:
    if "witness" in given:
        contract, witness = unhex(given["contract_id"]), given["witness"]
        digest = chain.witness_digest(
            unhex(given["genesis"]), given["height"], unhex(given["block_hash"]), given["seen"]
        )
        signature = formats.Signature(witness, 0, 0, unhex(given["signature"]))
        formats.check_by_operator(3, digest, signature, unhex(given["key"]), contract, formats.institution(witness))
        message = formats.signed_message(3, 0, 1, witness, contract, digest)
        return {"digest": digest.hex(), "message": message.hex()}
    if "key" in given:
        z, index = sm.z_of(unhex(given["key"])), given["key_index"]
        places = {"key_record": chain.key_record_position(z, index), "z": z}
        places["identity_root"] = chain.identity_root_position(z, index)
    elif "case" in given:
        case = unhex(given["case"])
        names = ("head", "progress", "guests", "handlers", "holding")
        places = {name: chain.case_position(case, word) for word, name in enumerate(names)}
        places["tag"] = chain.case_tag(case)
    elif "table_index" in given:
        places = {"table": chain.table_position(given["table_index"])}
    else:
        data = unhex(given.get("statement") or given["header"])
        digest = formats.read_statement(data).digest if "statement" in given else formats.read_batch_header(data).digest
        places = {"digest": digest, "record": chain.record_position(digest)}
    return {name: place.hex() for name, place in places.items()}


def trust_text(name: str) -> str:
    return str(next(case for case in cases("trust", "ok") if case["name"] == name)["input"]["trust"])


@cache
def trusted(text: str) -> Trust:
    return read_trust(text.encode())


def check_trust(given: Any) -> Any:
    text = given["trust"] if "trust" in given else apply(trust_text(given["base"]), given["edits"])
    one = read_trust(text.encode())
    return {
        "ids": {contract.role: contract.id.hex() for contract in one.contracts},
        "tables": [procedure.table_digest.hex() for procedure in one.procedures],
    }


def check_bundle(given: Any) -> Any:
    if "bundle" in given:
        text = given["bundle"]
    else:
        text = next(case for case in cases("bundle", "ok") if case["name"] == given["base"])["input"]["bundle"]
    text = apply(text, given.get("edits", []))
    trust = trusted(apply(trust_text(given["trust"]), given.get("trust_edits", [])))
    files = [File(one["size"], unhex(one["sm3"]), unhex(one["sha256"])) for one in given.get("files", [])]
    steps = verify(text.encode(), trust, given["at"], files)
    return {"result": steps.verdict, "steps": steps.statuses}


def with_base(given: Any, topic: str) -> Any:
    """The input of a spoiled proof, as its base has it but for the edits."""
    if "base" not in given:
        return given
    base = next(case for case in cases(topic, "ok") if case["name"] == given["base"])["input"]
    return {**base, "proof": apply(base["proof"], given["edits"])}


def check_breach(given: Any) -> Any:
    one = with_base(given, "breach")
    leaves = [unhex(file) for file in one.get("leaves", [])]
    return proofs.check_breach(one["proof"].encode(), trusted(trust_text(one["trust"])), one["at"], leaves)


def check_fork(given: Any) -> Any:
    one = with_base(given, "fork")
    return proofs.check_fork(one["proof"].encode(), trusted(trust_text(one["trust"])), one["at"])


CHECKS: dict[str, Callable[[Any], Any]] = {
    "batch": check_batch,
    "breach": check_breach,
    "bundle": check_bundle,
    "content": check_content,
    "evm": check_evm,
    "fork": check_fork,
    "founding": check_founding,
    "identity": check_identity,
    "merkle": check_merkle,
    "procedure": check_procedure,
    "receipt": check_receipt,
    "sm2": check_sm2,
    "sm3": check_sm3,
    "statement": check_statement,
    "storage": check_storage,
    "trust": check_trust,
}
