"""`verify` of §12: reads the bundle, and takes the steps in an order in which each has what it rests on."""

from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

from tests.plain.bundle import Bundle, Entry, read_bundle
from tests.plain.content import STATEMENT, Content, check_kind, root_of
from tests.plain.formats import (
    CONTINUE_STEP,
    IRREGULAR,
    IS_IRREGULAR,
    LATE,
    PRACTITIONER,
    ZERO,
    Signature,
    Statement,
    statement_messages,
)  # fmt: skip
from tests.plain.onchain import OnChain
from tests.plain.procedures import Kind, Slot, read_terms
from tests.plain.refusal import Refused, need
from tests.plain.schema import Field
from tests.plain.sm import verifies
from tests.plain.steps import Steps
from tests.plain.trust import Contract, Trust


@dataclass(frozen=True, slots=True)
class File:
    """What is compared of a given file."""

    size: int
    sm3: bytes
    sha256: bytes


def verify(data: bytes, trust: Trust, at: int, files: list[File]) -> Steps:
    """The steps for the bytes of a bundle; `at` is the time of verification in milliseconds."""
    steps = Steps()
    with steps.under("format"):
        bundle = read_bundle(data)
    if steps.faults["format"]:
        steps.lack_after("format", "the bundle does not parse")
        return steps
    if bundle.ledger != trust.ledger:
        steps.fault("trust", "the trust file is for another ledger")
        steps.lack_after("trust", "the trust file is for another ledger")
        return steps
    accepting = accepting_contract(bundle, trust)
    chain = OnChain(bundle, trust, accepting, steps)
    if at > trust.valid_until * 1000 or (chain.header and chain.header.timestamp > trust.valid_until):
        steps.lack("trust", "the trust file has ended")
    chain.find_records()
    kinds = check_statements(bundle, trust, chain.table_digest, steps)
    proven = [check_content(entry, kind, steps) for entry, kind in zip(bundle.entries, kinds, strict=True)]
    for entry, kind in zip(bundle.entries, kinds, strict=True):
        check_signatures(bundle, entry, kind, accepting, steps)
    if chain.header is not None:
        plans = [slots_taken(entry, kind) for entry, kind in zip(bundle.entries, kinds, strict=True)]
        chain.check_positions(kinds)
        chain.check_keys(plans)
        chain.check_identity()
        chain.check_finality()
        chain.check_time()
    check_files(bundle, proven, kinds, files, steps)
    return steps


def accepting_contract(bundle: Bundle, trust: Trust) -> Contract | None:
    """§12: of those that could have accepted the statements, the one that the bundle brings."""
    role, domain = ("batch", None) if bundle.in_batch else ("registry", bundle.entries[0].statement.domain)
    listed = sorted(
        (one for one in trust.contracts if (one.role, one.domain) == (role, domain)), key=lambda one: one.start
    )
    if bundle.header is None:
        return next((one for one in reversed(listed) if one.until is None), None)
    brought = {account.address for account in bundle.accounts}
    return next((one for one in listed if one.address in brought), listed[-1] if listed else None)


def check_statements(bundle: Bundle, trust: Trust, proven_table: bytes | None, steps: Steps) -> list[Kind | None]:
    """Step 3: the kind of each statement, None where it is not known."""
    statements = [entry.statement for entry in bundle.entries]
    for one, later in pairwise(statements):
        if later.sequence == one.sequence + 1 and later.previous != one.digest:
            steps.fault("statements", f"statement {later.sequence} does not follow the one before it")
    opening = statements[0].previous if statements[0].sequence == 0 else None
    if opening and proven_table and opening != proven_table:
        steps.fault("statements", "the case has another table on chain")
    table = opening or proven_table
    procedure = next((one for one in trust.procedures if one.table_digest == table), None)
    if procedure is None:
        steps.lack("statements", "the case's procedure is not known")
        return [None] * len(statements)
    kinds = [procedure.kind(one.kind) for one in statements]
    for one, kind in zip(statements, kinds, strict=True):
        with steps.under("statements"):
            check_kind_of(one, kind)
    return kinds


def check_kind_of(one: Statement, kind: Kind | None) -> None:
    """What a kind asks of its statement."""
    if kind is None:
        raise Refused("the procedure does not list the kind")
    need(not one.flags & LATE or "may_be_late" in kind.flags, "a late statement of a kind that may not be late")
    need(not one.flags & IS_IRREGULAR or "may_be_irregular" in kind.flags, "an irregular statement of such a kind")
    need(bool(one.flags & 8) == ("batch" in kind.flags), "another lane than the kind's")
    need((one.sequence == 0) == ("opens" in kind.flags), "a kind opens exactly at sequence 0")
    need(one.counterparty == 0 or "names_counterparty" in kind.flags, "a counterparty that the kind may not name")
    if one.step != CONTINUE_STEP:  # whose terms are the case's head in another contract
        read_terms(kind.effect, one.terms)


