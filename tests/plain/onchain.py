"""Steps 6 to 12 of §12: what the proofs under the header show, and whether the statements and signatures agree."""

from tests.plain import chain
from tests.plain.bundle import Account, Bundle, Entry, Signer
from tests.plain.content import Content, card_values, root_of
from tests.plain.formats import (
    IRREGULAR,
    IS_IRREGULAR,
    LATE,
    Signature,
    batch_leaf,
    check_by_operator,
)  # fmt: skip
from tests.plain.merkle import root_from_path
from tests.plain.procedures import Kind, Slot
from tests.plain.refusal import Refused, need
from tests.plain.steps import NAMES, Steps
from tests.plain.trust import Contract, Trust

OPERATOR_ROLE = 9
AHEAD = 5 * 60 * 1000
STATUSES = {2: "corrected", 3: "suspended", 4: "revoked", 5: "partly revoked", 6: "suspended and partly revoked"}


class OnChain:
    """Made with steps 6 and 7; the other steps follow in the order of the methods."""

    def __init__(self, bundle: Bundle, trust: Trust, accepting: Contract | None, steps: Steps) -> None:
        self.bundle, self.trust, self.accepting, self.steps = bundle, trust, accepting, steps
        self.header: chain.Header | None = None
        self.proven: dict[bytes, tuple[Account, bytes]] = {}  # account and storage root, by address
        self.needed: dict[bytes, set[bytes]] = {}  # positions, by address
        self.records: list[chain.Record | None] = []  # of each statement, where nothing is wrong with it
        self.table_index = 0
        self.table_digest: bytes | None = None
        self.keys: dict[tuple[int, int], chain.KeyRecord] = {}
        self.roots: dict[tuple[int, int], bytes] = {}
        if bundle.header is None:
            for name in NAMES[5:12]:
                steps.lack(name, "nothing is anchored yet")
            return
        with steps.under("header"):
            self.header = chain.read_header(bundle.header)
        if self.header is None:
            for name in NAMES[6:12]:
                steps.lack(name, "there is no header")
        else:
            self._check_contracts(self.header)

    def _check_contracts(self, header: chain.Header) -> None:
        """Step 7."""
        wanted = {one.address: one for one in (self.trust.institutions, self.accepting) if one is not None}
        if self.accepting is None:
            self.steps.lack("contracts", "the accepting contract is not known")
        for account in self.bundle.accounts:
            contract = wanted.pop(account.address, None)
            with self.steps.under("contracts"):
                if contract is None:
                    raise Refused("an account that is not listed or not needed")
                *_, storage_root, code = chain.prove_account(header.state_root, account.address, account.nodes)
                need(code == contract.code_hash, "another code than the trust file pins")
                need(header.number >= contract.start, "a block before the contract is relied on")
                self.proven[account.address] = account, storage_root
        for _ in wanted:
            self.steps.lack("contracts", "an account is missing")

    def _word(self, step: str, contract: Contract, position: bytes) -> bytes | None:
        """The word at a position that is needed; what hinders it is said under the step."""
        self.needed.setdefault(contract.address, set()).add(position)
        if contract.address not in self.proven:
            self.steps.lack(step, "an account is not proven")
            return None
        account, storage_root = self.proven[contract.address]
        if position not in account.slots:
            self.steps.lack(step, "a slot is missing")
            return None
        with self.steps.under(step):
            word = chain.prove_word(storage_root, position, account.slots[position])
            need(word is not None, "a slot is unset")
            return word
        return None

    def _extra_slots(self, contract: Contract) -> bool:
        """Whether an account brings slots that nothing needs."""
        needed = self.needed.get(contract.address, set())
        return any(one.slots.keys() - needed for one in self.bundle.accounts if one.address == contract.address)

    def find_records(self) -> None:
        """Step 8, but for the positions of the kinds."""
        self.records = [None] * len(self.bundle.entries)
        if self.header is None:
            return
        if self.accepting is None:
            self.steps.lack("anchor", "the accepting contract is not known")
            return
        for at, entry in enumerate(self.bundle.entries):
            digest = entry.anchor.header.digest if entry.anchor else entry.statement.digest
            word = self._word("anchor", self.accepting, chain.record_position(digest))
            sealed = self._check_batch(entry, self.accepting)
            if word is None:
                continue
            with self.steps.under("anchor"):
                record = chain.read_record(word)
                self.table_index = self.table_index or record.table_index
                self._check_record(entry, record, self.accepting, self.header)
                self.records[at] = record if sealed else None
        if self.table_index:
            self.table_digest = self._word("anchor", self.accepting, chain.table_position(self.table_index))
        if self._extra_slots(self.accepting):
            if self.table_index or self.bundle.in_batch:
                self.steps.fault("anchor", "a slot that is not needed")
            else:
                self.steps.lack("anchor", "which slot is the table's is not known")

    def _check_batch(self, entry: Entry, accepting: Contract) -> bool:
        """Whether the path and the seal of a batch hold; true in the registry."""
        anchor = entry.anchor
        if anchor is None:
            return True
        key = self.bundle.signers.get((anchor.seal.signer, anchor.seal.key_index))
        try:
            leaf = batch_leaf(entry.statement, entry.signatures)
            root = root_from_path(leaf, anchor.index, anchor.header.count, anchor.path)
            need(root == anchor.header.root, "the path leads to another root")
            if key is not None:
                head = anchor.header
                check_by_operator(4, head.digest, anchor.seal, key.key, accepting.id, head.operator)
        except Refused as refused:
            self.steps.fault("anchor", str(refused))
            return False
        if key is None:
            self.steps.lack("anchor", "the operator's key is missing")
        return key is not None

    def _check_record(self, entry: Entry, record: chain.Record, accepting: Contract, header: chain.Header) -> None:
        need(0 < record.number <= header.number and 0 < record.time <= header.timestamp, "recorded after the block")
        need(record.number >= accepting.start, "recorded before the contract is relied on")
        need(accepting.until is None or record.number <= accepting.until, "recorded after it was relied on")
        if entry.anchor:
            need(record.status == 1 and not any(record.rest), "not the record of a batch")
            return
        one, status = entry.statement, record.status
        need(bool(status & 16) == bool(one.flags & LATE), "recorded with another flag late")
        need(bool(status & 32) == bool(one.flags & IS_IRREGULAR), "recorded with another flag irregular")
        need(record.table_index == self.table_index != 0, "another table than the case's")
        need(record.rest[3:] == chain.case_tag(one.case), "recorded in another case")
        says = [STATUSES.get(status & 7), "late by time" if status & 8 else None]
        says += ["irregular seen before" if status & 64 else None, "supplemented" if status & 128 else None]
        self.steps.findings += [f"statement {one.sequence}: {word}" for word in says if word]

    def check_positions(self, kinds: list[Kind | None]) -> None:
        """The rest of step 8: the kind's position in the table."""
        if self.bundle.in_batch:
            return
        for at, (record, kind) in enumerate(zip(self.records, kinds, strict=True)):
            if record and kind and record.rest[2] != kind.position:
                self.steps.fault("anchor", "recorded as another kind")
                self.records[at] = None

    def check_keys(self, plans: list[list[Slot | None]]) -> None:
        """Step 9."""
        contract = self.trust.institutions
        for place, signer in self.bundle.signers.items():
            word = self._word("keys", contract, chain.key_record_position(signer.z, signer.key_index))
            root = self._word("keys", contract, chain.identity_root_position(signer.z, signer.key_index))
            if root is not None:
                self.roots[place] = root
            if word is not None:
                with self.steps.under("keys"):
                    key = chain.read_key_record(word)
                    need((key.number, key.key_index) == place, "the key of another number or key index")
                    self.keys[place] = key
        for entry, plan, record in zip(self.bundle.entries, plans, self.records, strict=True):
            one, batch = entry.statement, entry.anchor is not None
            for signature, slot in zip(entry.signatures, plan, strict=True):
                counterparty = signature.role & 0x80 and signature.role != IRREGULAR
                side = one.counterparty if counterparty else one.institution
                self._check_key(signature, side, slot.required if slot else 0, record, batch)
            if entry.anchor:
                self._check_key(entry.anchor.seal, entry.anchor.header.operator, OPERATOR_ROLE, record, False)
        if self._extra_slots(contract):
            self.steps.fault("keys", "a slot that is not needed")

    def _check_key(
        self, signature: Signature, side: int, required: int, record: chain.Record | None, batch: bool
    ) -> None:
        """One signature's key; `required` is a role or function, 0 any; `batch` for signers in a batch."""
        place = signature.signer, signature.key_index
        if place not in self.bundle.signers:
            self.steps.lack("keys", "a signer's key is missing")
        if record is None:
            self.steps.lack("keys", "when it was recorded is not known")
        key = self.keys.get(place)
        if key is None:
            return
        with self.steps.under("keys"):
            need(key.institution == side, "the key of another institution")
            need(required in (0, key.role), "the key of another role or function")
        if record is not None:
            ends = key.valid_until - 1 if batch else key.valid_until
            if not key.valid_from <= record.time <= ends:
                self.steps.fault("keys", "the key was not valid then")
        self.steps.findings.append(f"{key.number}: custody {key.custody}")
        if key.compromised_since:
            self.steps.findings.append(f"{key.number}: compromised since {key.compromised_since}")

    def check_identity(self) -> None:
        """Step 10."""
        if not self.bundle.signers:
            self.steps.lack("identity", "there are no signers")
        for place, signer in self.bundle.signers.items():
            if signer.card is None:
                self.steps.lack("identity", "a card is withheld")
                continue
            if place in self.roots:
                with self.steps.under("identity"):
                    self._check_card(signer, signer.card, self.keys.get(place), self.roots[place])
            if place not in self.keys or place not in self.roots:
                self.steps.lack("identity", "the key record or the identity root is not known")

    def _check_card(self, signer: Signer, card: Content, key: chain.KeyRecord | None, root: bytes) -> None:
        said = card_values(card, signer.number)
        need(root_of(card) == root, "the card proves into another root")
        if key is not None:
            shown = {"number": key.number, "role": key.role, "function": key.role, "institution": key.institution}
            need(all(said.get(name, value) == value for name, value in shown.items()), "the card says something else")

    def check_finality(self) -> None:
        """Step 11."""
        header = self.header
        assert header is not None
        threshold = self.trust.threshold
        if threshold is None:
            self.steps.lack("finality", "a chain without finality")
            return
        valid = 0
        for seen, signature in self.bundle.witnesses:
            key = self.trust.witnesses.get(signature.signer)
            digest = chain.witness_digest(self.bundle.ledger.genesis, header.number, header.hash, seen)
            with self.steps.under("finality"):
                need(signature.role == signature.key_index == 0, "a cosignature in a role or of a key index")
                if key is None:
                    self.steps.lack("finality", "a witness that the trust file does not pin")
                    continue
                check_by_operator(3, digest, signature, key, self.trust.institutions.id, signature.signer)
                valid += 1
        if valid < threshold:
            self.steps.lack("finality", "too few cosignatures")

    def check_time(self) -> None:
        """Step 12."""
        for entry, record in zip(self.bundle.entries, self.records, strict=True):
            if record is None:
                self.steps.lack("time", "when it was recorded is not known")
                continue
            gap = record.time * 1000 - entry.statement.occurred
            self.steps.findings.append(f"statement {entry.statement.sequence}: recorded {gap} ms after it occurred")
            if gap < -AHEAD:
                self.steps.fault("time", "it occurred more than five minutes after it was recorded")
