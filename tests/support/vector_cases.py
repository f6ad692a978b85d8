"""The cases of `spec/vectors` for the kernel's objects: good inputs, and each corruption with the expected code.

A bad case is a good input with one change; `scripts/make_object_vectors.py` runs them all and writes them down.
"""

from typing import Any

from tests.support import evidence as ev
from tests.support.changes import Change, changed, drop, edit, inside, put
from tests.support.procedure_cases import procedures
from tiezheng.batch import build_batch, write_leaves
from tiezheng.content import ALL, disclose, to_private_json
from tiezheng.digest import sm3
from tiezheng.founding import founding_digest, founding_message
from tiezheng.identity import disclose_card
from tiezheng.procedures import end_terms
from tiezheng.receipt import (
    Lane,
    ReceiptFile,
    RefusalFile,
    group_receipts,
    receipt_for,
    receipt_message,
    refusal_digest,
    refusal_message,
)
from tiezheng.signature import Signature
from tiezheng.statement import Flag

Case = tuple[str, dict[str, Any]]
Bad = tuple[str, dict[str, Any], str]
CONTRACT = ev.CONTRACT.hex()


def _keys(*numbers: int) -> dict[str, str]:
    return {str(number): ev.KEYS[number].public.to_bytes().hex() for number in numbers}


def statements(sign: ev.Sign) -> tuple[list[Case], list[Bad]]:
    one = ev.sign_statement(ev.statement(), [(ev.OFFICE, 0)], sign)
    issue = ev.MATTER.by_step[7]
    last = ev.step(issue, ev.statement(), ev.statement().case, 6, counterparty=ev.COURT, flags=Flag.CONFIDENTIAL)
    two = ev.sign_statement(last, [(ev.NOTARY, 0x41), (ev.OFFICE, 0)], sign)
    flags = Flag.LATE | Flag.IRREGULAR
    fact = ev.statement(flags=flags, sequence=7, subject=bytes(32), terms=end_terms(ev.OCCURRED))
    irregular = ev.sign_statement(fact, [(ev.OFFICE, 0xFF)], sign)
    guest = ev.statement(kind=one.statement.kind | 0xFF, institution=ev.COURT, terms=one.digest, subject=bytes(32))
    continuing = ev.sign_statement(guest, [(ev.COURT, 0)], sign)
    good, pair, answered, continued = (
        {
            "contract_id": CONTRACT,
            "keys": _keys(ev.OFFICE, ev.NOTARY, *((ev.COURT,) if signed is continuing else ())),
            "signatures": signed.signatures_bytes.hex(),
            "statement": signed.statement.to_bytes().hex(),
        }
        for signed in (one, two, irregular, continuing)
    )
    zero = "00" * 32
    bad: list[tuple[str, dict[str, Any], Change, str]] = [
        ("one byte short", good, lambda g: put("statement", g["statement"][:-2])(g), "statement.length"),
        ("one byte more", good, lambda g: put("statement", g["statement"] + "00")(g), "statement.length"),
        ("version 2", good, edit("statement", 0, "02"), "statement.version"),
        ("step zero", good, edit("statement", 2, "00"), "statement.kind"),
        ("unknown flag", good, edit("statement", 4, "10"), "statement.flags"),
        ("high flag byte", good, edit("statement", 3, "01"), "statement.flags"),
        ("institution zero", good, edit("statement", 9, "00000000"), "statement.institution"),
        ("institution with a practitioner's number", good, edit("statement", 9, "80000001"), "statement.institution"),
        ("counterparty is the institution", good, edit("statement", 13, "00000065"), "statement.counterparty"),
        ("counterparty is a practitioner", good, edit("statement", 13, "80000001"), "statement.counterparty"),
        ("case of another opener", good, edit("statement", 23, "00000066"), "statement.case"),
        ("continuing step that opens instead", continued, edit("statement", 2, "01"), "statement.case"),
        ("another role than the institution's that answers", answered, edit("signatures", 4, "00"),
         "signature.invalid"),
        ("flags cleared", answered, edit("statement", 4, "00"), "signature.invalid"),
        ("another end time", answered, edit("statement", 156, "ff"), "signature.invalid"),
        ("case without an opener", pair, edit("statement", 23, "00000000"), "statement.case"),
        ("previous zero", good, edit("statement", 55, zero), "statement.previous"),
        ("content zero", good, edit("statement", 119, zero), "statement.content"),
        ("confidential with a subject", good, edit("statement", 4, "04"), "statement.subject"),
        ("batch lane with a sequence", pair, edit("statement", 4, "08"), "statement.sequence"),
        ("another time", good, edit("statement", 17, "ff"), "signature.invalid"),
        ("another subject", good, edit("statement", 87, "00"), "signature.invalid"),
        ("another contract", good, edit("contract_id", 0, "00"), "signature.invalid"),
        ("another role", good, edit("signatures", 4, "80"), "signature.invalid"),
        ("r altered", good, edit("signatures", 6, "00"), "signature.invalid"),
        ("s zero", good, edit("signatures", 38, zero), "signature.invalid"),
        ("one signature of two dropped", pair, lambda g: put("signatures", g["signatures"][:140])(g),
         "signature.invalid"),
        ("no signature", good, put("signatures", ""), "signature.count"),
        ("nine signatures", good, lambda g: put("signatures", g["signatures"] * 9)(g), "signature.count"),
        ("a signature repeated", good, lambda g: put("signatures", g["signatures"] * 2)(g), "signature.order"),
        ("order reversed", pair, lambda g: put("signatures", g["signatures"][140:] + g["signatures"][:140])(g),
         "signature.order"),
        ("signatures cut", good, lambda g: put("signatures", g["signatures"][:-2])(g), "signature.length"),
        ("signer zero", good, edit("signatures", 0, "00000000"), "signature.number_range"),
    ]  # fmt: skip
    accepted = [
        ("deposit", good),
        ("issue, two signers, confidential", pair),
        ("late and irregular, with an end time", answered),
        ("continued by a guest", continued),
    ]
    return accepted, _all(bad)