def check_content(entry: Entry, kind: Kind | None, steps: Steps) -> Content | None:
    """Step 4 for one statement: the content where its leaves are proven, and as the kind lists where it is known."""
    content = entry.content
    if content is None:
        steps.lack("content", "a content is withheld")
        return None
    try:
        need(content.type == STATEMENT, "not the content of a statement")
        need(root_of(content) == entry.statement.content, "the leaves prove into another root")
    except Refused as refused:
        steps.fault("content", str(refused))
        return None
    if kind is None:
        steps.lack("content", "the kind is not known")
    else:
        try:
            check_kind(content, kind)
        except Refused as refused:
            steps.fault("content", str(refused))
            return None
    signers, reason = content.field("signers"), content.field("flag_reason")
    if signers is None:
        steps.lack("content", "`signers` is withheld")
    elif signers.value != [[one.signer, one.role] for one in entry.signatures]:
        steps.fault("content", "others signed than the content says")
    if reason is not None and (reason.value is None) == bool(entry.statement.flags & (LATE | IS_IRREGULAR)):
        steps.fault("content", "a reason exactly where a flag is set")
    return content


def check_signatures(bundle: Bundle, entry: Entry, kind: Kind | None, accepting: Contract | None, steps: Steps) -> None:
    """Step 5 for one statement."""
    one, signatures = entry.statement, entry.signatures
    for signature in signatures:
        with steps.under("signatures"):
            check_side(one, signature)
    with steps.under("signatures"):
        if kind is not None:
            check_roles(one, signatures, kind)
    if kind is None:
        steps.lack("signatures", "the kind is not known")
    if accepting is None:
        steps.lack("signatures", "the accepting contract is not known")
        return
    for signature, message in zip(signatures, statement_messages(one, signatures, accepting.id), strict=True):
        signer = bundle.signers.get((signature.signer, signature.key_index))
        if signer is None:
            steps.lack("signatures", "a signer's key is missing")
        elif not verifies(signer.key, message, signature.rs):
            steps.fault("signatures", f"the signature of {signature.signer} does not hold")


def side_of(one: Statement, role: int) -> int:
    """The institution of the signer's side."""
    return one.counterparty if role & 0x80 and role != IRREGULAR else one.institution


def check_side(one: Statement, signature: Signature) -> None:
    side = side_of(one, signature.role)
    need(side, "a side that the statement does not name")
    practitioner = signature.role & 0x40 and signature.role != IRREGULAR
    need(bool(practitioner) == (signature.signer >= PRACTITIONER), "a role for another sort of signer")
    need(practitioner or signature.signer == side, "signed by another institution than its side's")


def check_roles(one: Statement, signatures: list[Signature], kind: Kind) -> None:
    slots, roles = Counter(slot.role for slot in kind.slots), Counter(each.role for each in signatures)
    if one.flags & IS_IRREGULAR:
        need(roles.pop(IRREGULAR, 0) == 1, "an irregular statement has one signature of role 0xFF")
        need(roles <= slots, "roles that the kind does not have")
    else:
        need(roles == slots, "not the roles of the kind")


def slots_taken(entry: Entry, kind: Kind | None) -> list[Slot | None]:
    """The slot of each signature (§8.2 rules 1 and 8), None where there is none to compare with."""
    nothing: list[Slot | None] = [None] * len(entry.signatures)
    if kind is None:
        return nothing
    try:
        check_roles(entry.statement, entry.signatures, kind)
    except Refused:
        return nothing
    seal = next((slot for slot in kind.slots if slot.role == 0), None)
    free, taken = list(kind.slots), []
    for signature in entry.signatures:
        if signature.role == IRREGULAR:
            taken.append(seal)
        else:
            slot = next(one for one in free if one.role == signature.role)
            free.remove(slot)
            taken.append(slot)
    return taken


def check_files(
    bundle: Bundle, proven: list[Content | None], kinds: list[Kind | None], files: list[File], steps: Steps
) -> None:
    """Step 13."""
    known = [(content, kind) for content, kind in zip(proven, kinds, strict=True) if content]
    subjects = {entry.statement.subject for entry in bundle.entries} - {ZERO}
    attached = [leaf.attachment for content, _ in known for leaf in content.leaves if leaf.attachment]
    files_of_attachments = {(one["size"], bytes.fromhex(one["sm3"]), bytes.fromhex(one["sha256"])) for one in attached}
    described = [pair for content, kind in known if kind for pair in described_files(content, kind.fields, kind)]
    if not files:
        steps.lack("files", "no file is given")
    for file in files:
        if (
            file.sm3 not in subjects
            and (file.size, file.sm3, file.sha256) not in files_of_attachments
            and not any(file.sm3.hex() == sm3 and sha256 in {None, file.sha256.hex()} for sm3, sha256 in described)
        ):
            steps.fault("files", "a file that nothing here names")
    given = {(file.size, file.sm3, file.sha256) for file in files}
    steps.findings += [f"no file for the attachment {sm3.hex()}" for _, sm3, _ in sorted(files_of_attachments - given)]


def described_files(content: Content, fields: tuple[Field, ...], kind: Kind) -> list[tuple[str, str | None]]:
    """Values of the digests `file_sm3`, and of `file_sha256` beside it, in a content and its records."""
    records = [leaf.record for leaf in content.leaves if leaf.record]
    pairs = [pair for record in records for pair in described_files(record, kind.records[record.schema], kind)]
    digests = {field.name for field in fields if field.type == "digest"}
    said = {leaf.name: leaf.value for leaf in content.leaves if leaf.name in digests}
    return [*pairs, (said["file_sm3"], said.get("file_sha256"))] if said.get("file_sm3") else pairs
