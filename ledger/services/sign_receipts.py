"""The operator's receipts for statements that are taken together: one signature for each accepting contract.

Guaranteed: each receipt falls due as the service promises, from `now`. Not guaranteed: that anything is stored.
"""

from collections.abc import Sequence

from ledger.domain.accepting import accepting_contract
from ledger.domain.life import due, lane_of
from ledger.ports import OperatorSigner
from tiezheng.receipt import ReceiptFile, group_receipts, receipt_for, receipt_message
from tiezheng.signature import ROLE_INSTITUTION, Signature
from tiezheng.statement import SignedStatement
from tiezheng.trust import Trust


def sign_receipts(
    signer: OperatorSigner, trust: Trust, accepted: Sequence[SignedStatement], now: int
) -> dict[bytes, bytes]:
    """Receipt files by the statements' digests; `now` in ms."""
    files: dict[bytes, bytes] = {}
    by_contract: dict[bytes, list[SignedStatement]] = {}
    for signed in accepted:
        by_contract.setdefault(accepting_contract(trust, signed.statement).id, []).append(signed)
    for contract_id, group in by_contract.items():
        receipts = [receipt_for(signed, now, due(now), lane_of(signed.statement)) for signed in group]
        root, paths = group_receipts(receipts)
        r_s = signer.sign(receipt_message(root, signer.number, contract_id))
        signature = Signature(signer.number, ROLE_INSTITUTION, signer.key_index, r_s)
        for index, (signed, receipt, path) in enumerate(zip(group, receipts, paths, strict=True)):
            files[signed.digest] = ReceiptFile(receipt, index, len(group), tuple(path), signature).to_bytes()
    return files
