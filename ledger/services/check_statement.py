"""All checks of a statement before it is accepted, apart from its place in the case.

Guaranteed: what passes has signatures that the accepting contract will find valid, and a content that its root, its
kind's schema and its plan of signers agree with. Not guaranteed: that the content is true, or the case still open.
"""

from collections.abc import Collection, Sequence
from typing import Final

from ledger.domain.accepting import accepting_contract
from ledger.domain.limits import CONTENT_MAX_BYTES
from ledger.ports import Files
from ledger.services.known_members import KnownMembers, public_key, required_key
from tiezheng.content import Content, parse_private_json
from tiezheng.content import check_content as check_whole_content
from tiezheng.errors import Malformed, NotFound, Refused, TooLarge, VerificationFailed
from tiezheng.procedures import Kind, Procedure
from tiezheng.signature import Signature, verify
from tiezheng.statement import SignedStatement, Statement, message_for
from tiezheng.trust import Trust

_MISMATCHES: Final = frozenset({"content.root_mismatch", "content.signers_mismatch"})


def check_signature(
    trust: Trust, members: KnownMembers, statement: Statement, signature: Signature, count: int
) -> None:
    """One signature over its message, where the statement carries `count` in all (SPEC §2.2).

    Raises VerificationFailed `key.unknown`, `signature.invalid`, Malformed `signature.range`.
    """
    contract = accepting_contract(trust, statement)
    key = public_key(required_key(members, signature.signer, signature.key_index))
    message = message_for(statement, contract.id, signature.signer, signature.role, count)
    if not verify(key, message, signature.r_s):
        raise VerificationFailed("signature.invalid", got=signature.signer)


def check_signatures(trust: Trust, members: KnownMembers, signed: SignedStatement) -> None:
    """Every signature of the statement; errors as `check_signature`."""
    for signature in signed.signatures:
        check_signature(trust, members, signed.statement, signature, len(signed.signatures))


def procedure_for(trust: Trust, statement: Statement, table: bytes | None) -> Procedure:
    """The trusted procedure with this table, which the statement's case is pinned to; `table` is None for no case.

    Raises NotFound `case.not_found` for a later step of an unknown case, Refused `procedure.unknown`.
    """
    if table is None:
        if statement.sequence:
            raise NotFound("case.not_found", got=statement.case)
        table = statement.previous
    procedure = trust.procedure(table)
    if procedure is None:
        raise Refused("procedure.unknown", got=table)
    return procedure


def parse_content(data: bytes) -> Content:
    """Private content within the bound. Raises TooLarge `request.too_large`, Malformed `json.*`, `content.*`."""
    if len(data) > CONTENT_MAX_BYTES:
        raise TooLarge("request.too_large", expected=CONTENT_MAX_BYTES, got=len(data))
    return parse_private_json(data, CONTENT_MAX_BYTES)


def check_content(content: Content, statement: Statement, kind: Kind, plan: Sequence[Sequence[int]]) -> None:
    """The kernel's check of a whole content, `plan` being [[signer, role], …]; what was filled in wrongly is malformed.

    Raises VerificationFailed `content.root_mismatch`, `content.signers_mismatch`, Malformed `content.*`.
    """
    try:
        check_whole_content(content, statement, kind, plan)
    except VerificationFailed as error:
        if error.code in _MISMATCHES:
            raise
        raise Malformed(error.code, expected=error.expected, got=error.got, detail=error.detail) from None


def check_attachments(content: Content, case: bytes, files: Files, not_held: Collection[bytes]) -> None:
    """Each attachment was uploaded to this case, the same in size and digests, or the institution keeps it itself.

    Raises Refused `file.not_uploaded`, VerificationFailed `file.digest_mismatch`.
    """
    for index, attachment in enumerate(content.attachments):
        digests = attachment.digests
        row = files.get(case, digests.sm3)
        if row is None:
            if digests.sm3 not in not_held:
                raise Refused("file.not_uploaded", got=digests.sm3, detail=f"attachments[{index}]")
        elif (row.size, row.sha256) != (digests.size, digests.sha256):
            raise VerificationFailed("file.digest_mismatch", got=digests.sm3, detail=f"attachments[{index}]")


def unused_claims(content: Content | None, not_held: Collection[bytes]) -> None:
    """Whoever says that attachments are kept elsewhere names attachments. Raises Malformed `request.format`."""
    known = set() if content is None else {attachment.digests.sm3 for attachment in content.attachments}
    if not set(not_held) <= known:
        raise Malformed("request.format", detail="not_held names a file that is no attachment")
