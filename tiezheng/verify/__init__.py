"""The one verification of the product: bundle, trust file, time and files in, verdict out (spec/SPEC.md §12).

Guaranteed: pure and repeatable; the same input gives the same bytes of verdict, with or without caches. Not guaranteed:
anything that the verdict does not say PASSED.
"""

from tiezheng.verify.chain_state import Caches, ChainState
from tiezheng.verify.checklist import RULES, Rule, Verifier, verify
from tiezheng.verify.finality import STRATEGIES, witness_digest, witness_message
from tiezheng.verify.run import LabelledFile
from tiezheng.verify.verdict import Finding, Missing, Result, Status, Step, Verdict

__all__ = [
    "RULES",
    "STRATEGIES",
    "Caches",
    "ChainState",
    "Finding",
    "LabelledFile",
    "Missing",
    "Result",
    "Rule",
    "Status",
    "Step",
    "Verdict",
    "Verifier",
    "verify",
    "witness_digest",
    "witness_message",
]
