"""Refusals as a client receives them, held against the operator's signature.

Guaranteed: a refusal that passes is signed, for this statement and the contract of its lane, by a key that the service
names as the operator's. Not guaranteed: that the chain knows that key; whoever doubts it reads the operator's keys from
a node (`tiezheng audit`).
"""

from collections.abc import Mapping
from typing import Any

from tiezheng.canonical import dumps
from tiezheng.client.service import Client, LedgerView
from tiezheng.errors import NotFound, Unavailable, VerificationFailed
from tiezheng.json_members import read_hex
from tiezheng.receipt import RefusalFile, check_refusal, parse_refusal_file
from tiezheng.signature import PublicKey

_LANES = frozenset({"registry", "batch"})


class RefusalChecker:
    """Checks refusals of one ledger; asks the service once for the operator's keys."""

    def __init__(self, client: Client, ledger: LedgerView) -> None:
        self._client = client
        self._ledger = ledger
        self._keys: dict[int, PublicKey] = {}

    def check(self, told: Mapping[str, Any]) -> RefusalFile:
        """The refusal of a member of `Client.refusals`, or of a case's `refused`.

        Raises VerificationFailed `receipt.mismatch`, `signature.*`, NotFound `key.unknown`, Malformed as the kernel.
        """
        file = parse_refusal_file(dumps(told.get("refusal")))
        statement = read_hex(told.get("digest"), "digest", 32)
        lane = told.get("lane")
        if lane not in _LANES:
            raise Unavailable("service.answer", detail="no lane")
        if file.signature.signer != self._ledger.operator:
            raise VerificationFailed("signature.signer", expected=self._ledger.operator, got=file.signature.signer)
        check_refusal(file, self._key(file.signature.key_index), self._ledger.contract_ids[lane], statement)
        return file

    def fetch(self, digest: bytes) -> RefusalFile:
        """The checked refusal of one statement. Raises NotFound `receipt.not_found` where there is none."""
        lane = self._client.statement(digest).get("lane")
        file = parse_refusal_file(self._client.refusal(digest))
        return self.check({"digest": digest.hex(), "lane": lane, "refusal": file.to_json()})

    def _key(self, index: int) -> PublicKey:
        if not self._keys:
            for one in self._client.signer(self._ledger.operator).get("keys", []):
                point = read_hex(one.get("x"), "x", 32) + read_hex(one.get("y"), "y", 32)
                self._keys[int(one["key_index"])] = PublicKey.parse(point)
        if index not in self._keys:
            raise NotFound("key.unknown", got=index, detail="operator")
        return self._keys[index]
