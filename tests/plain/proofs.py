"""Proofs of broken receipts (§13) and of forks (§14)."""

from typing import Any

from tests.plain import canonical, chain
from tests.plain.bundle import Account, read_account, read_witness
from tests.plain.formats import (
    BatchHeader,
    Receipt,
    Signature,
    check_by_operator,
    check_receipt_file,
    check_refusal_file,
    counted,
    read_batch_header,
    read_leaves_file,
    read_signature,
    read_signatures,
    read_statement,
    statement_messages,
)  # fmt: skip
from tests.plain.keccak import keccak
from tests.plain.refusal import Refused, need
from tests.plain.sm import public_key, sm3, verifies, z_of
from tests.plain.trust import Contract, Trust, read_ledger

OPERATOR_ROLE = 9
TOLERANCE = 5 * 60 * 1000
LARGEST_BREACH, LARGEST_FORK = 16 * 2**20, 2**20
NOTHING = bytes(32)


class Key:
    """The key that a proof names."""

    def __init__(self, value: Any) -> None:
        index, number, x, y = canonical.members(value, "key_index", "number", "x", "y")
        self.number, self.index = canonical.whole(number, 1, 2**32 - 1), canonical.whole(index, 0, 255)
        self.point = canonical.octets(x, 32) + canonical.octets(y, 32)
        public_key(self.point)

    def made(self, signature: Signature) -> None:
        need((signature.signer, signature.key_index) == (self.number, self.index), "signed with another key")


class State:
    """Words under the header of a proof; every account and slot has to be asked for."""

    def __init__(self, value: Any, trust: Trust) -> None:
        accounts, header = canonical.members(value, "accounts", "header")
        self.trust, self.header = trust, chain.read_header(canonical.octets(header))
        self.accounts: dict[bytes, tuple[Account, bytes]] = {}
        self.asked: set[tuple[bytes, bytes]] = set()
        for account in map(read_account, canonical.entries(accounts, 0, 8)):
            canonical.ascending([*list(self.accounts)[-1:], account.address], "addresses")
            contract = next((one for one in trust.contracts if one.address == account.address), None)
            if contract is None:
                raise Refused("an account that the trust file does not list")
            *_, root, code = chain.prove_account(self.header.state_root, account.address, account.nodes)
            need(code == contract.code_hash and self.header.number >= contract.start, "another code, or too early")
            self.accounts[account.address] = account, root

    def word(self, contract: Contract, position: bytes) -> bytes | None:
        need(contract.address in self.accounts, "an account is missing")
        account, root = self.accounts[contract.address]
        need(position in account.slots, "a slot is missing")
        self.asked.add((contract.address, position))
        return chain.prove_word(root, position, account.slots[position])

    def key_record(self, key: Key, operator: bool) -> chain.KeyRecord:
        word = self.word(self.trust.institutions, chain.key_record_position(z_of(key.point), key.index))
        if word is None:
            raise Refused("nobody has this key")
        record = chain.read_key_record(word)
        need((record.number, record.key_index) == (key.number, key.index), "the key of another member")
        need(not operator or (record.role, record.institution) == (OPERATOR_ROLE, record.number), "not an operator")
        return record

    def finish(self, *contracts: Contract) -> None:
        need(set(self.accounts) <= {one.address for one in contracts}, "an account that is not needed")
        brought = {(address, slot) for address, (account, _) in self.accounts.items() for slot in account.slots}
        need(brought == self.asked, "a slot that is not needed")

    def final_gaps(self, witnesses: Any) -> int:
        """How much is missing for finality."""
        cosigned = [read_witness(one) for one in canonical.entries(witnesses, 0, 256)]
        canonical.ascending([signature.signer for _, signature in cosigned], "witnesses")
        gaps = int(self.header.timestamp > self.trust.valid_until)
        if self.trust.threshold is None:
            return gaps + 1
        valid = sum(cosigner(self.trust, self.header.number, self.header.hash, *one) for one in cosigned)
        return gaps + len(cosigned) - valid + (valid < self.trust.threshold)


def cosigner(trust: Trust, height: int, block_hash: bytes, seen: int, signature: Signature) -> bool:
    """Whether a pinned witness cosigned; one whose signature does not hold is refused."""
    need((signature.role, signature.key_index) == (0, 0), "not a witness's signature")
    if signature.signer not in trust.witnesses:
        return False
    digest = chain.witness_digest(trust.ledger.genesis, height, block_hash, seen)
    key, contract = trust.witnesses[signature.signer], trust.institutions.id
    check_by_operator(3, digest, signature, key, contract, signature.signer)
    return True


