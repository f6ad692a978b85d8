"""A decision on its way from voter to voter, as files: what is proposed, each vote, the new key's own signature.

Guaranteed: strict canonical JSON; a decision that is read back brings a further key for an institution, nothing else,
so that whoever signs can be shown all of it in words. Not guaranteed: that the chain's next decision still has this
number when the last vote has come.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tiezheng.canonical import dumps, loads_strict
from tiezheng.digest import DIGEST_SIZE
from tiezheng.errors import Malformed, VerificationFailed
from tiezheng.governance import MAX_VOTERS, NO_END, Action, Decision, new_key
from tiezheng.json_members import read_constant, read_hex, read_hex_up_to, read_integer, read_list, read_object
from tiezheng.procedures import Custody
from tiezheng.signature import RECORD_SIZE, PublicKey, Signature

DECISION: Final = "tiezheng/decision/1"
VOTE: Final = "tiezheng/vote/1"
POSSESSION: Final = "tiezheng/possession/1"
MAX_BYTES: Final = 1 << 14
_MEMBERS: Final = frozenset({"action", "executor", "expires", "format", "key_index", "number", "voters"})
_SIGNED: Final = frozenset({"decision", "format", "signature"})
_ACTION_SIZE: Final = 1 + 4 + 1 + 64 + 32
_U32: Final = (1 << 32) - 1
_U64: Final = (1 << 53) - 1


@dataclass(frozen=True, slots=True)
class KeyDecision:
    """A decision that gives `member` the key `key` under `key_index`; `voters` are those whose votes it will carry."""

    decision: Decision
    voters: tuple[int, ...]
    key_index: int
    member: int
    custody: Custody
    key: PublicKey
    identity_root: bytes

    def to_bytes(self) -> bytes:
        """Canonical JSON."""
        decision = self.decision
        return dumps(
            {
                "action": decision.action.hex(),
                "executor": decision.executor.hex(),
                "expires": decision.expires,
                "format": DECISION,
                "key_index": self.key_index,
                "number": decision.number,
                "voters": list(self.voters),
            }
        )


def key_decision(decision: Decision, voters: Sequence[int], key_index: int) -> KeyDecision:
    """The parts of the decision. Raises Malformed `decision.action`, `decision.signatures`, and as `new_key`."""
    action = decision.action
    if len(action) != _ACTION_SIZE or action[0] != Action.NEW_KEY:
        raise Malformed("decision.action", expected="a further key", got=action[:1])
    if not voters or list(voters) != sorted(set(voters)):
        raise Malformed("decision.signatures", expected="voters, each once, ascending")
    member, custody = int.from_bytes(action[1:5], "big"), Custody(action[5])
    key, root = PublicKey.parse(action[6:70]), action[70:]
    if new_key(member, custody, key, root) != action:
        raise Malformed("decision.action", got=action[:1])
    return KeyDecision(decision, tuple(voters), key_index, member, custody, key, root)


def parse_key_decision(data: bytes) -> KeyDecision:
    """The decision in a file. Raises Malformed `json.*`, `decision.*`."""
    value = read_object(loads_strict(data.removesuffix(b"\n"), MAX_BYTES), _MEMBERS, "decision")
    read_constant(value["format"], DECISION, "format", "decision.action")
    decision = Decision(
        number=read_integer(value["number"], "number", _U64, 1),
        expires=read_integer(value["expires"], "expires", NO_END, 1),
        executor=read_hex(value["executor"], "executor", DIGEST_SIZE),
        action=read_hex_up_to(value["action"], "action", _ACTION_SIZE),
    )
    voters = [read_integer(one, "voters", _U32, 1) for one in read_list(value["voters"], "voters", MAX_VOTERS, 1)]
    return key_decision(decision, voters, read_integer(value["key_index"], "key_index", 254))


def signed_bytes(form: str, decision: Decision, signature: Signature) -> bytes:
    """A vote, or the new key's own signature, as a file."""
    return dumps({"decision": decision.digest.hex(), "format": form, "signature": signature.to_bytes().hex()})


def parse_signed(data: bytes, form: str, decision: Decision) -> Signature:
    """The signature in such a file, which is for this decision. Raises Malformed `json.*`, VerificationFailed
    `decision.number` for another decision."""
    value = read_object(loads_strict(data.removesuffix(b"\n"), MAX_BYTES), _SIGNED, form)
    read_constant(value["format"], form, "format", "decision.action")
    digest = read_hex(value["decision"], "decision", DIGEST_SIZE)
    if digest != decision.digest:
        raise VerificationFailed("decision.number", expected=decision.digest, got=digest)
    return Signature.parse(read_hex(value["signature"], "signature", RECORD_SIZE))
