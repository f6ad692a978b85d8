"""What spoils the bundles and the trust file of `spec/vectors`: edits, as `tests/support/edits.py` carries them out.

Guaranteed: nothing about outcomes; `scripts/make_bundle_vectors.py` writes down what the verifier says.
"flip" stands for a `set` with one hex digit changed.
"""

from typing import Any, Final, NamedTuple

Edits = list[list[Any]]
FIELD: Final = ["statements", 0, "content", "leaves", 4]
RECORD: Final = ["statements", 0, "content", "leaves", 9, "record"]
REASON: Final = ["statements", 2, "content", "leaves", 3]
SLOT: Final = ["chain", "accounts", 0, "slots", 0]
REGISTRY: Final = ["contracts", 1]
END: Final = 1_830_000_000_000


class Spoiled(NamedTuple):
    """A good bundle with edits to it and its trust file, verified at `at` ms (None: as the good one) with `files`."""

    name: str
    base: str
    edits: Edits
    trust_edits: Edits = []  # noqa: RUF012
    at: int | None = None
    files: tuple[dict[str, Any], ...] = ()


FORGED: Final = {"sha256": "00" * 32, "size": 760, "sm3": "11" * 32}
BUNDLES: Final = [
    Spoiled("a byte after the end", "deposit", [["text", "}$", "}\n"]]),
    Spoiled("a repeated member", "deposit", [["text", '"format":', '"format":"tiezheng/bundle/1","format":']]),
    Spoiled("an unknown member", "deposit", [["set", ["note"], 1]]),
    Spoiled("a member missing", "deposit", [["delete", ["witnesses"]]]),
    Spoiled("another format", "deposit", [["set", ["format"], "tiezheng/bundle/2"]]),
    Spoiled("upper-case hex", "deposit", [["text", '"target":"', '"target":"A']]),
    Spoiled("a target that is not there", "deposit", [["flip", ["target"]]]),
    Spoiled("no statements", "deposit", [["set", ["statements"], []]]),
    Spoiled("another lane's anchor", "deposit", [["set", ["statements", 0, "anchor"], None]]),
    Spoiled("a key that is no point", "deposit", [["flip", ["signers", 0, "y"]]]),
    Spoiled("another chain", "deposit", [["set", ["ledger", "chain_id"], 1]]),
    Spoiled("an altered field", "deposit", [["set", [*FIELD, "value"], "其他"]]),
    Spoiled("an altered path", "deposit", [["flip", [*FIELD, "path", 0]]]),
    Spoiled("a withheld content", "deposit", [["set", ["statements", 0, "content"], None]]),
    Spoiled("signers not disclosed", "deposit", [["delete", ["statements", 0, "content", "leaves", 0]]]),
    Spoiled("an altered record", "bulk", [["set", [*RECORD, "leaves", 0, "value"], "x"]]),
    Spoiled("an altered signature", "deposit", [["flip", ["statements", 0, "signatures", 0]]]),
    Spoiled("a signature dropped", "matter", [["delete", ["statements", 6, "signatures", 1]]]),
    Spoiled("an altered statement", "matter", [["flip", ["statements", 2, "statement"]]]),
    Spoiled("the institution's answer dropped", "marked", [["delete", ["statements", 2, "signatures", 0]]]),
    Spoiled("an irregular act without its reason", "marked", [["set", [*REASON, "value"], None]]),
    Spoiled("a header that is no header", "deposit", [["set", ["chain", "header"], "c0"]]),
    Spoiled("an altered header", "deposit", [["flip", ["chain", "header"]]]),
    Spoiled("an altered account node", "deposit", [["flip", ["chain", "accounts", 0, "nodes", 0]]]),
    Spoiled("an account missing", "deposit", [["delete", ["chain", "accounts", 0]]]),
    Spoiled("the registry's account missing", "deposit", [["delete", ["chain", "accounts", 1]]]),
    Spoiled("an altered storage node", "deposit", [["flip", [*SLOT, "nodes", 0]]]),
    Spoiled("a slot missing", "deposit", [["delete", SLOT]]),
    Spoiled("a slot of the registry missing", "deposit", [["delete", ["chain", "accounts", 1, "slots", 0]]]),
    Spoiled("the other slot of the registry missing", "deposit", [["delete", ["chain", "accounts", 1, "slots", 1]]]),
    Spoiled("a storage node missing", "deposit", [["delete", [*SLOT, "nodes", 1]]]),
    Spoiled("slots of a statement that is not there", "matter", [["delete", ["statements", 0]]]),
    Spoiled("another index in the batch", "bulk", [["set", ["statements", 0, "anchor", "index"], 3]]),
    Spoiled("an altered batch header", "bulk", [["flip", ["statements", 0, "anchor", "header"]]]),
    Spoiled("an altered seal of the batch", "bulk", [["flip", ["statements", 0, "anchor", "signature"]]]),
    Spoiled("a signer missing", "deposit", [["delete", ["signers", 0]]]),
    Spoiled("a signer of another key index", "deposit", [["set", ["signers", 0, "key_index"], 1]]),
    Spoiled("a withheld card", "deposit", [["set", ["signers", 0, "card"], None]]),
    Spoiled("a card without its number", "deposit", [["delete", ["signers", 0, "card", "leaves", 0]]]),
    Spoiled("an altered card", "deposit", [["set", ["signers", 0, "card", "leaves", 2, "value"], "假机构"]]),
    Spoiled("a cosignature dropped", "deposit", [["delete", ["witnesses", 1]]]),
    Spoiled("an altered cosignature", "deposit", [["flip", ["witnesses", 1, "signature"]]]),
    Spoiled("a cosignature of another time", "deposit", [["set", ["witnesses", 0, "seen"], 1]]),
    Spoiled("pending", "deposit", [["set", ["chain"], None], ["set", ["witnesses"], []]]),
    Spoiled("witnesses while pending", "deposit", [["set", ["chain"], None]]),
    Spoiled("an unknown file", "deposit", [], files=(FORGED,)),
    Spoiled("after the trust file's end", "deposit", [], at=END),
    Spoiled("trust in no procedure", "deposit", [], [["set", ["procedures"], []]]),
    Spoiled("trust in another code", "deposit", [], [["flip", [*REGISTRY, "code_hash"]]]),
    Spoiled("trust from a later block", "deposit", [], [["set", [*REGISTRY, "from"], 1_000_000]]),
    Spoiled("trust until an earlier block", "deposit", [], [["set", [*REGISTRY, "until"], 3]]),
    Spoiled("trust in a registry of another domain", "deposit", [], [["set", [*REGISTRY, "domain"], 2]]),
    Spoiled("trust in no registry", "deposit", [], [["delete", REGISTRY]]),
    Spoiled("trust in fewer witnesses", "deposit", [], [["delete", ["finality", "witnesses", 0]]]),
    Spoiled("trust in a chain without finality", "deposit", [], [["set", ["finality"], {"strategy": "dev"}]]),
    Spoiled("trust for another genesis", "deposit", [], [["flip", ["ledger", "genesis"]]]),
]  # fmt: skip
WITNESS: Final = ["finality", "witnesses", 0]
TRUSTS: Final[list[tuple[str, Edits]]] = [
    ("a byte after the end", [["text", "}$", "}\n"]]),
    ("an unknown member", [["set", ["note"], 1]]),
    ("a member missing", [["delete", ["issue"]]]),
    ("another format", [["set", ["format"], "tiezheng/trust/2"]]),
    ("issue zero", [["set", ["issue"], 0]]),
    ("a day that is none", [["set", ["issued_at"], "2026-02-30T08:00:00Z"]]),
    ("a time with a zone", [["set", ["issued_at"], "2026-11-01T08:00:00+08:00"]]),
    ("an end before the issue", [["set", ["valid_until"], "2026-11-01T08:00:00Z"]]),
    ("threshold zero", [["set", ["ledger", "threshold"], 0]]),
    ("another founding", [["flip", ["ledger", "founding"]]]),
    ("another contract id", [["flip", [*REGISTRY, "id"]]]),
    ("another address", [["flip", [*REGISTRY, "address"]]]),
    ("another role", [["set", [*REGISTRY, "role"], "notary"]]),
    ("registry without a domain", [["set", [*REGISTRY, "domain"], None]]),
    ("batch contract with a domain", [["set", ["contracts", 2, "domain"], 1]]),
    ("institutions with an end", [["set", ["contracts", 0, "until"], 9]]),
    ("no institutions", [["delete", ["contracts", 0]]]),
    ("an end below the start", [["set", [*REGISTRY, "until"], 2]]),
    ("two contracts of one role and time", [["set", ["contracts", 2, "domain"], 1],
     ["set", ["contracts", 2, "role"], "registry"]]),
    ("a procedure spoiled", [["set", ["procedures", 0, "kinds", 0, "step"], 0]]),
    ("unknown strategy", [["set", ["finality"], {"strategy": "qbft"}]]),
    ("dev with witnesses", [["set", ["finality", "strategy"], "dev"]]),
    ("more signatures than witnesses", [["set", ["finality", "threshold"], 4]]),
    ("witness threshold zero", [["set", ["finality", "threshold"], 0]]),
    ("witnesses out of order", [["set", [*WITNESS, "number"], 300]]),
    ("witness that is a practitioner", [["set", [*WITNESS, "number"], 0x8000_0001]]),
    ("witness key that is no point", [["flip", [*WITNESS, "y"]]]),
]  # fmt: skip