def _all(bad: list[tuple[str, dict[str, Any], Change, str]]) -> list[Bad]:
    return [(name, changed(given, change), code) for name, given, change, code in bad]


def contents(_sign: ev.Sign) -> tuple[list[Case], list[Bad]]:
    deposit, bulk = ev.deposit_content(), ev.bulk_content()
    whole, part = (
        {"private": to_private_json(content).decode(), "attachments": [0], "fields": ["title"], "records": records,
         "record_fields": fields}
        for content, records, fields in ((deposit, None, []), (bulk, [1, 4], ["title", "file_sm3"]))
    )  # fmt: skip
    path = "notarization.deposit.deposit"
    one = {"disclosed": disclose(deposit, ALL, ALL).to_json(), "kind": path, "root": deposit.root.hex()}
    two = {
        "disclosed": disclose(bulk, ["title"], ALL, [1, 4], ["title", "file_sm3"]).to_json(),
        "kind": "notarization.bulk_deposit.deposit",
        "root": bulk.root.hex(),
    }
    leaves = ("disclosed", "leaves")
    # In `two`: leaf 0 is `records`, 1 `title`, 2 the attachment, 3 and 4 are records 1 and 4.
    record = (*leaves, 3, "record", "leaves", 0)
    bad: list[tuple[str, dict[str, Any], Change, str]] = [
        ("value altered", one, put(*leaves, 3, "value", "x"), "content.root_mismatch"),
        ("salt altered", one, put(*leaves, 3, "salt", "00" * 16), "content.root_mismatch"),
        ("salt too short", one, put(*leaves, 3, "salt", "00" * 15), "json.hex"),
        ("another field's name", one, put(*leaves, 3, "name", "note"), "content.leaf_place"),
        ("unknown name", one, put(*leaves, 3, "name", "Title"), "content.leaf_place"),
        ("value of the wrong type", one, put(*leaves, 3, "value", 7), "content.root_mismatch"),
        ("path node altered", one, put(*leaves, 3, "path", 0, "00" * 32), "content.root_mismatch"),
        ("path too short", one, drop(*leaves, 3, "path", 0), "merkle.path_length"),
        ("path too long", one, lambda g: g["disclosed"]["leaves"][3]["path"].append("00" * 32), "merkle.path_length"),
        ("leaves out of order", one, lambda g: g["disclosed"]["leaves"].reverse(), "content.leaf_order"),
        ("a leaf twice", one, lambda g: g["disclosed"]["leaves"].insert(0, g["disclosed"]["leaves"][0]),
         "content.leaf_order"),
        ("no leaves", one, put(*leaves, []), "content.leaf_order"),
        ("index beyond the count", one, put(*leaves, 16, "index", 17), "content.leaf_order"),
        ("another count", one, put("disclosed", "count", 18), "content.root_mismatch"),
        ("fewer leaves than fields", one, lambda g: (put("disclosed", "count", 14)(g), drop(*leaves, slice(14, 17))(g)),
         "content.schema"),
        ("another schema", one, put("disclosed", "schema", 1), "content.schema"),
        ("another type", one, put("disclosed", "type", 3), "content.type"),
        ("unknown type", one, put("disclosed", "type", 4), "content.type"),
        ("another root", one, edit("root", 0, "00"), "content.root_mismatch"),
        ("unknown member", one, put(*leaves, 3, "note", ""), "json.member_unknown"),
        ("attachment's size altered", one, put(*leaves, 15, "size", 5), "content.root_mismatch"),
        ("attachment's media type malformed", one, put(*leaves, 15, "media_type", "pdf"), "content.attachment"),
        ("attachment at a field's place", one, lambda g: put(*leaves, [{**g["disclosed"]["leaves"][15], "index": 14}])(
            g), "content.leaf_place"),
        ("field `records` left out", two, drop(*leaves, 0), "content.records"),
        ("records count altered", two, put(*leaves, 0, "value", "count", 4), "content.root_mismatch"),
        ("record's value altered", two, put(*record, "value", "x"), "content.root_mismatch"),
        ("record's path altered", two, put(*record, "path", 0, "00" * 32), "content.root_mismatch"),
        ("record's fields swapped", two, lambda g: put(*record, "index", 1)(g), "content.leaf_place"),
        ("record at another place", two, put(*leaves, 3, "index", 12), "content.root_mismatch"),
        ("record before the records", two, lambda g: put(*leaves, [g["disclosed"]["leaves"][0],
         {**g["disclosed"]["leaves"][3], "index": 9}])(g), "content.leaf_place"),
        ("record of another schema", two, put(*leaves, 3, "record", "schema", 3775004930), "content.records"),
        ("record with another count", two, put(*leaves, 3, "record", "count", 8), "content.schema"),
        ("record that is a statement", two, put(*leaves, 3, "record", "type", 1), "content.type"),
    ]  # fmt: skip
    good = [("deposit", whole), ("record set", part), ("deposit disclosed", one), ("records disclosed", two)]
    return good, _all(bad)


