"""What members sign about the ledger itself: its founding, actions and decisions (§5.1, §5.2)."""

from collections.abc import Sequence

from tests.plain import canonical
from tests.plain.formats import PRACTITIONER, ZERO, institution
from tests.plain.keccak import keccak
from tests.plain.refusal import need
from tests.plain.sm import public_key, sm3

ACTIONS = {"admit": 1, "revoke": 2, "suspend": 3, "reinstate": 4, "new_key": 5, "recover": 6}
DECISIONS = {
    "admit": 0x10, "suspend": 0x11, "reinstate": 0x12, "remove": 0x13, "new_key": 0x14, "threshold": 0x15,
    "recovery_key": 0x16, "compromised": 0x17, "register_table": 0x20, "end_table": 0x21, "close": 0x22,
}  # fmt: skip


def founding_digest(
    threshold: int, verifier: bytes, keys: bytes, founders: Sequence[tuple[int, int, int, bytes, bytes]]
) -> bytes:
    """§5.1; founders are (number, role, custody, key, identity root)."""
    need(2 <= len(founders) <= 32, "not 2 to 32 founders")
    need(1 <= threshold < len(founders), "the threshold is not from 1 to count − 1")
    canonical.ascending([founder[0] for founder in founders], "founders")
    need(len({founder[3] for founder in founders}) == len(founders), "a key twice")
    need(not {verifier, keys} & {ZERO, keccak(b"")}, "a contract without code")
    data = b"tiezheng/founding/1" + bytes([threshold]) + verifier + keys + bytes([len(founders)])
    for number, role, custody, key, identity_root in founders:
        institution(number)
        need(1 <= role <= 9 and 1 <= custody <= 3, "unknown role or custody")
        public_key(key)
        need(identity_root != ZERO, "an identity root is zero")
        data += number.to_bytes(4) + bytes([role, custody]) + key + identity_root
    return sm3(data)


def possession_digest(number: int, key: bytes, custody: int) -> bytes:
    """§2.2, tag 6; custody 0 for a recovery key."""
    return sm3(number.to_bytes(4) + key + bytes([custody]))


def action_digest(action: str, number: int, *parts: bytes) -> bytes:
    """What a member signs about a member, or itself: parts as they stand in the table."""
    need(number % PRACTITIONER, "an action on nobody")
    return sm3(bytes([ACTIONS[action]]) + number.to_bytes(4) + b"".join(parts))


def decision_digest(number: int, expires: int, executor: bytes, action: bytes) -> bytes:
    """What voters sign; `expires` in seconds."""
    need(number, "decisions are numbered from 1")
    return sm3(b"\x80" + number.to_bytes(8) + expires.to_bytes(6) + executor + action)


def decided(action: str, *parts: bytes) -> bytes:
    """The action of a decision: parts as they stand in the table."""
    return bytes([DECISIONS[action]]) + b"".join(parts)
