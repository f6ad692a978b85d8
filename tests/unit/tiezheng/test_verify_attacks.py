"""Every step attacked: each row says what was done to a good bundle, the verdict and the step that notices."""

# ruff: noqa: E501  one attack a line
# fmt: off

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.support.attacks import (
    INCONCLUSIVE,
    INVALID,
    VALID,
    Case,
    account,
    bad_seal,
    broken_link,
    bulk,
    by_a_person_as_seal,
    by_another_key,
    by_the_court,
    changed_member,
    contracts,
    cosigned,
    drop_slot,
    dropped,
    edited,
    extra_account,
    extra_node,
    extra_slot,
    flip,
    for_batches,
    forged_header,
    good,
    key_of_another,
    key_slot,
    later_table,
    leaf,
    moved_leaf,
    never_recorded,
    no_account,
    of_another_ledger,
    one_witness,
    other_block,
    other_count,
    plan_of_another,
    re_roled,
    record_of,
    recorded,
    resigned,
    sealed_by_the_office,
    sealed_for_another,
    spare_bad,
    staged,
    swapped_cards,
    swapped_records,
    trusting,
    undisclosed_signers,
    unknown_kind,
    unlisted,
    unpinned,
    unpinned_in_a_role,
    unregistered,
    with_batch,
    with_counterparty,
    with_one_more,
    with_table_slot,
    without_the_operator,
)
from tests.support.words import word
from tests.support.world import (
    AT_MS,
    COURT,
    INSTITUTIONS,
    NOTARY,
    OFFICE,
    OPERATOR,
    REGISTRY,
    START,
    World,
)
from tests.unit.tiezheng.evm.trie_builder import keccak_of
from tiezheng.digest import sm3
from tiezheng.statement import Flag
from tiezheng.trust import DEV, FinalityRule
from tiezheng.verify import Result, Verdict, verify