def start(ledger: Any, trust: Trust, at: int) -> int:
    """The ledger is the trust file's; the number of gaps."""
    place = read_ledger(*canonical.members(ledger, "chain_id", "founding", "genesis"))
    need(place == trust.ledger, "another ledger")
    return int(at > trust.valid_until * 1000)


def contract_of(address: Any, trust: Trust, *roles: str) -> Contract:
    wanted = canonical.octets(address, 20)
    found = next((one for one in trust.contracts if one.address == wanted and one.role in roles), None)
    if found is None:
        raise Refused("the trust file lists no such contract")
    return found


def check_breach(data: bytes, trust: Trust, at: int, leaves: list[bytes]) -> dict[str, Any]:
    """§13."""
    names = "batches", "chain", "contract", "format", "key", "ledger", "receipt", "refusal", "witnesses"
    batches, proofs, address, form, named, ledger, promise, refusal, witnesses = canonical.members(
        canonical.read(data, LARGEST_BREACH), *names
    )
    need(form == "tiezheng/breach/1", "another format")
    gaps = start(ledger, trust, at)
    contract = contract_of(address, trust, "registry" if batches is None else "batch")
    state, key = State(proofs, trust), Key(named)
    record = state.key_record(key, operator=True)
    receipt, _ = check_receipt_file(canonical.write(promise), key.point, contract.id)
    key.made(read_signature(canonical.octets(promise["signature"], 70)))
    need((receipt.lane == 2) == (batches is not None), "headers of batches exactly in the batch lane")
    inside = record.valid_from * 1000 - TOLERANCE <= receipt.received < (record.valid_until + 1) * 1000
    need(inside, "the key was not valid then")
    need(state.header.timestamp * 1000 > receipt.due, "not due yet")
    about: bytes | None = receipt.statement
    if batches is not None:
        about, missing = _in_batches(batches, state, contract, key, receipt, leaves)
        gaps += missing
    word = None if about is None else state.word(contract, chain.record_position(about))
    need(batches is None or about is None or word is not None, "the batch is not recorded")
    state.finish(trust.institutions, contract)
    time = None if word is None else chain.read_record(word).time
    need(time is None or time * 1000 > receipt.due, "the promise was kept")
    if refusal is not None:
        _late_refusal(refusal, key, contract, receipt)
    return {
        "block_time": time,
        "due": receipt.due,
        "gaps": gaps + state.final_gaps(witnesses),
        "header_time": state.header.timestamp,
        "kind": "not_anchored" if time is None else "anchored_late",
        "refused_late": refusal is not None,
        "statement": receipt.statement.hex(),
    }


def _in_batches(
    value: Any, state: State, contract: Contract, key: Key, receipt: Receipt, leaves: list[bytes]
) -> tuple[bytes | None, int]:
    """Digest of the header under which the statement stands, and how many leaves files are missing."""
    told, listed = canonical.members(value, "found", "headers")
    headers = [read_batch_header(canonical.octets(one, 88)) for one in canonical.entries(listed, 0, 65536)]
    before: BatchHeader | None = None
    for number, header in enumerate(headers):
        need((header.operator, header.batch) == (key.number, number), "not the operator's next batch")
        if before is not None:
            need(header.first == before.first + before.count and header.previous == before.digest, "not contiguous")
        before = header
    place = keccak(key.number.to_bytes(32) + (1).to_bytes(32))
    following = ((int.from_bytes(place) + 1) % 2**256).to_bytes(32)
    last, counts = (state.word(contract, slot) or NOTHING for slot in (place, following))
    own = (NOTHING, NOTHING)
    if before is not None:
        counted_now = (before.first + before.count) << 64 | before.batch + 1
        own = before.digest, counted_now.to_bytes(32)
    need((last, counts) == own, "not all batches of the operator")
    found, missing = None, 0
    for number, header in enumerate(headers):
        if number >= len(leaves):
            missing += 1
            continue
        own_header, _, statements = read_leaves_file(leaves[number])
        need(own_header == header, "leaves of another header")
        if found is None and any(one.digest == receipt.statement for one in statements):
            found = number
    if told is not None:
        canonical.whole(told, 0, len(headers) - 1)
        found = told if found is None and missing else found
    need(found == told, "found elsewhere")
    return (None if found is None else headers[found].digest), missing