def batches(sign: ev.Sign) -> tuple[list[Case], list[Bad]]:
    signed = [ev.sign_statement(ev.bulk_statement(at), [(ev.OFFICE, 0)], sign) for at in range(6)]
    first, _ = build_batch(ev.OPERATOR, None, signed[:1])
    header, tree = build_batch(ev.OPERATOR, first, signed[1:])
    key = ev.KEYS[ev.OPERATOR]
    seal = Signature(ev.OPERATOR, 0, 0, sign(key, header.message(ev.CONTRACT)))
    given = {"contract_id": CONTRACT, "key": key.public.to_bytes().hex()}
    leaf = {
        **given,
        "header": header.to_bytes().hex(),
        "index": 3,
        "path": [node.hex() for node in tree.path(3)],
        "signature": seal.to_bytes().hex(),
        "signatures": signed[4].signatures_bytes.hex(),
        "statement": signed[4].statement.to_bytes().hex(),
    }
    file = {**given, "file": b"".join(write_leaves(header, seal, signed[1:])).hex()}
    bad: list[tuple[str, dict[str, Any], Change, str]] = [
        ("header cut", leaf, lambda g: put("header", g["header"][:-2])(g), "batch.length"),
        ("no leaves", leaf, edit("header", 20, "00000000"), "batch.count"),
        ("too many leaves", leaf, edit("header", 20, "00010001"), "batch.count"),
        ("operator is a practitioner", leaf, edit("header", 0, "80000001"), "statement.institution"),
        ("root zero", leaf, edit("header", 24, "00" * 32), "batch.root"),
        ("first batch with a predecessor", leaf, edit("header", 4, "00" * 8), "batch.contiguous"),
        ("later batch without one", leaf, edit("header", 56, "00" * 32), "batch.contiguous"),
        ("root altered", leaf, edit("header", 24, "00"), "signature.invalid"),
        ("sealed by another", leaf, edit("signature", 0, "00000065"), "signature.signer"),
        ("sealed in a role", leaf, edit("signature", 4, "41"), "signature.role"),
        ("index of a neighbour", leaf, put("index", 2), "merkle.root_mismatch"),
        ("index beyond", leaf, put("index", 5), "merkle.index_range"),
        ("path node altered", leaf, put("path", 0, "00" * 32), "merkle.root_mismatch"),
        ("signature of the leaf altered", leaf, edit("signatures", 69, "00"), "merkle.root_mismatch"),
        ("leaf of the registry lane", leaf, edit("statement", 4, "00"), "statement.lane"),
        ("file cut", file, lambda g: put("file", g["file"][:-2])(g), "batch.truncated"),
        ("file with a byte more", file, lambda g: put("file", g["file"] + "00")(g), "batch.trailing"),
        ("file's leaf altered", file, edit("file", 158 + 120, "00"), "merkle.root_mismatch"),
        ("file's leaf without signatures", file, edit("file", 158 + 183, "00"), "batch.leaf"),
        ("file's leaf with nine signatures", file, edit("file", 158 + 183, "09"), "batch.leaf"),
    ]
    return [("leaf", leaf), ("leaves file", file)], _all(bad)