D = "deposit"
STEPS: list[tuple[str, Callable[[], Case], Result, str, str]] = [
    # 2 trust
    ("another ledger's trust file", trusting(D, lambda w, t: World(seed="other").trust()), INVALID, "trust", "trust.ledger"),
    ("a bundle that names another chain", edited(D, lambda v: v["ledger"].update(chain_id=1)), INVALID, "trust", "trust.ledger"),
    ("an expired trust file", trusting(D, lambda w, t: replace(t, valid_until=t.issued_at.replace(day=10))), INCONCLUSIVE, "trust", "trust.expired"),
    # 3 statements
    ("a procedure that is not trusted", trusting(D, lambda w, t: replace(t, procedures=())), INCONCLUSIVE, "statements", "trust.procedure_unknown"),
    ("a pinned table that is not trusted", staged(later_table), INCONCLUSIVE, "statements", "trust.procedure_unknown"),
    ("a broken link", staged(broken_link), INVALID, "statements", "chain.link_mismatch"),
    ("a case pinned to another table", staged(with_table_slot), INVALID, "statements", "chain.record_mismatch"),
    ("an unknown kind", staged(unknown_kind), INVALID, "statements", "statement.kind"),
    ("a late flag", staged(lambda w: w.bundle([w.deposit(flags=Flag.LATE)])), INVALID, "statements", "procedure.late"),
    ("an irregular flag", staged(lambda w: w.bundle([w.deposit(flags=Flag.IRREGULAR)])), INVALID, "statements", "procedure.irregular"),
    ("terms in a kind without", staged(lambda w: w.bundle([w.deposit(terms=sm3(b"t"))])), INVALID, "statements", "statement.terms"),
    ("a counterparty where none may be named", staged(with_counterparty), INVALID, "statements", "procedure.counterparty"),
    # 4 content
    ("an altered field", edited(D, lambda v: leaf(v, "title").update(value="作品二")), INVALID, "content", "content.root_mismatch"),
    ("an altered salt", edited(D, lambda v: flip(leaf(v, "title"), "salt")), INVALID, "content", "content.root_mismatch"),
    ("an altered path", edited(D, lambda v: flip(leaf(v, "title"), "path", 0)), INVALID, "content", "content.root_mismatch"),
    ("a path too long", edited(D, lambda v: leaf(v, "title")["path"].append("00" * 32)), INVALID, "content", "merkle.path_length"),
    ("another field's name", edited(D, lambda v: leaf(v, "title").update(name="note")), INVALID, "content", "content.leaf_place"),
    ("two fields that change places", edited(D, moved_leaf), INVALID, "content", "content.leaf_place"),
    ("another leaf count", edited(D, lambda v: v["statements"][0]["content"].update(count=v["statements"][0]["content"]["count"] + 1)), INVALID, "content", "merkle.path_length"),
    ("another schema", edited(D, lambda v: v["statements"][0]["content"].update(schema=1)), INVALID, "content", "content.schema"),
    ("another content type", edited(D, lambda v: v["statements"][0].update(content=v["signers"][0]["card"])), INVALID, "content", "content.type"),
    ("an attachment of another size", edited(D, lambda v: leaf(v, "work.txt").update(size=1)), INVALID, "content", "content.root_mismatch"),
    ("a withheld content", edited(D, lambda v: v["statements"][0].update(content=None)), INCONCLUSIVE, "content", "content.withheld"),
    ("signers not disclosed", edited(D, undisclosed_signers), INCONCLUSIVE, "content", "content.signers_undisclosed"),
    ("another plan of signers", staged(plan_of_another), INVALID, "content", "content.signers_mismatch"),
    ("an altered record", edited("bulk", lambda v: record_of(v, 1)["record"]["leaves"][0].update(value="x")), INVALID, "content", "content.root_mismatch"),
    ("two records that change places", edited("bulk", swapped_records), INVALID, "content", "content.root_mismatch"),
    # 5 signatures
    ("a signature dropped", staged(resigned(dropped, "matter")), INVALID, "signatures", "signature.invalid"),
    ("a signature in another role", staged(resigned(re_roled, "matter")), INVALID, "signatures", "signature.invalid"),
    ("a signature for another contract", staged(resigned(for_batches)), INVALID, "signatures", "signature.invalid"),
    ("a signature by another key", staged(resigned(by_another_key)), INVALID, "signatures", "signature.invalid"),
    ("a signer of another institution", staged(resigned(by_the_court)), INVALID, "signatures", "signature.role"),
    ("one signature more", staged(resigned(with_one_more)), INVALID, "signatures", "signature.count"),
    ("a person who seals", staged(resigned(by_a_person_as_seal)), INVALID, "signatures", "signature.role"),
    ("an altered signature", edited(D, lambda v: flip(v, "statements", 0, "signatures", 0)), INVALID, "signatures", "signature.invalid"),
    ("an altered statement", edited("matter", lambda v: flip(v, "statements", 2, "statement", at=40)), INVALID, "signatures", "signature.invalid"),
    ("r of zero", edited(D, lambda v: v["statements"][0]["signatures"].__setitem__(0, v["statements"][0]["signatures"][0][:12] + "0" * 64 + v["statements"][0]["signatures"][0][76:])), INVALID, "signatures", "signature.invalid"),
    # 6 header
    ("a header cut short", edited(D, lambda v: v["chain"].update(header=v["chain"]["header"][:-2])), INVALID, "header", "rlp.truncated"),
    ("bytes after the header", edited(D, lambda v: v["chain"].update(header=v["chain"]["header"] + "00")), INVALID, "header", "rlp.trailing"),
    ("an altered header", edited(D, lambda v: flip(v, "chain", "header", at=-70)), INVALID, "finality", "signature.invalid"),
    # 7 contracts
    ("other code", trusting(D, lambda w, t: contracts(w, t, REGISTRY, code_hash=sm3(b"x"))), INVALID, "contracts", "chain.code_hash"),
    ("other code of the institutions", trusting(D, lambda w, t: contracts(w, t, INSTITUTIONS, code_hash=sm3(b"x"))), INVALID, "contracts", "chain.code_hash"),
    ("a contract that is not trusted", trusting(D, unlisted), INVALID, "contracts", "trust.contract_unknown"),
    ("an altered account node", edited(D, lambda v: flip(v, "chain", "accounts", 0, "nodes", 1)), INVALID, "contracts", "trie.node_hash"),
    ("another account's proof", edited(D, lambda v: account(v, REGISTRY).update(nodes=account(v, INSTITUTIONS)["nodes"])), INVALID, "contracts", "trie.wrong_nibble"),
    ("an account missing", edited(D, no_account), INCONCLUSIVE, "contracts", "bundle.proof_missing"),
    ("an account that nothing needs", edited(D, extra_account), INVALID, "contracts", "bundle.unused"),
    # 8 anchor
    ("a record that is not there", staged(never_recorded), INVALID, "anchor", "storage.absent"),
    ("a record without proof", edited(D, lambda v: drop_slot(v, REGISTRY, keccak_of(good(D)[1][0].statement.digest + word(0)))), INCONCLUSIVE, "anchor", "bundle.proof_missing"),
    ("a slot that nothing needs", edited(D, extra_slot), INVALID, "anchor", "bundle.unused"),
    ("a node that nothing needs", edited(D, extra_node), INVALID, "anchor", "trie.unused_nodes"),
    ("an altered storage node", edited(D, lambda v: flip(account(v, REGISTRY), "slots", 0, "nodes", 0)), INVALID, "anchor", "trie.root"),
    ("a status of another version", staged(recorded(status=7)), INVALID, "anchor", "chain.record_shape"),
    ("a record flagged late", staged(recorded(status=0x11)), INVALID, "anchor", "chain.record_shape"),
    ("a record of another case", staged(recorded(case=1)), INVALID, "anchor", "chain.record_mismatch"),
    ("a record of another kind", staged(recorded(position=3)), INVALID, "anchor", "chain.record_mismatch"),
    ("a record without a table", staged(recorded(index=0)), INVALID, "anchor", "chain.record_mismatch"),
    ("a record marked irregular", staged(recorded(status=0x21)), INVALID, "anchor", "chain.record_shape"),
    ("a record since revoked", staged(recorded(status=4)), VALID, "anchor", ""),
    ("a record late by time, after an irregular one, supplemented", staged(recorded(status=0xC9)), VALID, "anchor", ""),
    ("a record later than the block", staged(recorded(time=START + 601)), INVALID, "anchor", "chain.record_shape"),
    ("a record in a later block", staged(recorded(number=121)), INVALID, "anchor", "chain.record_shape"),
    ("a registry closed before", trusting(D, lambda w, t: contracts(w, t, REGISTRY, until_height=99)), INVALID, "anchor", "trust.contract_height"),
    ("a registry opened later", trusting(D, lambda w, t: contracts(w, t, REGISTRY, from_height=101)), INVALID, "anchor", "trust.contract_height"),
    ("another index in the batch", staged(bulk(with_batch(index=3))), INVALID, "anchor", "merkle.root_mismatch"),
    ("an index beyond the batch", staged(bulk(with_batch(index=5))), INVALID, "anchor", "merkle.index_range"),
    ("another path in the batch", staged(bulk(with_batch(path=(bytes(32),) * 3))), INVALID, "anchor", "merkle.root_mismatch"),
    ("a short path in the batch", staged(bulk(with_batch(path=()))), INVALID, "anchor", "merkle.path_length"),
    ("another count in the batch", staged(bulk(other_count)), INVALID, "anchor", "merkle.path_length"),
    ("a batch sealed by no operator", staged(bulk(sealed_by_the_office)), INVALID, "keys", "key.record_mismatch"),
    ("a batch sealed by another", staged(bulk(sealed_for_another)), INVALID, "anchor", "batch.operator"),
    ("a seal over another header", staged(bulk(bad_seal)), INVALID, "anchor", "signature.invalid"),
    ("a batch whose operator's key is left out", edited("bulk", without_the_operator), INCONCLUSIVE, "anchor", "bundle.signer_missing"),
    # 9 keys
    ("a key revoked before", staged(changed_member(OFFICE, valid_until=START + 99)), INVALID, "keys", "key.not_valid_then"),
    ("a key revoked in that second, registry", staged(changed_member(OFFICE, valid_until=START + 100)), VALID, "keys", ""),
    ("a key revoked in that second, batch", staged(changed_member(OFFICE, "bulk", valid_until=START + 100)), INVALID, "keys", "key.not_valid_then"),
    ("an operator's key revoked before", staged(changed_member(OPERATOR, "bulk", valid_until=START + 99)), INVALID, "keys", "key.not_valid_then"),
    ("an end without a reason", staged(changed_member(OFFICE, valid_until=START + 100, ended_by=0)), INVALID, "keys", "chain.record_shape"),
    ("a reason without an end", staged(changed_member(OFFICE, ended_by=2)), INVALID, "keys", "chain.record_shape"),
    ("a key registered later", staged(changed_member(OFFICE, valid_from=START + 101)), INVALID, "keys", "key.not_valid_then"),
    ("a key that is not registered", staged(unregistered), INVALID, "keys", "key.unknown"),
    ("another practitioner's key", staged(key_of_another), INVALID, "keys", "key.record_mismatch"),
    ("a practitioner of another institution", staged(changed_member(NOTARY, "matter", institution=COURT)), INVALID, "keys", "key.record_mismatch"),
    ("a practitioner of another function", staged(changed_member(NOTARY, "matter", role=2)), INVALID, "keys", "key.record_mismatch"),
    ("an institution of another role", staged(changed_member(OFFICE, role=4)), INVALID, "keys", "key.record_mismatch"),
    ("a key without proof", edited(D, lambda v: drop_slot(v, INSTITUTIONS, key_slot(good(D)[0], OFFICE, 0))), INCONCLUSIVE, "keys", "bundle.proof_missing"),
    ("an identity root without proof", edited(D, lambda v: drop_slot(v, INSTITUTIONS, key_slot(good(D)[0], OFFICE, 1))), INCONCLUSIVE, "keys", "bundle.proof_missing"),
    # 10 identity
    ("swapped identity cards", edited("matter", swapped_cards), INVALID, "identity", "content.root_mismatch"),
    ("an altered card", edited(D, lambda v: v["signers"][0]["card"]["leaves"][2].update(value="假机构")), INVALID, "identity", "content.root_mismatch"),
    ("a withheld card", edited(D, lambda v: v["signers"][0].update(card=None)), INCONCLUSIVE, "identity", "bundle.card_missing"),
    # 11 finality
    ("a development chain", trusting(D, lambda w, t: replace(t, finality=FinalityRule(DEV))), INCONCLUSIVE, "finality", "finality.dev"),
    ("a forged header with perfect proofs", staged(forged_header(True)), INVALID, "finality", "signature.invalid"),
    ("a forged header that nobody cosigned", staged(forged_header(False)), INCONCLUSIVE, "finality", "finality.threshold"),
    ("cosignatures of another block", staged(cosigned(other_block)), INVALID, "finality", "signature.invalid"),
    ("a spare cosignature that does not hold", staged(cosigned(spare_bad)), INVALID, "finality", "signature.invalid"),
    ("cosignatures of another ledger", staged(cosigned(of_another_ledger)), INVALID, "finality", "signature.invalid"),
    ("a witness that is not pinned", staged(cosigned(unpinned)), INCONCLUSIVE, "finality", "finality.witness_unknown"),
    ("a witness that is not pinned, in a role", staged(cosigned(unpinned_in_a_role)), INVALID, "finality", "signature.role"),
    ("cosignatures below the threshold", staged(cosigned(one_witness)), INCONCLUSIVE, "finality", "finality.threshold"),
    ("another time of seeing", edited(D, lambda v: v["witnesses"][0].update(seen=AT_MS + 1)), INVALID, "finality", "signature.invalid"),
    # 12 time
    ("an act ahead of the block", staged(lambda w: w.bundle([w.deposit(occurred=(START + 401) * 1000)])), INVALID, "time", "statement.future"),
    ("an act just within the allowance", staged(lambda w: w.bundle([w.deposit(occurred=(START + 400) * 1000)])), VALID, "time", ""),
]
# fmt: on


@pytest.mark.parametrize(("name", "attack", "result", "step", "code"), STEPS, ids=[row[0] for row in STEPS])
def test_each_attack_is_noticed_by_its_step(
    name: str, attack: Callable[[], Case], result: Result, step: str, code: str
) -> None:
    data, trust = attack()
    verdict = verify(data, trust, AT_MS)
    assert (verdict.result, verdict.step(step).reason_code or "") == (result, code), summary(verdict)
    if result is INCONCLUSIVE:
        assert not verdict.failed
        assert code in {item.code for item in verdict.missing}


def summary(verdict: Verdict) -> list[tuple[str, str, str | None, str | None]]:
    return [(step.id, step.status.value, step.reason_code, step.detail) for step in verdict.steps]
