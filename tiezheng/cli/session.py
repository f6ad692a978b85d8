"""One person's or system's session with a service: profile, client, and signing.

Guaranteed: nothing is signed for a contract that the profile's trust file does not list, and nothing before the
service's ledger was compared with it. Not guaranteed: anything about the ledger where the profile names no trust file.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tiezheng.cli.drafts import Draft
from tiezheng.cli.files import read_small, write_new
from tiezheng.cli.profile import Profile, load_profile
from tiezheng.client import Client, LedgerView
from tiezheng.errors import NotFound, VerificationFailed
from tiezheng.signature import PrivateKey, Signature, sign
from tiezheng.statement import Flag, SignedStatement, Statement, message_for
from tiezheng.trust import MAX_TRUST_SIZE, parse_trust


@dataclass(slots=True)
class Session:
    """An open session. Use `open_session`."""

    profile: Profile
    client: Client
    ledger: LedgerView
    _keys: dict[int, PrivateKey] = field(default_factory=dict)

    def holds(self, number: int) -> bool:
        """Whether the profile has a key of this signer."""
        return number in self.profile.signers

    def sign(self, statement: Statement, plan: Sequence[tuple[int, int]], number: int) -> Signature:
        """One signature of the plan. Raises NotFound `key.unknown` without a key, `key.*`."""
        entry = self.profile.signers.get(number)
        role = next((role for signer, role in plan if signer == number), None)
        if entry is None or role is None:
            raise NotFound("key.unknown", got=number, detail="profile")
        if number not in self._keys:
            self._keys[number] = entry.load()
        contract = self.ledger.contract_ids["batch" if statement.flags & Flag.BATCH else "registry"]
        message = message_for(statement, contract, number, role, len(plan))
        return Signature(number, role, entry.key_index, sign(self._keys[number], message))

    def sign_all(self, draft: Draft) -> SignedStatement:
        """The statement with every signature of its plan, all by keys of this profile."""
        signatures = [self.sign(draft.statement, draft.plan, number) for number, _ in draft.plan]
        return SignedStatement(draft.statement, tuple(signatures))

    def hand_in(self, draft: Draft, out: Path | None = None) -> dict[str, Any]:
        """Submit, or open a collection where a signer's key is elsewhere; what happened, for `emit`.

        With `out` the receipt is written there as `<evidence id>.receipt.json`, unless it is there already.
        """
        statement = draft.statement
        told: dict[str, Any] = {
            "digest": statement.digest.hex(),
            "case": statement.case.hex(),
            "sequence": statement.sequence,
            "kind": draft.kind.path,
        }
        if not all(self.holds(number) for number, _ in draft.plan):
            ready = [self.sign(statement, draft.plan, number) for number, _ in draft.plan if self.holds(number)]
            opened = self.client.open_collection(statement, draft.plan, draft.content, ready)
            waiting = [number for number, _ in draft.plan if not self.holds(number)]
            return {**told, "status": "collecting", "collection": opened["id"], "waiting": waiting}
        signed = self.sign_all(draft)
        receipt = self.client.submit(signed, draft.content)
        told |= {"status": "accepted", "received": receipt.receipt.received, "due": receipt.receipt.due}
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            target = out / f"{statement.digest.hex()}.receipt.json"
            if not target.exists():
                write_new(target, receipt.to_bytes())
            told["receipt"] = str(target)
            # What was promised, to be shown or handed in again beside the promise.
            statement_file = out / f"{statement.digest.hex()}.statement"
            if not statement_file.exists():
                write_new(statement_file, signed.to_bytes())
        return told


@contextmanager
def open_session(profile_file: Path | None) -> Iterator[Session]:
    """A session by profile. Raises `config.*`, Unavailable `service.unreachable`, VerificationFailed `trust.ledger`."""
    profile = load_profile(profile_file)
    with Client(profile.service, profile.token) as client:
        ledger = client.ledger()
        if profile.trust is not None:
            _compare(ledger, profile.trust)
        yield Session(profile, client, ledger)


def _compare(ledger: LedgerView, file: Path) -> None:
    trust = parse_trust(read_small(file, MAX_TRUST_SIZE))
    expected = (trust.ledger.chain_id, trust.ledger.founding, trust.ledger.genesis)
    if (ledger.chain_id, ledger.founding, ledger.genesis) != expected:
        raise VerificationFailed("trust.ledger", expected=trust.ledger.founding, got=ledger.founding)
    listed = {contract.id for contract in trust.contracts}
    for role, identity in ledger.contract_ids.items():
        if identity not in listed:
            raise VerificationFailed("trust.contract_unknown", got=identity, detail=role)
