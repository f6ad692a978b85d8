"""Steps 9 and 10: keys and identity cards (spec/SPEC.md §5.3, §4.5, §12).

Guaranteed: a key that passes was registered for that number, institution and role, and was valid at the block time of
everything that it signed here. Not guaranteed: who held the key in hand; custody is shown, not judged.
"""

from contextlib import suppress
from typing import Final

from tiezheng.errors import TiezhengError, VerificationFailed
from tiezheng.identity import check_card
from tiezheng.procedures import signed_roles_fit
from tiezheng.procedures.roles import InstitutionRole
from tiezheng.signature import z_value
from tiezheng.statement import Flag, is_practitioner
from tiezheng.storage_words import KeyWord, RecordWord, identity_root_slot, key_record_slot
from tiezheng.verify.chain_state import ChainState
from tiezheng.verify.papers import side_of
from tiezheng.verify.run import Act, Run, describe, noting
from tiezheng.verify.verdict import Notes

HOSTED: Final = 3
Key = tuple[int, int]


def check_keys(run: Run, notes: Notes) -> None:
    """Step 9: key records and identity roots are proven, agree with the signatures, and were valid then."""
    if run.state is None:
        notes.lack("bundle.pending")
        return
    if run.state.header is None:
        notes.lack("verify.depends", "header")
        return
    used = _used_keys(run)
    for key in sorted(used - run.signers.keys()):
        notes.lack("bundle.signer_missing", _named(key))
    for key in sorted(used & run.signers.keys()):
        with noting(notes, _named(key)):
            run.keys[key] = _key_record(run, run.state, key)
        with noting(notes, _named(key)):
            run.roots[key] = _identity_root(run, run.state, key)
    for act in run.acts:
        _check_signers(run, act, notes)
    _check_operators(run, notes)
    _warn(run)
    for position in run.state.unused_slots(run.trust.institutions):
        notes.fail("bundle.unused", f"slot {position.hex()}")


def _used_keys(run: Run) -> set[Key]:
    used = {(one.signer, one.key_index) for act in run.acts for one in act.item.signed.signatures}
    seals = [act.item.batch.signature for act in run.acts if act.item.batch is not None]
    return used | {(one.signer, one.key_index) for one in seals}


def _named(key: Key) -> str:
    return f"{key[0]}, key {key[1]}"


def _key_record(run: Run, state: ChainState, key: Key) -> KeyWord:
    word = state.word(run.trust.institutions, key_record_slot(z_value(run.signers[key].public), key[1]))
    if word is None:
        raise VerificationFailed("key.unknown")
    record = KeyWord.parse(word)
    if (record.number, record.key_index) != key:
        raise VerificationFailed(
            "key.record_mismatch", expected=_named(key), got=f"{record.number}, {record.key_index}"
        )
    if not is_practitioner(record.number) and record.institution != record.number:
        raise VerificationFailed("key.record_mismatch", expected=record.number, got=record.institution)
    return record


def _identity_root(run: Run, state: ChainState, key: Key) -> bytes:
    root = state.word(run.trust.institutions, identity_root_slot(z_value(run.signers[key].public), key[1]))
    if root is None:
        raise VerificationFailed("storage.absent", detail="identity root")
    return root


def _check_signers(run: Run, act: Act, notes: Notes) -> None:
    """Each signer of a statement: on the side that its role says, with the role or function that its slot asks for."""
    for signature, wanted in zip(act.item.signed.signatures, _wanted(act), strict=True):
        key = (signature.signer, signature.key_index)
        record = run.keys.get(key)
        if record is None:
            notes.lack("verify.depends", _named(key))
            continue
        side = side_of(act.statement, signature.role)
        if record.institution != side:
            notes.fail("key.record_mismatch", f"{_named(key)}: expected institution {side}, got {record.institution}")
        if wanted and record.role != wanted:
            notes.fail("key.record_mismatch", f"{_named(key)}: expected role or function {wanted}, got {record.role}")
        _check_period(key, record, act.record, act.item.in_batch, notes)


def _wanted(act: Act) -> list[int]:
    """The role or function that each signature's slot asks for, 0 any; where the roles do not fit, step 5 failed."""
    signatures = act.item.signed.signatures
    if act.kind is not None:
        with suppress(TiezhengError):
            slots = signed_roles_fit(act.kind, signatures, bool(act.statement.flags & Flag.IRREGULAR))
            return [slot.required for slot in slots]
    return [0] * len(signatures)


def _check_operators(run: Run, notes: Notes) -> None:
    for act in run.acts:
        if act.item.batch is None:
            continue
        seal = act.item.batch.signature
        key = (seal.signer, seal.key_index)
        record = run.keys.get(key)
        if record is None:
            notes.lack("verify.depends", _named(key))
            continue
        if record.role != InstitutionRole.OPERATOR or is_practitioner(record.number):
            notes.fail("key.record_mismatch", f"{_named(key)}: expected role 9, got {record.role}")
        _check_period(key, record, act.record, False, notes)


def _check_period(key: Key, record: KeyWord, anchor: RecordWord | None, before_end: bool, notes: Notes) -> None:
    """Registry: from ≤ t ≤ until, as the contract checked it in the block. Batch: from ≤ t < until."""
    if anchor is None:
        notes.lack("verify.depends", f"{_named(key)}: block time")
        return
    time = anchor.block_time
    ended = time >= record.valid_until if before_end else time > record.valid_until
    if time < record.valid_from or ended:
        notes.fail("key.not_valid_then", f"{_named(key)}: {record.valid_from}..{record.valid_until}, block time {time}")


def _warn(run: Run) -> None:
    for key, record in run.keys.items():
        if record.custody == HOSTED:
            run.find(
                "key.hosted",
                f"签名人 {key[0]} 的密钥由平台托管。",
                f"The key of signer {key[0]} is held by the service.",
            )
        if record.compromised:
            run.find(
                "key.compromised_since",
                f"签名人 {key[0]} 的密钥被声明自 {record.compromised}（Unix 秒）起可能失密；此前的签名不受影响。",
                f"The key of signer {key[0]} is declared suspect since {record.compromised} (Unix seconds);"
                " earlier signatures stand.",
            )


def check_identities(run: Run, notes: Notes) -> None:
    """Step 10: each identity card proves into the identity root that was fixed with the key (§4.5)."""
    for key, signer in run.signers.items():
        if signer.card is None:
            notes.lack("bundle.card_missing", _named(key))
            continue
        root = run.roots.get(key)
        if root is None:
            notes.lack("verify.depends", f"{_named(key)}: identity root")
            continue
        try:
            card = check_card(signer.card, root, signer.number)
        except TiezhengError as error:
            notes.fail(error.code, f"{_named(key)}: {describe(error) or ''}")
            continue
        record = run.keys.get(key)
        if record is None:
            notes.lack("verify.depends", f"{_named(key)}: key record")
            continue
        run.cards[key] = card
        claimed = card.function if is_practitioner(signer.number) else card.role
        if card.institution not in (None, record.institution) or claimed not in (None, record.role):
            notes.fail("content.card", f"{_named(key)}: institution, role or function")
    if not run.signers:
        notes.lack("bundle.card_missing")