def _late_refusal(value: Any, key: Key, contract: Contract, receipt: Receipt) -> None:
    file, raw = canonical.members(value, "file", "header")
    about, _ = check_refusal_file(canonical.write(file), key.point, contract.id)
    key.made(read_signature(canonical.octets(file["signature"], 70)))
    header = chain.read_header(canonical.octets(raw))
    need(about == receipt.statement, "a refusal of another statement")
    need((header.hash.hex(), header.number) == (file["block_hash"], file["block_number"]), "another block's header")
    need(header.timestamp * 1000 > receipt.due, "refused in time")


def check_fork(data: bytes, trust: Trust, at: int) -> dict[str, Any]:
    """§14."""
    names = "contract", "first", "format", "key", "kind", "ledger", "proof", "second"
    address, first, form, named, kind, ledger, proof, second = canonical.members(
        canonical.read(data, LARGEST_FORK), *names
    )
    need(form == "tiezheng/fork/1", "another format")
    need(canonical.write(first) < canonical.write(second), "not in order")
    gaps = start(ledger, trust, at)
    if kind == "witness":
        need(address is None and named is None and proof is None, "a witness's key is the trust file's")
        return _two_blocks([first, second], trust, gaps)
    need(kind in {"batch", "statement", "receipt"}, "unknown kind")
    contract, key = contract_of(address, trust, "registry", "batch"), Key(named)
    if proof is None:
        gaps += 1
    else:
        proofs, witnesses = canonical.members(proof, "chain", "witnesses")
        state = State(proofs, trust)
        state.key_record(key, operator=kind != "statement")
        state.finish(trust.institutions)
        gaps += state.final_gaps(witnesses)
    if kind == "batch":
        about = _two_batches([first, second], key, contract)
    else:
        about = _two_statements([first, second], key, contract, receipts=kind == "receipt")
    return {"about": about, "gaps": gaps, "kind": kind, "signers": [key.number]}


def _two_blocks(given: list[Any], trust: Trust, gaps: int) -> dict[str, Any]:
    heights, hashes, signers = set(), set(), set()
    for one in given:
        block_hash, height, seen, signature = canonical.members(one, "hash", "height", "seen", "signature")
        cosigned = read_witness({"seen": seen, "signature": signature})
        heights.add(canonical.whole(height, 0, 2**48 - 1))
        hashes.add(canonical.octets(block_hash, 32))
        gaps += not cosigner(trust, height, canonical.octets(block_hash, 32), *cosigned)
        signers.add(cosigned[1].signer)
    need(len(heights) == 1 and len(hashes) == 2, "no contradiction")
    return {"about": {"height": heights.pop()}, "gaps": gaps, "kind": "witness", "signers": sorted(signers)}


def _two_batches(given: list[Any], key: Key, contract: Contract) -> dict[str, Any]:
    numbers, digests = set(), set()
    for one in given:
        raw, signature = canonical.members(one, "header", "signature")
        header, seal = read_batch_header(canonical.octets(raw, 88)), read_signature(canonical.octets(signature, 70))
        key.made(seal)
        check_by_operator(4, header.digest, seal, key.point, contract.id, header.operator)
        numbers.add(header.batch)
        digests.add(header.digest)
    need(len(numbers) == 1 and len(digests) == 2, "no contradiction")
    return {"batch": numbers.pop()}


def _two_statements(given: list[Any], key: Key, contract: Contract, receipts: bool) -> dict[str, Any]:
    places, digests = set(), set()
    for one in given:
        names = ("signatures", "statement", *(["receipt"] if receipts else []))
        listed, raw, *promise = canonical.members(one, *names)
        statement = read_statement(canonical.octets(raw, 183))
        signatures = read_signatures([canonical.octets(each, 70) for each in canonical.entries(listed, 1, 8)])
        if receipts:
            receipt, _ = check_receipt_file(canonical.write(promise[0]), key.point, contract.id)
            key.made(read_signature(canonical.octets(promise[0]["signature"], 70)))
            own = statement.digest, sm3(counted(signatures))
            need((receipt.statement, receipt.signatures) == own, "a receipt of another statement")
        else:
            messages = statement_messages(statement, signatures, contract.id)
            mine = [
                verifies(key.point, message, each.rs)
                for each, message in zip(signatures, messages, strict=True)
                if (each.signer, each.key_index) == (key.number, key.index)
            ]
            need(mine and all(mine), "not signed with the key")
        places.add((statement.case, statement.sequence))
        digests.add(statement.digest)
    need(len(places) == 1 and len(digests) == 2, "no contradiction")
    ((case, sequence),) = places
    return {"case": case.hex(), "sequence": sequence}
