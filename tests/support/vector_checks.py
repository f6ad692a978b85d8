"""What a vector of the kernel's objects asks for: one check a topic, from JSON input to a JSON result."""

from io import BytesIO
from typing import Any

from tests.support import evidence as ev
from tests.support import procedure_cases, storage_cases
from tiezheng import governance
from tiezheng.batch import check_leaf, check_seal, leaf_hash, parse_batch_header, read_leaves
from tiezheng.content import check_disclosed, disclose, parse_disclosed, parse_private_json
from tiezheng.founding import (
    CryptoCode,
    Custody,
    Founder,
    Function,
    InstitutionRole,
    check_founding,
    founding_digest,
)
from tiezheng.identity import check_card
from tiezheng.procedures import load_procedures
from tiezheng.receipt import check_receipt, check_refusal, parse_receipt_file, parse_refusal_file
from tiezheng.signature import PublicKey, Signature
from tiezheng.statement import check_signatures, message_for, parse_signed_statement

SCHEMAS = {kind.path: kind for procedure in load_procedures() for kind in procedure.kinds}
_hex = bytes.fromhex


def run(topic: str, given: dict[str, Any]) -> Any:
    """Carry out the check; the errors are the kernel's own."""
    return CHECKS[topic](given)


def _statement(given: dict[str, Any]) -> Any:
    signed = parse_signed_statement(_hex(given["statement"]), _hex(given["signatures"]))
    keys = {int(number): PublicKey.parse(_hex(key)) for number, key in given["keys"].items()}
    contract = _hex(given["contract_id"])
    check_signatures(signed, contract, lambda signature: keys[signature.signer])
    count = len(signed.signatures)
    messages = [message_for(signed.statement, contract, one.signer, one.role, count).hex() for one in signed.signatures]
    return {
        "messages": messages,
        "signatures_digest": signed.signatures_digest.hex(),
        "view": signed.statement.to_json(),
    }


def _content(given: dict[str, Any]) -> Any:
    if "private" in given:
        content = parse_private_json(given["private"].encode())
        part = disclose(content, given["fields"], given["attachments"], given["records"], given["record_fields"])
        return {
            "disclosed": part.to_json(),
            "leaves": [leaf.hex() for leaf in content.leaf_hashes],
            "root": content.root.hex(),
        }
    kind = SCHEMAS[given["kind"]]
    part = parse_disclosed(given["disclosed"])
    values = check_disclosed(part, _hex(given["root"]), kind.schema, kind.record_schemas)
    return [[item.place, item.value] for item in values]


def _batch(given: dict[str, Any]) -> Any:
    key, contract = PublicKey.parse(_hex(given["key"])), _hex(given["contract_id"])
    if "header" in given:
        header = parse_batch_header(_hex(given["header"]))
        check_seal(header, Signature.parse(_hex(given["signature"])), key, contract)
        signed = parse_signed_statement(_hex(given["statement"]), _hex(given["signatures"]))
        check_leaf(header, signed, given["index"], [_hex(node) for node in given["path"]])
        return {"header_digest": header.digest.hex(), "leaf": leaf_hash(signed).hex()}
    file = read_leaves(BytesIO(_hex(given["file"])))
    check_seal(file.header, file.signature, key, contract)
    return {"digests": [signed.digest.hex() for signed in file.leaves]}


def _receipt(given: dict[str, Any]) -> Any:
    key, contract = PublicKey.parse(_hex(given["key"])), _hex(given["contract_id"])
    if "refusal" in given:
        refusal = parse_refusal_file(given["refusal"].encode())
        check_refusal(refusal, key, contract, _hex(given["statement"]))
        return {"digest": refusal.digest().hex()}
    file = parse_receipt_file(given["receipt"].encode())
    signed = parse_signed_statement(_hex(given["statement"]), _hex(given["signatures"]))
    receipt = check_receipt(file, key, contract, signed)
    return {"due": receipt.due, "lane": int(receipt.lane), "received": receipt.received, "root": file.root().hex()}


def _identity(given: dict[str, Any]) -> Any:
    card = check_card(parse_disclosed(given["card"]), _hex(given["root"]), given["number"])
    return [card.number, card.code, card.name, card.role, card.function, card.institution]


def _actions(given: dict[str, Any]) -> Any:
    key, number, root = PublicKey.parse(_hex(given["key"])), given["number"], _hex(given["identity_root"])
    custody, function, changes = Custody(given["custody"]), Function(given["function"]), given["changes"]
    digests = {
        "admission": governance.admission_digest(number, given["institution"], function, custody, key, root),
        "possession": governance.possession_digest(number, key, custody),
        "reinstatement": governance.reinstatement_digest(number, changes, given["key_index"]),
        "renewal": governance.renewal_digest(number, changes, custody, key, root),
        "revocation": governance.revocation_digest(number, given["key_index"]),
        "revocation_of_a_suspect_key": governance.revocation_digest(number, given["key_index"], given["since"]),
        "suspension": governance.suspension_digest(number, changes),
    }
    return {name: digest.hex() for name, digest in digests.items()}


def _decisions(given: dict[str, Any]) -> Any:
    """Every action of an institution with these values, and for each the decision, whose first voter's message."""
    number, custody = given["institution"], Custody(given["custody"])
    key, root, table = PublicKey.parse(_hex(given["key"])), _hex(given["identity_root"]), _hex(given["table"])
    role, index = InstitutionRole(given["role"]), given["key_index"]
    actions = {
        "admit": governance.admit_institution(number, role, given["voter"], custody, key, root),
        "suspend": governance.suspend_institution(number),
        "reinstate": governance.reinstate_institution(number, index),
        "remove": governance.remove_institution(number),
        "new_key": governance.new_key(number, custody, key, root),
        "threshold": governance.change_threshold(given["threshold"]),
        "recovery_key": governance.set_recovery_key(number, key),
        "compromised": governance.mark_compromised(number, index, given["since"]),
        "register_table": governance.register_table(table, given["from"]),
        "end_table": governance.end_table(table, given["until"]),
        "close": governance.close_contract(_hex(given["successor"])),
    }
    told: dict[str, Any] = {
        "possession_of_recovery_key": governance.possession_digest(number, key, None).hex(),
        "recovery": governance.recovery_digest(number, given["changes"], custody, key, root).hex(),
    }
    for name, action in actions.items():
        decision = governance.Decision(given["number"], given["expires"], _hex(given["executor"]), action)
        message = decision.message(ev.OFFICE, given["voters"], _hex(given["contract_id"]))
        told[name] = {"action": action.hex(), "digest": decision.digest.hex(), "message": message.hex()}
    return told


def _founding(given: dict[str, Any]) -> Any:
    if "executor" in given:
        return _decisions(given)
    if "signatures" not in given:
        return _actions(given)
    founders = [
        Founder(number, InstitutionRole(role), Custody(custody), PublicKey.parse(_hex(key)), _hex(root))
        for number, role, custody, key, root in given["founders"]
    ]
    code = CryptoCode(_hex(given["verifier"]), _hex(given["keys"]))
    digest = founding_digest(given["threshold"], code, founders)
    signatures = [_hex(one) for one in given["signatures"]]
    identity = _hex(given["contract_id"])
    assert check_founding(given["threshold"], code, founders, signatures, identity) == digest
    return {"digest": digest.hex()}


CHECKS = {
    "statement": _statement,
    "content": _content,
    "batch": _batch,
    "receipt": _receipt,
    "identity": _identity,
    "procedure": procedure_cases.check,
    "founding": _founding,
    "storage": storage_cases.check,
}
