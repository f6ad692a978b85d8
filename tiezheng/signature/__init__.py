"""SM2 signatures: keys, the 81-byte signed message, signers, key files, plain file signatures.

The one owner of the SM2 libraries; the names below are all that other packages use. `der` and `keyfile` are imported
as modules.
"""

from tiezheng.signature.message import (
    MAX_STATEMENT_SIGNATURES,
    MESSAGE_SIZE,
    RECORD_SIZE,
    ROLE_INSTITUTION,
    ROLE_RESERVED_INSTITUTION,
    Signature,
    SignedMessage,
    Tag,
    check_signers,
    parse_signatures,
    parse_signed_message,
    signatures_to_bytes,
    signed_message,
)
from tiezheng.signature.plain import sign_plain, verify_plain
from tiezheng.signature.provider import (
    generate,
    private_key,
    provider_name,
    sign,
    sign_digest,
    verify,
    verify_digest,
)
from tiezheng.signature.signer import KeySigner, Signer
from tiezheng.signature.sm2 import PrivateKey, PublicKey, z_value

__all__ = [
    "MAX_STATEMENT_SIGNATURES",
    "MESSAGE_SIZE",
    "RECORD_SIZE",
    "ROLE_INSTITUTION",
    "ROLE_RESERVED_INSTITUTION",
    "KeySigner",
    "PrivateKey",
    "PublicKey",
    "Signature",
    "SignedMessage",
    "Signer",
    "Tag",
    "check_signers",
    "generate",
    "parse_signatures",
    "parse_signed_message",
    "private_key",
    "provider_name",
    "sign",
    "sign_digest",
    "sign_plain",
    "signatures_to_bytes",
    "signed_message",
    "verify",
    "verify_digest",
    "verify_plain",
    "z_value",
]
