"""Fixed statements, contents, cards, batches and receipts of a small notary office, for vectors and unit tests.

Everything but the signatures is deterministic; `signer` is called as signer(key, message) and gives r ‖ s.
"""

from collections.abc import Callable
from typing import Any

from tiezheng.content import Attachment, Content, ContentType, build_content, build_records
from tiezheng.digest import FileDigests, sha256, sm3
from tiezheng.evm.keccak import keccak256
from tiezheng.founding import CryptoCode, Custody, Founder, InstitutionRole
from tiezheng.identity import institution_card, practitioner_card
from tiezheng.procedures import JsonValue, Kind, load_procedures
from tiezheng.signature import PrivateKey, Signature, private_key, sign
from tiezheng.statement import ZERO, Flag, SignedStatement, Statement, contract_id, message_for, new_case_id

DEPOSIT, BULK, MATTER = load_procedures()[:3]
OFFICE, REGULATOR, COURT, OPERATOR = 101, 201, 301, 901
NOTARY, APPROVER = 0x8000_0001, 0x8000_0002
KEYS = {number: private_key(0x1234_5678_9ABC + 7 * number) for number in (101, 201, 301, 901, NOTARY, APPROVER)}
CONTRACT = contract_id(31337, b"\x11" * 20, sm3(b"founding"))
CODE, NO_CODE = CryptoCode(sm3(b"code of the verifier"), sm3(b"code of the keys")), keccak256(b"")
OCCURRED = 1_793_520_000_000
Sign = Callable[[PrivateKey, bytes], bytes]


def salts(label: str) -> Callable[[], bytes]:
    count = 0

    def draw() -> bytes:
        nonlocal count
        count += 1
        return sm3(label.encode(), count.to_bytes(4, "big"))[:16]

    return draw


def plan(*signers: tuple[int, int]) -> JsonValue:
    return [list(pair) for pair in signers]


def attachment(name: str, data: bytes, draw: Callable[[], bytes]) -> Attachment:
    return Attachment(name, "application/pdf", FileDigests(len(data), sm3(data), sha256(data)), draw())


def deposit_content() -> Content:
    draw = salts("deposit")
    values: dict[str, JsonValue] = {
        "signers": plan((OFFICE, 0)),
        "title": "网页取证 Web capture",
        "source": "https://example.invalid/",
        "owner": "某公司",
        "given_by": "party",
        "obtained_at": "2026-11-01T02:03:04.5Z",
    }
    files = (attachment("网页.pdf", b"page", draw), attachment("录屏.mp4.pdf", b"screen", draw))
    return build_content(ContentType.STATEMENT, DEPOSIT.kinds[0].schema, values, files, draw_salt=draw)


def work(index: int) -> dict[str, JsonValue]:
    data = f"work {index}".encode()
    return {
        "title": f"作品{index}",
        "author": "某作者",
        "kind_of_work": "art",
        "created_on": "2026-02-28",
        "file_size": len(data),
        "file_sm3": sm3(data).hex(),
        "file_sha256": sha256(data).hex(),
    }


def bulk_content(count: int = 5) -> Content:
    draw = salts("bulk")
    records = build_records(BULK.record_schemas[0].schema, (work(index) for index in range(count)), draw)
    values: dict[str, JsonValue] = {"signers": plan((OFFICE, 0)), "title": "作品一批", "given_by": "party"}
    files = (attachment("清单.pdf", b"list", draw),)
    return build_content(ContentType.STATEMENT, BULK.kinds[0].schema, values, files, records, draw_salt=draw)


def office_card() -> Content:
    return institution_card(OFFICE, "12320000MB0000000X", "示例公证处", 1, draw_salt=salts("office"))


def notary_card() -> Content:
    return practitioner_card(NOTARY, "13201200010001", "张某", 1, OFFICE, draw_salt=salts("notary"))


def statement(**changes: Any) -> Statement:
    """The opening deposit, with changes."""
    fields: dict[str, Any] = {
        "kind": DEPOSIT.kinds[0].number,
        "flags": Flag(0),
        "sequence": 0,
        "institution": OFFICE,
        "counterparty": 0,
        "occurred": OCCURRED,
        "case": new_case_id(OFFICE, sm3(b"case")[:28]),
        "previous": DEPOSIT.table_digest,
        "subject": sm3(b"page"),
        "content": deposit_content().root,
        "terms": ZERO,
    }
    return Statement(**{**fields, **changes})


def bulk_statement(index: int = 0) -> Statement:
    case = new_case_id(OFFICE, sm3(b"bulk", bytes([index]))[:28])
    return statement(
        kind=BULK.kinds[0].number,
        flags=Flag.BATCH,
        case=case,
        previous=BULK.table_digest,
        subject=ZERO,
        content=bulk_content().root,
    )


def sign_statement(what: Statement, signers: list[tuple[int, int]], signer: Sign = sign) -> SignedStatement:
    """Signed by (number, role), each with key index 0."""
    ordered = sorted(signers)
    return SignedStatement(
        what,
        tuple(
            Signature(number, role, 0, signer(KEYS[number], message_for(what, CONTRACT, number, role, len(ordered))))
            for number, role in ordered
        ),
    )


def step(kind: Kind, before: Statement | None, case: bytes, sequence: int, **changes: Any) -> Statement:
    """A statement of a matter that follows `before`."""
    previous = MATTER.table_digest if before is None else before.digest
    fields = {"kind": kind.number, "case": case, "sequence": sequence, "previous": previous, "subject": ZERO}
    return statement(**{**fields, **changes})


def founders() -> list[Founder]:
    roles = {OFFICE: InstitutionRole.NOTARY_OFFICE, REGULATOR: InstitutionRole.REGULATOR, COURT: InstitutionRole.COURT}
    return [
        Founder(number, role, Custody.SELF, KEYS[number].public, sm3(b"card", bytes([role])))
        for number, role in roles.items()
    ]


def flip(data: bytes, at: int, mask: int = 1) -> bytes:
    return data[:at] + bytes([data[at] ^ mask]) + data[at + 1 :]