def receipts(sign: ev.Sign) -> tuple[list[Case], list[Bad]]:
    signed = [ev.sign_statement(ev.statement(occurred=ev.OCCURRED + at), [(ev.OFFICE, 0)], sign) for at in range(3)]
    group = [receipt_for(one, ev.OCCURRED + 10, ev.OCCURRED + 600_010, Lane.REGISTRY) for one in signed]
    root, paths = group_receipts(group)
    key = ev.KEYS[ev.OPERATOR]
    seal = Signature(ev.OPERATOR, 0, 0, sign(key, receipt_message(root, ev.OPERATOR, ev.CONTRACT)))
    given = {
        "contract_id": CONTRACT,
        "key": key.public.to_bytes().hex(),
        "receipt": ReceiptFile(group[1], 1, 3, tuple(paths[1]), seal).to_bytes().decode(),
        "signatures": signed[1].signatures_bytes.hex(),
        "statement": signed[1].statement.to_bytes().hex(),
    }
    block = bytes(range(32))
    digest = refusal_digest(signed[0].digest, 18, 77, block)
    no = Signature(ev.OPERATOR, 0, 0, sign(key, refusal_message(digest, ev.OPERATOR, ev.CONTRACT)))
    refusal = {
        "contract_id": CONTRACT,
        "key": given["key"],
        "refusal": RefusalFile(signed[0].digest, 18, 77, block, no).to_bytes().decode(),
        "statement": signed[0].digest.hex(),
    }
    other = signed[2].statement.to_bytes().hex()
    bad: list[tuple[str, dict[str, Any], Change, str]] = [
        ("another format", given, inside("receipt", put("format", "tiezheng/receipt/2")), "receipt.format"),
        ("receipt cut", given, inside("receipt", put("receipt", "00" * 76)), "json.hex"),
        ("due before received", given, inside("receipt", edit("receipt", 64, "ff")), "receipt.due"),
        ("lane 3", given, inside("receipt", edit("receipt", 76, "03")), "receipt.lane"),
        ("due altered", given, inside("receipt", edit("receipt", 75, "00")), "signature.invalid"),
        ("index of a neighbour", given, inside("receipt", put("index", 0)), "signature.invalid"),
        ("index beyond", given, inside("receipt", put("index", 3)), "merkle.index_range"),
        ("path cut", given, inside("receipt", drop("path", 0)), "merkle.path_length"),
        ("signed in a role", given, inside("receipt", edit("signature", 4, "80")), "signature.role"),
        ("signed by another", given, inside("receipt", edit("signature", 0, "00000065")), "signature.invalid"),
        ("receipt of another statement", given, put("statement", other), "receipt.mismatch"),
        ("not canonical", given, lambda g: put("receipt", g["receipt"].replace(":", ": ", 1))(g), "json.not_canonical"),
        ("member missing", given, inside("receipt", drop("count")), "json.member_missing"),
        ("refusal of another statement", refusal, put("statement", "00" * 32), "receipt.mismatch"),
        ("refusal's reason altered", refusal, inside("refusal", put("reason", 19)), "signature.invalid"),
        ("refusal's block altered", refusal, inside("refusal", put("block_number", 78)), "signature.invalid"),
        ("refusal without a reason", refusal, inside("refusal", put("reason", 0)), "json.integer_range"),
        ("refusal taken for a receipt", given, inside("receipt", put("signature", no.to_bytes().hex())),
         "signature.invalid"),
    ]  # fmt: skip
    return [("receipt", given), ("refusal", refusal)], _all(bad)


def identities(_sign: ev.Sign) -> tuple[list[Case], list[Bad]]:
    office, notary = ev.office_card(), ev.notary_card()
    one = {"card": disclose_card(office).to_json(), "number": ev.OFFICE, "root": office.root.hex()}
    two = {"card": disclose_card(notary, withhold_name=True).to_json(), "number": ev.NOTARY, "root": notary.root.hex()}
    bad: list[tuple[str, dict[str, Any], Change, str]] = [
        ("name altered", one, put("card", "leaves", 2, "value", "x"), "content.root_mismatch"),
        ("another root", one, edit("root", 31, "00"), "content.root_mismatch"),
        ("another office's number", one, put("number", 102), "content.card"),
        ("number withheld", one, drop("card", "leaves", 0), "content.card"),
        ("institution withheld", two, drop("card", "leaves", 3), "content.card"),
        ("office's card for a practitioner", one, put("number", ev.NOTARY), "content.schema"),
        ("statement's content for a card", one, put("card", "type", 1), "content.type"),
        ("number of nobody", one, put("number", 0), "content.card"),
    ]
    return [("office", one), ("notary, name withheld", two)], _all(bad)


