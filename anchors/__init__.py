"""From accepted statements to finality and proofs on the chain.

Chain clients, the single sender, batch sealing, proofs, reconciliation and the audit that rebuilds everything from the
chain alone. Proofs are checked with `tiezheng` before they are kept; an answer of a node is never believed for itself.
"""