def foundings(sign: ev.Sign) -> tuple[list[Case], list[Bad]]:
    founders = ev.founders()
    digest = founding_digest(2, ev.CODE, founders)
    given: dict[str, Any] = {
        "contract_id": CONTRACT,
        "founders": [
            [one.number, int(one.role), int(one.custody), one.key.to_bytes().hex(), one.identity_root.hex()]
            for one in founders
        ],
        "signatures": [
            sign(ev.KEYS[one.number], founding_message(one.number, 3, ev.CONTRACT, digest)).hex() for one in founders
        ],
        "threshold": 2,
        "verifier": ev.CODE.verifier.hex(),
        "keys": ev.CODE.keys.hex(),
    }
    action = {
        "custody": 2,
        "function": 1,
        "identity_root": ev.notary_card().root.hex(),
        "institution": ev.OFFICE,
        "key": ev.KEYS[ev.NOTARY].public.to_bytes().hex(),
        "key_index": 3,
        "number": ev.NOTARY,
        "changes": 2,
        "since": 1_795_000_000,
    }
    decision: dict[str, Any] = {
        "contract_id": CONTRACT,
        "custody": 1,
        "changes": 2,
        "executor": sm3(b"executor").hex(),
        "expires": 1_795_600_000,
        "from": 1_795_000_000_000,
        "identity_root": ev.office_card().root.hex(),
        "institution": 77,
        "key": ev.KEYS[ev.COURT].public.to_bytes().hex(),
        "key_index": 1,
        "number": 9,
        "role": 3,
        "since": 1_795_000_000,
        "successor": "44" * 20,
        "table": ev.MATTER.table_digest.hex(),
        "threshold": 4,
        "until": 1_795_000_000_001,
        "voter": True,
        "voters": 3,
    }
    bad: list[tuple[str, dict[str, Any], Change, str]] = [
        ("threshold zero", given, put("threshold", 0), "founding.threshold"),
        ("threshold above the founders", given, put("threshold", 3), "founding.threshold"),
        ("another threshold than signed", given, put("threshold", 1), "signature.invalid"),
        ("another verifier than signed", given, edit("verifier", 31, "00"), "signature.invalid"),
        ("another maker of keys than signed", given, edit("keys", 31, "00"), "signature.invalid"),
        ("maker of keys without code", given, put("keys", ev.NO_CODE.hex()), "founding.keys"),
        ("a single founder", given, lambda g: g.update(founders=g["founders"][:1]), "founding.count"),
        ("verifier without code", given, put("verifier", ev.NO_CODE.hex()), "founding.verifier"),
        ("no founders", given, put("founders", []), "founding.count"),
        ("founders out of order", given, lambda g: g["founders"].reverse(), "founding.order"),
        ("founder with a practitioner's number", given, put("founders", 0, 0, ev.NOTARY), "statement.institution"),
        ("a key twice", given, lambda g: put("founders", 1, 3, g["founders"][0][3])(g), "key.in_use"),
        ("no identity root", given, put("founders", 0, 4, "00" * 32), "member.identity_root"),
        ("signature missing", given, drop("signatures", 2), "signature.count"),
        ("signatures swapped", given, lambda g: g["signatures"].reverse(), "signature.invalid"),
        ("another contract", given, edit("contract_id", 0, "00"), "signature.invalid"),
        ("decision zero", decision, put("number", 0), "signature.number_range"),
        ("decision by too many", decision, put("voters", 33), "signature.count"),
        ("decision on a practitioner as institution", decision, put("institution", ev.NOTARY), "statement.institution"),
        ("action on an institution's number", action, put("number", 5), "member.practitioner_number"),
        ("action by a practitioner", action, put("institution", ev.NOTARY), "statement.institution"),
    ]
    return [("three founders", given), ("actions", action), ("decisions", decision)], _all(bad)


TOPICS = {
    "statement": statements,
    "content": contents,
    "batch": batches,
    "receipt": receipts,
    "identity": identities,
    "procedure": procedures,
    "founding": foundings,
}
